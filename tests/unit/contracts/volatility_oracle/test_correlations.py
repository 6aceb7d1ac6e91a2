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


def by_the_twin(prices, **changes):
    """Return the correlation that rows of two prices and the end of their period come to."""
    p = CORRELATION | changes
    variances, covariance = [0, 0], 0
    for (*before, began), (*after, ended) in pairwise(prices):
        elapsed = ended - began
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
        rows.append((*pairs.last, boa.env.timestamp))
    return rows


@pytest.mark.parametrize("moves", [TOGETHER, APART], ids=["together", "apart"])
def test_samples_come_to_what_the_twin_says(pairs, moves):
    pairs.set(least_sample_count=4)
    rows = play(pairs, moves)
    assert pairs.found.estimate == by_the_twin(rows)
    assert pairs.found.samples == len(moves) - 1
    assert pairs.found.sampled_at == rows[-1][-1] == boa.env.timestamp
    assert pairs.found.valid_until == rows[-1][-1] + CORRELATION["expiry_seconds"]
    assert pairs.least() == WAD  # the first estimate begins at one
    rows += play(pairs, moves)
    assert pairs.found.estimate == pairs.found.level == by_the_twin(rows)
    assert pairs.least() == pairs.found.level == pairs.least(0b10, 0b01)
    assert (pairs.found.level > WAD // 2) == (moves is TOGETHER)


def test_a_gap_counts_as_long_as_it_is(pairs):
    rows = play(pairs, TOGETHER)
    pairs.period(1.02, 0.99, update=False)
    pairs.period(1.01, 0.97, update=False)
    rows += play(pairs, [(1.01, 1.01)])
    assert rows[-1][-1] - rows[-2][-1] == 3 * PERIOD
    assert pairs.found.estimate == by_the_twin(rows)


def test_a_gap_longer_than_the_memory_begins_the_averages_anew(pairs):
    pairs.set(tau_seconds=3 * PERIOD, least_sample_count=2)
    play(pairs, APART)
    for gap in (3, 4):
        before = pairs.found
        for _ in range(gap - 1):
            pairs.period(1.0, 1.0, update=False)
        pairs.period(1.01, 1.01)
        assert pairs.found.samples == (2 if gap == 3 else 0)
        assert (pairs.found.valid_until > before.valid_until) == (gap == 3)
    assert pairs.found.estimate == WAD  # of nothing


def test_what_is_estimated_is_told(pairs):
    play(pairs, APART)
    (event,) = [log for log in pairs.contract.get_logs() if type(log).__name__ == "CorrelationUpdated"]
    found = pairs.found
    assert (event.first, event.second, event.level) == (0, 1, found.level)
    assert (event.estimate, event.valid_until) == (found.estimate, found.valid_until)
    assert event.level == pairs.least() < WAD


@pytest.mark.parametrize("pair", [(0, 0), (1, 0), (7, 8)])
def test_nothing_is_told_of_what_is_no_pair(pairs, pair):
    with boa.reverts("correlations: no pair"):
        pairs.contract.correlation(*pair)


def test_only_pairs_of_a_long_and_a_short_count(owner):
    pairs = CorrelationDriver(owner, markets=3)
    pairs.set()
    every, rows = ((0, 1), (0, 2), (1, 2)), []
    for first, second in (*APART, *TOGETHER):
        pairs.period(first, second, first * second, update=False)
        rows.append((*pairs.last, boa.env.timestamp))
        for pair in every:
            pairs.contract.update_pair(*pair)
    levels = {pair: pairs.contract.correlation(*pair).level for pair in every}
    for i, j in every:
        assert levels[i, j] == by_the_twin([(row[i], row[j], row[-1]) for row in rows])
    assert len(set(levels.values())) == 3
    assert pairs.least(0b001, 0b100) == levels[0, 2]
    assert pairs.least(0b011, 0b100) == min(levels[0, 2], levels[1, 2])
    assert pairs.least(0b101, 0b010) == min(levels[0, 1], levels[1, 2])
    assert pairs.least(0b111, 0) == pairs.least(0, 0b111) == pairs.least(0b01, 0b1000) == WAD


def test_nothing_is_estimated_before_there_are_enough_samples(pairs):
    pairs.set(least_sample_count=3)
    play(pairs, APART[:3])
    assert pairs.found.samples == 2
    assert pairs.least() == pairs.found.level == WAD
    pairs.period(*APART[3])
    assert pairs.least() == WAD  # begins there
    pairs.period(*APART[4])
    assert pairs.least() < 0


def test_a_fall_is_limited_and_a_rise_is_not(pairs):
    pairs.set(fall_per_hour=WAD // 10)
    play(pairs, APART)
    step = WAD // 10 * PERIOD // HOUR
    assert pairs.found.estimate < 0
    assert pairs.least() == WAD - 3 * step  # the first of four samples after the first prices begins at one
    for _ in range(2):
        pairs.period(1.02, 0.98, update=False)
    pairs.period(1.02, 0.98)
    # Three periods in one call, and no less.
    assert pairs.least() == WAD - 3 * step - WAD // 10 * 3 * PERIOD // HOUR
    pairs.set()
    pairs.period(1.02, 0.98)
    pairs.set(fall_per_hour=1)
    low = pairs.least()
    assert low < 0
    for _ in range(30):
        pairs.period(1.05, 1.05)
        pairs.period(0.95, 0.95)
    assert pairs.least() > WAD // 2


@pytest.mark.parametrize("late", [1, PERIOD - 1, PERIOD, 5 * PERIOD + 7])
def test_what_nobody_renews_is_forgotten_and_begins_anew(pairs, late):
    words = {"expiry_seconds": 4 * PERIOD}
    pairs.set(**words)
    play(pairs, APART)
    pairs.set(**words, fall_per_hour=WAD // 10)
    for _ in range(4):
        pairs.period(1.01, 0.99, update=False)
    assert boa.env.timestamp == pairs.found.valid_until
    assert pairs.least() < 0
    with boa.env.anchor():
        pairs.contract.update_pair(0, 1)
        assert pairs.least() < 0  # just in time
    for _ in range(late // PERIOD):
        pairs.period(1.01, 0.99, update=False)
    boa.env.time_travel(seconds=late % PERIOD)
    assert pairs.least() == WAD
    assert pairs.found.level < 0  # still told, for who asks
    pairs.contract.update_pair(0, 1)
    assert pairs.least() == WAD  # whenever the call comes, and however long nobody came
    began = pairs.found.sampled_at
    pairs.period(1.01, 0.99)
    assert pairs.least() == WAD - WAD // 10 * (pairs.found.sampled_at - began) // HOUR


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


@pytest.mark.parametrize("seconds", [0, 30])
@pytest.mark.parametrize("said", [(), (0,), (1,), (0, 1)], ids=str)
def test_who_calls_when_in_a_period_does_not_matter(pairs, seconds, said):
    """A move that some have reported when the call comes, in the very second of the period's end or later."""
    play(pairs, TOGETHER)
    pairs.period(1.01, 0.99, update=False)
    with boa.env.anchor():
        pairs.contract.update_pair(0, 1)
        expected = pairs.found
    boa.env.time_travel(seconds=seconds)
    for market in said:
        pairs.report(market, round(pairs.last[market] * 1.3))
    pairs.contract.update_pair(0, 1)
    assert pairs.found == expected
    pairs.period(1.0, 1.0)  # what was said in the second of its end belongs to the next period
    assert pairs.found.estimate != expected.estimate or not said


def test_a_second_call_in_a_period_is_refused(pairs):
    play(pairs, TOGETHER)
    for seconds in (0, 1, PERIOD - 2):
        boa.env.time_travel(seconds=seconds)
        with boa.reverts("correlations: sampled already"):
            pairs.contract.update_pair(0, 1)


@pytest.mark.parametrize("silent", [0, 1])
def test_a_silent_market_is_no_market_that_parts(pairs, silent):
    play(pairs, TOGETHER)
    before = pairs.found
    for _ in range(3):
        boa.env.time_travel(seconds=PERIOD // 2)
        pairs.report(1 - silent, round(pairs.last[1 - silent] * 1.05))
        pairs.to_period()
        with boa.reverts("correlations: silent market"):
            pairs.contract.update_pair(0, 1)
    assert pairs.found == before
    moves = [1.0, 1.0]
    moves[silent] = 1.05**3  # what it does when it speaks again counts once, over the whole gap
    pairs.period(*moves)
    assert pairs.found.sampled_at == before.sampled_at + 4 * PERIOD
    assert pairs.found.estimate > 9 * WAD // 10


def test_a_first_price_is_no_older_than_a_period(pairs):
    pairs.period(1.0, 1.0, update=False)
    boa.env.time_travel(seconds=PERIOD // 2)
    pairs.report(0, pairs.last[0])
    pairs.to_period()
    with boa.reverts("correlations: silent market"):
        pairs.contract.update_pair(0, 1)
    pairs.period(1.0, 1.0)
    assert pairs.found.sampled_at == boa.env.timestamp


@pytest.mark.parametrize("rounds", [0, 1, 2, 100, 254, 255, 256])
def test_the_price_is_found_behind_as_many_rounds_as_are_kept(pairs, rounds):
    play(pairs, TOGETHER)
    pairs.period(1.01, 1.02, update=False)
    with boa.env.anchor():
        pairs.contract.update_pair(0, 1)
        expected = pairs.found
    boa.env.time_travel(seconds=rounds // 3 + 1)
    for number in range(rounds):  # one reporter may say something as often as its clock moves on
        at = boa.env.timestamp - rounds // 3 + number // 3
        pairs.prices.report(0, pairs.last[0], 10**18, at, sender=pairs.reporters[number % 3])
    if rounds == 256:
        with boa.reverts("correlations: no price"):
            pairs.contract.update_pair(0, 1)
        pairs.to_period()
        pairs.period(1.0, 1.0)  # the next period's end is near enough
    else:
        pairs.contract.update_pair(0, 1)
        assert pairs.found == expected


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
        ("sample_seconds", (60, 3_600), (0, 59, 3_601)),  # up to half the expiry here
        ("tau_seconds", (PERIOD, 315_360_000), (PERIOD - 1, 315_360_001)),
        ("max_return", (1, WAD // 2), (0, WAD // 2 + 1)),
        ("least_sample_count", (1, 10_000), (0, 10_001)),
        ("fall_per_hour", (1, 100 * WAD), (0, 100 * WAD + 1)),
        ("expiry_seconds", (2 * PERIOD, 2_592_000), (2 * PERIOD - 1, 2_592_001)),
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
