"""Variance, average and risk price of the contract against closed forms and a plain model."""

from __future__ import annotations

import math

import boa
import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from sim.reference import oracle_math
from sim.reference.fixed_point import WAD, ln_wad
from tests.support.deployers import ORACLE_PARAMETERS
from tests.support.oracle_model import OracleModel, Source

PRICE = 2_000 * WAD
YEAR = 31_536_000
LONE = {"count": 1, "minimum_sources": 1, "valid_sources": 1}


def log_ratio(a, b):
    return math.log(a / b)


def test_variance_of_constant_squared_return_per_second_converges_to_it(make_oracle):
    # +-1 % every 12 s is r**2/dt*YEAR = 262.8 a year; remembered for 90 s.
    oracle = make_oracle(**LONE, tau_fast_seconds=90, tau_slow_seconds=90)
    up = PRICE * 101 // 100
    observed = oracle_math.observed_variance(up, PRICE, 12, WAD)
    assert observed / WAD == pytest.approx(math.log(1.01) ** 2 * YEAR / 12, rel=1e-12)
    for step in range(300):
        oracle.wait(12)
        oracle.report(0, up if step % 2 == 0 else PRICE)
    # ln(1/1.01) and ln(1.01) differ in their last digit only.
    assert oracle.read().variance_fast == pytest.approx(observed, rel=1e-14)


@pytest.mark.parametrize(("field", "tau"), [("variance_fast", 3_600), ("variance_slow", 604_800)])
def test_half_life_of_variance_is_tau_times_ln_two(make_oracle, constants, field, tau):
    oracle = make_oracle(**LONE, heartbeat=10**6)
    oracle.wait(round(tau * math.log(2)))
    oracle.report(0, PRICE)
    assert getattr(oracle.read(), field) == pytest.approx(constants.variance / 2, rel=1 / tau)


