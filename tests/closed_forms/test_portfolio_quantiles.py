"""quant 8.4b: our estimators of mean, quantiles and shortfall on losses whose distribution is known.

One jump hits a portfolio; L(J) = sum W_i (k_i - e^J)^+ is monotone in J, so every quantile is the loss at a
quantile of J and every tail mean an integral over J.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from sim.core.rng import Streams
from sim.experiments.rare.variance_reduction import antithetic_mean, control_variate_mean, replicated_mean
from sim.experiments.sweep.design import scrambled_sobol
from sim.metrics.statistics.bootstrap import bootstrap_interval
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import clopper_pearson, quantile_interval, quantile_ranks
from sim.metrics.statistics.paired import mean_interval

WEIGHTS = np.array([10.0, 20.0, 40.0, 30.0])
KEPT = 1.0 - np.array([0.02, 0.05, 0.10, 0.20])
MEAN, DEVIATION = -0.1, 0.1
EXPECTED, EXCEEDED, AT_RISK, SHORTFALL = 3.432237, 0.083398, 17.0968, 19.4528
STANDARD_ERRORS = 4.5


def losses(jumps):
    return np.maximum(KEPT - np.exp(np.asarray(jumps))[..., np.newaxis], 0.0) @ WEIGHTS


def loss_at(probability):
    """The quantile of the loss: worse jumps are the lower ones."""
    return float(losses(stats.norm.ppf(1.0 - probability, MEAN, DEVIATION)))


def jumps(n, name, seed=84):
    return MEAN + DEVIATION * Streams(seed).draw(name).normal(n)


def tail_moment(power):
    """E(L**power given L beyond its 99 % quantile)."""
    total, _ = quad(lambda u: loss_at(1.0 - u) ** power, 0.0, 0.01, limit=200, epsabs=1e-13)
    return total / 0.01


def test_golden_values() -> None:
    d = (np.log(KEPT) - MEAN) / DEVIATION
    parts = KEPT * stats.norm.cdf(d) - math.exp(MEAN + DEVIATION**2 / 2) * stats.norm.cdf(d - DEVIATION)
    assert float(parts @ WEIGHTS) == pytest.approx(EXPECTED, abs=5e-7)
    assert loss_at(1 - EXCEEDED) == pytest.approx(10.0, abs=1e-4)
    assert loss_at(0.99) == pytest.approx(AT_RISK, abs=5e-5)
    assert tail_moment(1) == pytest.approx(SHORTFALL, abs=5e-5)


def test_mean_and_probability() -> None:
    sample = losses(jumps(20_000, "mean"))
    found = mean_interval(sample)
    assert abs(found.mean - EXPECTED) < STANDARD_ERRORS * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    event = clopper_pearson(int((sample > 10.0).sum()), sample.size, confidence=0.9999932)  # 4.5 sigma
    assert event.lower < EXCEEDED < event.upper


def test_value_at_risk_and_its_order_statistic_interval() -> None:
    n, repetitions, truth = 1_000, 400, loss_at(0.99)
    rows = losses(jumps(n * repetitions, "value at risk")).reshape(repetitions, n)
    found = [quantile_interval(row, 0.99) for row in rows]
    coverage = quantile_ranks(n, 0.99).coverage
    covered = sum(one.lower <= truth < one.upper for one in found) / repetitions
    assert abs(covered - coverage) < STANDARD_ERRORS * math.sqrt(coverage * (1 - coverage) / repetitions)
    # All rows together are one sample of 400,000: its error from the density of the loss at the quantile.
    jump = stats.norm.ppf(0.01, MEAN, DEVIATION)
    slope = float((WEIGHTS * (math.exp(jump) < KEPT)).sum()) * math.exp(jump)
    density = stats.norm.pdf(jump, MEAN, DEVIATION) / slope
    error = math.sqrt(0.01 * 0.99 / rows.size) / density
    assert abs(quantile_interval(rows.ravel(), 0.99).estimate - truth) < STANDARD_ERRORS * error


def test_expected_shortfall_and_its_bootstrap_interval() -> None:
    n, repetitions, truth = 100_000, 150, tail_moment(1)
    found = empirical_expected_shortfall(losses(jumps(n, "shortfall")), 0.99)
    # Asymptotic variance of a tail mean whose threshold is estimated too: Acerbi, Tasche (2002).
    spread = tail_moment(2) - truth**2 + 0.99 * (truth - loss_at(0.99)) ** 2
    assert abs(found - truth) < STANDARD_ERRORS * math.sqrt(spread / (0.01 * n))
    covered = 0
    for step in range(repetitions):
        sample = losses(jumps(2_000, f"bootstrap {step}"))
        interval = bootstrap_interval(
            sample,
            lambda rows: empirical_expected_shortfall(rows, 0.99),
            Streams(step),
            replicates=200,
            confidence=0.9,
        )
        covered += interval.lower <= truth <= interval.upper
    # Percentile intervals of twenty tail losses fall short of 90 %, by less than ten points here.
    error = math.sqrt(0.8 * 0.2 / repetitions)
    assert 0.8 - STANDARD_ERRORS * error < covered / repetitions <= 0.9 + STANDARD_ERRORS * error


def test_control_variate_by_the_closed_form_of_one_position() -> None:
    """The loss of one position at 10 % margin, 0.0315836 on the same jump, steadies that of all four."""
    drawn = jumps(4_000, "control")
    control = np.maximum(0.9 - np.exp(drawn), 0.0)
    found = control_variate_mean(losses(drawn), control, 0.0315836)
    error = found.interval.half_width / stats.t.ppf(0.975, 3_998)
    # The control's mean is printed to seven digits: its rounding moves the estimate by coefficient * 5e-8.
    assert abs(found.interval.mean - EXPECTED) < STANDARD_ERRORS * error + abs(found.coefficient) * 5e-8
    assert found.variance_factor > 20
    assert found.interval.half_width < mean_interval(losses(drawn)).half_width / 4


def test_antithetic_jumps_are_unbiased_and_help() -> None:
    z = Streams(84).draw("antithetic").normal(4_000)
    found = antithetic_mean(losses(MEAN + DEVIATION * z), losses(MEAN - DEVIATION * z))
    error = found.interval.half_width / stats.t.ppf(0.975, 3_999)
    assert abs(found.interval.mean - EXPECTED) < STANDARD_ERRORS * error
    assert 1.2 < found.variance_factor < 3  # the loss is monotone in the jump, but convex


def test_scrambled_sobol_replicates_are_unbiased_and_help_most() -> None:
    rows = np.stack([scrambled_sobol(1, 256, 84, f"replicate {one}")[:, 0] for one in range(16)])
    uniforms = np.clip(rows, 2.0**-53, None)  # scrambling may give an exact zero
    found = replicated_mean(losses(stats.norm.ppf(uniforms, MEAN, DEVIATION)))
    error = found.interval.half_width / stats.t.ppf(0.975, 15)
    assert abs(found.interval.mean - EXPECTED) < stats.t.isf(3.4e-6, 15) * error  # 4.5 sigma at 15 degrees
    assert found.variance_factor > 100
