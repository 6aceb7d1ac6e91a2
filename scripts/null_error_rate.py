"""How often ``seawall compare`` says "better" of a change that changes nothing.

Four nulls, all with the decision rule as it ships:

1. *Simulated*: both arms have the same parameters and run on different paths, so the null is true and what
   differs is noise; no random number is shared, the worst case for a paired rule. Each repetition takes a
   block of paths of its own.
2. *Simulated, 20 books*: the same, but each arm has twenty books of accounts of its own, two paths each, so
   that whole books differ by luck and not paths alone.
3. *Made up, heavy tails, with and without books*: paired differences of mean zero whose rare harm is large:
   the sample then looks better than the truth. Ten thousand samples a row.
4. *Made up, on the margin*: paired differences whose mean lies exactly on the margin, from skewed and rare
   losses, where ordinary bounds fail; thousands of repetitions, because they cost little.

Counts are written to ``docs/study/null_error_rate.md`` with exact (Clopper-Pearson) intervals.

    python scripts/null_error_rate.py [--repetitions 200] [--book-repetitions 60] [--workers 2] [--out FILE]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

from sim.core.arrays import FloatArray
from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.experiments.decision.arms import Arms, load_arms
from sim.experiments.decision.bounds import MeanWeights, draws_for, mean_bounds
from sim.experiments.decision.cells import MarketCell, market_cells
from sim.experiments.decision.plan import ComparePlan
from sim.experiments.decision.results import Cell, Rule
from sim.experiments.decision.verdict import Word, decide
from sim.experiments.sweep.api import Plan, Point, SweepProgress, SweepResult, Workers, run_plan
from sim.metrics.statistics.intervals import clopper_pearson

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "scenarios" / "experiments" / "compare"
OVERRIDES = ("blocks=8", "traders.0.count=10", "shocks.0.at_minute=1", "shocks.0.duration_minutes=5")
"""The example made so small that a path takes a few hundredths of a second."""

SEED = 20_250_607
UNSEEN = 0.2
"""17 paths are then enough for a word: a repetition must be cheap, and few paths are the harder case."""
PATHS = 18
MODELS = ("gbm", "kou", "garch_t")
SYNTHETIC = 2_000
BOOKS, PATHS_OF_A_BOOK = 20, 2
HEAVY = 10_000
"""Samples of each row of heavy tails."""
HEAVY_PATHS = 400
LINKED = 0.2
"""Share of a path's variance that its book decides."""
HEAVY_KINDS = ("normal", "exponential", "1 in 3 %, else 0", "Pareto 2.5", "Pareto 1.6")
MARGIN_KINDS = (
    "normal",
    "exponential",
    "lognormal (sigma 1.5, cut at 60)",
    "1 in 3 %, else 0",
    "1 in 0.5 %, else 0",
)


ENDPOINTS = (
    ("insolvent", "solvency", 0.9, None),
    ("liquidated_share", "guardrail", 0.09, 0.1),
    ("peak_to_trough_margin", "guardrail", 0.25, 0.26),
    ("price_drawdown", "guardrail", 0.012, 0.013),
    ("mean_initial_margin_ratio", "efficiency", 0.02, 0.021),
)
"""(metric, role, margin, largest). To be called better a repetition must pass the margins, so they let noise
through; `largest` is two standard deviations of a difference, and what is seen beyond it counts as it is: the
least cautious that the rule can be."""


IMPROVED, IMPROVEMENT = "peak_to_trough_margin", 0.2
"""A check that the rule could reject: two standard deviations of a path, taken off one arm."""


def null_plan() -> ComparePlan:
    """Return a plan in which nothing but superiority stands before "better"."""
    endpoints = [
        {"metric": metric, "role": role, "margin": margin, "superiority": True}
        | ({} if largest is None else {"largest": largest})
        for metric, role, margin, largest in ENDPOINTS
    ]
    return ComparePlan.model_validate(
        {"paths": PATHS, "unseen": UNSEEN, "price_models": MODELS, "endpoints": endpoints}
    )


def example() -> Arms:
    """Return the example's current parameters as both arms."""
    return load_arms(EXAMPLE / "current.toml", EXAMPLE / "current.toml", EXAMPLE / "thin_market.toml")


def null_cells(arms: Arms, plan: ComparePlan) -> tuple[MarketCell, ...]:
    """Return one cell for each price model, the impact laws in turn: half as many paths as all would take."""
    cells = market_cells(arms.scenario, plan, None)
    laws = plan.impact_laws
    return tuple(
        cell
        for cell in cells
        if cell.impact_law == laws[plan.price_models.index(cell.price_model) % len(laws)]
    )


