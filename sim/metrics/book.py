"""The metric book: every number that a run is judged by, declared once.

An entry says what a metric is called, measures and counts in, whether more of it is worse, of which markets
it speaks, which other world it needs, and how it is computed. ``summary.json``, ``[expect]``, sweeps,
comparisons, searches, reports, ``seawall metrics`` and docs/metrics.md are read off the entries. What ships
stands in `sim.metrics.entries`, one file a subject; a plug-in adds its own with ``METRICS.add(Metric(...))``.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sim.core.errors import InputError, RunError
from sim.core.registry import Registry
from sim.metrics.facts import RunFacts
from sim.metrics.worlds import WHY_NOT, OtherWorld, Worlds, fewest

Family = Literal["coverage", "severity", "cascade", "procyclicality", "efficiency", "other"]
Kind = Literal["count", "amount", "price", "time", "share", "factor", "event"]
Section = Literal["Price", "Cascade", "Losses", "Margin", "Chain", "Run"]
Markets = Literal["all", "market 0", "none"]
Alarm = Literal["", "warn", "bad"]
Value = float | int | bool | None

WORSE: Final = 1
NEUTRAL: Final = 0
BETTER: Final = -1

LAST: Final = 1_000
"""Place of an entry that names none: after all that ship."""

DIGEST: Final = "digest"
"""The one key of ``summary.json`` that measures nothing: the fingerprint of the run."""

SECTIONS: Final[tuple[Section, ...]] = get_args(Section)
"""In the order in which the page of one run lists them."""

_UNIT_WORDS: Final = {"quote": "USDC", "s": "seconds"}
_KIND_WORDS: Final[Mapping[Kind, str]] = {"count": "count", "factor": "ratio"}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_TAKEN: Final = (DIGEST, "point", "name", "path", "population")
"""Columns that stand beside the metrics in the tables of experiments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the book.

    Raises
    ------
    InputError
        The entry contradicts itself; a plug-in's author reads why.
    """

    name: str
    """Key in ``summary.json``, ``[expect]``, experiments and tables."""
    label: str
    """Words in front of the number."""
    meaning: str
    """What it measures, in one sentence or two."""
    unit: str
    """``quote``, ``1`` for a pure number, or the unit itself (``s``, ``gwei``, ``blocks``)."""
    kind: Kind
    """How it is written and compared. ``event`` is 0 or 1; ``share`` is read as a percentage and ``factor``
    as a multiple, both without dimension; ``count`` and ``time`` are whole numbers, ``amount`` and ``price``
    are not."""
    direction: int
    """`WORSE` if more is worse for the protocol, `BETTER` if more is better, `NEUTRAL` if neither."""
    family: Family
    """Which question it answers; experiments estimate and show by family."""
    section: Section
    """Where the page of one run lists it."""
    markets: Markets
    """Over which markets it sums, or of which it speaks; ``none`` is not about a market."""
    measure: Callable[[RunFacts], Value] | None = None
    """Computes it from a run: it is then a key of ``summary.json``."""
    derive: Callable[[Readings], float | None] | None = None
    """Computes it from other metrics instead: it is then no key of ``summary.json``."""
    worlds: tuple[OtherWorld, ...] = ()
    """Further worlds it needs; without one of them it has no value."""
    undefined: str = ""
    """When it has no value though every world was run, as words after "because"; empty if that cannot be."""
    unit_words: str = ""
    """What a table writes beside the value, if the unit alone says too little: ``of notional``."""
    shown: tuple[str, ...] = ()
    """Statistics that the page of a sweep shows with its family: ``mean``, ``probability``, ``VaR95``."""
    alarm: Alarm = ""
    """How a value that is not zero is shown: ``warn``, or ``bad`` where a reader must not miss it."""
    order: int = LAST
    """Place in the book."""

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise InputError(f"metric {self.name!r}: {problem}")

    def _problems(self) -> list[str]:
        found = []
        if _NAME.fullmatch(self.name) is None or self.name in _TAKEN:
            found.append(
                f"the name must be lower-case letters, digits and _, and none of {', '.join(_TAKEN)}"
            )
        if (self.measure is None) == (self.derive is None):
            found.append("needs exactly one of measure and derive")
        if not self.label or not self.meaning.endswith("."):
            found.append("needs a label, and a meaning that is a sentence")
        if self.direction not in (WORSE, NEUTRAL, BETTER):
            found.append(f"direction must be 1, 0 or -1, was {self.direction!r}")
        for field, given, allowed in (
            ("kind", self.kind, Kind),
            ("family", self.family, Family),
            ("section", self.section, Section),
            ("markets", self.markets, Markets),
            ("alarm", self.alarm, Alarm),
        ):
            if given not in get_args(allowed):
                found.append(f"{field} must be one of {', '.join(get_args(allowed))}, was {given!r}")
        if not set(self.worlds) <= set(get_args(OtherWorld)):
            found.append(f"worlds must be among {', '.join(get_args(OtherWorld))}, was {self.worlds!r}")
        if self.kind in ("share", "factor", "event") and self.unit != "1":
            found.append(f"{self.kind} has no dimension: its unit is 1, was {self.unit!r}")
        return found

    @property
    def better(self) -> str:
        """Which side is better for the protocol: ``less``, ``more``, or nothing where neither is."""
        return {WORSE: "less", BETTER: "more"}.get(self.direction, "")

    @property
    def is_derived(self) -> bool:
        """Whether it is computed from other metrics, and so no key of ``summary.json``."""
        return self.derive is not None

    @property
    def is_event(self) -> bool:
        """Whether it is true or false of a path, so that its mean is a probability."""
        return self.kind == "event"

    @property
    def is_share(self) -> bool:
        """Whether it is written as a percentage."""
        return self.kind in ("share", "event")

    @property
    def quantity(self) -> str:
        """Unit for a reader: ``USDC``, ``of notional``; empty where the value says it itself."""
        if self.unit_words or self.unit != "1":
            return self.unit_words or _UNIT_WORDS.get(self.unit, self.unit)
        return _KIND_WORDS.get(self.kind, "")


METRICS: Final[Registry[Metric]] = Registry("metric", "sim.metrics.entries")
"""Every metric in the order of the book: the keys of ``summary.json``, then those derived from them."""


def measured(facts: RunFacts) -> dict[str, Value]:
    """Return every metric that a run is measured by, in the order of the book.

    Raises
    ------
    RunError
        An entry cannot be computed, or gives what is no finite number.
    """
    found: dict[str, Value] = {}
    for metric in METRICS:
        if metric.measure is None:
            continue
        missing = [world for world in metric.worlds if world not in facts.worlds]
        try:
            value: object = None if missing else metric.measure(facts)
        except Exception as error:
            raise RunError(f"metric {metric.name}: {type(error).__name__}: {error}") from error
        found[metric.name] = _checked(metric, value)
    return found


def _checked(metric: Metric, value: object) -> Value:
    """Return a value that JSON and Parquet can hold; an entry of a plug-in may give anything."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        return value
    was = "an integer beyond any float" if isinstance(value, int) else repr(value)
    raise RunError(f"metric {metric.name}: must be a finite number, true, false or None, was {was}")


