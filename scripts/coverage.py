"""How often the intervals that Seawall prints cover the truth, on losses that make it hard.

Samples with known means, quantiles and shortfalls are drawn: exponential losses, losses that are zero on
80 % of the paths, and Pareto losses with 2.5 and 1.6 finite moments; 100 and 1,000 paths, independent or in
20 books (correlation 0.2 of the normal scores of two paths of a book). What a page prints of such paths is
computed by the functions that the page calls, and what is counted is how often an interval that is printed
holds the truth. The table in ``docs/statistics.md`` is made here.

    python scripts/coverage.py [--repetitions 1000] [--workers 2] [--print]

Exit code 1 if an interval covers less than it states by more than chance and the tolerance explain.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray, IntArray
from sim.experiments.decision.bounds import MeanWeights
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.results import Cell, Rule
from sim.experiments.decision.verdict import Word, decide
from sim.experiments.estimates.design import TAIL_MEASURES, Design, Units
from sim.experiments.estimates.pairs import event_row
from sim.experiments.estimates.rows import probability_row, tail_index_row
from sim.metrics.statistics.intervals import clopper_pearson
from sim.metrics.statistics.over_paths import MEAN, Measure, paired_interval, path_interval
from sim.metrics.statistics.sequential import mean_sequence, proportion_sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.page_marks import put_between

PAGE = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
BEGIN, END = "<!-- coverage: made by scripts/coverage.py -->", "<!-- coverage: end -->"
SEED = 20_251_129
STATED = 0.95
TOLERANCE = 0.02
"""Profile likelihoods and t intervals are right to order 1/k in the k values they rest on: 20 to 100 here."""
BOOKS, CORRELATION = 20, 0.2
SIZES = (100, 1_000)
PAIRED, SCALE = 0.95, 0.8
"""The second arm of a pair: normal scores correlated so much with the first's, losses scaled so."""
LIKELY = 0.05
"""Probability of the event that is counted: a loss beyond VaR 95."""


@dataclass(frozen=True)
class Law:
    """A distribution of losses by its upper quantile function."""

    name: str
    beyond: Callable[[FloatArray], FloatArray]
    """The loss exceeded with a probability."""
    exceeding: Callable[[float], float]
    """The probability of exceeding a loss."""
    mean: float
    worst: Callable[[float], float]
    """The mean of the worst share."""
    shape: float
    """Of its tail."""


def pareto(index: float) -> Law:
    """Return losses of Lomax's (shifted Pareto's) law with so many finite moments."""
    return Law(
        name=f"Pareto {index:g}",
        beyond=lambda tail: tail ** (-1.0 / index) - 1.0,
        exceeding=lambda loss: (1.0 + loss) ** -index,
        mean=1.0 / (index - 1.0),
        worst=lambda share: index / (index - 1.0) * share ** (-1.0 / index) - 1.0,
        shape=1.0 / index,
    )


def rare_exponential(share: float, name: str) -> Law:
    """Return losses that are exponential on a share of the paths and zero on the others."""
    return Law(
        name=name,
        beyond=lambda tail: np.maximum(-np.log(tail / share), 0.0),
        exceeding=lambda loss: share * math.exp(-loss),
        mean=share,
        worst=lambda tail: 1.0 - math.log(tail / share),
        shape=0.0,
    )


LAWS = (
    rare_exponential(1.0, "exponential"),
    rare_exponential(0.2, "80 % zeros"),
    pareto(2.5),
    pareto(1.6),
)


@dataclass(frozen=True)
class Setting:
    """What is drawn."""

    law: int
    paths: int
    books: bool

    @property
    def words(self) -> str:
        """``1,000 in 20 books``."""
        return f"{self.paths:,} in {BOOKS} books" if self.books else f"{self.paths:,}"


