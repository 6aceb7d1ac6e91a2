#!/usr/bin/env python3
"""Write docs/mechanisms.md: what of a dynamic-collateral margin engine stands here, and what it changes.

    mechanisms.py             writes the page from mechanisms.toml and what was measured
    mechanisms.py --check     writes nothing; exit 1 if a row names what is not there, if it was measured of
                              other inputs or not at all, or if the page is out of date
    mechanisms.py --measure   runs each row's scenario with the mechanism off and on, on the same paths, and
                              stores the difference; --only ID ID takes single rows, and runs arms that
                              they share once

A row is checked against the code: the function of a contract, the key of a scenario, the section of an agent,
the test. What it changes is measured by hand, since that takes an hour; the page says of which contracts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Container, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.generated_page import write_or_check  # noqa: E402  (the project must be on the path first)
from scripts.mechanism_metrics import OWN, add_to_book  # noqa: E402
from sim.agents.kind import AGENTS  # noqa: E402
from sim.core.documents.fields import tables_in, values_in  # noqa: E402
from sim.core.files import atomic_write_text  # noqa: E402
from sim.engine.paths import PathOptions, run_path  # noqa: E402
from sim.engine.scenario.compose import scenario_class  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.metrics.book import METRICS, path_metrics  # noqa: E402
from sim.metrics.statistics.over_paths import same_words  # noqa: E402
from sim.metrics.statistics.paired import paired_difference  # noqa: E402

ROWS = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "mechanisms.md"
MEASURED = PAGE.with_suffix(".json")
PATHS = 20
"""Paths of a row, the same in both arms: the issue asks for at least so many."""
CONFIDENCE = 0.95

_FILE = re.compile(r"\b(?:docs|scenarios|scripts|tests)/[\w./-]*\w")
"""What a proof names by its path."""

STATES = ("works", "part", "next")
LISTS = {"mechanism": "Mechanisms of margin engines", "vocabulary": "Words of the field"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mechanism. The keys are explained at the head of ``mechanisms.toml``."""

    id: str
    term: str
    list: str
    state: str
    lacks: str = ""
    function: str = ""
    switch: str = ""
    agent: str = ""
    test: str = ""
    scenario: str = ""
    off: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    metric: str = ""
    outcome: str = ""
    proof: str = ""
    same_as: str = ""
    """Id of the row that says the rest."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is compared: what the mechanism acts on, and the outcome if it is another."""
        return (self.metric, self.outcome) if self.outcome else (self.metric,)

    @property
    def inputs(self) -> str:
        """Hash of what its measurement is of: the scenario's text, both arms, the metrics, how many paths."""
        text = (ROOT / "scenarios" / f"{self.scenario}.toml").read_text(encoding="utf-8")
        stated = json.dumps([text, self.off, self.on, *self.metrics, PATHS])
        return hashlib.sha256(stated.encode()).hexdigest()[:16]


def read_rows() -> dict[str, Row]:
    """Return the rows by id, what is the same as another's filled in.

    Raises
    ------
    SystemExit
        A row has a key that there is none of, or names a row that is not there.
    """
    known = {field.name for field in fields(Row)}
    rows: dict[str, Row] = {}
    for table in tomllib.loads(ROWS.read_text(encoding="utf-8"))["row"]:
        given = {"same_as" if key == "as" else key: _frozen(value) for key, value in table.items()}
        if unknown := sorted(set(given) - known):
            raise SystemExit(f"{ROWS.name}: row {table.get('id')}: unknown key {unknown[0]}")
        if same := given.get("same_as"):
            if same not in rows:
                raise SystemExit(f"{ROWS.name}: row {table['id']}: as = {same!r} names no row before it")
            rest = {name: getattr(rows[same], name) for name in ("function", "switch", "agent", "test")}
            given = {**rest, **given}
        rows[given["id"]] = Row(**given)
    return rows


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def _keys() -> frozenset[str]:
    """Return every key that a scenario may have, without the words that choose one table of several."""
    places = (
        table.path(name) for table in tables_in(scenario_class()) for name, _ in values_in(table.section)
    )
    keys = frozenset(".".join(part.partition(":")[0] for part in place.split(".")) for place in places)
    # A table chosen by a word is no value, and a key of its own all the same.
    return keys | {key.rpartition(".")[0] for key in keys}


