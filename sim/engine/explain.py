"""Replays a crash report to the block that broke an invariant and tells what happened in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.core.errors import InvariantViolation
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.options import RunOptions
from sim.engine.results.folder import stored_crash
from sim.engine.run import build_world, load_histories
from sim.protocol.event_words import named, worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a crash report leads to when it is executed again."""

    reproduced: bool
    lines: tuple[str, ...]


def explain(crash_report: Path) -> Explanation:
    """Execute the stored run up to its violating block.

    Parameters
    ----------
    crash_report
        ``crash.json`` or the folder it lies in.

    Raises
    ------
    InputError
        It is not a crash report.
    """
    stored = stored_crash(crash_report if crash_report.is_dir() else crash_report.parent)
    block, invariant = stored.data["block"], stored.data["invariant"]
    options = RunOptions(
        out=stored.folder,
        engine=stored.data.get("engine"),
        prices=stored.prices,
        keep_blocks=True,
        contracts=stored.contracts,
        path=stored.path,
    )
    world = build_world(stored.scenario, options, load_histories(stored.scenario, options))
    recorder = Recorder(len(world.book))
    loop = BlockLoop(world, recorder)
    try:
        loop.run(min(block, stored.scenario.blocks))
        loop.settle(stored.scenario.blocks, max(block - stored.scenario.blocks, 0))
    except InvariantViolation as violation:
        lines = [
            f"{violation.invariant} broken at block {violation.block}",
            violation.message,
            "",
            f"events of block {violation.block}:",
        ]
        person = named({group: world.book.members(group) for group in world.book.groups})
        for event in loop.last_events:
            words = worded(event.contract, event.name, event.values, person)
            about = f" of {person(event.actor)}" if event.actor >= 0 else ""
            lines.append(f"  {event.position:>3}  {event.contract}.{event.name}{about}")
            lines += [
                f"         {name:<24} {word}" for name, word in words.items() if word != person(event.actor)
            ]
        same = violation.invariant == invariant and violation.block == block
        return Explanation(reproduced=same, lines=tuple(lines))
    return Explanation(
        reproduced=False,
        lines=(f"{invariant} was reported at block {block}, but {block} blocks pass every invariant here",),
    )
