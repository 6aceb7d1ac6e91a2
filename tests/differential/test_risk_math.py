"""`contracts/lib/risk_math.vy` against its Python twin, and the twin against closed forms."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference import risk_math as twin
from sim.reference.fixed_point import UINT_MAX, WAD
from sim.reference.risk_math import AdaptiveParameters, MarginRatios, RiskInputs, VolatilityParameters
from tests.support.deployers import harness
from tests.support.risk_parameters import ADAPTIVE, CALM, VOLATILITY

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
        liquidity_floor=draw(st.integers(WAD, 10**38)),
        open_interest_lower=lower,
        open_interest_upper=draw(st.integers(lower + 1, 10**38)),
        confidence_coefficient=draw(st.integers(0, 10**21)),
        haircut=draw(st.integers(0, WAD - 1)),
    )


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
@given(inputs=INPUTS, field=st.sampled_from((*INCREASING, "price", "depth")), step=sized(128))
def test_adaptive_ratios_are_monotone_in_every_input(inputs, field, step):
    more = min(getattr(inputs, field) + step, UINT_MAX)
    before = twin.adaptive_ratios(inputs, ADAPTIVE)
    after = twin.adaptive_ratios(replace(inputs, **{field: more}), ADAPTIVE)
    if field not in INCREASING:  # a higher price dilutes the width, more depth eases the exit
        before, after = after, before
    assert before.initial <= after.initial
    assert before.maintenance <= after.maintenance


@settings(max_examples=300, deadline=None)
@given(inputs=INPUTS)
def test_price_of_zero_asks_for_everything(inputs):
    assert twin.adaptive_ratios(replace(inputs, price=0), ADAPTIVE).initial == WAD
