"""What there is: scenarios, the schema of their files, and the metric book."""

import json
import re
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.engine.scenario.compose import json_schema
from sim.engine.scenario.load import load_scenario
from sim.metrics.book import METRICS, Metric


def print_scenarios(folder: Path, *, as_json: bool) -> None:
    """Print name, question, length and size of every scenario in a folder."""
    loaded = [(path, load_scenario(path)) for path in sorted(folder.glob("*.toml"))]
    if as_json:
        rows = [
            {
                "name": path.stem,
                "path": str(path),
                "title": scenario.title,
                "question": scenario.question,
                "blocks": scenario.blocks,
                "seconds_per_block": scenario.seconds_per_block,
                "accounts": scenario.participants,
                "risk_model": scenario.protocol.risk_model,
            }
            for path, scenario in loaded
        ]
        print(json.dumps(rows, indent=2))  # noqa: T201  (the command's output)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("Scenario", "Question", "Blocks", "Accounts"):
        table.add_column(heading, justify="left" if heading in ("Scenario", "Question") else "right")
    for path, scenario in loaded:
        question = re.sub(r"\s+", " ", scenario.question)
        table.add_row(
            escape(path.stem), escape(question), f"{scenario.blocks:,}", f"{scenario.participants:,}"
        )
    Console(highlight=False).print(table)


def print_schema() -> None:
    """Print the JSON Schema of a scenario file."""
    print(json.dumps(json_schema(), indent=2))  # noqa: T201  (the command's output)


def print_metrics(*, as_json: bool) -> None:
    """Print every metric of the book, those of plug-ins among them."""
    if as_json:
        print(json.dumps([_metric_record(metric) for metric in METRICS], indent=2))  # noqa: T201
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, show_lines=False)
    table.add_column("Metric", no_wrap=True)
    table.add_column("Meaning")
    for metric in METRICS:
        facts = (
            metric.quantity,
            f"{metric.better} is better" if metric.better else "",
            metric.markets.replace("all", "all markets") if metric.markets != "none" else "",
            "derived" if metric.is_derived else "",
            *(f"needs the world {world}" for world in metric.worlds),
        )
        table.add_row(
            f"{escape(metric.name)}\n[dim]{escape(metric.label)}[/dim]",
            f"{escape(metric.meaning)}\n[dim]{escape('; '.join(fact for fact in facts if fact))}[/dim]",
        )
    Console(highlight=False).print(table)


def _metric_record(metric: Metric) -> dict[str, object]:
    """Return what an entry declares, as data."""
    return {
        "name": metric.name,
        "label": metric.label,
        "meaning": metric.meaning,
        "unit": metric.unit,
        "unit_words": metric.quantity,
        "kind": metric.kind,
        "better": metric.better or None,
        "family": metric.family,
        "section": metric.section,
        "markets": metric.markets,
        "worlds": list(metric.worlds),
        "undefined": metric.undefined or None,
        "derived": metric.is_derived,
    }
