"""Estimates against the Python twin, round by round; every parameter alone; every limit where it binds."""

from __future__ import annotations

import math

import boa
import pytest

from sim.reference import estimator_math as twin
from sim.reference import oracle_math
from sim.reference.fixed_point import WAD, mul_wad_up
from tests.support.oracle_driver import START_PRICE
from tests.support.volatility_driver import ESTIMATOR, HOUR, VARIANCE

FALL = [START_PRICE * (1_000 - 7 * step) // 1_000 for step in range(20)]


class Model:
    """What a market's ranges come to, computed with the twin from the rounds alone."""

    def __init__(self, price, at, **changes):
        self.p = ESTIMATOR | changes
        self.variance = self.long_run = VARIANCE
        self.volatility = math.isqrt(VARIANCE * WAD)
        self.high = self.low = self.last = price
        self.opened = self.at = at

    def closed(self):
        """Return variance, volatility and long run with the open bucket taken in."""
        elapsed = self.at - self.opened
        if not elapsed:
            return self.variance, self.volatility, self.long_run
        log_range = twin.log_range(self.high, self.low, self.p["max_range"])
        keep = oracle_math.decay(elapsed, self.p["tau_range_seconds"])
        long = oracle_math.decay(elapsed, self.p["tau_long_seconds"])
        variance = twin.range_variance(log_range, elapsed)
        volatility = twin.range_volatility(log_range, elapsed)
        return (
            oracle_math.blend_up(self.variance, variance, keep),
            oracle_math.blend_up(self.volatility, volatility, keep),
            oracle_math.blend_up(self.long_run, variance, long),
        )

    def fold(self, price, at):
        if at - self.opened > self.p["bucket_seconds"] and self.at > self.opened:
            self.variance, self.volatility, self.long_run = self.closed()
            self.opened, self.high, self.low = self.at, self.last, self.last
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.last, self.at = price, at


def shown(volatility):
    found = volatility.found
    return found.ranged, found.true_range, found.long_run


@pytest.mark.parametrize("update", [True, False], ids=["after each round", "once"])
def test_every_round_counts_once_whoever_updates_when(volatility, update):
    model = Model(START_PRICE, boa.env.timestamp)
    for price in FALL:
        volatility.move(price, every=400, update=update)
        model.fold(price, boa.env.timestamp)
    volatility.settle()
    variance, deviation, _ = model.closed()
    assert shown(volatility) == (variance, mul_wad_up(deviation, deviation), model.long_run)
    assert volatility.found.round_id == volatility.prices.read().round_id


def test_an_update_reads_a_part_and_the_next_ones_the_rest(volatility):
    volatility.move(*FALL, *FALL, *FALL, update=False)  # 180 rounds, 64 at a time
    volatility.prices.wait(12)
    seen = []
    for _ in range(4):
        volatility.contract.update(0)
        seen.append(volatility.found.round_id)
    newest = volatility.prices.read().round_id
    assert seen[0] < seen[1] < seen[2] == seen[3] == newest
    model = Model(START_PRICE, boa.env.timestamp - 12 * 61)
    for number, price in enumerate(FALL * 3):
        model.fold(price, model.at + 12 if number else model.opened + 12)
    assert volatility.found.ranged == model.closed()[0]


def test_rounds_that_are_no_longer_kept_are_passed_over(volatility):
    volatility.move(*FALL * 5, update=False)  # 300 rounds, of which 256 are kept
    volatility.prices.wait(12)
    for _ in range(6):
        volatility.contract.update(0)
    assert volatility.found.round_id == volatility.prices.read().round_id


def test_the_rounds_of_this_second_wait_for_the_next(volatility):
    before = volatility.found
    volatility.prices.wait(12)
    now = boa.env.timestamp
    for position in range(3):
        volatility.prices.report(position, START_PRICE * 2, published_at=now - 1)
    volatility.contract.update(0)
    assert volatility.found.ranged == before.ranged
    volatility.prices.report_all(START_PRICE)  # the last of its second
    volatility.settle()
    model = Model(START_PRICE, boa.env.timestamp - 24)
    model.fold(START_PRICE, boa.env.timestamp - 12)
    assert volatility.found.ranged == model.closed()[0]


def test_a_second_update_in_a_second_changes_nothing(volatility):
    volatility.set(range_weight=WAD, rise_per_hour=WAD)
    volatility.move(*FALL)
    volatility.settle()
    before = volatility.found
    volatility.contract.update(0, sender=boa.env.generate_address("anybody"))
    assert volatility.found == before


# Each parameter alone


def outcome(volatility, **changes):
    """Return what is chosen after a fall, with some parameters changed; nothing else remembers it."""
    with boa.env.anchor():
        volatility.set(**changes)
        volatility.imply(9 * VARIANCE)
        volatility.move(*FALL, every=400)
        volatility.settle()
        return volatility.told.chosen


WEIGHTS = ("fast_weight", "slow_weight", "range_weight", "true_range_weight", "implied_weight")


def test_each_weight_chooses_its_own_estimate(volatility):
    found = {name: outcome(volatility, **{name: WAD}) for name in WEIGHTS if name != "implied_weight"}
    assert len(set(found.values())) == len(found)
    assert all(found.values())
    everything = outcome(volatility, **dict.fromkeys(found, WAD))
    assert everything == max(found.values())
    assert outcome(volatility, range_weight=2 * WAD) == 2 * found["range_weight"]


def test_without_weights_nothing_is_chosen(volatility):
    assert outcome(volatility) == 0
    assert volatility.told.ranged != 0


@pytest.mark.parametrize(
    ("name", "value", "sign"),
    [
        ("bucket_seconds", 600, -1),
        ("tau_range_seconds", HOUR, 1),
        ("max_range", WAD // 100, -1),
        ("rise_per_hour", WAD // 100, -1),
    ],
)
def test_each_parameter_alone_changes_what_is_chosen(volatility, name, value, sign):
    plain = outcome(volatility, range_weight=WAD)
    assert (outcome(volatility, range_weight=WAD, **{name: value}) - plain) * sign > 0


def test_the_floor_binds_in_calm_and_only_there(volatility):
    volatility.set(fast_weight=WAD)
    volatility.settle(86_400)
    volatility.move(START_PRICE)
    volatility.settle(86_400)
    calm = volatility.told.chosen
    volatility.set(fast_weight=WAD, floor_weight=WAD // 2)
    volatility.settle()
    assert calm < volatility.told.chosen == -(-volatility.found.long_run // 2)
    volatility.set(fast_weight=WAD, floor_weight=1)
    volatility.settle()
    assert volatility.told.chosen == max(calm, twin.MIN_VARIANCE)


def test_the_long_memory_moves_the_floor(volatility):
    floors = {}
    for tau in (86_400, 31_536_000):
        with boa.env.anchor():
            volatility.set(fast_weight=1, floor_weight=WAD, tau_long_seconds=tau)
            volatility.move(*[START_PRICE] * 3, every=7_200)
            volatility.settle()
            floors[tau] = volatility.told.chosen
    assert floors[86_400] < floors[31_536_000] < VARIANCE


def test_the_buffer_is_asked_for_in_calm_and_used_up_in_a_fall(volatility):
    quarter = {"buffer": WAD // 4}
    with boa.env.anchor():
        volatility.set(range_weight=WAD // 2, **quarter)
        volatility.settle()
        assert volatility.told.chosen == pytest.approx(VARIANCE // 2 * 1.5625, rel=1e-3)
    plain = outcome(volatility, range_weight=10 * WAD)
    assert outcome(volatility, range_weight=10 * WAD, **quarter) == plain  # nothing is left of it


def test_limits_hold_on_the_way_up_and_on_the_way_down(volatility):
    volatility.set(implied_weight=WAD, rise_per_hour=WAD, fall_per_hour=WAD // 10)
    start = volatility.found.chosen
    volatility.imply(100 * VARIANCE)
    volatility.settle(1_800)
    risen = volatility.told.chosen
    assert risen == twin.limited(start, 100 * VARIANCE, 1_800, WAD, WAD // 10)
    assert risen == pytest.approx(start * math.exp(0.5), rel=1e-9)
    volatility.imply(VARIANCE // 100)
    volatility.settle(1_800)
    assert volatility.told.chosen == pytest.approx(risen * math.exp(-0.05), rel=1e-9)


def test_a_report_is_forgotten_with_age(volatility):
    volatility.set(implied_weight=WAD, fast_weight=1, implied_age_seconds=600)
    volatility.imply(4 * VARIANCE)
    volatility.settle(600)
    assert (volatility.told.implied, volatility.told.chosen) == (4 * VARIANCE, 4 * VARIANCE)
    volatility.settle(1)
    assert volatility.told.implied == 0
    assert volatility.told.chosen == twin.MIN_VARIANCE


def test_a_choice_that_nobody_renews_is_forgotten(volatility):
    volatility.set(range_weight=WAD, expiry_seconds=600)
    volatility.settle()
    volatility.prices.wait(600)
    assert volatility.told.chosen != 0
    volatility.prices.wait(1)
    assert (volatility.told.chosen, volatility.told.ranged) == (0, 0)
    volatility.contract.update(0)
    assert volatility.told.chosen != 0


# Who, what and how far


def test_only_its_reporter_reports_what_is_implied_and_within_bounds(volatility, stranger):
    with boa.reverts("estimators: not the reporter"):
        volatility.contract.report_implied(0, VARIANCE, sender=stranger)
    for variance in (twin.MIN_VARIANCE - 1, twin.MAX_VARIANCE + 1):
        with boa.reverts("estimators: variance out of bounds"):
            volatility.imply(variance)
    volatility.imply(twin.MAX_VARIANCE)
    volatility.contract.set_implied_reporter(0, stranger, sender=volatility.owner)
    assert volatility.told.implied == 0
    with boa.reverts("estimators: not the reporter"):
        volatility.imply(VARIANCE)


def test_only_the_owner_configures(volatility, stranger):
    words = tuple(ESTIMATOR.values())
    for call, arguments in (
        (volatility.contract.add_market, (VARIANCE, stranger)),
        (volatility.contract.set_estimator, (0, words)),
        (volatility.contract.set_implied_reporter, (0, stranger)),
    ):
        with boa.reverts("access: not owner"):
            call(*arguments, sender=stranger)


def test_an_unknown_market_has_nothing_and_takes_nothing(volatility):
    assert tuple(volatility.contract.variances(7)) == (0, 0, 0)
    assert set(volatility.contract.estimates(7)) == {0}
    for call, arguments in (
        (volatility.contract.update, (1,)),
        (volatility.contract.set_implied_reporter, (1, volatility.owner)),
        (volatility.contract.set_estimator, (1, tuple(ESTIMATOR.values()))),
        (volatility.contract.report_implied, (1, VARIANCE)),
    ):
        with boa.reverts("estimators: unknown market"):
            call(*arguments, sender=volatility.owner)
    with boa.reverts("oracle: unknown asset"):
        volatility.contract.add_market(VARIANCE, volatility.owner, sender=volatility.owner)


@pytest.mark.parametrize("price", [10**12 + 1, 10**27 - 1])
def test_no_price_and_no_silence_stops_an_update(volatility, price):
    volatility.set(**dict.fromkeys(WEIGHTS, 10 * WAD), buffer=WAD, floor_weight=WAD, rise_per_hour=1)
    volatility.imply(twin.MAX_VARIANCE)
    volatility.move(price, every=1)
    volatility.move(START_PRICE, price, every=10**8)
    volatility.settle(10**7)
    assert twin.MIN_VARIANCE <= volatility.found.chosen <= twin.MAX_VARIANCE
    volatility.set(**dict.fromkeys(WEIGHTS, 10 * WAD), buffer=WAD, floor_weight=WAD)
    volatility.settle(1)
    assert twin.MIN_VARIANCE <= volatility.found.chosen <= twin.MAX_VARIANCE


def test_one_source_that_lies_back_and_forth_adds_no_more_than_it_adds_once(volatility):
    volatility.set(range_weight=WAD)
    honest = [START_PRICE, START_PRICE * 1_001 // 1_000]
    for position, price in enumerate(honest):
        volatility.prices.wait(12)
        volatility.prices.report(position, price)
    for lie in [START_PRICE // 2, START_PRICE * 2] * 20:
        volatility.prices.wait(12)
        volatility.prices.report(2, lie)
        volatility.contract.update(0)
    volatility.settle()
    # All of it is one bucket, whose range is the distance between the honest ones.
    elapsed = 12 * 42
    model = Model(START_PRICE, 0)
    model.high, model.at = honest[1], elapsed
    assert volatility.found.ranged <= model.closed()[0]
