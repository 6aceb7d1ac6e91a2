"""`contracts/lib/oracle_math.vy` against its Python twin, and the twin against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference import oracle_math as twin
from sim.reference.fixed_point import WAD, ln_wad
from tests.support.deployers import harness

YEAR = twin.YEAR_SECONDS
CATALAN = 0.915965594177219015
BATCHES = settings(max_examples=20, deadline=None)

PRICES = st.integers(10**12, 10**27)
NEAR_PRICES = st.integers(1_900 * WAD, 2_100 * WAD)
SECONDS = st.integers(1, 10_000_000)
VARIANCES = st.integers(0, 10**26)


@pytest.fixture(scope="module")
def library():
    return harness("OracleMathHarness")


@st.composite
def sources(draw):
    count = draw(st.integers(1, 7))
    price = st.one_of(NEAR_PRICES, PRICES, st.sampled_from([2_000 * WAD]))
    prices = draw(st.lists(price, min_size=count, max_size=count))
    weights = draw(st.lists(st.integers(1, 4095), min_size=count, max_size=count))
    confidences = draw(st.lists(st.integers(0, 10**26), min_size=count, max_size=count))
    return prices, weights, confidences, draw(price)


def padded(values):
    return [*values, *[0] * (7 - len(values))]


def capped(weights):
    """No source of three or more weighs more than all others less one."""
    return [min(w, sum(weights) - w - 1) if len(weights) > 2 else w for w in weights]


@BATCHES
@given(rows=st.lists(sources(), min_size=20, max_size=40))
def test_aggregate_matches_twin_and_is_the_lower_median_of_capped_weights(library, rows):
    packed = [(padded(p), padded(w), padded(c), len(p), previous) for p, w, c, previous in rows]
    for (prices, weights, confidences, previous), row in zip(rows, library.aggregate(packed), strict=True):
        assert tuple(row) == twin.aggregate(prices, weights, confidences, previous)
        index_price, confidence = row
        shares = capped(weights)

        def weight_up_to(price, prices=prices, shares=shares):
            return sum(w for p, w in zip(prices, shares, strict=True) if p <= price)

        if len(prices) == 2:
            assert index_price == sorted([*prices, previous])[1]
            assert 2 * confidence >= max(prices) - min(prices)
        else:
            assert index_price == min(p for p in prices if 2 * weight_up_to(p) >= sum(shares))
        without = [sorted(prices)[:-1], sorted(prices)[1:]] if len(prices) > 2 else [prices]
        assert 2 * confidence >= min(max(left) - min(left) for left in without)


@BATCHES
@given(rows=st.lists(sources().filter(lambda row: len(row[0]) > 2), min_size=20, max_size=40), data=st.data())
def test_no_source_of_three_or_more_leaves_the_range_of_the_others_nor_widens_it(library, rows, data):
    liars = [data.draw(st.integers(0, len(prices) - 1)) for prices, *_ in rows]
    lies = [data.draw(st.integers(1, 2**96 - 1)) for _ in rows]
    packed = []
    for (prices, weights, confidences, previous), liar, lie in zip(rows, liars, lies, strict=True):
        told = [lie if i == liar else price for i, price in enumerate(prices)]
        wide = [lie if i == liar else width for i, width in enumerate(confidences)]
        packed.append((padded(told), padded(weights), padded(wide), len(prices), previous))
    for (prices, _, confidences, _), liar, row in zip(rows, liars, library.aggregate(packed), strict=True):
        honest = [price for i, price in enumerate(prices) if i != liar]
        widths = [width for i, width in enumerate(confidences) if i != liar]
        index_price, confidence = row
        assert min(honest) <= index_price <= max(honest)
        assert confidence <= max(*widths, (max(honest) - min(honest) + 1) // 2)


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(10**12, 10**27), weights=st.lists(st.integers(1, 4095), min_size=2, max_size=2),
    steps=st.lists(st.tuples(st.one_of(NEAR_PRICES, PRICES), st.integers(1, 2**96 - 1)), min_size=1),
)  # fmt: skip
def test_of_two_sources_the_dishonest_one_holds_the_index_and_never_moves_it(first, weights, steps):
    index, said = first, [first]
    for honest, lie in steps:
        said.append(honest)
        before, index = index, twin.aggregate([honest, lie], weights, [0, 0], index)[0]
        assert min(before, honest) <= index <= max(before, honest)
    assert min(said) <= index <= max(said)


@pytest.mark.parametrize("price", [2_000 * WAD, 10**13, 10**26])
@pytest.mark.parametrize("power", [2, 3, 6, 8, 12])
def test_a_jump_of_unit_is_within_a_factor_of_two_of_a_power_of_ten(library, price, power):
    unit = price * 10**power
    inside = [unit, unit // 2, unit * 2, unit * 137 // 100]
    outside = [unit // 2 - 1, unit * 2 + 1] if power != 3 else [unit * 2 + 1]
    rows = [(large, price) for large in inside] + [(price, large) for large in inside]
    assert library.unit_jump(rows) == [power] * 4 + [-power] * 4
    assert library.unit_jump([(large, price) for large in outside]) == [0] * len(outside)


@BATCHES
@given(
    rows=st.lists(
        st.tuples(st.integers(1, 2**96 - 1), st.one_of(NEAR_PRICES, PRICES)), min_size=40, max_size=80
    )
)
def test_unit_jump_matches_twin_and_its_mirror(library, rows):
    found = library.unit_jump(rows)
    assert found == [twin.unit_jump(*row) for row in rows]
    assert library.unit_jump([(b, a) for a, b in rows]) == [-power for power in found]


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(NEAR_PRICES, PRICES),
            st.one_of(NEAR_PRICES, PRICES),
            st.one_of(st.integers(0, 2**96 - 1), st.integers(0, 10**20)),
            st.one_of(st.just(0), st.integers(0, 2**32)),
            VARIANCES,
            st.integers(1, 86_400),
            st.integers(1, WAD),
            st.integers(0, 100 * WAD),
            st.integers(0, 10**11),
            st.integers(10**27 + 1, 2**96 - 1),
        ),
        min_size=40,
        max_size=80,
    )
)
def test_settlement_prices_match_twin_and_hold_every_price_in_question(library, rows):
    for row, (low, high) in zip(rows, library.settlement_prices(rows), strict=True):
        index, good, confidence, elapsed, variance, horizon, minimum, coefficient, least, most = row
        squared = twin.squared_bound(
            elapsed, variance, horizon=horizon, minimum=minimum, coefficient=coefficient
        )
        expected = twin.settlement_prices(index, good, confidence, squared, min_price=least, max_price=most)
        assert (low, high) == expected
        assert 0 < low <= min(index, good)
        assert max(index, good) <= high <= most
        if index > confidence:
            assert low <= max(index - confidence, least)
        assert high >= min(index + confidence, most)


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(NEAR_PRICES, PRICES),
            st.one_of(NEAR_PRICES, PRICES),
            SECONDS,
            st.integers(1, WAD),
            SECONDS,
            VARIANCES,
        ),
        min_size=40,
        max_size=80,
    )
)
def test_variance_update_matches_twin(library, rows):
    for (price, previous, elapsed, cap, tau, old), row in zip(rows, library.variance(rows), strict=True):
        weight = twin.decay(elapsed, tau)
        observed = twin.observed_variance(price, previous, elapsed, cap)
        up, down = twin.blend_up(old, observed, weight), twin.blend_down(old, observed, weight)
        assert row == [weight, observed, up, down]
        assert min(old, observed) <= down <= up <= max(old, observed)


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(NEAR_PRICES, PRICES),
            st.one_of(NEAR_PRICES, PRICES),
            st.integers(0, 2**32),
            VARIANCES,
            st.integers(1, 86_400),
            st.integers(1, WAD),
            st.integers(0, 100 * WAD),
        ),
        min_size=40,
        max_size=80,
    )
)
def test_limiter_matches_twin_and_keeps_its_bound(library, rows):
    for row, risk in zip(rows, library.limit_price(rows), strict=True):
        index, base, elapsed, variance, horizon, minimum, coefficient = row
        assert risk == twin.limit_price(
            index, base, elapsed, variance, horizon=horizon, minimum=minimum, coefficient=coefficient
        )
        assert min(index, base) <= risk <= max(index, base)
        spread = math.sqrt(variance / WAD * horizon / YEAR)
        bound = max(minimum / WAD, coefficient / WAD * spread) * math.sqrt(elapsed / horizon)
        if bound < 19:  # above e**20 it does not bind, as documented
            # The move is computed from integers of at least 10**12: 1e-12 of slack covers them.
            assert abs(math.log(risk / base)) <= bound * (1 + 1e-9) + 2e-12


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(NEAR_PRICES, PRICES),
            st.one_of(NEAR_PRICES, PRICES),
            st.integers(0, 10**26),
            st.integers(0, 1),
            st.integers(0, 1),
            st.integers(0, WAD),
            st.integers(WAD, 10**24),
        ),
        min_size=40,
        max_size=80,
    )
)
def test_status_matches_twin(library, rows):
    expected = [
        twin.status(
            *row[:3],
            enough_valid=row[3] == 1,
            enough_minimum=row[4] == 1,
            max_confidence_ratio=row[5],
            max_divergence=row[6],
        )
        for row in rows
    ]
    assert library.status(rows) == expected


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize("seconds", [(1, 1), (12, 48), (13, 600), (3_599, 1), (86_400, 86_400)])
@pytest.mark.parametrize("tau", [600, 3_600, 604_800])
def test_decay_is_a_semigroup(seconds, tau):
    first, second = seconds
    split = twin.decay(first, tau) * twin.decay(second, tau) // WAD
    assert (
        abs(twin.decay(first + second, tau) - split) <= 4
    )  # four roundings of half a unit, two of the exponent


@pytest.mark.parametrize("tau", [600, 3_600, 604_800])
def test_half_life_is_tau_times_ln_two(tau):
    half_life = tau * math.log(2)
    before, after = twin.decay(math.floor(half_life), tau), twin.decay(math.ceil(half_life), tau)
    assert after <= WAD // 2 <= before
    # Without new returns an estimate halves in that time, give or take one second.
    assert twin.blend_up(WAD, 0, before) >= WAD // 2 >= twin.blend_down(WAD, 0, after)


@settings(max_examples=300, deadline=None)
@given(elapsed=SECONDS, tau=SECONDS, price=NEAR_PRICES, previous=NEAR_PRICES)
def test_constant_squared_return_per_second_is_a_fixed_point(elapsed, tau, price, previous):
    observed = twin.observed_variance(price, previous, elapsed, WAD)
    assert twin.blend_up(observed, observed, twin.decay(elapsed, tau)) == observed


@settings(max_examples=300, deadline=None)
@given(elapsed=st.integers(1, 100), tau=st.integers(60, 604_800), price=NEAR_PRICES, previous=NEAR_PRICES)
def test_one_update_is_bounded_by_squared_return_over_tau(elapsed, tau, price, previous):
    # (1 - a)*r**2/dt <= r**2/tau: a tiny spacing cannot blow the estimate up.
    observed = twin.observed_variance(price, previous, elapsed, WAD)
    added = twin.blend_up(0, observed, twin.decay(elapsed, tau))
    log_return = ln_wad(price * WAD // previous)
    assert added <= (log_return * log_return // WAD) * YEAR // tau + YEAR + 2


def test_half_move_over_quarter_time_is_limited_by_square_root_of_time():
    limits = {"horizon": 300, "minimum": WAD // 20, "coefficient": 4 * WAD}
    full = twin.limit_price(4_000 * WAD, 2_000 * WAD, 300, 0, **limits)
    quarter = twin.limit_price(4_000 * WAD, 2_000 * WAD, 75, 0, **limits)
    assert ln_wad(full * WAD // (2_000 * WAD)) == pytest.approx(WAD // 20, abs=3)
    assert ln_wad(quarter * WAD // (2_000 * WAD)) == pytest.approx(WAD // 40, abs=3)


# ---------------------------------------------------------------- Monte Carlo


SIGMA = 0.8


def estimate(prices, times, tau, start):
    """Run the twin's recursion over WAD prices; return the estimate's average over time."""
    value, total = start, 0
    burn = len(prices) // 10
    for k in range(1, len(prices)):
        elapsed = times[k] - times[k - 1]
        if k > burn:
            total += value * elapsed  # what a reader saw until this report
        observed = twin.observed_variance(prices[k], prices[k - 1], elapsed, WAD // 2)
        value = twin.blend_up(value, observed, twin.decay(elapsed, tau))
    return total / (times[-1] - times[burn]) / WAD


def wad_path(generator, gaps):
    steps = generator.normal(0.0, SIGMA * np.sqrt(gaps / YEAR))
    log_prices = np.concatenate([[0.0], np.cumsum(steps)])
    prices = [int(2_000 * math.exp(x) * 1e18) for x in log_prices]
    return prices, [0, *np.cumsum(gaps).tolist()]


@pytest.mark.parametrize("spacing", ["every block", "exponential", "blocks and outages"])
def test_variance_is_unbiased_under_irregular_reports(spacing):
    results = []
    for path in range(60):
        generator = np.random.Generator(np.random.Philox(key=7_000 + path))
        if spacing == "every block":
            gaps = np.full(400, 12)
        elif spacing == "exponential":
            gaps = np.maximum(np.rint(generator.exponential(60.0, 400)), 1).astype(int)
        else:
            gaps = np.where(generator.random(400) < 0.02, 3_600, 12)
        prices, times = wad_path(generator, gaps)
        results.append(estimate(prices, times, 3_600, int(SIGMA**2 * WAD)) / SIGMA**2)
    error = np.std(results, ddof=1) / math.sqrt(len(results))
    assert abs(np.mean(results) - 1.0) < 4.5 * error
    assert error < 0.05  # tight enough to notice the naive rule's 83 %


def exit_times(generator, count, mean_gap):
    """Exit times of Brownian motion from [-1, 1], scaled to a mean (exact: inverse transform).

    Survival is (4/pi) sum (-1)**k/(2k + 1) exp(-(2k + 1)**2 pi**2 t/8); the mean of t is one.
    """
    grid = np.linspace(2e-3, 20.0, 200_000)
    survival = np.zeros_like(grid)
    for k in range(40):
        odd = 2 * k + 1
        survival += 4 / math.pi * (-1) ** k / odd * np.exp(-(odd**2) * math.pi**2 * grid / 8)
    return np.interp(generator.random(count), 1.0 - survival, grid) * mean_gap


def test_variance_is_unbiased_under_deviation_triggered_reports_where_naive_rule_is_not():
    # Reports fire whenever the price has moved by theta. Times are kept in integer seconds,
    # so the mean gap is long (2,000 s) and theta follows from it: theta**2 = sigma**2*gap.
    mean_gap, tau, reports, paths = 2_000, 400_000, 3_000, 20
    theta = SIGMA * math.sqrt(mean_gap / YEAR)
    ours, naive = [], []
    for path in range(paths):
        generator = np.random.Generator(np.random.Philox(key=8_000 + path))
        gaps = np.maximum(np.rint(exit_times(generator, reports, mean_gap)), 1).astype(int)
        signs = np.where(generator.random(reports) < 0.5, -1.0, 1.0)
        prices = [int(2_000 * math.exp(x) * 1e18) for x in np.concatenate([[0.0], np.cumsum(signs * theta)])]
        times = [0, *np.cumsum(gaps).tolist()]
        observed = [
            twin.observed_variance(prices[k], prices[k - 1], times[k] - times[k - 1], WAD // 2)
            / WAD
            / SIGMA**2
            for k in range(1, reports + 1)
        ]
        # A fixed weight per report averages r**2/dt over reports, whatever the weight.
        naive.append(np.mean(observed))
        ours.append(estimate(prices, times, tau, int(SIGMA**2 * WAD)) / SIGMA**2)
    naive_error = np.std(naive, ddof=1) / math.sqrt(paths)
    our_error = np.std(ours, ddof=1) / math.sqrt(paths)
    assert abs(np.mean(naive) - 2 * CATALAN) < 4.5 * naive_error
    # Second order in gap/tau: the mean is 1 + var(gap)/(2*tau*mean gap), and an exit time of
    # Brownian motion has a variance of 2/3 of its squared mean.
    expected = 1.0 + mean_gap / (3 * tau)
    assert abs(np.mean(ours) - expected) < 4.5 * our_error
    assert our_error < 0.02
