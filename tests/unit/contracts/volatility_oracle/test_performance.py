"""Exceptions in a window, the zones they make, and what margin is multiplied by."""

from __future__ import annotations

import math

import boa
import pytest

from sim.reference.fixed_point import WAD, mul_wad_up
from tests.support.protocol import logs_of
from tests.support.volatility_driver import HOUR, PERFORMANCE

ZONES = {"yellow_multiplier": 113 * WAD // 100, "red_multiplier": 4 * WAD // 3}
DAY = 86_400


@pytest.fixture
def judged(volatility):
    volatility.set(slow_weight=WAD, expiry_seconds=30 * DAY)
    volatility.judge(**ZONES)
    volatility.settle()
    return volatility


def performance(volatility):
    found = volatility.contract.performance(0)
    return found.count, found.multiplier


def test_each_zone_begins_at_its_count(judged):
    for added, zone in ((4, WAD), (1, ZONES["yellow_multiplier"]), (4, ZONES["yellow_multiplier"])):
        judged.ledger.add(added)
        judged.settle(1)
        assert performance(judged)[1] == zone
    judged.ledger.add(1)
    judged.settle(1)
    (event,) = logs_of(judged.contract, "PerformanceUpdated")
    assert (event.count, event.multiplier) == performance(judged) == (10, ZONES["red_multiplier"])


def test_margin_is_multiplied_and_nothing_else(judged):
    before = judged.told
    judged.ledger.add(10)
    judged.settle(1)
    after = judged.told
    squared = mul_wad_up(ZONES["red_multiplier"], ZONES["red_multiplier"])
    assert after.chosen == mul_wad_up(judged.prices.read().variance_slow, squared)
    assert after.chosen > before.chosen
    assert (after.ranged, after.implied) == (before.ranged, before.implied)


def test_the_window_rolls_and_the_multiplier_decays(judged):
    judged.ledger.add(10)
    judged.settle(1)
    judged.settle(DAY - DAY // 8 - 1)
    assert performance(judged) == (10, ZONES["red_multiplier"])
    judged.settle(DAY // 8)
    count, multiplier = performance(judged)
    assert count == 0
    assert WAD < multiplier < ZONES["red_multiplier"]
    judged.settle(604_800)
    assert performance(judged)[1] == pytest.approx(WAD + (multiplier - WAD) * math.exp(-1), rel=1e-9)


def test_who_updates_often_counts_no_exception_twice(judged):
    judged.ledger.add(4)
    for _ in range(5):
        judged.settle(HOUR)
    judged.contract.update(0)
    assert performance(judged) == (4, WAD)


def test_a_multiplier_is_held_by_the_limit_of_the_rise(judged):
    judged.set(slow_weight=WAD, expiry_seconds=30 * DAY, rise_per_hour=WAD // 10)
    before = judged.told.chosen
    judged.ledger.add(10)
    judged.settle(360)
    assert judged.told.chosen == pytest.approx(before * math.exp(0.01), rel=1e-9)


def test_without_a_choice_nothing_is_multiplied(judged):
    judged.set()
    judged.ledger.add(10)
    judged.settle(1)
    assert judged.told.chosen == 0


@pytest.mark.parametrize(
    ("name", "value", "first"),
    [
        ("window_seconds", HOUR, ZONES["yellow_multiplier"]),
        ("yellow_count", 6, WAD),
        ("red_count", 5, ZONES["red_multiplier"]),
        ("yellow_multiplier", 12 * WAD // 10, 12 * WAD // 10),
        ("red_multiplier", 2 * WAD, ZONES["yellow_multiplier"]),
        ("decay_seconds", 60, ZONES["yellow_multiplier"]),
    ],
)
def test_each_parameter_alone_changes_the_multiplier(volatility, name, value, first):
    def found(**changes):
        with boa.env.anchor():
            volatility.judge(**(ZONES | changes))
            multipliers = []
            for added, seconds in ((5, 1), (0, 2 * HOUR), (0, 3 * DAY), (10, 1), (0, 3 * DAY)):
                volatility.ledger.add(added)
                volatility.settle(seconds)
                multipliers.append(performance(volatility)[1])
            return multipliers

    plain, changed = found(), found(**{name: value})
    assert changed != plain
    assert (plain[0], changed[0]) == (ZONES["yellow_multiplier"], first)


@pytest.mark.parametrize(
    "changes",
    [
        {"window_seconds": HOUR - 1},
        {"yellow_count": 0},
        {"red_count": 4},
        {"yellow_multiplier": WAD - 1},
        {"yellow_multiplier": WAD + 1},
        {"red_multiplier": 10 * WAD + 1},
        {"decay_seconds": 59},
    ],
)
def test_bad_parameters_are_refused(volatility, changes):
    assert PERFORMANCE.keys() >= changes.keys()
    with boa.reverts("estimator_performance: out of bounds"):
        volatility.judge(**changes)


def test_only_the_owner_judges(volatility, stranger):
    with boa.reverts("access: not owner"):
        volatility.contract.set_performance(0, tuple(PERFORMANCE.values()), sender=stranger)
    with boa.reverts("estimators: unknown market"):
        volatility.contract.set_performance(1, tuple(PERFORMANCE.values()), sender=volatility.owner)
