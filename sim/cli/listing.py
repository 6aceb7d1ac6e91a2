"""What ships: scenarios and the schema of their files."""

import json
import re
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.engine.scenario.compose import json_schema
from sim.engine.scenario.load import load_scenario


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
