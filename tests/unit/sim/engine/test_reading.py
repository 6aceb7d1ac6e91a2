"""What is read after a block is what the whole of it would say."""

from pathlib import Path

import numpy as np
import pytest

from sim.engine.blocks.observation import read_protocol
from sim.engine.options import RunOptions
from sim.engine.run import build_world
from sim.protocol.mirror import RATIO_GRID_NOTIONALS
from tests.support.small_run import small_scenario


@pytest.fixture(scope="module")
def world():
    world = build_world(small_scenario(), RunOptions(out=Path()), {})
    yield world
    world.chain.close()


def test_a_grid_that_ends_at_the_largest_position_values_everybody_the_same(world):
    markets, whole = world.client.markets(), world.client.curves()
    read, full = read_protocol(world).valuation, world.mirror.value(markets, whole)
    for name in ("equity", "notional", "initial_requirement", "maintenance_requirement", "maintenance_ratio"):
        assert np.array_equal(getattr(read, name), getattr(full, name)), name
    (largest,) = world.mirror.largest_notionals(markets)
    assert largest == full.notional.max() > 0.0
    (short,) = world.client.curves([largest])
    points = len(short.notionals)
    assert points < len(whole[0].notionals)
    assert short.notionals[-2] < largest <= short.notionals[-1]
    assert short.maintenance.tolist() == whole[0].maintenance[:points].tolist()
    assert short.initial.tolist() == whole[0].initial[:points].tolist()


def test_nobody_and_positions_beyond_the_grid(world):
    assert [len(curve.notionals) for curve in world.client.curves([0.0])] == [1]
    assert [len(curve.notionals) for curve in world.client.curves([1e30])] == [1 + len(RATIO_GRID_NOTIONALS)]
