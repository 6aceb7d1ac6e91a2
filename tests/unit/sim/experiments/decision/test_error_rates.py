"""The rates at which the rule errs, over thousands of made-up comparisons whose truth is known.

Skewed and rare losses are where ordinary bounds fail: one test shows that Student's alone would.
"""

import numpy as np
import pytest
from scipy import stats

from sim.experiments.decision.bounds import MeanWeights, mean_bounds
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.results import Cell, Rule
from sim.experiments.decision.verdict import Word, decide
from sim.metrics.statistics.intervals import clopper_pearson

REPETITIONS = 2_000
N = 80
RULE = Rule()
WEIGHTS = MeanWeights(1, 799)  # for whole decisions
MANY_WEIGHTS = MeanWeights(
    1, 1_999
)  # for single bounds: their level is right to a seventh (one standard error)
LARGEST = 60.0


def normal(rng, shape):
    return rng.normal(5.0, 1.0, shape)


def lognormal(rng, shape):
    return np.minimum(np.exp(1.5 * rng.normal(size=shape)), LARGEST)


def rare(rng, shape):
    return 10.0 * (rng.random(shape) < 0.02)


def better_rate(draw, *, margin, largest, repetitions=REPETITIONS):
    """Share of better among comparisons of two arms that are equal in law and share no random number."""
    rng = np.random.default_rng(2025)
    loss = Endpoint(
        metric="loss", role="solvency", statistic="mean", margin=margin, largest=largest, direction=1,
        superiority=True,
    )  # fmt: skip
    ruin = Endpoint(
        metric="ruin", role="solvency", statistic="probability", margin=0.9, largest=1.0, direction=1,
        superiority=True,
    )  # fmt: skip
    better = 0
    for _ in range(repetitions):
        cells = []
        for name in ("one", "two"):
            arms = [draw(rng, N) for _ in range(2)]
            current, proposed = ({"loss": arm, "ruin": (arm > 3.0).astype(float)} for arm in arms)
            cells.append(Cell(name=name, current=current, proposed=proposed))
        found = decide(cells, (loss, ruin), RULE, seed=1, weights=WEIGHTS)
        better += found.word is Word.BETTER
    return better


@pytest.mark.parametrize(
    ("draw", "margin", "largest"),
    [(normal, 2.0, 6.0), (lognormal, 40.0, LARGEST), (rare, 5.0, 10.0)],
)
def test_equal_arms_are_seldom_called_better(draw, margin, largest):
    better = better_rate(draw, margin=margin, largest=largest)
    # Margins are wide, so that nothing but superiority keeps a comparison from being better.
    assert clopper_pearson(better, REPETITIONS, side="upper").upper <= RULE.alpha


def test_the_margins_of_that_test_are_wide_enough_to_be_better():
    """A real improvement is called better there, so the rates above are no accident of the margins."""
    rng = np.random.default_rng(7)
    loss = Endpoint(
        metric="loss",
        role="solvency",
        statistic="mean",
        margin=2.0,
        largest=6.0,
        direction=1,
        superiority=True,
    )
    current = normal(rng, N)
    cell = Cell(name="one", current={"loss": current}, proposed={"loss": normal(rng, N) - 2.0})
    assert decide([cell], [loss], RULE, seed=1, weights=WEIGHTS).word is Word.BETTER


def harm_on_the_margin(kind, rng, shape):
    """Differences whose mean is the margin exactly, and the largest of them; skewed towards harm."""
    if kind == "normal":
        return rng.normal(1.0, 2.0, shape), 1.0, 8.0
    if kind == "exponential":
        return rng.exponential(size=shape), 1.0, 12.0
    if kind == "lognormal":  # mean of min(X, c): the exact one of the lognormal cut at c
        sigma, cut = 1.5, np.log(LARGEST)
        inside = np.exp(sigma**2 / 2) * stats.norm.cdf((cut - sigma**2) / sigma)
        return lognormal(rng, shape), inside + LARGEST * stats.norm.sf(cut / sigma), LARGEST
    if kind == "gain, rarely ruin":  # better on 98 % of the paths and far worse on the rest
        return np.where(rng.random(shape) < 0.02, 50.0, -1.0), 0.02, 51.0
    probability = float(kind)
    return (rng.random(shape) < probability).astype(float), probability, 1.0


KINDS = ["normal", "exponential", "lognormal", "gain, rarely ruin", "0.3", "0.05", "0.02", "0.005"]


def assert_at_most_alpha(count, trials=REPETITIONS):
    """Refuse a count that the stated rate would exceed with the chance of 4.5 standard errors, 3.4e-6."""
    assert stats.binom.sf(count - 1, trials, RULE.alpha) > 3.4e-6, f"{count} of {trials}"


@pytest.mark.parametrize(("kind", "n"), [*((kind, 72) for kind in KINDS), ("lognormal", 250), ("0.3", 250)])
def test_harm_on_the_margin_seldom_passes_as_within(kind, n):
    harm, margin, largest = harm_on_the_margin(kind, np.random.default_rng(31), (n, REPETITIONS))
    bounds = mean_bounds(harm, np.full(REPETITIONS, largest), MANY_WEIGHTS)
    passed = int(np.count_nonzero(bounds.upper(RULE.alpha) < margin))
    assert_at_most_alpha(passed)


@pytest.mark.parametrize("kind", KINDS)
def test_harm_on_the_margin_is_seldom_called_beyond(kind):
    harm, margin, largest = harm_on_the_margin(kind, np.random.default_rng(32), (100, REPETITIONS))
    bounds = mean_bounds(harm, np.full(REPETITIONS, largest), MANY_WEIGHTS)
    beyond = int(np.count_nonzero(bounds.lower(RULE.alpha) > margin))
    assert_at_most_alpha(beyond)


@pytest.mark.parametrize("kind", ["lognormal", "gain, rarely ruin", "0.02"])
def test_students_bound_alone_would_break_the_rate(kind):
    harm, margin, _ = harm_on_the_margin(kind, np.random.default_rng(31), (72, REPETITIONS))
    student = harm.mean(axis=0) + stats.t.ppf(RULE.confidence, 71) * harm.std(axis=0, ddof=1) / np.sqrt(72)
    passed = int(np.count_nonzero(student < margin))
    assert clopper_pearson(passed, REPETITIONS, side="lower").lower > 2.0 * RULE.alpha


def test_a_change_inferior_in_one_cell_seldom_passes():
    """Intersection-union: no correction for cells, although any of them may be the bad one."""
    rng = np.random.default_rng(5)
    loss = Endpoint(
        metric="loss",
        role="solvency",
        statistic="mean",
        margin=1.0,
        largest=8.0,
        direction=1,
        superiority=True,
    )
    zero, passed, worse = np.zeros(N), 0, 0
    for _ in range(REPETITIONS // 2):
        cells = [
            Cell(name=name, current={"loss": zero}, proposed={"loss": rng.normal(mean, 1.0, N)})
            for name, mean in (("one", 0.0), ("two", 1.0), ("three", 0.0))
        ]
        word = decide(cells, [loss], RULE, seed=1, weights=WEIGHTS).word
        passed += word in (Word.BETTER, Word.NOT_WORSE)
        worse += word is Word.WORSE
    for count in (passed, worse):
        assert_at_most_alpha(count, REPETITIONS // 2)
