from __future__ import annotations

import pytest

from sim.reference import ramp_math
from sim.reference.fixed_point import WAD
from tests.support.protocol import id_of, logs_of

SPEED = WAD // 4


@pytest.fixture
def ramped(build):
    return build(margin={"ramp_per_hour": SPEED})


def effective(protocol, account):
    return protocol.lens.positions(0, [id_of(account)])[0].effective_maintenance_ratio


def test_a_risen_ratio_reaches_existing_positions_slowly_and_new_ones_at_once(ramped):
    old = ramped.account("old", 10_000)
    ramped.increase(old, 10 * WAD)
    ramped.set_ratios(WAD // 10, WAD // 20)
    new = ramped.account("new", 10_000)
    ramped.increase(new, 10 * WAD)
    assert effective(ramped, old) == WAD // 40
    assert effective(ramped, new) == WAD // 20
    assert ramped.position(new).entry_maintenance_ratio == WAD // 20
    ramped.wait(600)
    assert effective(ramped, old) == ramp_math.ramped_ratio(WAD // 40, WAD // 20, SPEED, 600)
    ramped.registry.poke(0)
    (event,) = logs_of(ramped.registry, "RampUpdated")
    assert (event.base_ratio, event.ramped_ratio) == (WAD // 20, effective(ramped, old))


def test_silence_counts_as_ten_minutes(ramped):
    old = ramped.account("old", 10_000)
    ramped.increase(old, 10 * WAD)
    ramped.set_ratios(WAD // 10, WAD // 20)
    ramped.wait(36_000)
    assert effective(ramped, old) == ramp_math.ramped_ratio(WAD // 40, WAD // 20, SPEED, 600)


def test_a_fallen_ratio_applies_at_once(ramped):
    old = ramped.account("old", 10_000)
    ramped.increase(old, 10 * WAD)
    ramped.set_ratios(WAD // 50, WAD // 100)
    assert effective(ramped, old) == WAD // 100


def test_adding_to_a_position_gets_no_free_ride(ramped):
    trader = ramped.account("trader", 10_000)
    ramped.increase(trader, 10 * WAD)
    ramped.set_ratios(WAD // 10, WAD // 20)
    ramped.increase(trader, 30 * WAD)
    blended = ramp_math.blended_ratio(10 * WAD, WAD // 40, 30 * WAD, WAD // 20)
    assert ramped.position(trader).entry_maintenance_ratio == blended == 4375 * WAD // 100_000
    assert effective(ramped, trader) == blended
    ramped.decrease(trader, 39 * WAD)
    assert ramped.position(trader).entry_maintenance_ratio == blended


def test_without_a_ramp_the_target_applies_at_once(protocol):
    trader = protocol.account("trader", 10_000)
    protocol.increase(trader, 10 * WAD)
    protocol.set_ratios(WAD // 10, WAD // 20)
    assert effective(protocol, trader) == WAD // 20
