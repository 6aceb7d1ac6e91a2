"""Entry prices that share an index because reporters cannot state as many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.core.units import WAD
from sim.engine.worlds.entries import plan_entries

PRICES = st.lists(st.integers(1_000 * WAD, 3_000 * WAD), min_size=1, max_size=60)


def widest(prices: list[int], counts: list[int]) -> float:
    """Return by what factor prices that share an index differ at most."""
    found, first = 1.0, 0
    for count in counts:
        group = sorted(prices)[first : first + count]
        found, first = max(found, group[-1] / group[0]), first + count
    return found


@given(prices=PRICES, most=st.integers(1, 12))
def test_neighbours_share_as_few_indices_as_may_be_stated_as_closely_as_may_be(prices, most):
    plan = plan_entries(prices, [WAD] * len(prices), skew=0, scale=10**40, max_premium=0, most_steps=most)
    counts = [count for _, count in plan.steps]
    assert sum(counts) == len(prices)
    assert sorted(plan.order) == list(range(len(prices)))
    if len(prices) <= most:
        assert [index for index, _ in plan.steps] == sorted(prices)
        return
    assert len(counts) <= most
    # The best any grouping does: the k-th of all pairs of neighbours' groups, found by trying every width.
    ordered = sorted(prices)
    for width in sorted({high / low for low in ordered for high in ordered if high >= low}):
        groups, low = 0, 0
        for price in ordered:
            if not groups or price / low > width:
                groups, low = groups + 1, price
        if groups <= most:
            break
    assert widest(prices, counts) <= width * (1.0 + 1e-12)
