"""The summary of a run for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from sim.metrics.book import DIGEST, METRICS
from sim.reporting.formatting import is_missing, number
from sim.reporting.vocabulary import write_value

SECTIONS = ("Price", "Cascade", "Losses", "Margin", "Chain", "Run")


def summary_table(summary: Mapping[str, Any], timing: Mapping[str, Any] | None = None) -> RenderableType:
    """Return the summary as a table for ``rich``: one row per key, grouped, with units.

    Parameters
    ----------
    summary
        Content of ``summary.json``. Keys without a description are listed last as they are.
    timing
        Content of ``timing.json``; adds the speed of the run.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("", style="dim", no_wrap=True, min_width=8)
    table.add_column("Outcome", no_wrap=True, min_width=27)
    table.add_column("Value", justify="right", no_wrap=True)
    table.add_column("Unit", style="dim", no_wrap=True)
    for section in SECTIONS:
        listed = [metric for metric in METRICS if metric.section == section and metric.name in summary]
        for position, metric in enumerate(listed):
            value = summary[metric.name]
            table.add_row(
                section if position == 0 else "",
                escape(metric.label),
                write_value(metric, value),
                escape(metric.quantity) if not is_missing(value) else "",
                style=_alarm(metric.name, value),
                end_section=position == len(listed) - 1,
            )
    for key in sorted(set(summary) - set(METRICS.names()) - {DIGEST}):
        if isinstance(summary[key], (int, float, str)):
            table.add_row(
                "", escape(key), escape(number(summary[key], 2 if isinstance(summary[key], float) else 0)), ""
            )
    if timing and timing.get("wall_seconds"):
        table.add_row("Speed", "Wall time", number(timing["wall_seconds"], 1), "seconds")
        table.add_row("", "Speed", number(timing.get("blocks_per_second"), 0), "blocks a second")
    if summary.get("digest"):
        table.add_row("Proof", "Digest", escape(str(summary["digest"])[:16]) + "…", "SHA-256")
    return table


def _alarm(key: str, value: object) -> str:
    """Return the colour of a row that a reader must not miss."""
    if key in ("invariant_violations", "fund_depleted", "socialized_loss") and value:
        return "bold red"
    if key in ("bad_debt", "auto_deleveraged_notional") and value:
        return "yellow"
    return ""
