"""What set-up does before the first block."""

import pytest

from sim.engine.worlds.population import equal_parts


@pytest.mark.parametrize("count", [1, 3, 7])
def test_parts_add_up_exactly(count):
    parts = equal_parts(1_000_003 * 10**6, count)
    assert sum(parts) == 1_000_003 * 10**6
    assert max(parts) - min(parts) < count
