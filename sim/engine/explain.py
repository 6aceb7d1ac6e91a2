"""Executes a stored run again up to its finding and tells what happened there.

A finding is an invariant that broke, which ends the run with a crash report, or a margin formula that failed,
after which a run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.columns import to_arrow
from sim.core.errors import InputError, InvariantViolation
from sim.core.folders import Folder
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.rows import FormulaFailureRow
from sim.engine.options import RunOptions
from sim.engine.results.folder import StoredRun, open_run, stored_crash, stored_run
from sim.engine.results.formula_story import TABLE, inputs_of, story
from sim.engine.results.result import CRASH_FILE, MARKER
from sim.engine.run import build_world, load_histories
from sim.protocol.event_words import named, worded

TOLD = 10
"""Failures that are told one by one."""

_LATER = ("refused", "blocks", "answered_block")
"""Columns of a failure that are not known in its first block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a folder's finding leads to when it is executed again."""

    reproduced: bool
    lines: tuple[str, ...]


def explain(place: Path) -> Explanation:
    """Execute a stored run up to the block of its finding.

    Parameters
    ----------
    place
        ``crash.json``, the folder it lies in, or the folder of a run in which a margin formula failed.

    Raises
    ------
    InputError
        It is neither, or no formula failed in the run.
    """
    folder = place if place.is_dir() else place.parent
    files = Folder(folder)
    if files.has(MARKER) and not files.has(CRASH_FILE):
        return _explain_formulas(folder)
    return _explain_violation(stored_crash(folder))


def _explain_violation(stored: StoredRun) -> Explanation:
    block, invariant = stored.data["block"], stored.data["invariant"]
    loop = _loop(stored)
    try:
        _run_to(loop, block, stored.scenario.blocks)
    except InvariantViolation as violation:
        lines = [f"{violation.invariant} broken at block {violation.block}", violation.message, ""]
        lines += _events(loop, violation.block)
        same = violation.invariant == invariant and violation.block == block
        return Explanation(reproduced=same, lines=tuple(lines))
    return Explanation(
        reproduced=False,
        lines=(f"{invariant} was reported at block {block}, but {block} blocks pass every invariant here",),
    )


def _explain_formulas(folder: Path) -> Explanation:
    files = open_run(folder)
    stored = stored_run(files)
    failures = files.table(TABLE).to_pylist()
    if not failures:
        raise InputError(
            f"{folder}: there is nothing to explain: every invariant held and every margin formula answered"
        )
    block = failures[0]["block"]
    loop = _loop(stored)
    _run_to(loop, block, stored.scenario.blocks)
    found = [row for row in loop.formulas.failures() if row.block == block]
    fresh = to_arrow(FormulaFailureRow, found).to_pylist()
    then = [_known_at_once(row) for row in failures if row["block"] == block]
    if [_known_at_once(row) for row in fresh] != then:
        line = f"a margin formula was recorded to fail in block {block}, but there it does not fail so here"
        return Explanation(reproduced=False, lines=(line,))
    lines: list[str] = []
    person = _person(loop)
    for row in failures[:TOLD]:
        lines += [*story(row, stored.scenario.markets[row["market"]].name, person), "", "It was asked with:"]
        lines += [f"  {one.name:<20} {one.value:>22}  {one.unit:<13} {one.meaning}" for one in inputs_of(row)]
        lines.append("")
    if len(failures) > TOLD:
        lines += [f"and {len(failures) - TOLD:,} more in {folder / TABLE}.parquet", ""]
    return Explanation(reproduced=True, lines=(*lines, *_events(loop, block)))


def _known_at_once(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _LATER}


def _loop(stored: StoredRun) -> BlockLoop:
    """Return the loop of a stored run before its first block."""
    options = RunOptions(
        out=stored.folder,
        engine=stored.data.get("engine"),
        prices=stored.prices,
        keep_blocks=True,
        contracts=stored.contracts,
        path=stored.path,
    )
    world = build_world(stored.scenario, options, load_histories(stored.scenario, options))
    return BlockLoop(world, Recorder(len(world.book)))


def _run_to(loop: BlockLoop, block: int, blocks: int) -> None:
    loop.run(min(block, blocks))
    loop.settle(blocks, max(block - blocks, 0))


def _person(loop: BlockLoop) -> Callable[[int], str]:
    book = loop.world.book
    return named({group: book.members(group) for group in book.groups})


def _events(loop: BlockLoop, block: int) -> Iterator[str]:
    """Yield the events of the last block, with people by their names."""
    person = _person(loop)
    yield f"events of block {block}:"
    for event in loop.last_events:
        words = worded(event.contract, event.name, event.values, person)
        about = f" of {person(event.actor)}" if event.actor >= 0 else ""
        yield f"  {event.position:>3}  {event.contract}.{event.name}{about}"
        for name, word in words.items():
            if word != person(event.actor):
                yield f"         {name:<24} {word}"
