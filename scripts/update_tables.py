#!/usr/bin/env python3
"""Write the pages of docs/ that are read off declarations; a test says when one of them is out of date.

scripts/update_tables.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.core.columns import describe_type, fields_of  # noqa: E402  (the path must be set first)
from sim.core.files import atomic_write_text  # noqa: E402
from sim.engine.blocks.tables import TABLES  # noqa: E402
from sim.metrics.book import METRICS, Metric  # noqa: E402

_TABLES_HEAD = """\
# Tables of a run

What the Parquet files of a results folder hold, written by `scripts/update_tables.py` from the classes of
their rows (`sim/engine/blocks/rows.py`). A participant is numbered as in `accounts.parquet`. Amounts are
plain numbers in the unit named, not WAD.
"""


def tables_page() -> str:
    """Return docs/tables.md."""
    lines = [_TABLES_HEAD]
    for name, row in TABLES.items():
        lines += [f"## `{name}.parquet`", "", (row.__doc__ or "").strip(), ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for field in fields_of(row):
            kind = describe_type(field.type, field.column)
            lines.append(f"| `{field.name}` | {kind} | {field.column.unit} | {field.column.meaning} |")
        lines.append("")
    return "\n".join(lines)


_METRICS_HEAD = """\
# The metric book

Every number a run is judged by, written by `scripts/update_tables.py` from the entries in
`sim/metrics/entries`; `seawall metrics` prints the same. *Better* is the side on which the protocol is safer
or cheaper. *Markets* says over which markets a metric sums, or of which it speaks: shares of open interest
sum over all markets and stand over the open interest of market 0. A metric that needs the *twin* is null
where the run without forced flow was not run (`--no-twin`); when another one is null stands in its meaning.
"""
_BETTER = {1: "less", 0: "", -1: "more"}


def metrics_page() -> str:
    """Return docs/metrics.md."""
    entries = list(METRICS)
    return "\n".join(
        [
            _METRICS_HEAD,
            "## Keys of `summary.json`",
            "",
            "`digest` comes first; it identifies the run and measures nothing. `[expect]` takes all.",
            "",
            *_metric_table([metric for metric in entries if not metric.is_derived]),
            "",
            "## Derived from them",
            "",
            "In the tables of experiments and in `[expect]`.",
            "",
            *_metric_table([metric for metric in entries if metric.is_derived]),
            "",
        ]
    )


def _metric_table(metrics: list[Metric]) -> list[str]:
    """Return one row for each metric."""
    head = "| metric | label | meaning | unit | kind | better | family | markets | needs |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for metric in metrics:
        null = f" Null if {metric.undefined}." if metric.undefined else ""
        cells = (
            f"`{metric.name}`", metric.label, metric.meaning + null, metric.quantity, metric.kind,
            _BETTER[metric.direction], metric.family, metric.markets, ", ".join(metric.worlds),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "metrics.md": metrics_page,
    ROOT / "docs" / "tables.md": tables_page,
}
"""File -> what it must say."""


def main() -> None:
    """Write every page that is out of date."""
    for path, write in PAGES.items():
        text = write()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            atomic_write_text(path, text)
            print(path)


if __name__ == "__main__":
    main()
