"""Costs that decide whether ten thousand traders fit in a block."""

import time

import numpy as np
import pytest

from sim.agents.trader_cohort import TRADERS, TraderCohort, TraderSection


@pytest.mark.parametrize(("count", "limit"), [(1_000, 0.3e-3), (10_000, 1.5e-3)])
def test_calm_cohort_decides_quickly(make_state, draws, count, limit):
    section = TraderSection(name="many", count=count)
    cohort = TraderCohort(section, TRADERS.draw(section, draws)["traders:many"], np.arange(count))
    state = make_state(count)
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        assert cohort.decide(state, draws) == []
        best = min(best, time.perf_counter() - start)
    assert best < limit
