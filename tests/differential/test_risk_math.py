"""`contracts/lib/risk_math.vy` against its Python twin, and the twin against closed forms."""

from __future__ import annotations

import math
from dataclasses import astuple, replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference import margin_math
from sim.reference import risk_math as twin
from sim.reference.fixed_point import UINT_MAX, WAD
from sim.reference.risk_math import (
    AdaptiveParameters,
    MarginRatios,
    RiskInputs,
    TieredParameters,
    VolatilityParameters,
)
from tests.support.deployers import harness
from tests.support.risk_parameters import ADAPTIVE, CALM, TIERED, VOLATILITY

BATCHES = settings(max_examples=20, deadline=None)
YEAR = twin.YEAR_SECONDS


@pytest.fixture(scope="module")
def library():
    return harness("RiskMathHarness")


def sized(bits):
    return st.integers(0, bits).flatmap(lambda n: st.integers(0, 2**n - 1 if n else 0))


# Plausible, tiny and absurd values alike: no input may revert.
ANY = st.one_of(sized(256), sized(110), st.sampled_from([0, 1, UINT_MAX]))
INPUTS = st.builds(
    RiskInputs,
    notional=ANY,
    price=ANY,
    confidence=ANY,
    variance_fast=ANY,
    variance_slow=ANY,
    open_interest=ANY,
    depth=ANY,
    side=st.integers(-1, 1),
    skew=st.integers(-(2**255), 2**255 - 1),
    exceptions=ANY,
    variance_range=ANY,
    variance_implied=ANY,
    account_notional=ANY,
    report_age_seconds=ANY,
)


@st.composite
def adaptive_parameters(draw):
    initial = draw(st.integers(2, WAD))
    horizon = draw(st.integers(0, YEAR))
    lower = draw(st.integers(0, 10**38 - 1))
    return AdaptiveParameters(
        z=draw(st.integers(0, 10**21)),
        initial_horizon_seconds=horizon,
        maintenance_horizon_seconds=draw(st.integers(0, horizon)),
        initial_floor=initial,
        maintenance_floor=draw(st.integers(1, initial - 1)),
        fast_weight=draw(st.integers(0, WAD)),
        variance_floor=draw(st.integers(0, 10**26)),
        variance_stress=draw(st.integers(0, 10**26)),
        stress_weight=draw(st.integers(0, WAD)),
        size_coefficient=draw(st.integers(0, 10**21)),
        size_root=draw(st.integers(0, 3)),
        liquidity_floor=draw(st.integers(WAD, 10**38)),
        open_interest_lower=lower,
        open_interest_upper=draw(st.integers(lower + 1, 10**38)),
        confidence_coefficient=draw(st.integers(0, 10**21)),
        haircut=draw(st.integers(0, WAD - 1)),
    )