def simulate(plan: ComparePlan, repetitions: int, workers: Workers, folder: Path) -> SweepResult:
    """Run enough paths of one parameter set in every cell for all repetitions."""
    arms = example()
    cells = null_cells(arms, plan)
    points = tuple(
        Point(index=index, name=cell.name, overrides=(*OVERRIDES, *arms.current.overrides, *cell.overrides))
        for index, cell in enumerate(cells)
    )
    return run_plan(
        Plan(scenario=arms.file, seed=SEED, paths=2 * PATHS * repetitions, points=points, title="null"),
        folder,
        workers=workers,
        progress=show if sys.stdout.isatty() else None,
    )


def show(so_far: SweepProgress) -> None:
    """Print how far the paths are, over the line before."""
    print(f"\r{so_far.completed:,} of {so_far.total:,} paths", end="", flush=True)


def simulate_books(plan: ComparePlan, repetitions: int, workers: Workers, folder: Path) -> SweepResult:
    """Run both arms of every repetition in the first cell, each arm in books of its own."""
    arms = example()
    cell = null_cells(arms, plan)[0]
    point = Point(index=0, name=cell.name, overrides=(*OVERRIDES, *arms.current.overrides, *cell.overrides))
    books = 2 * BOOKS * repetitions
    return run_plan(
        Plan(
            scenario=arms.file, seed=SEED, paths=books * PATHS_OF_A_BOOK, points=(point,), populations=books,
            title="null, books",
        ),
        folder,
        workers=workers,
        progress=show if sys.stdout.isatty() else None,
    )  # fmt: skip


def repeat_with_books(plan: ComparePlan, result: SweepResult, repetitions: int) -> dict[Word, int]:
    """Apply the rule to each block of books, its first half as one arm and its second as the other."""
    frame = result.paths().sort_values("path")
    endpoints = plan.all_endpoints()
    books = 2 * BOOKS * repetitions
    values = {
        endpoint.metric: frame[endpoint.metric]
        .to_numpy(dtype=np.float64, na_value=np.nan)
        .reshape(PATHS_OF_A_BOOK, books)
        for endpoint in endpoints
    }
    weights = MeanWeights(SEED, draws_for(plan.rule.alpha, len(endpoints)))
    linked = np.tile(np.arange(BOOKS), PATHS_OF_A_BOOK)
    counts = dict.fromkeys(Word, 0)
    for repetition in range(repetitions):
        start = 2 * BOOKS * repetition
        arms = [
            {metric: found[:, first : first + BOOKS].ravel() for metric, found in values.items()}
            for first in (start, start + BOOKS)
        ]
        cell = Cell(name="first", current=arms[0], proposed=arms[1])
        counts[decide([cell], endpoints, plan.rule, seed=SEED, weights=weights, books=linked).word] += 1
    return counts


