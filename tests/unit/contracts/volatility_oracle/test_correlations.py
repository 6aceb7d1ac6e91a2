"""Correlation of two markets, sample by sample against the twin; every parameter alone; who gains."""

from __future__ import annotations

from itertools import pairwise

import boa
import pytest

from sim.reference import covariance_math as twin
from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.correlation_driver import CORRELATION, HOUR, PERIOD, CorrelationDriver

TOGETHER = [(1.01, 1.02), (0.98, 0.97), (1.005, 1.01), (1.0, 0.99), (0.97, 0.96)]
APART = [(1.01, 0.98), (0.98, 1.03), (1.005, 0.99), (1.0, 1.01), (0.97, 1.04)]


@pytest.fixture
def pairs(owner):
    driver = CorrelationDriver(owner)
    driver.set()
    return driver


def by_the_twin(prices, elapsed=PERIOD, **changes):
    """Return the correlation that rows of two prices come to."""
    p = CORRELATION | changes
    variances, covariance = [0, 0], 0
    for before, after in pairwise(prices):
        decay = oracle_math.decay(elapsed, p["tau_seconds"])
        returns = [twin.log_return(new, old, p["max_return"]) for old, new in zip(before, after, strict=True)]
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            seen = oracle_math.observed_variance(new, old, elapsed, p["max_return"])
            variances[i] = oracle_math.blend_up(variances[i], seen, decay)
        covariance = twin.blend_floor(covariance, twin.observed_covariance(*returns, elapsed), decay)
    return twin.correlation(*variances, covariance)


def play(pairs, moves):
    rows = []
    for move in moves:
        pairs.period(*move)
        rows.append(tuple(pairs.last))
    return rows