@pytest.mark.parametrize("pieces", [1, 2, 7, 30])
def test_quiet_time_decays_alike_in_any_number_of_pieces(make_oracle, constants, pieces):
    oracle = make_oracle(**LONE, heartbeat=10**6)
    for _ in range(pieces):
        oracle.wait(6_300 // pieces)
        oracle.report(0, PRICE)
    exact = constants.variance * math.exp(-6_300 / 3_600)
    assert oracle.read().variance_fast == pytest.approx(exact, rel=1e-14)


def test_average_follows_its_exponential(make_oracle):
    oracle = make_oracle(**LONE, heartbeat=10**6, tau_ema_seconds=1_800)
    oracle.wait(900)
    oracle.report(0, PRICE * 2)
    assert oracle.read().ema_price / WAD == pytest.approx(2_000 * (2 - math.exp(-0.5)), rel=1e-15)


def test_return_is_capped(make_oracle, constants):
    oracle = make_oracle(**LONE)
    oracle.wait(3_600)
    oracle.report(0, PRICE * 10)
    weight = math.exp(-1)
    expected = weight * constants.variance / WAD + (1 - weight) * 0.25 * YEAR / 3_600
    assert oracle.read().variance_fast / WAD == pytest.approx(expected, rel=1e-12)


def test_number_and_order_of_reports_in_a_block_do_not_change_estimates(make_oracle):
    few, many = make_oracle(), make_oracle()
    for price in (2_010, 1_990, 2_050):
        boa.env.time_travel(seconds=12)
        few.report_all(price * WAD)
        # The same three prices, but the index wanders on its way and rounds are more.
        for position in (2, 0, 1):
            many.report(position, (price + 7 * position) * WAD, published_at=many.now - 5)
        for position in (1, 2, 0):
            many.report(position, price * WAD)
    a, b = few.read(), many.read()
    assert a.round_id < b.round_id
    assert (a.index_price, a.risk_price, a.ema_price) == (b.index_price, b.risk_price, b.ema_price)
    assert (a.variance_fast, a.variance_slow) == (b.variance_fast, b.variance_slow)


def test_observation_counts_once_however_often_it_is_read(oracle):
    oracle.wait(12)
    oracle.report_all(PRICE * 102 // 100)
    folded = oracle.read().variance_fast
    oracle.wait(30)
    assert oracle.read().variance_fast == folded  # time alone does not decay what is unknown
    oracle.report(0, PRICE * 102 // 100)
    assert oracle.read().variance_fast == folded  # nor does one source alone
    oracle.report(1, PRICE * 102 // 100)
    assert oracle.read().variance_fast == pytest.approx(folded * math.exp(-30 / 3_600), rel=1e-12)


@pytest.mark.parametrize("direction", [1, -1])
def test_risk_price_moves_at_most_bound_per_block_and_catches_up(make_oracle, direction):
    oracle = make_oracle(**LONE, limiter_coefficient=0)
    target = PRICE * (100 + 20 * direction) // 100
    bound = 0.05 * math.sqrt(12 / 300)
    previous, steps = PRICE, 0
    while oracle.read().risk_price != target:
        oracle.wait(12)
        oracle.report(0, target)
        risk = oracle.read().risk_price
        assert 0 < direction * log_ratio(risk, previous) <= bound * (1 + 1e-12)
        previous, steps = risk, steps + 1
    assert steps == math.ceil(abs(log_ratio(target, PRICE)) / bound)


def test_risk_price_bound_widens_with_volatility(make_oracle, constants):
    oracle = make_oracle(**LONE, limiter_minimum=WAD // 1_000)
    oracle.wait(12)
    oracle.report(0, PRICE * 2)
    bound = 4 * math.sqrt(constants.variance / WAD * 12 / YEAR)
    assert log_ratio(oracle.read().risk_price, PRICE) == pytest.approx(bound, rel=1e-9)


def test_risk_price_within_one_block_starts_from_the_same_base(oracle):
    oracle.wait(12)
    lowest = oracle_math.limit_price(
        PRICE // 2, PRICE, 12, 0, horizon=300, minimum=WAD // 20, coefficient=4 * WAD
    )
    for offset in range(5):
        for position in range(3):
            oracle.report(position, PRICE // 2, published_at=oracle.now - 5 + offset)
    assert oracle.read().risk_price >= lowest * 99 // 100  # five rounds, one step


def test_variance_is_unbiased_under_exponential_spacing(make_oracle):
    oracle = make_oracle(**LONE, heartbeat=10**6)
    sigma, seen = 0.8, []
    for path in range(5):
        generator = np.random.Generator(np.random.Philox(key=9_000 + path))
        with boa.env.anchor():
            log_price, total, weight = 0.0, 0.0, 0
            for step in range(80):
                gap = max(round(generator.exponential(60.0)), 1)
                if step > 5:
                    total += oracle.read().variance_fast / WAD * gap
                    weight += gap
                log_price += sigma * math.sqrt(gap / YEAR) * generator.normal()
                oracle.wait(gap)
                oracle.report(0, int(2_000 * math.exp(log_price) * 1e18))
            seen.append(total / weight / sigma**2)
    error = np.std(seen, ddof=1) / math.sqrt(len(seen))
    assert abs(np.mean(seen) - 1) < 4.5 * error
    assert error < 0.2


def test_variance_is_unbiased_under_deviation_triggered_reports(make_oracle):
    # A diffusion on a grid of seconds; a report whenever it has moved by 0.5 %, Chainlink's
    # threshold for ETH/USD. The overshoot past the threshold is real movement and counts.
    oracle = make_oracle(**LONE, heartbeat=10**6, tau_fast_seconds=40_000, tau_slow_seconds=40_000)
    sigma, threshold, seen, naive = 0.8, 0.005, [], []
    for path in range(4):
        generator = np.random.Generator(np.random.Philox(key=9_500 + path))
        walk = np.cumsum(generator.normal(0.0, sigma * math.sqrt(1 / YEAR), 150_000))
        last, at, total = 0.0, 0, 0.0
        with boa.env.anchor():
            while True:
                moved = np.abs(walk[at : at + 40_000] - last) >= threshold
                if not moved.any():
                    break
                gap = int(np.argmax(moved)) + 1
                if at > 0:
                    total += oracle.read().variance_fast / WAD * gap
                at += gap
                move, last = walk[at - 1] - last, walk[at - 1]
                naive.append(move**2 / gap * YEAR / sigma**2)
                oracle.wait(gap)
                oracle.report(0, int(2_000 * math.exp(last) * 1e18))
                if at >= 120_000:
                    break
            seen.append(total / at / sigma**2)
    error = np.std(seen, ddof=1) / math.sqrt(len(seen))
    assert abs(np.mean(seen) - 1) < 4.5 * error
    assert error < 0.1
    assert np.mean(naive) > 1.5  # what weighting every report alike would believe


# ---------------------------------------------------------------- against the plain model

SET_UP = st.sampled_from(["report"] * 12 + ["remove", "change"])
STEP = st.tuples(
    SET_UP,
    st.sampled_from([0, 0, 0, 1, 12, 12, 45, 61, 600, 20_000]),  # seconds to wait
    st.integers(0, 4),  # reporter
    st.one_of(st.integers(1_950 * WAD, 2_050 * WAD), st.integers(10**13, 10**26)),  # price
    st.integers(0, WAD // 10),  # confidence over price
    st.integers(0, 59),  # age of the report
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEP, min_size=20, max_size=40),
    tau_ema=st.sampled_from([150, 3_600]),
    settle_status=st.integers(0, 4),
)
def test_contract_behaves_as_plain_model(make_oracle, constants, steps, tau_ema, settle_status):
    with boa.env.anchor():
        weights = [1, 2, 3, 4, 5]
        changes = {"tau_ema_seconds": tau_ema, "settle_status": settle_status}
        oracle = make_oracle(count=5, weights=weights, **changes)
        model = OracleModel(
            parameters=ORACLE_PARAMETERS | changes,
            listed_at=oracle.now,
            initial_price=constants.price,
            variance_fast=constants.variance,
            variance_slow=constants.variance,
            sources=[Source(weight=w, heartbeat=constants.heartbeat) for w in weights],
        )
        listed = list(zip(oracle.reporters, model.sources, strict=True))
        for kind, wait, position, price, width, age in steps:
            note(f"wait {wait}, {kind}: reporter {position} says {price} of age {age}")
            if wait:
                oracle.wait(wait)
                assert tuple(oracle.read()) == model.asset_price(oracle.now)  # aged, nothing reported
                assert oracle.settlement() == model.settlement_prices(oracle.now)
            confidence, published_at = price * width // WAD, oracle.now - age
            reporter, source = listed[position]
            if source not in model.sources:
                with boa.reverts("oracle: not a reporter"):
                    oracle.report(position, price, confidence, published_at)
            elif kind == "remove" and len(model.sources) == model.parameters["valid_sources"]:
                with boa.reverts("oracle: too few reporters left"):
                    oracle.contract.remove_reporter(0, reporter, sender=oracle.owner)
            elif kind == "remove":
                oracle.contract.remove_reporter(0, reporter, sender=oracle.owner)
                model.remove(source, oracle.now)
            elif kind == "change":
                weight, heartbeat = 1 + width % 4_095, 1 + price % 4_000
                oracle.contract.change_reporter(0, reporter, weight, heartbeat, sender=oracle.owner)
                model.change(source, weight, heartbeat, oracle.now)
            elif published_at <= source.published_at:
                with boa.reverts("oracle: not newer"):
                    oracle.report(position, price, confidence, published_at)
            elif published_at + source.heartbeat < oracle.now:
                with boa.reverts("oracle: published too long ago"):
                    oracle.report(position, price, confidence, published_at)
            elif model.refuses(source, price, oracle.now):
                with boa.reverts("oracle: price off by a power of ten"):
                    oracle.report(position, price, confidence, published_at)
            else:
                oracle.report(position, price, confidence, published_at)
                model.report(source, price, confidence, published_at, oracle.now)
            assert tuple(oracle.read()) == model.asset_price(oracle.now)
            assert oracle.settlement() == model.settlement_prices(oracle.now)
            assert set(oracle.contract.reporters(0)) == {r for r, s in listed if s in model.sources}
        for round_id, expected in enumerate(model.rounds, start=1):
            assert tuple(oracle.contract.round(0, round_id)) == expected


def test_risk_price_lies_between_base_and_index_after_a_crash_and_rebound(oracle):
    seen = []
    for price in (PRICE, PRICE // 2, PRICE // 2, PRICE, PRICE):
        oracle.wait(12)
        oracle.report_all(price)
        seen.append(oracle.read().risk_price)
    assert seen[0] == PRICE
    assert PRICE > seen[1] > seen[2] > PRICE // 2
    assert seen[3] > seen[2]
    assert ln_wad(seen[1] * WAD // PRICE) < -WAD // 200