def heavy(kind: str, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[FloatArray, float]:
    """Return values of mean zero whose large ones are harm, and the largest that a plan might state.

    It is what one value in 10,000 exceeds; what is seen beyond it counts as it is.
    """
    if kind == "normal":
        return rng.normal(size=shape), 3.72
    if kind == "exponential":
        return rng.exponential(size=shape) - 1.0, math.log(1e4) - 1.0
    if kind.startswith("1 in"):
        return (rng.random(shape) < 0.03) - 0.03, 0.97
    index = float(kind.split()[1])
    mean = index / (index - 1.0)
    return rng.pareto(index, shape) + 1.0 - mean, 1e4 ** (1.0 / index) - mean


def better_of_nothing(kind: str, rule: Rule, *, linked: float, counts_books: bool) -> int:
    """Return how many samples without any difference show an improvement, of `HEAVY`."""
    rng = np.random.default_rng(SEED)
    weights, found = MeanWeights(SEED), 0
    of_a_book = HEAVY_PATHS // BOOKS
    for _ in range(HEAVY // 500):
        own, largest = heavy(kind, rng, (BOOKS, of_a_book, 500))
        luck, _ = heavy(kind, rng, (BOOKS, 1, 500))
        harm = math.sqrt(1.0 - linked) * own + math.sqrt(linked) * luck
        units = harm.mean(axis=1) if counts_books else harm.reshape(-1, 500)
        bounds = mean_bounds(units, np.full(500, largest), weights)
        found += int(np.count_nonzero(bounds.p_below(np.zeros(500)) <= rule.alpha))
    return found


def heavy_lines(rule: Rule) -> list[str]:
    """Return the section on heavy tails."""
    lines = [
        "## Better, although nothing differs: heavy tails and 20 books",
        "",
        (
            f"Made-up paired differences of mean zero, {HEAVY_PATHS} paths, whose rare large values are harm;"
            f" {HEAVY:,} samples a row; one endpoint, the"
        ),
        (
            f"rule's test for an improvement. *Alone*: every path independent. *{BOOKS} books*: a share of"
            f" {LINKED:g} of a path's variance is its"
        ),
        (
            "book's, and the rule counts books, as it does. The last column takes the paths of those for"
            " independent, as the rule"
        ),
        (
            f"did before. Stated: at most {100 * rule.alpha:g} %. A plan's largest value is here what"
            " one path in 10,000 exceeds."
        ),
        "",
        f"| harm of one path | alone | {BOOKS} books | {BOOKS} books, paths counted |",
        "|---|---|---|---|",
    ]
    for kind in HEAVY_KINDS:
        cells = [
            better_of_nothing(kind, rule, linked=linked, counts_books=counts)
            for linked, counts in ((0.0, False), (LINKED, True), (LINKED, False))
        ]
        lines.append(f"| {kind} | {' | '.join(_share_words(count, HEAVY) for count in cells)} |")
    return [*lines, ""]


def _share_words(count: int, of: int) -> str:
    interval = clopper_pearson(count, of)
    if not count:
        return f"0 of {of:,}, at most {100 * interval.upper:.2g} %"
    return f"{100 * count / of:.2f} % ({100 * interval.lower:.2f} to {100 * interval.upper:.2f})"


def repeat(
    plan: ComparePlan,
    cells: tuple[MarketCell, ...],
    result: SweepResult,
    repetitions: int,
    *,
    improvement: float = 0.0,
) -> dict[Word, int]:
    """Apply the rule to each block of paths, its first half as one arm and its second as the other.

    `improvement` is taken off `IMPROVED` in the second arm: to see that the rule could say better at all.
    """
    frame = result.paths()
    endpoints = plan.all_endpoints()
    values = {
        (point, endpoint.metric): rows[endpoint.metric].to_numpy(dtype=np.float64, na_value=np.nan)
        for point, rows in frame.groupby("point")
        for endpoint in endpoints
    }
    weights = MeanWeights(SEED, draws_for(plan.rule.alpha, len(cells) * len(endpoints)))
    counts = dict.fromkeys(Word, 0)
    for repetition in range(repetitions):
        start = 2 * PATHS * repetition
        halves = (slice(start, start + PATHS), slice(start + PATHS, start + 2 * PATHS))
        decision = decide(
            [
                Cell(
                    name=cell.name,
                    current={
                        endpoint.metric: values[index, endpoint.metric][halves[0]] for endpoint in endpoints
                    },
                    proposed={
                        endpoint.metric: values[index, endpoint.metric][halves[1]]
                        - (improvement if endpoint.metric == IMPROVED else 0.0)
                        for endpoint in endpoints
                    },
                )
                for index, cell in enumerate(cells)
            ],
            endpoints,
            plan.rule,
            seed=SEED,
            weights=weights,
        )
        counts[decision.word] += 1
    return counts


def on_the_margin(
    kind: str, rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[FloatArray, float, float]:
    """Return harm of mean exactly the margin: (values, margin, largest)."""
    if kind == "normal":
        return rng.normal(1.0, 2.0, shape), 1.0, 8.0
    if kind == "exponential":
        return rng.exponential(size=shape), 1.0, 12.0
    if kind.startswith("lognormal"):
        sigma, largest = 1.5, 60.0
        cut = math.log(largest)
        inside = math.exp(sigma * sigma / 2.0) * _normal_cdf((cut - sigma * sigma) / sigma)
        values = np.minimum(np.exp(sigma * rng.normal(size=shape)), largest)
        return values, inside + largest * _normal_cdf(-cut / sigma), largest
    probability = 0.03 if "3 %" in kind else 0.005
    return (rng.random(shape) < probability).astype(np.float64), probability, 1.0


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def passes_on_the_margin(kind: str, n: int, rule: Rule) -> int:
    """Return how many of `SYNTHETIC` samples pass as within the margin although the truth is on it."""
    rng = np.random.default_rng(SEED)
    weights, passed = MeanWeights(SEED), 0
    for _ in range(SYNTHETIC // 500):
        harm, margin, largest = on_the_margin(kind, rng, (n, 500))
        bounds = mean_bounds(harm, np.full(500, largest), weights)
        passed += int(np.count_nonzero(bounds.upper(rule.alpha) < margin))
    return passed


def book_lines(counts: dict[Word, int], rule: Rule, result: SweepResult) -> list[str]:
    """Return the section on simulated books."""
    repetitions, better = sum(counts.values()), counts[Word.BETTER]
    return [
        f"## Better, although nothing differs: {BOOKS} books in each arm",
        "",
        (
            f"The same example in one cell; each arm has {BOOKS} books of accounts of its own,"
            f" {PATHS_OF_A_BOOK} paths each, and the rule counts"
        ),
        f"books. {repetitions} repetitions, no book or path twice. Stated: at most {100 * rule.alpha:g} %.",
        "",
        "| word | repetitions |",
        "|---|---|",
        *(f"| {word.value} | {count} |" for word, count in counts.items()),
        "",
        f"False better: {_share_words(better, repetitions)}, 95 % interval (Clopper-Pearson).",
        f"Digest of the {result.total:,} paths: `{result.digest}`.",
        "",
    ]


def report(
    counts: dict[Word, int],
    improved: int,
    cells: int,
    rule: Rule,
    result: SweepResult,
    more: list[str],
) -> str:
    """Return the page."""
    repetitions = sum(counts.values())
    better = counts[Word.BETTER]
    both = clopper_pearson(better, repetitions)
    upper = clopper_pearson(better, repetitions, side="upper").upper
    lines = [
        "# How often `seawall compare` errs",
        "",
        (
            "Made by `scripts/null_error_rate.py`; do not edit by hand. The rule is in"
            " [compare.md](../compare.md)."
        ),
        "",
        "## Better, although nothing differs",
        "",
        (
            f"The example of `scenarios/experiments/compare`, made smaller, {cells} cells, {PATHS} paths in"
            " each arm; both arms"
        ),
        (
            f"have the *same* parameters and run on different paths. {repetitions} repetitions, no path used"
            " twice. The stated"
        ),
        (
            f"rate is at most {100 * rule.alpha:g} % on the first paths; a verdict of better is then repeated"
            " on fresh paths, which"
        ),
        "squares it. Margins are wide on purpose, so that nothing but superiority stands before better.",
        "",
        "| word | repetitions |",
        "|---|---|",
        *(f"| {word.value} | {count} |" for word, count in counts.items()),
        "",
        (
            f"False better: {better} of {repetitions}, 95 % interval {100 * both.lower:.2f} % to"
            f" {100 * both.upper:.2f} %, one-sided"
        ),
        f"upper bound {100 * upper:.2f} % (Clopper-Pearson). Stated: at most {100 * rule.alpha:g} %. "
        + (
            "The count contradicts it."
            if clopper_pearson(better, repetitions, side="lower").lower > rule.alpha
            else "The count does not contradict it."
        ),
        "",
        f"The rule could have said it: with {IMPROVEMENT} taken off `{IMPROVED}` in one arm, {improved} of",
        f"the same {repetitions} repetitions are better.",
        "",
        f"Digest of the {result.total:,} paths, schema version {SCHEMA_VERSION}: `{result.digest}`.",
        "",
        *more,
        "## Within the margin, although the truth is on it",
        "",
        (
            f"Made-up paired differences whose mean is the margin exactly; {SYNTHETIC:,} samples each."
            " Passing is an error."
        ),
        "",
        "| harm of one path | paths | passed | share | 95 % interval |",
        "|---|---|---|---|---|",
    ]
    for kind in MARGIN_KINDS:
        for n in (rule.least_paths, 400):
            passed = passes_on_the_margin(kind, n, rule)
            interval = clopper_pearson(passed, SYNTHETIC)
            share = f"{100 * interval.estimate:.2f} %" if passed else f"at most {100 * interval.upper:.3f} %"
            lines.append(
                f"| {kind} | {n} | {passed:,} | {share} | {100 * interval.lower:.2f} to"
                f" {100 * interval.upper:.2f} % |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate, count and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--book-repetitions", type=int, default=60)
    parser.add_argument(
        "--workers", type=int, default=None, help="processes; one for each processor by default"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "study" / "null_error_rate.md")
    chosen = parser.parse_args()
    plan = null_plan()
    cells = null_cells(example(), plan)
    with tempfile.TemporaryDirectory() as folder:
        result = simulate(plan, chosen.repetitions, Workers.of(chosen.workers), Path(folder) / "null")
        if not result.is_complete:
            raise SystemExit(f"only {result.label}: {result.failures[0].reason}")
        counts = repeat(plan, cells, result, chosen.repetitions)
        improved = repeat(plan, cells, result, chosen.repetitions, improvement=IMPROVEMENT)
        linked = simulate_books(
            plan, chosen.book_repetitions, Workers.of(chosen.workers), Path(folder) / "books"
        )
        if not linked.is_complete:
            raise SystemExit(f"only {linked.label}: {linked.failures[0].reason}")
        with_books = repeat_with_books(plan, linked, chosen.book_repetitions)
        more = [*book_lines(with_books, plan.rule, linked), *heavy_lines(Rule())]
        text = report(counts, improved[Word.BETTER], len(cells), Rule(), result, more)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
