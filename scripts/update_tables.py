#!/usr/bin/env python3
"""Write the pages of docs/ that are read off declarations; a test says when one of them is out of date.

scripts/update_tables.py
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from pydantic.fields import FieldInfo  # noqa: E402  (the path must be set first)

from sim.core.columns import describe_type, fields_of  # noqa: E402  (the path must be set first)
from sim.core.documents.fields import Table, choices_of, tables_in, values_in  # noqa: E402
from sim.core.files import atomic_write_text  # noqa: E402
from sim.core.units import WAD  # noqa: E402
from sim.engine.blocks.tables import OPTIONAL_TABLES, TABLES  # noqa: E402
from sim.engine.scenario.compose import scenario_class  # noqa: E402
from sim.metrics.book import METRICS, Metric  # noqa: E402
from sim.protocol.governance import rules  # noqa: E402
from sim.protocol.parameters.table import STRUCTS, Condition, Parameter, Struct  # noqa: E402

_TABLES_HEAD = """\
# Tables of a run

What the Parquet files of a results folder hold, written by `scripts/update_tables.py` from the classes of
their rows (`sim/engine/blocks/rows.py`). A participant is numbered as in `accounts.parquet`. Amounts are
plain numbers in the unit named, not WAD.
"""

_PARAMETERS_HEAD = """\
# Parameters of the contracts

Every parameter by struct and by the contracts' own names, written by `scripts/update_tables.py` from the
table in `sim/protocol/parameters`. Scenarios, the governor, reports and documents read that table; a test
deploys every struct at its bounds and a unit beyond them. Names that end in `_seconds`, `_sources` or
`_status` are whole numbers on chain, everything else has 18 decimals. What steps and sides mean is in
[governance](governance.md).
"""


def tables_page() -> str:
    """Return docs/tables.md."""
    lines = [_TABLES_HEAD]
    for name, row in (TABLES | OPTIONAL_TABLES).items():
        lines += [f"## `{name}.parquet`", "", inspect.getdoc(row) or "", ""]
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
or cheaper. *Markets* says over which markets a metric sums, or of which it speaks; what a share
stands over sums over the same markets as its numerator. A metric that needs another *world* is null
where it was not run (`--worlds`, [worlds](worlds.md)); when another one is null stands in its meaning.
"""


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
            metric.better, metric.family, metric.markets, ", ".join(metric.worlds),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def parameters_page() -> str:
    """Return docs/parameters.md."""
    lines = [_PARAMETERS_HEAD]
    for struct in STRUCTS:
        lines += [f"## `{struct.name}`", "", f"{struct.meaning} {_changed(struct)}", ""]
        lines += [f"Keys of `[{struct.section}]`; bounds checked in `{struct.checked_in}`.", ""]
        lines += ["| parameter | unit | bounds | default | meaning | source of the default |"]
        lines += ["|---|---|---|---|---|---|", *map(_parameter_row, struct), ""]
        lines += [f"- {_condition(condition)}" for condition in struct.conditions]
        if struct.conditions:
            lines.append("")
        if struct.name in rules.GOVERNED:
            lines += _governed(rules.GOVERNED[struct.name])
    lines += ["## A change of formula", "", "What it may do to the ratios and the haircut of a market.", ""]
    return "\n".join(lines + _governed(rules.RESULTS))


def _parameter_row(row: Parameter) -> str:
    low, high = f"{float(row.minimum):g}", f"{float(row.maximum):g}"
    bounds = f"{'above ' if row.above else ''}{low} to {'below ' if row.below else ''}{high}"
    if row.checked == "minimum":
        bounds += "; the contract has no upper bound, this one is an assumption"
    if row.switch:
        bounds += f", or none with `{row.switch} = false`"
    default = f"`{row.key}`" if row.key else f"{row.default:g}"
    return f"| `{row.name}` | {row.unit} | {bounds} | {default} | {row.meaning} | {row.source} |"


def _condition(condition: Condition) -> str:
    high = f"`{condition.high}`" if isinstance(condition.high, str) else f"{condition.high / WAD:g}"
    low = " + ".join(f"`{name}`" for name in condition.low)
    return f"{low} is {'below' if condition.strict else 'at most'} {high}"


def _changed(struct: Struct) -> str:
    days = rules.DELAY_SECONDS // rules.DAY_SECONDS
    if struct.model is not None:
        return f"Changed by the governor's `set_model`, {days} days after the proposal."
    if struct.setter is not None:
        call = f"{struct.contract}.{struct.setter.function}"
        return f"Changed by the governor through `{call}`, {days} days after the proposal."
    return "Fixed at deployment: nobody can change it."


def _governed(fields: Mapping[str, rules.FieldRule]) -> list[str]:
    lines = ["| word | the governor's bounds | largest step | always | tighter | source of these bounds |"]
    lines.append("|---|---|---|---|---|---|")
    for name, rule in fields.items():
        bounds = f"{float(rule.minimum):g} to {float(rule.maximum):g}"
        bounds += ", or none" if rule.unlimited else ""
        steps = f"+{rule.increase:.0%} / -{rule.decrease:.0%}"
        side = {"": "-", "higher": "up", "lower": "down"}[rule.tighter]
        lines.append(f"| `{name}` | {bounds} | {steps} | {rule.step:g} | {side} | {rule.source} |")
    return [*lines, ""]


_SCENARIO_HEAD = """\
# Keys of a scenario

Every table a scenario file may have, written by `scripts/update_tables.py` from the classes that read it.
`0` in the name of a table stands for each entry of a list, a word after a colon for the choice that makes
the table what it is. What the contracts make of the keys of `protocol` and who may change them is in
[parameters.md](parameters.md); `seawall schema` prints this page as JSON Schema.
"""


def scenario_page() -> str:
    """Return docs/scenario.md."""
    lines = [_SCENARIO_HEAD]
    for table in tables_in(scenario_class()):
        values = list(values_in(table.section))
        lines += [f"## {f'`{table.place}`' if table.place else 'Top of the file'}", ""]
        lines += [_one_line(table.section.__doc__), ""]
        if values:
            lines += ["| key | default | allowed | unit | meaning | source of the default |"]
            lines += [
                "|---|---|---|---|---|---|",
                *(_key_row(table, name, field) for name, field in values),
                "",
            ]
    return "\n".join(lines)


def _key_row(table: Table, name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    cells = [
        f"`{name}`",
        _default(table, name, field),
        _allowed(field),
        str(extra.get("unit", "")),
        field.description or "",
        table.sources.get(name, str(extra.get("source", ""))),
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _default(table: Table, name: str, field: FieldInfo) -> str:
    if table.default is None and field.is_required():
        return "required"
    value = field.default if table.default is None else getattr(table.default, name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value) if value or value == 0 else "empty"


def _allowed(field: FieldInfo) -> str:
    if words := choices_of(field):
        return ", ".join(map(str, words))
    limits = {type(limit).__name__: limit for limit in field.metadata}
    parts = []
    for kind, word in (("Ge", "from"), ("Gt", "above"), ("Le", "to"), ("Lt", "below")):
        if kind in limits:
            parts.append(f"{word} {getattr(limits[kind], kind.lower()):g}")
    return " ".join(parts)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").strip().partition("\n\n")[0].split())


PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "metrics.md": metrics_page,
    ROOT / "docs" / "parameters.md": parameters_page,
    ROOT / "docs" / "scenario.md": scenario_page,
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