def problems(row: Row) -> list[str]:
    """Return what a row says that the code does not."""
    found = []
    if row.list not in LISTS or row.state not in STATES:
        found.append(f"list {row.list!r} or state {row.state!r} is none")
    if (row.state == "works") == bool(row.lacks):
        found.append("what works lacks nothing, and what does not says what it lacks")
    if row.function:
        file, _, name = row.function.partition(":")
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8"):
            found.append(f"there is no function {row.function}")
    if row.switch and row.switch not in _keys():
        found.append(f"no scenario has the key {row.switch}")
    if row.agent and row.agent not in {kind.name for kind in AGENTS}:
        found.append(f"there is no agent {row.agent}")
    if row.test and not (ROOT / row.test).exists():
        found.append(f"there is no test {row.test}")
    found += [
        f"there is no metric {name}"
        for name in row.metrics
        if name and name not in METRICS and name not in OWN
    ]
    if row.outcome and (row.outcome == row.metric or not row.metric):
        found.append("its outcome is no other metric")
    found += [f"there is no {file}" for file in _FILE.findall(row.proof) if not (ROOT / file).exists()]
    if row.state != "next" and not (row.scenario or row.proof or row.same_as):
        found.append("it is neither measured nor proven")
    shown_elsewhere = not row.scenario and (row.proof or row.same_as)
    if row.state == "works" and not shown_elsewhere and not (row.switch and row.agent and row.test):
        found.append("what works has a switch, an agent and a test")
    if row.scenario and row.off == row.on:
        found.append("both arms are the same")
    if row.scenario and not found:
        for arm in (row.off, row.on):
            load_scenario(ROOT / "scenarios" / f"{row.scenario}.toml", overrides=list(arm))
    return found


