"""quant 8.6: ruin of a fund with steady income and exponential claims, by plain and by tilted sampling.

psi(F) = e^{-R F} / (1 + theta) with theta = c / (l mu) - 1 and R = theta / ((1 + theta) mu), over an infinite
time. Ruin can only happen at a claim, so the walk of (claim - income since the last one) decides it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.rare.importance import weighted_mean
from sim.metrics.statistics.intervals import clopper_pearson

RATE, CLAIM, INCOME = 2.0, 1.0, 2.6
THETA = INCOME / (RATE * CLAIM) - 1
ADJUSTMENT = THETA / ((1 + THETA) * CLAIM)
STANDARD_ERRORS = 4.5


def ruin(fund):
    return math.exp(-ADJUSTMENT * fund) / (1 + THETA)


def walk(paths, claims, *, rate, claim, name):
    """Return accumulated loss of the fund after each claim, float64[path, claim]."""
    draw = Streams(86).draw(name)
    sizes = claim * draw.exponential(paths * claims).reshape(paths, claims)
    waits = draw.exponential(paths * claims).reshape(paths, claims) / rate
    return np.cumsum(sizes - INCOME * waits, axis=1)


def test_golden_value() -> None:
    assert ruin(5.0) == pytest.approx(0.242632, abs=5e-7)


def test_plain_sampling() -> None:
    paths, claims, fund = 10_000, 300, 5.0
    loss = walk(paths, claims, rate=RATE, claim=CLAIM, name="plain")
    ruined = loss.max(axis=1) > fund
    # What the cut after 300 claims misses is known exactly: ruin from where each survivor then stands.
    late = float(np.where(ruined, 0.0, [ruin(fund - end) for end in loss[:, -1]]).mean())
    assert late < 1e-4
    truth = ruin(fund) - late
    share = float(ruined.mean())
    assert abs(share - truth) < STANDARD_ERRORS * math.sqrt(truth * (1 - truth) / paths)
    found = clopper_pearson(int(ruined.sum()), paths, confidence=0.9999932)  # 4.5 sigma
    assert found.lower < truth < found.upper


@pytest.mark.parametrize("fund", [5.0, 50.0])
def test_tilted_sampling_where_ruin_is_certain(fund) -> None:
    """Under the tilt by R claims are larger, more frequent, and the weight is e^{-R loss at ruin}.

    Siegmund, Annals of Statistics 4 (1976). For fund 50 the chance is 7.5e-6.
    """
    paths = 4_000
    rate, claim = RATE / (1 - CLAIM * ADJUSTMENT), CLAIM / (1 - CLAIM * ADJUSTMENT)
    loss = walk(paths, 900, rate=rate, claim=claim, name=f"tilted {fund}")
    assert (loss.max(axis=1) > fund).all()
    at_ruin = loss[np.arange(paths), np.argmax(loss > fund, axis=1)]
    found = weighted_mean(np.ones(paths), np.exp(-ADJUSTMENT * at_ruin))
    error = found.relative_error * found.interval.mean
    assert abs(found.interval.mean - ruin(fund)) < STANDARD_ERRORS * error
    assert found.relative_error < 0.01