def metric_problem(name: str) -> str | None:
    """Return what is wrong with the name of a metric, None if nothing is."""
    if name in METRICS:
        return None
    close = difflib.get_close_matches(name, METRICS.names(), n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}?" if close else "seawall metrics lists them all"
    return f"unknown metric {name!r}, {hint}"


class Readings:
    """The metrics of one path while they are computed: what a derived metric reads."""

    def __init__(self, summary: Mapping[str, object]) -> None:
        self._summary = summary
        self._open: list[str] = []

    def value(self, name: str) -> float | None:
        """Return a metric, truths as 1 and 0; None where it is not defined or the summary lacks it.

        Raises
        ------
        InputError
            A metric is derived from itself.
        KeyError
            There is no such metric.
        """
        derive = METRICS[name].derive
        if derive is None:
            found = self._summary.get(name)
            return float(found) if isinstance(found, bool | int | float) else None
        if name in self._open:
            raise InputError(f"metric {name!r}: is derived from itself, by {' and '.join(self._open)}")
        self._open.append(name)
        try:
            found = derive(self)
        except (InputError, RunError):
            raise
        except Exception as error:
            raise RunError(f"metric {name}: {type(error).__name__}: {error}") from error
        finally:
            self._open.pop()
        checked = _checked(METRICS[name], found)
        return None if checked is None else float(checked)

    def __getitem__(self, name: str) -> float:
        """Return a metric, and 0 where it has no value: a sum then goes without it."""
        return self.value(name) or 0.0


def ratio(part: float, whole: float, otherwise: float | None = None) -> float | None:
    """Return a part over a whole, or something else where the whole is nothing."""
    return part / whole if whole > 0.0 else otherwise


def path_metrics(summary: Mapping[str, object]) -> dict[str, float | None]:
    """Return the metrics of one path.

    Parameters
    ----------
    summary
        ``summary.json`` of the path.

    Returns
    -------
    dict
        Name -> value, in the order of the book: every metric that the summary has, true and false as 1 and 0,
        and the derived ones. None where a metric is not defined: one that needs a world which was not run, a
        ratio to an open interest or a fund that is zero.
    """
    readings = Readings(summary)
    return {
        metric.name: readings.value(metric.name)
        for metric in METRICS
        if metric.is_derived or metric.name in summary
    }


def worlds_needed(metrics: Iterable[str]) -> Worlds:
    """Return the fewest worlds under which all of these metrics can have a value; other names need none."""
    needed = {world for name in metrics if name in METRICS for world in METRICS[name].worlds}
    return fewest(needed)


def why_undefined(metric: Metric, *, worlds: tuple[OtherWorld, ...]) -> str:
    """Return why a metric of a run has no value, as words after "because".

    Parameters
    ----------
    worlds
        Worlds that were run beside the run itself.
    """
    missing = [WHY_NOT[world] for world in metric.worlds if world not in worlds]
    return " and ".join(missing) or metric.undefined or "the run does not define it"
