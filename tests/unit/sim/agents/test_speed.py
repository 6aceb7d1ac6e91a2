"""Costs that decide whether ten thousand traders fit in a block."""

import time

import numpy as np
import pytest

from sim.agents.population import PopulationConfig
from sim.agents.trader_cohort import TraderCohort, TraderCohortConfig


@pytest.mark.parametrize(("count", "limit"), [(1_000, 0.3e-3), (10_000, 1.5e-3)])
def test_calm_cohort_decides_quickly(make_state, draws, count, limit):
    config = TraderCohortConfig(population=PopulationConfig(count=count))
    cohort = TraderCohort(config, TraderCohort.build(config, draws), np.arange(count))
    state = make_state(count)
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        assert cohort.decide(state, draws) == []
        best = min(best, time.perf_counter() - start)
    assert best < limit
