"""How often the intervals of sensitivity indices cover the truth, on functions whose indices are known.

Ishigami's function (interactions, a parameter that matters only by them) and a sum of squares (none), each
seen through paths whose chance scales the output and one parameter's effect; every repetition draws another
design and other paths. What the page prints is computed by the functions that it calls. The table in
``docs/statistics.md`` is made here.

    python scripts/coverage_of_indices.py [--repetitions 1000] [--workers 2] [--print]

Exit code 1 if an interval that is printed covers less than it states by more than chance and the tolerance of
``scripts/coverage.py`` explain.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from sim.core.arrays import FloatArray
from sim.experiments.exploration.morris import morris_design, morris_indices
from sim.experiments.exploration.numbers import LEAST_SAMPLES
from sim.experiments.exploration.sobol import sobol_design, sobol_indices
from sim.metrics.statistics.intervals import Interval, clopper_pearson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.page_marks import put_between

PAGE = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
BEGIN, END = "<!-- indices: made by scripts/coverage_of_indices.py -->", "<!-- indices: end -->"
SEED = 20_251_129
STATED, TOLERANCE = 0.95, 0.02
"""As in ``scripts/coverage.py``."""
SIZES = (
    ("morris", 20, 20), ("morris", 20, 100), ("sobol", 16, 20), ("sobol", 16, 100),
    ("sobol", 64, 20), ("sobol", 64, 100), ("sobol", 256, 20),
)  # fmt: skip
"""Method, trajectories or base samples, and paths. 20 trajectories and 16 samples: the shipped example."""
LEVELS = 4
_ROUNDING = 1e-9
RESAMPLES = 250
"""A quarter of what a sensitivity takes by default; ends of intervals are then a little noisier."""
SCALE_CHANCE, EFFECT_CHANCE = 0.5, 1.0
"""Deviation over paths of the factor of the output, and of the effect of the third parameter."""


@dataclass(frozen=True)
class Function:
    """A function of three parameters in the unit cube, with its indices."""

    name: str
    of: Callable[[FloatArray], FloatArray]
    """float64[row, 3] -> float64[row]."""
    first: tuple[float, float, float]
    total: tuple[float, float, float]


def _ishigami(cube: FloatArray) -> FloatArray:
    x = math.pi * (2.0 * cube - 1.0)
    found: FloatArray = np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return found


_SLOPES = np.array([3.0, 2.0, 1.0])


def _squares(cube: FloatArray) -> FloatArray:
    found: FloatArray = cube**2 @ _SLOPES
    return found


def _ishigami_shares() -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return S1 and ST: Ishigami, Homma (1990), as Saltelli and others (2008) give their closed forms."""
    pi4 = math.pi**4
    one = 0.5 * (1.0 + 0.1 * pi4 / 5.0) ** 2
    two = 49.0 / 8.0
    both = 0.01 * pi4**2 * (1.0 / 18.0 - 1.0 / 50.0)
    total = one + two + both
    return (one / total, two / total, 0.0), ((one + both) / total, two / total, both / total)


_SHARES = (9.0 / 14.0, 4.0 / 14.0, 1.0 / 14.0)
"""Squares of the slopes over their sum: the square of every parameter has the same variance."""
FUNCTIONS = (
    Function("Ishigami", _ishigami, *_ishigami_shares()),
    Function("sum of squares", _squares, _SHARES, _SHARES),
)


def effects_on_the_grid(function: Function) -> FloatArray:
    """Return every elementary effect there is, float64[parameter, place]: what trajectories draw from."""
    levels = np.arange(LEVELS) / (LEVELS - 1)
    step = LEVELS / (2.0 * (LEVELS - 1))
    found = []
    for parameter in range(3):
        below = levels[levels + step <= 1.0 + _ROUNDING]
        places = np.array(list(product(*(below if other == parameter else levels for other in range(3)))))
        moved = places.copy()
        moved[:, parameter] += step
        found.append((function.of(moved) - function.of(places)) / step)
    return np.array(found)


@dataclass(frozen=True)
class Setting:
    """What is drawn."""

    method: str
    size: int
    paths: int
    function: int


@dataclass
class Count:
    """What became of one kind of interval, by parameter."""

    covered: list[int] = field(default_factory=lambda: [0, 0, 0])
    asked: int = 0

    def join(self, other: Count) -> None:
        """Add what another process counted."""
        self.covered = [a + b for a, b in zip(self.covered, other.covered, strict=True)]
        self.asked += other.asked


Row = tuple[str, int, Interval, float]
"""Kind, parameter, interval, truth."""


