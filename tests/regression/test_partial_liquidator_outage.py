"""An outage of a share of the liquidators silenced all of them.

Liquidators are spread over latencies, and each group rounded its share up: with one liquidator a latency any
share was everybody.
"""

from __future__ import annotations

import pytest

from sim.agents.base import Outage, silent_members
from sim.agents.liquidator import LiquidatorsSection, teams


@pytest.mark.parametrize(("count", "latencies"), [(3, 2), (6, 2), (7, 3), (1, 0), (49, 5)])
@pytest.mark.parametrize("share", [0.01, 0.34, 0.5, 0.9, 1.0])
def test_the_share_is_of_all_liquidators(count, latencies, share):
    outage = Outage(start_block=5, end_block=10, share=share)
    groups = teams(LiquidatorsSection(count=count, latency_blocks_max=latencies), [outage])
    assert sum(group.count for group in groups) == count
    silent = sum(int(silent_members(group.outages, 7, group.count).sum()) for group in groups)
    assert silent == min(int(-(-share * count // 1)), count)
    assert not any(silent_members(group.outages, 10, group.count).any() for group in groups)


def test_fast_and_slow_ones_alike():
    outage = Outage(start_block=0, end_block=1, share=0.5)
    groups = teams(LiquidatorsSection(count=6, latency_blocks_max=2), [outage])
    assert [int(silent_members(group.outages, 0, group.count).sum()) for group in groups] == [1, 1, 1]
