"""A path run again on another engine: a wrong engine is silent, and looks like an outcome of the market."""

from __future__ import annotations

from dataclasses import replace

from sim.chain.backend import EngineRefused
from sim.chain.chain import other_engines
from sim.core.errors import InvariantViolation, RunError
from sim.engine.paths import PathOptions, PathOutcome, WarmStarts, run_path
from sim.engine.scenario.schema import Scenario
from sim.metrics.book import path_metrics

INVARIANT = "J4"
"""That engines agree: see docs/invariants.md."""


class EnginesDisagree(InvariantViolation):
    """A path has another outcome on another engine."""

    def __init__(self, message: str) -> None:
        super().__init__(INVARIANT, 0, message)
        self.args = (message,)

    def __reduce__(self) -> tuple[type[EnginesDisagree], tuple[str]]:  # type: ignore[override]
        """Keep the words when the error crosses a process boundary."""
        return (type(self), (self.message,))


def shadow(scenario: Scenario, options: PathOptions, outcome: PathOutcome, warm: WarmStarts) -> str | None:
    """Run a finished path again on the fastest engine that did not run it, other worlds too, and compare.

    Returns
    -------
    str | None
        The other engine, which agreed; None if every other one of this machine refused something.

    Raises
    ------
    EnginesDisagree
        Digest or a metric differs, or the other engine did not come to the end.
    """
    for engine in other_engines(outcome.engine):
        try:
            again = run_path(scenario, replace(options, engine=engine, is_check=True), warm)
        except EngineRefused:
            continue
        except (InvariantViolation, RunError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise EnginesDisagree(
                f"{outcome.engine} has digest {outcome.digest}, {engine} stopped: {reason}"
            ) from error
        _compare(outcome, again)
        return engine
    return None


def _compare(outcome: PathOutcome, again: PathOutcome) -> None:
    if again.digest != outcome.digest:
        raise EnginesDisagree(
            f"{outcome.engine} has digest {outcome.digest}, {again.engine} has {again.digest}"
        )
    mine, theirs = path_metrics(outcome.summary), path_metrics(again.summary)
    for name, value in mine.items():
        if theirs[name] != value:
            raise EnginesDisagree(
                f"{name}: {outcome.engine} has {value}, {again.engine} has {theirs[name]} "
                f"(both have digest {outcome.digest})"
            )