@pytest.mark.parametrize("moves", [TOGETHER, APART], ids=["together", "apart"])
def test_samples_come_to_what_the_twin_says(pairs, moves):
    rows = play(pairs, moves)
    assert pairs.found.estimate == pairs.found.level == by_the_twin(rows)
    assert pairs.found.samples == len(moves) - 1
    assert pairs.found.sampled_at == boa.env.timestamp - boa.env.timestamp % PERIOD
    assert pairs.least() == pairs.found.level == pairs.least(0b10, 0b01)
    assert (pairs.found.level > WAD // 2) == (moves is TOGETHER)


def test_only_pairs_of_a_long_and_a_short_count(owner):
    pairs = CorrelationDriver(owner, markets=3)
    pairs.set()
    for first, second in APART:
        pairs.period(first, second, first, update=False)
        for pair in ((0, 1), (0, 2), (1, 2)):
            pairs.contract.update_pair(*pair)
    levels = {pair: pairs.contract.correlation(*pair).level for pair in ((0, 1), (0, 2), (1, 2))}
    assert levels[0, 1] < 0 < levels[0, 2]
    assert pairs.least(0b001, 0b100) == levels[0, 2]
    assert pairs.least(0b011, 0b100) == levels[1, 2]
    assert pairs.least(0b101, 0b010) == min(levels[0, 1], levels[1, 2])
    assert pairs.least(0b111, 0) == pairs.least(0, 0b111) == pairs.least(0b01, 0b1000) == WAD


def test_nothing_is_estimated_before_there_are_enough_samples(pairs):
    pairs.set(least_sample_count=3)
    play(pairs, APART[:3])
    assert pairs.found.samples == 2
    assert pairs.least() == pairs.found.level == WAD
    pairs.period(*APART[3])
    assert pairs.least() < 0


def test_a_fall_is_limited_and_a_rise_is_not(pairs):
    pairs.set(fall_per_hour=WAD // 10)
    play(pairs, APART)
    step = WAD // 10 * PERIOD // HOUR
    assert pairs.found.estimate < 0
    assert pairs.least() == WAD - 4 * step  # four samples after the first prices
    pairs.set()
    pairs.period(1.02, 0.98)
    pairs.set(fall_per_hour=1)
    low = pairs.least()
    assert low < 0
    for _ in range(30):
        pairs.period(1.05, 1.05)
        pairs.period(0.95, 0.95)
    assert pairs.least() > WAD // 2


def test_what_nobody_renews_is_forgotten_and_begins_anew(pairs):
    pairs.set(expiry_seconds=4 * PERIOD)
    play(pairs, APART)
    pairs.set(expiry_seconds=4 * PERIOD, fall_per_hour=WAD // 10)
    boa.env.time_travel(seconds=4 * PERIOD)
    assert pairs.least() < 0
    boa.env.time_travel(seconds=1)
    assert pairs.least() == WAD
    assert pairs.found.level < 0  # still told, for who asks
    pairs.period(1.01, 0.99)
    # However long nobody came: it falls by what one period allows, not by what the silence would.
    assert pairs.least() == WAD - WAD // 10 * PERIOD // HOUR


def test_a_return_is_capped(pairs):
    capped = {"max_return": WAD // 100}
    pairs.set(**capped)
    rows = play(pairs, [(1.0, 1.0), (1.04, 1.04), (1.01, 0.99), (0.99, 1.02)])
    assert pairs.found.estimate == by_the_twin(rows, **capped) != by_the_twin(rows)


def test_memory_decides_what_the_first_samples_still_count(pairs):
    moves = APART + TOGETHER
    short = {"tau_seconds": PERIOD}
    pairs.set(**short)
    rows = play(pairs, moves)
    assert pairs.found.estimate == by_the_twin(rows, **short) > by_the_twin(rows)


# --- who gains by a call ---


def test_who_calls_when_in_a_period_does_not_matter(pairs):
    """A move of one market alone, and the call in the second after: the price at the period's end counts."""
    play(pairs, TOGETHER)
    with boa.env.anchor():
        pairs.period(1.0, 1.0)
        expected = pairs.found
    pairs.period(1.0, 1.0, update=False)
    boa.env.time_travel(seconds=30)
    pairs.report(0, round(pairs.last[0] * 1.3))  # the other market's reporters are slower
    pairs.contract.update_pair(0, 1)
    assert pairs.found == expected


def test_a_second_call_in_a_period_is_refused(pairs):
    play(pairs, TOGETHER)
    for seconds in (0, 1, PERIOD - 2):
        boa.env.time_travel(seconds=seconds)
        with boa.reverts("correlations: sampled already"):
            pairs.contract.update_pair(0, 1)


def test_a_silent_market_is_no_market_that_parts(pairs):
    play(pairs, TOGETHER)
    before = pairs.found
    for _ in range(3):
        boa.env.time_travel(seconds=PERIOD // 2)
        pairs.report(0, round(pairs.last[0] * 1.05))
        pairs.to_period()
        with boa.reverts("correlations: silent market"):
            pairs.contract.update_pair(0, 1)
    assert pairs.found == before
    pairs.period(1.0, 1.05**3)  # what it does when it speaks again counts once, over the whole gap
    assert pairs.found.samples == before.samples + 1
    assert pairs.found.estimate > 9 * WAD // 10


def test_a_call_too_late_for_a_periods_price_is_refused(pairs):
    play(pairs, TOGETHER)
    pairs.period(1.01, 1.01, update=False)
    for _ in range(22):  # three rounds each: 66, of which a sample looks through 64
        boa.env.time_travel(seconds=12)
        pairs.report(0, pairs.last[0])
    with boa.reverts("correlations: too late"):
        pairs.contract.update_pair(0, 1)
    pairs.period(1.0, 1.0)  # the next period's end is near enough


def test_before_the_first_round_there_is_no_price(pairs):
    with boa.reverts("correlations: no price"):
        pairs.contract.update_pair(0, 1)


@pytest.mark.parametrize("pair", [(0, 0), (1, 0), (0, 2), (2, 3)])
def test_what_is_no_pair_is_refused(pairs, pair):
    with boa.reverts("correlations: no pair"):
        pairs.contract.update_pair(*pair)


def test_without_parameters_nothing_is_sampled(owner):
    pairs = CorrelationDriver(owner)
    with boa.reverts("correlations: not estimated"):
        pairs.contract.update_pair(0, 1)
    assert pairs.least() == WAD


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("sample_seconds", (60, 7_200), (0, 59, 7_201)),  # up to the expiry here
        ("tau_seconds", (PERIOD, 315_360_000), (PERIOD - 1, 315_360_001)),
        ("max_return", (1, WAD // 2), (0, WAD // 2 + 1)),
        ("least_sample_count", (1, 10_000), (0, 10_001)),
        ("fall_per_hour", (1, 100 * WAD), (0, 100 * WAD + 1)),
        ("expiry_seconds", (PERIOD, 2_592_000), (PERIOD - 1, 2_592_001)),
    ],
)
def test_parameters_are_held_to_their_bounds(pairs, name, inside, outside):
    for value in inside:
        pairs.set(**{name: value})
        assert getattr(pairs.contract.correlation_parameters(), name) == value
    for value in outside:
        with boa.reverts("correlations: out of bounds"):
            pairs.set(**{name: value})


def test_a_period_is_at_most_a_day(pairs):
    long = {"tau_seconds": 10**6, "expiry_seconds": 10**6}
    pairs.set(sample_seconds=86_400, **long)
    with boa.reverts("correlations: out of bounds"):
        pairs.set(sample_seconds=86_401, **long)


def test_only_the_owner_sets_parameters(pairs, stranger):
    with boa.reverts("access: not owner"):
        pairs.contract.set_correlation(tuple(CORRELATION.values()), sender=stranger)
