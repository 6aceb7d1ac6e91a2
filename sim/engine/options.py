"""How a run was asked for, and the inputs that make it repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sim.core.files import atomic_write_bytes, ensure_directory
from sim.engine.loop import Progress
from sim.engine.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run a scenario."""

    out: Path
    """Results folder."""
    engine: str | None = None
    """None picks the fastest engine that is installed."""
    twin: bool = True
    """Also run without forced flow, for amplification."""
    prices: Path | None = None
    """Recorded prices for market 0; the run then covers the whole file."""
    keep_blocks: bool = False
    """With ``prices``: run the scenario's number of blocks, not the whole file."""
    overrides: tuple[str, ...] = ()
    """Command-line changes of the scenario, as written; recorded in the manifest."""
    contracts: Path | None = None
    """Folder of contracts to deploy instead of the shipped ones, laid out alike."""
    progress: Callable[[Progress], None] | None = None


def copy_inputs(scenario: Scenario, options: RunOptions, folder: Path) -> dict[str, str]:
    """Copy every file a run read into ``inputs/``, so that the folder alone can be replayed.

    Returns
    -------
    dict
        File reference (``protocol.risk_model``, ``markets.0.price.file``, or ``prices`` for the command
        line's file) -> path below ``folder``.
    """
    references = [(reference, scenario.file(reference)) for reference, _ in scenario.file_references()]
    if options.prices is not None:
        references = [item for item in references if item[0] != "markets.0.price.file"]
        references.append(("prices", options.prices))
    copied: dict[str, str] = {}
    for reference, path in references:
        target = Path("inputs") / f"{reference.replace('.', '_')}__{path.name}"
        ensure_directory(folder / "inputs")
        atomic_write_bytes(folder / target, path.read_bytes())
        copied[reference] = target.as_posix()
    return copied