@st.composite
def tiered_parameters(draw):
    initial = sorted(draw(st.lists(st.integers(2, WAD), min_size=4, max_size=4)))
    maintenance = [1]
    for least, most in zip((1, *initial), initial, strict=False):
        maintenance.append(draw(st.integers(min(max(maintenance[-1], least // 2), most - 1), most - 1)))
    bounds = st.one_of(st.integers(1, 10**38), st.integers(1, 50))
    lower = sorted(draw(st.sets(bounds, min_size=3, max_size=3)))
    horizon = draw(st.integers(0, YEAR))
    from_open_interest = draw(st.integers(0, 10**38 - 1))
    table = {}
    for tier in range(4):
        table[f"tier_{tier + 1}_initial"] = initial[tier]
        table[f"tier_{tier + 1}_maintenance"] = maintenance[tier + 1]
        if tier:
            table[f"tier_{tier + 1}_notional"] = lower[tier - 1]
    return TieredParameters(
        **table,
        z=draw(st.sampled_from([0, draw(st.integers(0, 10**21))])),
        initial_horizon_seconds=horizon,
        maintenance_horizon_seconds=draw(st.integers(0, horizon)),
        fast_weight=draw(st.integers(0, WAD)),
        open_interest_lower=from_open_interest,
        open_interest_upper=draw(st.integers(from_open_interest + 1, 10**38)),
        confidence_coefficient=draw(st.integers(0, 10**21)),
        haircut=draw(st.integers(0, WAD - 1)),
    )


def near_boundaries(parameters):
    return [max(begin + step, 0) for begin in parameters.lower for step in (-1, 0, 1)]


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            ANY, sized(200).map(lambda depth: WAD + depth), ANY, st.integers(0, 10**21), st.integers(0, 3)
        ),
        min_size=40,
        max_size=80,
    )
)
def test_size_terms_match_twin_and_never_revert(library, rows):
    assert library.sizes(rows) == [twin.size_margin(*row) for row in rows]


@BATCHES
@given(
    parameters=st.one_of(tiered_parameters(), st.just(TIERED)),
    rows=st.lists(INPUTS, min_size=20, max_size=40),
)
def test_tiered_ratios_match_twin_never_revert_and_are_ordered(library, parameters, rows):
    rows = rows + [replace(rows[0], notional=notional) for notional in near_boundaries(parameters)]
    results = library.tiered([astuple(row) for row in rows], astuple(parameters))
    for row, result in zip(rows, results, strict=True):
        assert MarginRatios(initial=result.initial, maintenance=result.maintenance) == twin.tiered_ratios(
            row, parameters
        )
        assert 0 < result.maintenance < result.initial <= WAD


@BATCHES
@given(
    parameters=st.one_of(tiered_parameters(), st.just(TIERED)),
    market=INPUTS,
    positions=st.lists(st.tuples(ANY, st.sampled_from([-1, 1]), ANY), max_size=40),
)
def test_a_tiered_batch_is_what_each_position_alone_is(library, parameters, market, positions):
    results = library.tiered_batch(astuple(market), positions, astuple(parameters))
    alone = [twin.tiered_ratios(replace(market, notional=size), parameters) for size, _, _ in positions]
    assert [(r.initial, r.maintenance) for r in results] == [(r.initial, r.maintenance) for r in alone]


@BATCHES
@given(
    rows=st.lists(
        st.tuples(
            sized(256),
            st.integers(0, 10**21),
            st.integers(0, YEAR),
            sized(256),
            sized(200).map(lambda depth: depth + 1),
        ),
        min_size=40,
        max_size=80,
    )
)
def test_terms_match_twin(library, rows):
    expected = [
        [
            twin.volatility_margin(a, b, c),
            twin.liquidity_margin(d, e, a, b),
            twin.open_interest_margin(d, e, e + b + 1, b // 1_000),
            twin.confidence_margin(d, e, b),
            twin.effective_variance(a, d, WAD - b // 1_000, c, b, b // 1_000),
        ]
        for a, b, c, d, e in rows
    ]
    assert library.terms(rows) == expected


@BATCHES
@given(
    parameters=st.one_of(adaptive_parameters(), st.just(ADAPTIVE)),
    rows=st.lists(INPUTS, min_size=20, max_size=40),
)
def test_adaptive_ratios_match_twin_never_revert_and_are_ordered(library, parameters, rows):
    results = library.adaptive([astuple(row) for row in rows], astuple(parameters))
    for row, result in zip(rows, results, strict=True):
        assert MarginRatios(initial=result.initial, maintenance=result.maintenance) == twin.adaptive_ratios(
            row, parameters
        )
        assert 0 < result.maintenance < result.initial <= WAD


@BATCHES
@given(
    parameters=st.one_of(adaptive_parameters(), st.just(ADAPTIVE)),
    market=INPUTS,
    positions=st.lists(st.tuples(ANY, st.sampled_from([-1, 1]), ANY), max_size=40),
)
def test_a_batch_is_what_each_position_alone_is(library, parameters, market, positions):
    results = library.adaptive_batch(astuple(market), positions, astuple(parameters))
    alone = [
        twin.adaptive_ratios(
            replace(market, notional=notional, side=side, account_notional=whole), parameters
        )
        for notional, side, whole in positions
    ]
    assert [(r.initial, r.maintenance) for r in results] == [(r.initial, r.maintenance) for r in alone]


@BATCHES
@given(
    parameters=adaptive_parameters().map(
        lambda p: VolatilityParameters(
            z=p.z,
            initial_horizon_seconds=p.initial_horizon_seconds,
            maintenance_horizon_seconds=p.maintenance_horizon_seconds,
            initial_min=p.initial_floor,
            maintenance_min=p.maintenance_floor,
            haircut=p.haircut,
        )
    ),
    rows=st.lists(INPUTS, min_size=20, max_size=40),
)
def test_volatility_ratios_match_twin_never_revert_and_are_ordered(library, parameters, rows):
    results = library.volatility([astuple(row) for row in rows], astuple(parameters))
    for row, result in zip(rows, results, strict=True):
        assert MarginRatios(initial=result.initial, maintenance=result.maintenance) == twin.volatility_ratios(
            row, parameters
        )
        assert 0 < result.maintenance < result.initial <= WAD


# ---------------------------------------------------------------- closed forms


def percent(ratio):
    return 100 * ratio / WAD


@pytest.mark.parametrize(
    ("sigma_fast", "initial", "maintenance"),
    # z*sqrt(v_eff*h) in per cent, by hand: slow 50 %, stress 120 %, floor 40 %, h 4 h and 1 h.
    [
        (0.5, 6.3, 3.2),
        (0.8, 7.8, 3.9),
        (1.2, 10.3, 5.1),
        (2.0, 15.7, 7.8),
        (3.0, 22.8, 11.4),
        (5.0, 37.4, 18.7),
    ],
)
def test_adaptive_ratios_reproduce_table(sigma_fast, initial, maintenance):
    inputs = replace(
        CALM, notional=0, confidence=0, variance_fast=int(sigma_fast**2 * 1e18), variance_slow=WAD // 4
    )
    ratios = twin.adaptive_ratios(inputs, ADAPTIVE)
    assert percent(ratios.initial) == pytest.approx(initial, abs=0.051)
    assert percent(ratios.maintenance) == pytest.approx(maintenance, abs=0.051)


@pytest.mark.parametrize(
    ("sigma_fast", "initial", "maintenance"),
    [(0.8, 6.8, 3.4), (1.2, 10.3, 5.1), (2.0, 17.1, 8.5), (3.0, 25.6, 12.8), (5.0, 42.7, 21.4)],
)
def test_volatility_ratios_reproduce_table(sigma_fast, initial, maintenance):
    ratios = twin.volatility_ratios(replace(CALM, variance_fast=int(sigma_fast**2 * 1e18)), VOLATILITY)
    assert percent(ratios.initial) == pytest.approx(initial, abs=0.051)
    assert percent(ratios.maintenance) == pytest.approx(maintenance, abs=0.051)


def test_every_term_of_adaptive_ratio_matches_its_formula():
    inputs = RiskInputs(
        notional=4_000_000 * WAD,
        price=2_000 * WAD,
        confidence=4 * WAD,
        variance_fast=64 * WAD // 100,
        variance_slow=25 * WAD // 100,
        open_interest=0,
        depth=50_000_000 * WAD,
    )
    variance = 0.75 * 0.64 + 0.25 * 1.44
    volatility = 4 * math.sqrt(variance * 4 * 3_600 / YEAR)
    liquidity = math.sqrt(variance / 365) * math.sqrt(4 / 50)
    confidence = 2 * 4 / 2_000
    ratios = twin.adaptive_ratios(inputs, ADAPTIVE)
    assert ratios.initial / WAD == pytest.approx(volatility + liquidity + confidence, rel=1e-12)
    # One hour against four: the volatility part of maintenance is half of the initial's.
    assert ratios.maintenance / WAD == pytest.approx((volatility + liquidity + confidence) / 2, rel=1e-12)


def test_stress_weight_damps_the_swing_that_raw_scaling_has():
    def swing(rule, parameters):
        low, high = (
            rule(
                replace(CALM, notional=0, confidence=0, variance_fast=v, variance_slow=WAD // 4), parameters
            ).initial
            for v in (9 * WAD // 100, 9 * WAD)
        )
        return high / low

    free = replace(ADAPTIVE, initial_floor=2, maintenance_floor=1)
    raw = replace(VOLATILITY, initial_min=2, maintenance_min=1)
    assert swing(twin.volatility_ratios, raw) == pytest.approx(10.0, rel=1e-6)
    assert swing(twin.adaptive_ratios, free) == pytest.approx(
        3.6, abs=0.05
    )  # sqrt((0.75*9 + 0.36)/(0.75*0.25 + 0.36))


def test_open_interest_raises_initial_ratio_linearly_to_one():
    lower, upper = ADAPTIVE.open_interest_lower, ADAPTIVE.open_interest_upper
    flat = replace(CALM, variance_fast=0, variance_slow=0, notional=0, confidence=0)
    calm = replace(ADAPTIVE, variance_floor=0, stress_weight=0)

    def initial(open_interest):
        return twin.adaptive_ratios(replace(flat, open_interest=open_interest), calm).initial

    assert initial(lower) == calm.initial_floor
    assert initial((lower + upper) // 2) == (WAD + calm.initial_floor) // 2
    assert initial(upper) == initial(10 * upper) == WAD


INCREASING = ("notional", "confidence", "variance_fast", "variance_slow", "open_interest")


@settings(max_examples=500, deadline=None)
@given(
    inputs=INPUTS,
    field=st.sampled_from((*INCREASING, "price", "depth")),
    step=sized(128),
    root=st.integers(0, 3),
)
def test_adaptive_ratios_are_monotone_in_every_input(inputs, field, step, root):
    parameters = replace(ADAPTIVE, size_root=root)
    more = min(getattr(inputs, field) + step, UINT_MAX)
    before = twin.adaptive_ratios(inputs, parameters)
    after = twin.adaptive_ratios(replace(inputs, **{field: more}), parameters)
    if field not in INCREASING:  # a higher price dilutes the width, more depth eases the exit
        before, after = after, before
    assert before.initial <= after.initial
    assert before.maintenance <= after.maintenance


@settings(max_examples=300, deadline=None)
@given(inputs=INPUTS)
def test_price_of_zero_asks_for_everything(inputs):
    assert twin.adaptive_ratios(replace(inputs, price=0), ADAPTIVE).initial == WAD


# ---------------------------------------------------------------- size


@pytest.mark.parametrize(("root", "factor"), [(0, 1), (1, 8), (2, math.sqrt(8)), (3, 2)])
def test_eight_times_the_size_costs_what_the_root_says(root, factor):
    depth, variance = 10_000_000 * WAD, WAD
    terms = [twin.size_margin(n * WAD, depth, variance, WAD, root) for n in (2_000_000, 16_000_000)]
    assert terms[1] / terms[0] == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize("root", range(4))
def test_a_position_as_large_as_the_depth_costs_the_same_by_every_root(root):
    depth = 10_000_000 * WAD
    ours = twin.size_margin(depth, depth, WAD, WAD, root)
    # The square root is taken of volatility and size at once: one rounding less.
    assert 0 <= ours - twin.liquidity_margin(depth, depth, WAD, WAD) <= 1
    assert ours / WAD == pytest.approx(math.sqrt(1 / 365), rel=1e-15)


@pytest.mark.parametrize("root", range(4))
def test_a_position_without_size_costs_nothing_but_by_the_root_of_none(root):
    term = twin.size_margin(0, WAD, WAD, WAD, root)
    assert (term > 0) == (root == 0)


@settings(max_examples=500, deadline=None)
@given(first=sized(120), second=sized(120), depth=sized(110), root=st.integers(0, 3))
def test_the_size_term_of_two_is_not_below_that_of_both_together(first, second, depth, root):
    """Impact is subadditive for every exponent up to one: a ratio never more than adds up."""

    def term(notional):
        return twin.size_margin(notional, depth + WAD, WAD, WAD, root)

    assert term(first + second) <= term(first) + term(second) + 1


# ---------------------------------------------------------------- tiers


def exact_charge(notional, lower, rates):
    """What the parts of a position pay, in exact units: by the deduction, as exchanges state it."""
    deduction, rate = 0, rates[0]
    for begin, above in zip(lower[1:], rates[1:], strict=True):
        if notional > begin:
            deduction += begin * (above - rate)
            rate = above
    return Fraction(notional * rate - deduction, WAD)


def test_the_deduction_is_the_one_that_an_exchange_publishes():
    """Hyperliquid's BTC table: 40x to 150 million, 20x beyond, maintenance half; deduction 1,875,000."""
    lower, rates = (0, 150_000_000 * WAD), (125 * WAD // 10_000, 25 * WAD // 1_000)
    table = ((*lower, 10**37, 10**38), (*rates, rates[1], rates[1]))
    assert exact_charge(150_000_000 * WAD, *table) == 1_875_000 * WAD
    assert exact_charge(300_000_000 * WAD, *table) == (300_000_000 * Fraction(25, 1_000) - 1_875_000) * WAD
    assert twin.tier_ratio(300_000_000 * WAD, *table) == 1_875 * WAD // 100_000


@settings(max_examples=300, deadline=None)
@given(parameters=st.one_of(tiered_parameters(), st.just(TIERED)), notional=sized(126))
def test_a_tier_ratio_is_the_charge_over_the_notional_rounded_up_once(parameters, notional):
    for rates in (parameters.initial, parameters.maintenance):
        for size in (notional + 1, *(size for size in near_boundaries(parameters) if size)):
            charge = exact_charge(min(size, twin.MAX_AMOUNT), parameters.lower, rates)
            exact = charge * WAD / min(size, twin.MAX_AMOUNT)
            assert 0 <= twin.tier_ratio(size, parameters.lower, rates) - exact < 1


@settings(max_examples=300, deadline=None)
@given(parameters=st.one_of(tiered_parameters(), st.just(TIERED)), step=st.integers(0, 1_000))
def test_no_tier_begins_with_a_step(parameters, step):
    """Across a boundary the charge grows by the two rates beside it, to the wei, and by nothing else."""
    for lower, rates in (
        (parameters.lower, parameters.initial),
        (parameters.lower, parameters.maintenance),
    ):
        for tier in (1, 2, 3):
            begin = lower[tier]
            below = min(step, begin - lower[tier - 1])
            above = min(step, lower[tier + 1] - begin) if tier < 3 else step
            grown = exact_charge(begin + above, lower, rates) - exact_charge(begin - below, lower, rates)
            assert grown == Fraction(below * rates[tier - 1] + above * rates[tier], WAD)


@settings(max_examples=500, deadline=None)
@given(parameters=st.one_of(tiered_parameters(), st.just(TIERED)), notional=sized(126), step=sized(126))
def test_a_larger_position_never_needs_less(parameters, notional, step):
    for rates in (parameters.initial, parameters.maintenance):
        less, more = (
            margin_math.requirement(size, twin.tier_ratio(size, parameters.lower, rates))
            for size in (notional, notional + step)
        )
        assert less <= more


@settings(max_examples=500, deadline=None)
@given(
    parameters=st.one_of(tiered_parameters(), st.just(TIERED)),
    first=st.integers(1, 10**37),
    second=st.integers(1, 10**37),
)
def test_two_positions_never_need_more_than_one_of_both_sizes(parameters, first, second):
    """What splitting an account saves, and linking its parts takes back; but for what roundings add."""

    def requirement(size):
        return margin_math.requirement(size, twin.tier_ratio(size, parameters.lower, parameters.initial))

    roundings = (first + second) // WAD + 3
    assert requirement(first) + requirement(second) <= requirement(first + second) + roundings


@settings(max_examples=300, deadline=None)
@given(inputs=INPUTS, field=st.sampled_from((*INCREASING, "price")), step=sized(128))
def test_tiered_ratios_are_monotone_in_every_input(inputs, field, step):
    more = min(getattr(inputs, field) + step, UINT_MAX)
    before = twin.tiered_ratios(inputs, TIERED)
    after = twin.tiered_ratios(replace(inputs, **{field: more}), TIERED)
    if field == "price":
        before, after = after, before
    assert before.initial <= after.initial
    assert before.maintenance <= after.maintenance


def test_every_term_of_the_tiered_ratio_binds():
    calm = replace(CALM, notional=15_000_000 * WAD, variance_fast=0, variance_slow=0, confidence=0)
    # 1 million at 2 %, 9 at 5 %, 5 at 10 %, over 15; half of it to stay.
    tiers = (20_000 + 450_000 + 500_000) / 15_000_000
    assert twin.tiered_ratios(calm, TIERED).initial / WAD == pytest.approx(tiers, rel=1e-15)
    assert twin.tiered_ratios(calm, TIERED).maintenance / WAD == pytest.approx(tiers / 2, rel=1e-15)
    wild = twin.tiered_ratios(replace(calm, variance_fast=4 * WAD), TIERED)
    assert wild.initial / WAD == pytest.approx(4 * 2 * math.sqrt(4 * 3_600 / YEAR), rel=1e-12)
    assert wild.maintenance / WAD == pytest.approx(4 * 2 * math.sqrt(3_600 / YEAR), rel=1e-12)
    wide = twin.tiered_ratios(replace(calm, confidence=10 * WAD), TIERED)
    assert wide.initial / WAD == pytest.approx(tiers + 2 * 10 / 2_000, rel=1e-12)
    assert wide.maintenance / WAD == pytest.approx(tiers / 2 + 10 / 2_000, rel=1e-12)
    crowded = twin.tiered_ratios(replace(calm, open_interest=35_000_000 * WAD), TIERED)
    assert crowded.initial / WAD == pytest.approx(0.02 + 0.98 / 2, rel=1e-12)
    assert crowded.maintenance == twin.tiered_ratios(calm, TIERED).maintenance
