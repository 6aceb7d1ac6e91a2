"""Confidence sequences: the printed formula, its optimum, and coverage under looks after every value."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.statistics.intervals import clopper_pearson
from sim.metrics.statistics.sequential import (
    mean_sequence,
    mixture_scale,
    proportion_sequence,
    sequence_factor,
)

FIRST_LOOK, LENGTH = 100, 1_500


def _missed(draws, truth, factor_of):
    """Return the share of repetitions whose interval excluded the truth at any look."""
    n = np.arange(1, LENGTH + 1)
    mean = np.cumsum(draws, axis=1) / n
    variance = (np.cumsum(draws**2, axis=1) - n * mean**2) / np.maximum(n - 1, 1)
    looks = slice(FIRST_LOOK - 1, None)
    half = factor_of(n[looks]) * np.sqrt(variance[:, looks])
    return float((np.abs(mean[:, looks] - truth) > half).any(axis=1).mean())


@pytest.mark.parametrize("kind", ["normal", "exponential"])
def test_covers_under_continuous_peeking_where_the_t_interval_does_not(kind) -> None:
    repetitions = 1_500
    draw = Streams(3).draw(f"peeking {kind}")
    draws = getattr(draw, kind)(repetitions * LENGTH).reshape(repetitions, LENGTH)
    truth = 0.0 if kind == "normal" else 1.0
    ours = _missed(draws, truth, lambda n: sequence_factor(n, confidence=0.9, tightest_at=300))
    naive = _missed(draws, truth, lambda n: stats.t.ppf(0.95, n - 1) / np.sqrt(n))
    assert ours <= 0.1 + 4.5 * math.sqrt(0.1 * 0.9 / repetitions)
    assert naive > 0.3  # Brownian motion leaves +-1.645 sqrt(t) on [1, 15] far more often than once in ten


def test_mean_sequence_is_the_formula_of_the_paper() -> None:
    values = Streams(4).draw("values").normal(400)
    rho, n = mixture_scale(250, confidence=0.95), 400
    inside = 2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / 0.05)
    found = mean_sequence(values, confidence=0.95, tightest_at=250)
    assert found.half_width == pytest.approx(np.std(values, ddof=1) * math.sqrt(inside), rel=1e-12)
    assert (found.mean, found.n) == (pytest.approx(values.mean()), n)


@pytest.mark.parametrize(("tightest_at", "confidence"), [(50, 0.95), (1_000, 0.95), (1_000, 0.99)])
def test_no_other_scale_is_narrower_at_the_stated_size(tightest_at, confidence) -> None:
    def width(other):
        return float(sequence_factor(tightest_at, confidence=confidence, tightest_at=other))

    assert all(width(tightest_at) < width(other) for other in (tightest_at // 2, 2 * tightest_at))
    # At the optimum the factor is sqrt((1 + x) / n): put x = log(1 + x) - 2 log alpha into the formula.
    x = tightest_at * mixture_scale(tightest_at, confidence=confidence) ** 2
    assert x == pytest.approx(math.log1p(x) - 2 * math.log(1 - confidence), rel=1e-12)
    assert width(tightest_at) == pytest.approx(math.sqrt((1 + x) / tightest_at), rel=1e-12)
    if confidence == 0.95:  # as the docstring promises
        normal = float(stats.norm.ppf(0.975))
        assert width(tightest_at) * math.sqrt(tightest_at) / normal == pytest.approx(1.55, abs=0.005)


def test_a_sample_without_spread_never_stops_anything() -> None:
    assert mean_sequence([0.0] * 500, tightest_at=500).half_width == math.inf
    assert math.isfinite(mean_sequence([0.0] * 499 + [1.0], tightest_at=500).half_width)


def test_proportion_sequence_never_misses_more_than_it_says() -> None:
    """Exactly, by the distribution of the first miss over all paths of a binomial walk."""
    horizon = 300
    for probability in (0.02, 0.3):
        alive, missed = {0: 1.0}, 0.0
        for n in range(1, horizon + 1):
            moved: dict[int, float] = {}
            for events, mass in alive.items():
                for step, chance in ((0, 1 - probability), (1, probability)):
                    moved[events + step] = moved.get(events + step, 0.0) + mass * chance
            alive = {}
            for events, mass in moved.items():
                if mass < 1e-15:
                    missed += mass  # counted against us
                    continue
                found = proportion_sequence(events, n, confidence=0.9)
                if found.lower <= probability <= found.upper:
                    alive[events] = mass
                else:
                    missed += mass
        assert 0.0 < missed <= 0.1


def test_fixed_sample_intervals_miss_more_under_peeking() -> None:
    """The same walk with Clopper-Pearson at every look: far beyond its level."""
    alive, missed, probability = {0: 1.0}, 0.0, 0.3
    for n in range(1, 301):
        moved: dict[int, float] = {}
        for events, mass in alive.items():
            for step, chance in ((0, 1 - probability), (1, probability)):
                moved[events + step] = moved.get(events + step, 0.0) + mass * chance
        alive = {}
        for events, mass in moved.items():
            found = clopper_pearson(events, n, confidence=0.9)
            if found.lower <= probability <= found.upper:
                alive[events] = mass
            else:
                missed += mass
    assert missed > 0.2


def test_ends_are_where_the_martingale_reaches_one_over_alpha() -> None:
    events, trials, alpha = 3, 40, 0.05
    found = proportion_sequence(events, trials, prior=(0.5, 2.0))
    for end in (found.lower, found.upper):
        # The martingale as a ratio of beta-binomial to binomial probabilities of the same count.
        ratio = stats.betabinom.pmf(events, trials, 0.5, 2.0) / stats.binom.pmf(events, trials, end)
        assert ratio == pytest.approx(1 / alpha, rel=1e-9)
    none = proportion_sequence(0, trials)
    assert none.lower == 0.0
    assert none.upper == pytest.approx(1 - (alpha / (trials + 1)) ** (1 / trials), rel=1e-9)
    every = proportion_sequence(trials, trials)
    assert (every.lower, every.upper) == (pytest.approx(1 - none.upper, rel=1e-9), 1.0)


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: mean_sequence([1.0], tightest_at=10),
        lambda: mean_sequence([1.0, math.nan], tightest_at=10),
        lambda: mean_sequence([1.0, 2.0], tightest_at=0),
        lambda: mean_sequence([1.0, 2.0], tightest_at=10, confidence=1.0),
        lambda: proportion_sequence(2, 1),
        lambda: proportion_sequence(0, 0),
        lambda: proportion_sequence(0, 1, prior=(0.0, 1.0)),
    ):
        with pytest.raises(ValueError, match=r"."):
            call()