@cache
def contracts_hash() -> str:
    """Return a hash of every contract's text."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "contracts").rglob("*.vy*")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def unmeasured(rows: dict[str, Row], measured: dict[str, Any]) -> list[str]:
    """Return which rows with a scenario were not measured, or of other inputs than they name."""
    found = []
    for row in rows.values():
        if not row.scenario:
            continue
        if row.id not in measured:
            found.append(f"{row.id}: not measured: --measure --only {row.id}")
        elif measured[row.id]["inputs"] != row.inputs:
            found.append(f"{row.id}: measured of other inputs than it names: --measure --only {row.id}")
    return found


def _one(scenario: str, arm: tuple[str, ...], path: int) -> dict[str, float]:
    document = load_scenario(ROOT / "scenarios" / f"{scenario}.toml", overrides=list(arm))
    return path_metrics(run_path(document, PathOptions(path=path)).summary)


def measure(rows: dict[str, Row], only: Container[str] | None, workers: int) -> None:
    """Run both arms of each row and store what they differ by. Arms that several rows share are run once."""
    stored = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    wanted = [row for row in rows.values() if row.scenario and (only is None or row.id in only)]
    with ProcessPoolExecutor(workers, initializer=add_to_book) as pool:
        runs: dict[tuple[str, tuple[str, ...]], list[Any]] = {}
        for row in wanted:
            for arm in (row.off, row.on):
                if (row.scenario, arm) not in runs:
                    runs[row.scenario, arm] = [
                        pool.submit(_one, row.scenario, arm, path) for path in range(PATHS)
                    ]
        for row in wanted:
            off, on = ([future.result() for future in runs[row.scenario, arm]] for arm in (row.off, row.on))
            stored[row.id] = {
                "inputs": row.inputs, "contracts": contracts_hash(), "paths": PATHS,
                **_compared(off, on, row.metric),
            }  # fmt: skip
            if row.outcome:
                stored[row.id]["outcome"] = _compared(off, on, row.outcome)
            print(row.id, stored[row.id], flush=True)
            kept = {key: stored[key] for key in rows if key in stored}
            atomic_write_text(MEASURED, json.dumps(kept, indent=1) + "\n")


def _compared(
    off: Sequence[dict[str, float]], on: Sequence[dict[str, float]], metric: str
) -> dict[str, float]:
    """Return the means of both arms, and the paired difference with its interval.

    Where all paths differ by the same, both ends are that difference: it has no interval.
    """
    without, with_it = ([path[metric] for path in paths] for paths in (off, on))
    found = paired_difference(with_it, without, confidence=CONFIDENCE).difference
    means = {"off": sum(without) / PATHS, "on": sum(with_it) / PATHS}
    differences = {one - other for one, other in zip(with_it, without, strict=True)}
    if len(differences) == 1:
        (same,) = differences
        return {**means, "difference": same, "low": same, "high": same}
    return {**means, "difference": found.mean, "low": found.lower, "high": found.upper}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _change(row: Row, measured: dict[str, Any]) -> str:
    """Return what a row changes, in words, or where it is shown instead."""
    if not row.scenario:
        return row.proof or (f"see `{row.same_as}`" if row.same_as else "")
    if row.id not in measured:
        return "not measured yet"
    found = measured[row.id]
    both = [name for name in row.off if name in row.on]
    off, on = (
        " ; ".join(_code(name) for name in arm if name not in both) or ("no more" if both else "as it ships")
        for arm in (row.off, row.on)
    )
    where = f"`{row.scenario}`" + (f" with {' ; '.join(map(_code, both))}" if both else "")
    said = f"{where}, off: {off}, on: {on}. {_difference(row.metric, found)}"
    if "outcome" in found:
        said += f"; {_difference(row.outcome, found['outcome'])}"
    return f"{said}. {row.proof}" if row.proof else said


def _difference(metric: str, found: dict[str, Any]) -> str:
    """Return what one metric was without and with a mechanism."""
    said = (
        f"`{metric}` {_number(found['off'])} off, {_number(found['on'])} on; difference"
        f" {_number(found['difference'])}"
    )
    if found["low"] == found["high"]:
        return f"{said}, {same_words(PATHS, PATHS, CONFIDENCE).replace('value', 'difference')}"
    said += f" ({_number(found['low'])} to {_number(found['high'])})"
    if found["low"] <= 0.0 <= found["high"]:
        said += f", **which {PATHS} paths do not tell from none**"
    return said


def page(rows: dict[str, Row], measured: dict[str, Any]) -> str:
    """Return the page."""
    counted = {
        name: [sum(row.state == state for row in rows.values() if row.list == name) for state in STATES]
        for name in LISTS
    }
    older = sorted({found["contracts"] for found in measured.values()} - {contracts_hash()})
    lines = [
        "# Mechanisms",
        "",
        "Made by `scripts/mechanisms.py` from `scripts/mechanisms.toml`; `--check`, in the gate, compares",
        "each row with the code. What a row changes is the paired difference, on less off, over the same",
        f"{PATHS} paths of a scenario that ships, with its 95 % t interval, measured by hand (`--measure`):",
        "first of what the mechanism acts on, then, where that is no outcome, of one. A mechanism that",
        "changes no outcome there is no better for being on. Where all paths differ by the same there is no",
        "interval, but how many paths may differ otherwise. Some scenarios and metrics were chosen after",
        f"others had told nothing over {PATHS} paths, and after trials on two to four of these; their",
        "intervals are not wider for it.",
        "",
        *(
            f"* {title}: {works} work, {part} in part, {later} not begun."
            for (name, title) in LISTS.items()
            for works, part, later in [counted[name]]
        ),
    ]
    if older:
        lines += ["", f"Rows measured of other contracts than today's: {_of_older(rows, measured)}."]
    for name, title in LISTS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| | state | decided by | switched by | exercised by | tried in | changes |",
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for row in rows.values():
            if row.list == name:
                state = row.state if not row.lacks else f"{row.state}: {row.lacks}"
                cells = [
                    f'<a id="{row.id}"></a>{row.term}',
                    state,
                    _code(row.function.replace("contracts/", "")),
                    _code(row.switch), _code(row.agent), _code(row.test.replace("tests/", "")),
                    _change(row, measured),
                ]  # fmt: skip
                lines.append(f"| {' | '.join(cells)} |")
    used = {name for row in rows.values() for name in row.metrics}
    if own := [f"* `{name}`: {metric.meaning}" for name, metric in OWN.items() if name in used]:
        lines += ["", "## Metrics of this page alone", "", *own]
    return "\n".join(lines) + "\n"


def _of_older(rows: dict[str, Row], measured: dict[str, Any]) -> str:
    old = [
        row.id
        for row in rows.values()
        if measured.get(row.id, {}).get("contracts") not in (None, contracts_hash())
    ]
    return ", ".join(f"`{name}`" for name in old)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def main() -> int:
    """Check the rows, measure if asked, write the page or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="ID", help="ids of the rows to measure")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    rows = read_rows()
    wrong = [f"{row.id}: {problem}" for row in rows.values() for problem in problems(row)]
    wrong += [f"{name}: there is no such row" for name in asked.only or () if name not in rows]
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    if asked.measure and not wrong:
        measure(rows, asked.only, asked.workers)
        measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    wrong += unmeasured(rows, measured)
    for problem in wrong:
        print(f"{ROWS.name}: {problem}", file=sys.stderr)
    return max(bool(wrong), write_or_check(PAGE, page(rows, measured), check=asked.check))


if __name__ == "__main__":
    sys.exit(main())