@dataclass
class Count:
    """What became of one kind of interval."""

    printed: int = 0
    covered: int = 0
    open_end: int = 0
    asked: int = 0

    def add(self, lower: float, upper: float, truth: float) -> None:
        """Count one sample."""
        self.asked += 1
        if math.isnan(lower) or (math.isinf(lower) and math.isinf(upper)):
            return
        self.printed += 1
        self.covered += lower <= truth <= upper
        self.open_end += math.isinf(lower) or math.isinf(upper)

    def join(self, other: Count) -> None:
        """Add what another process counted."""
        for name in ("printed", "covered", "open_end", "asked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


Counts = dict[str, Count]
Row = tuple[str, float, float, float]
"""Kind, lower and upper end, truth."""


def draw(setting: Setting, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return both arms and the book of each path."""
    n = setting.paths
    book = np.arange(n) % BOOKS if setting.books else np.zeros(n, dtype=np.int64)

    def scores() -> FloatArray:
        own = rng.normal(size=n)
        if not setting.books:
            return own
        shared = rng.normal(size=BOOKS)[book]
        linked: FloatArray = math.sqrt(CORRELATION) * shared + math.sqrt(1.0 - CORRELATION) * own
        return linked

    first, other = scores(), scores()
    second = PAIRED * first + math.sqrt(1.0 - PAIRED**2) * other
    law = LAWS[setting.law]
    return law.beyond(special.ndtr(-first)), SCALE * law.beyond(special.ndtr(-second)), book


def sweep_rows(setting: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Yield the intervals of two points, of a sweep or a frontier, and of their differences."""
    law = LAWS[setting.law]
    first, second, book = draw(setting, rng)
    limit = float(law.beyond(np.array([LIKELY]))[0])
    labels = book if setting.books else None
    n = setting.paths
    sizes = {"n": n, "units": BOOKS if setting.books else n}
    truths = {
        "mean": law.mean,
        "VaR95": limit,
        "VaR99": float(law.beyond(np.array([0.01]))[0]),
        "ES95": law.worst(0.05),
        "ES99": law.worst(0.01),
    }
    measures = (MEAN, *TAIL_MEASURES, Measure("shortfall", 0.95))
    for measure in measures:
        found = path_interval(first, measure, labels=labels)
        yield measure.label, found.lower, found.upper, truths[measure.label]
    index = tail_index_row(first, labels, STATED, sizes)
    yield "tail index", index["lower"], index["upper"], law.shape
    event = probability_row(first > limit, labels, "populations", STATED)
    yield "probability", event["lower"], event["upper"], LIKELY
    for measure in measures:
        found = paired_interval(first, second, measure, labels=labels)
        truth = (SCALE - 1.0) * truths[measure.label]
        yield f"{measure.label} difference", found.lower, found.upper, truth
    units, pair = Units(labels, "populations"), (first > limit, second > limit)
    change = event_row(*pair, units, Design(), "")
    yield "probability difference", change["lower"], change["upper"], law.exceeding(limit / SCALE) - LIKELY
    if not setting.books:
        half = mean_sequence(first, tightest_at=n).half_width
        whole = path_interval(first, MEAN)
        ends = min(whole.estimate - half, whole.lower), max(whole.estimate + half, whole.upper)
        yield "mean, stopping rule", *ends, law.mean
        exact = proportion_sequence(int(np.count_nonzero(first > limit)), n)
        yield "probability, stopping rule", exact.lower, exact.upper, LIKELY


LARGEST_BEYOND = 1e-3
"""Losses are cut where one path in a thousand lies: the largest one stated is the largest there is."""
WEIGHTINGS = 499
"""For the bounds of a comparison; enough for its 2.5 %, a tenth of what it uses itself."""


@cache
def compare_rule(cut: float) -> tuple[tuple[Endpoint, ...], Rule, MeanWeights]:
    """Return endpoints whose margins let everything through, so that only superiority decides."""
    common: dict[str, Any] = {"role": "solvency", "direction": 1, "largest": cut, "superiority": True}
    endpoints = (
        Endpoint(metric="loss", statistic="mean", margin=0.999 * cut, **common),
        Endpoint(metric="tail", statistic="expected_shortfall", margin=19.9 * cut, tail=0.05, **common),
    )
    return endpoints, Rule(), MeanWeights(SEED, WEIGHTINGS)


def compare_rows(setting: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Yield the bounds and the word of a comparison whose arms are the same law, drawn independently."""
    law = LAWS[setting.law]
    cut = float(law.beyond(np.array([LARGEST_BEYOND]))[0])
    arms = [np.minimum(draw(setting, rng)[0], cut) for _ in range(2)]
    book = draw(setting, rng)[2]
    endpoints, rule, weights = compare_rule(cut)
    for endpoint in endpoints:
        cell = Cell(name="one", current={endpoint.metric: arms[0]}, proposed={endpoint.metric: arms[1]})
        found = decide(
            [cell], [endpoint], rule, seed=SEED, weights=weights, books=book if setting.books else None
        )
        result = found.results[0]
        ends = (math.nan, math.nan) if result.unusable else (result.lower, result.upper)
        yield f"compare, {endpoint.name}", *ends, 0.0
        if not result.unusable:
            better = found.word is Word.BETTER
            yield f"{NO_FALSE_BETTER}, {endpoint.name}", 0.75 if better else 0.0, 1.0, 0.5


NO_FALSE_BETTER = "compare, not falsely better"
"""Counted like an interval, stated at 97.5 %: every word but *better*, where nothing differs."""


GROUPS: tuple[Callable[[Setting, np.random.Generator], Iterator[Row]], ...] = (sweep_rows, compare_rows)


def measure(setting: Setting, repetitions: int, chunk: int) -> Counts:
    """Count the coverage of every kind in one setting; a function of its arguments alone."""
    found: Counts = {}
    for number, group in enumerate(GROUPS):
        for repetition in range(repetitions):
            key = [SEED, number, setting.law, setting.paths, int(setting.books), chunk, repetition]
            for kind, lower, upper, truth in group(setting, np.random.default_rng(key)):
                found.setdefault(kind, Count()).add(float(lower), float(upper), truth)
    return found


@dataclass
class Coverage:
    """All counts."""

    repetitions: int
    counts: dict[Setting, Counts] = field(default_factory=dict)

    def failures(self) -> list[str]:
        """Return where an interval covers less than chance and tolerance explain."""
        return [
            f"{kind}, {LAWS[setting.law].name}, {setting.words}: {count.covered} of {count.printed}"
            for setting, kinds in self.counts.items()
            for kind, count in kinds.items()
            if fails(kind, count)
        ]


def fails(kind: str, count: Count) -> bool:
    """Return whether coverage is below the stated one by more than chance and tolerance."""
    if not count.printed:
        return False
    stated = 0.975 if kind.startswith(NO_FALSE_BETTER) else STATED - TOLERANCE
    upper = clopper_pearson(count.covered, count.printed, confidence=0.999, side="upper").upper
    return upper < stated


def measure_all(repetitions: int, workers: int, chunks: int = 10) -> Coverage:
    """Measure every setting, in parallel."""
    settings = [
        Setting(law, paths, books) for paths in SIZES for books in (False, True) for law in range(len(LAWS))
    ]
    each = math.ceil(repetitions / chunks)
    result = Coverage(each * chunks)
    with ProcessPoolExecutor(workers) as pool:
        tasks = [
            (setting, pool.submit(measure, setting, each, chunk))
            for setting in settings
            for chunk in range(chunks)
        ]
        for setting, task in tasks:
            kept = result.counts.setdefault(setting, {})
            for kind, count in task.result().items():
                kept.setdefault(kind, Count()).join(count)
            print(f"{LAWS[setting.law].name}, {setting.words}", file=sys.stderr, flush=True)
    return result


def words(kind: str, count: Count | None) -> str:
    """Return one cell of the table."""
    if count is None:
        return ""
    if not count.printed:
        return "none"
    text = f"{100.0 * count.covered / count.printed:.1f}"
    if fails(kind, count):
        text = f"**{text}**"
    notes = []
    if count.open_end:
        notes.append(f"∞ {100.0 * count.open_end / count.printed:.0f}")
    if count.printed < count.asked:
        notes.append(f"none {100.0 * (1.0 - count.printed / count.asked):.0f}")
    return f"{text} ({', '.join(notes)})" if notes else text


def page(found: Coverage) -> str:
    """Return the table with what it means."""
    error = 196.0 * math.sqrt(STATED * (1.0 - STATED) / found.repetitions)
    kinds = list(dict.fromkeys(kind for counts in found.counts.values() for kind in counts))
    cells: dict[tuple[str, str], Mapping[int, Count]] = {}
    for kind in kinds:
        for setting, counts in found.counts.items():
            if kind in counts:
                cells[kind, setting.words] = {
                    **cells.get((kind, setting.words), {}),
                    setting.law: counts[kind],
                }
    lines = [
        f"Share of the printed 95 % intervals that hold the truth, in per cent; {found.repetitions:,}",
        f"samples each, so that chance moves a cell by ±{error:.1f} points if 95 is true. ∞: per cent of",
        "them with one open end; none: per cent of the samples for which the page prints no interval and",
        f"says why. Bold: less than stated by more than chance and {100 * TOLERANCE:g} points explain.",
        f"*{NO_FALSE_BETTER}*: share of comparisons of equal arms that are not called better;",
        "97.5 is stated, without tolerance.",
        "",
        f"| interval | paths | {' | '.join(law.name for law in LAWS)} |",
        f"|---|---|{'---|' * len(LAWS)}",
        *(
            f"| {kind} | {paths} | {' | '.join(words(kind, row.get(law)) for law in range(len(LAWS)))} |"
            for (kind, paths), row in cells.items()
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, write the table, and fail if an interval does not hold its level."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--print", action="store_true", help="print the table, leave the page as it is")
    chosen = parser.parse_args()
    found = measure_all(chosen.repetitions, chosen.workers)
    table = page(found)
    if chosen.print:
        print(table)
    else:
        put_between(PAGE, BEGIN, END, table)
    failed = found.failures()
    for line in failed:
        print(f"covers too little: {line}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