def rows(setting: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Yield the intervals of one design on one set of paths, as a page prints them."""
    function = FUNCTIONS[setting.function]
    seed = int(rng.integers(1, 2**31))
    if setting.method == "morris":
        design = morris_design(3, setting.size, levels=LEVELS, seed=seed)
    else:
        design = sobol_design(3, setting.size, second_order=False, seed=seed)
    scale = 1.0 + SCALE_CHANCE * rng.normal(size=setting.paths)
    effect = EFFECT_CHANCE * rng.normal(size=setting.paths)
    counts = rng.multinomial(setting.paths, np.full(setting.paths, 1.0 / setting.paths), size=RESAMPLES)
    known = function.of(design)
    weights = counts / setting.paths
    outputs = known * scale.mean() + design[:, 2] * effect.mean()
    resampled = np.outer(known, weights @ scale) + np.outer(design[:, 2], weights @ effect)
    drawn = rng.integers(0, setting.size, (RESAMPLES, setting.size))
    if setting.method == "morris":
        grid = effects_on_the_grid(function)
        found = morris_indices(design, outputs, resampled, drawn, confidence=STATED, units=setting.paths)
        for parameter, index in enumerate(found):
            yield "mu", parameter, index.mu, float(grid[parameter].mean())
            yield "mu*", parameter, index.mu_star, float(np.abs(grid[parameter]).mean())
            yield "sigma", parameter, index.sigma, float(grid[parameter].std())
        return
    shares = sobol_indices(
        outputs, resampled, drawn, parameters=3, second_order=False, confidence=STATED, units=setting.paths
    ).parameters
    for parameter, share in enumerate(shares):
        yield "S1", parameter, share.first, function.first[parameter]
        yield "ST", parameter, share.total, function.total[parameter]


def measure(setting: Setting, repetitions: int, chunk: int) -> dict[str, Count]:
    """Count the coverage of every kind in one setting; a function of its arguments alone."""
    found: dict[str, Count] = {}
    where = [SEED, len(setting.method), setting.size, setting.paths, setting.function, chunk]
    for repetition in range(repetitions):
        for kind, parameter, interval, truth in rows(setting, np.random.default_rng([*where, repetition])):
            count = found.setdefault(kind, Count())
            count.asked += parameter == 0
            count.covered[parameter] += interval.lower - _ROUNDING <= truth <= interval.upper + _ROUNDING
    return found


@dataclass
class Coverage:
    """All counts."""

    repetitions: int
    counts: dict[Setting, dict[str, Count]] = field(default_factory=dict)

    def failures(self) -> list[str]:
        """Return where an interval that is printed covers less than chance and tolerance explain."""
        return [
            f"{kind}, {FUNCTIONS[setting.function].name}, {setting.size}, {setting.paths} paths: "
            f"{count.covered} of {count.asked}"
            for setting, kinds in self.counts.items()
            for kind, count in kinds.items()
            if is_printed(setting) and fails(count)
        ]


def is_printed(setting: Setting) -> bool:
    """Return whether a page prints intervals of such a sample."""
    return setting.method == "morris" or setting.size >= LEAST_SAMPLES


def fails(count: Count) -> bool:
    """Return whether a parameter is covered less than stated, beyond tolerance and chance.

    There are three, so that each is held against a third of 0.1 %.
    """
    return any(
        clopper_pearson(covered, count.asked, confidence=1.0 - 0.001 / 3, side="upper").upper
        < STATED - TOLERANCE
        for covered in count.covered
    )


def measure_all(repetitions: int, workers: int, chunks: int = 10) -> Coverage:
    """Measure every setting, in parallel."""
    settings = [Setting(*size, function) for size in SIZES for function in range(len(FUNCTIONS))]
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
    return result


def words(setting: Setting, count: Count) -> str:
    """Return one cell of the table: the worst of the parameters."""
    text = f"{100.0 * min(count.covered) / count.asked:.1f}"
    if not is_printed(setting):
        return f"none ({text})"
    return f"**{text}**" if fails(count) else text


def page(found: Coverage) -> str:
    """Return the table with what it means."""
    error = 196.0 * math.sqrt(STATED * (1.0 - STATED) / found.repetitions)
    lines = [
        "The same of sensitivity indices, the least covered of three parameters;",
        f"{found.repetitions:,} designs, each with paths of its own, so that chance moves a parameter by",
        f"±{error:.1f} points. The output's factor deviates by {100 * SCALE_CHANCE:g} % over the paths, and",
        "the effect of the third parameter by as much as it is in the sum of squares. *none*: the page",
        "prints none, in brackets what they would cover.",
        "",
        f"| interval | sample | paths | {' | '.join(function.name for function in FUNCTIONS)} |",
        f"|---|---|---|{'---|' * len(FUNCTIONS)}",
    ]
    unit = {"morris": "trajectories", "sobol": "base samples"}
    shown: dict[tuple[str, str, int, int], list[str]] = {}
    for setting, kinds in found.counts.items():
        for kind, count in kinds.items():
            row = shown.setdefault((kind, setting.method, setting.size, setting.paths), [])
            row.append(words(setting, count))
    lines += [
        f"| {kind} | {size:,} {unit[method]} | {paths} | {' | '.join(cells)} |"
        for (kind, method, size, paths), cells in shown.items()
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
