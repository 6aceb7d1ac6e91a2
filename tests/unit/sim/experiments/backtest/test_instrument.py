"""The margin series is the contracts' own: against twins, closed forms and another engine."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.core.portable_math import normal_cdf
from sim.core.rng import Streams
from sim.core.units import WAD, to_wad, to_wad_list
from sim.experiments.backtest.instrument import Feed, Instrument, as_ratio
from sim.metrics.margin_model.coverage import evaluate_coverage
from sim.metrics.margin_model.procyclicality import alternating_path, ewma_impulse
from sim.metrics.margin_model.windows import split_windows
from sim.reference import oracle_math, risk_math

START = 1_700_000_000
YEAR = 31_536_000


def _times(n: int, step: int) -> np.ndarray:
    return START + step * np.arange(n, dtype=np.int64)


def _series(scenario, times, prices, feed=None, **options):
    instrument = Instrument(scenario, 0, notional=10_000.0, engine=options.pop("engine", None))
    return instrument.series(times, prices, feed or Feed(), **options)


def test_every_integer_is_that_of_the_formulas(plain_scenario):
    scenario = plain_scenario()
    prices = 2_000.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 40)))
    series = _series(scenario, _times(40, 300), prices)
    oracle = scenario.protocol.oracle
    model = risk_math.VolatilityParameters(
        z=to_wad(2.5),
        initial_horizon_seconds=14_400,
        maintenance_horizon_seconds=3_600,
        initial_min=to_wad(2e-6),
        maintenance_min=to_wad(1e-6),
        haircut=0,
    )
    variance, previous, at = to_wad(0.8 * 0.8), to_wad(float(prices[0])), START - 1  # seeded at deployment
    for step, price in enumerate(to_wad_list(prices)):
        now = START + 300 * step
        seen = oracle_math.observed_variance(price, previous, now - at, to_wad(oracle.max_return))
        weight = oracle_math.decay(now - at, oracle.tau_fast_seconds)
        variance = oracle_math.blend_up(variance, seen, weight)
        previous, at = price, now
        assert series.variance_fast[step] == variance
        expected = risk_math.volatility_ratios(
            risk_math.RiskInputs(
                notional=to_wad(10_000.0),
                price=price,
                confidence=0,
                variance_fast=variance,
                variance_slow=0,
                open_interest=0,
                depth=WAD,
            ),
            model,
        )
        assert (series.initial[step], series.maintenance[step]) == (expected.initial, expected.maintenance)


@pytest.mark.skipif(find_spec("pyrevm") is None, reason="pyrevm has no wheel for this Python")
def test_all_engines_give_the_same_series(plain_scenario):
    scenario = plain_scenario("protocol.risk_model='adaptive'", "protocol.risk_model_parameters={}")
    prices = 2_000.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.02, 12)))
    feed = Feed.every_step(scenario)
    fast = _series(scenario, _times(12, 600), prices, feed, engine="revm")
    slow = _series(scenario, _times(12, 600), prices, feed, engine="pyevm")
    assert fast.digest() == slow.digest()
    moved = prices.copy()
    moved[-1] *= 1.0 + 1e-12
    assert _series(scenario, _times(12, 600), moved, feed).digest() != fast.digest()


@pytest.mark.parametrize(("step", "tau"), [(60, 970), (3_600, 118_190)])
def test_the_impulse_through_the_contract_is_the_closed_form(plain_scenario, step, tau):
    scenario = plain_scenario(
        f"protocol.oracle.tau_fast_seconds={tau}", f"protocol.oracle.tau_slow_seconds={10 * tau}"
    )
    sigma = 0.8
    path = alternating_path(2_000.0, sigma * math.sqrt(step / YEAR), 2.0, calm_steps=6, stressed_steps=60)
    series = _series(scenario, _times(path.size, step), path, initial_variance=sigma**2)
    ratio = as_ratio(series.maintenance)
    # The oracle is seeded one second before the first report, at the same price: a share 1 / tau is lost.
    assert ratio[6] == pytest.approx(2.5 * sigma * math.sqrt(3_600 / YEAR), rel=1 / tau)
    decay = math.exp(-step / tau)
    settled = ratio[6] / (2.5 * sigma * math.sqrt(3_600 / YEAR))
    expected = ewma_impulse(np.arange(61.0), decay, 2.0)
    found = ratio[6:] / ratio[6]
    assert found == pytest.approx(expected, rel=2 * (1 - settled) + 1e-9)
    assert found.max() == found[-1]  # no overshoot


def test_coverage_of_a_known_volatility_is_the_normal_tail(plain_scenario):
    # With a memory of a year the estimate stays where it starts, at the truth, to about a per cent.
    z, step, n, sigma = 1.2816, 3_600, 4_000, 0.8
    scenario = plain_scenario(
        f"protocol.risk_model_parameters.z={z}",
        "protocol.oracle.tau_fast_seconds=31_536_000",
        "protocol.oracle.tau_slow_seconds=315_360_000",
    )
    deviation = sigma * math.sqrt(step / YEAR)
    normal = Streams(17).draw("coverage").normal(n)
    prices = 2_000.0 * np.exp(np.concatenate(([0.0], np.cumsum(deviation * normal - 0.5 * deviation**2))))
    series = _series(scenario, _times(n + 1, step), prices)
    windows = split_windows(prices, as_ratio(series.maintenance), 1)
    assert len(windows) == n
    for side, level in (("long", math.log1p(-z * deviation)), ("short", -math.log1p(z * deviation))):
        drift = -0.5 * deviation**2 if side == "long" else 0.5 * deviation**2
        expected = float(normal_cdf((level - drift) / deviation))
        result = evaluate_coverage(windows, side, Streams(1), target=expected, name="known")
        error = math.sqrt(expected * (1 - expected) / n)
        assert abs(result.rate.estimate - expected) < 4.5 * error
        assert abs(expected - float(normal_cdf(-z))) < 0.003  # N(-z) up to the skew of simple returns


def test_a_keeper_reports_on_its_threshold_or_heartbeat(plain_scenario):
    scenario = plain_scenario()
    prices = np.array([100.0, 100.1, 100.2, 101.0, 101.0, 101.0, 101.0])
    times = _times(7, 60)
    feed = Feed(deviation_threshold=0.005, heartbeat_seconds=180)
    series = _series(scenario, times, prices, feed)
    assert series.reports == 3  # the first, the move at step 3, the heartbeat at step 6
    assert _series(scenario, times, prices).reports == 7
    of_keepers = Feed.of_keepers(scenario)
    assert of_keepers.deviation_threshold == scenario.keepers.deviation_threshold
    assert of_keepers.heartbeat_seconds == scenario.keepers.heartbeat_seconds


def test_the_reporters_confidence_widens_with_volatility_as_the_keepers_does(plain_scenario):
    scenario = plain_scenario("protocol.risk_model='adaptive'", "protocol.risk_model_parameters={}")
    prices = 2_000.0 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.02, 10)))
    sure = _series(scenario, _times(10, 600), prices)
    feed = Feed.every_step(scenario)
    unsure = _series(scenario, _times(10, 600), prices, feed)
    assert unsure.variance_fast == sure.variance_fast
    for step in range(1, 10):
        known = max(sure.variance_fast[step - 1], sure.variance_slow[step - 1]) / WAD
        width = feed.confidence_ratio + feed.confidence_volatility * math.sqrt(known / 365.0)
        # The model adds 2 confidence / price to initial margin and half of that to maintenance.
        added = (unsure.maintenance[step] - sure.maintenance[step]) / WAD
        assert added == pytest.approx(width, rel=1e-9)


def test_the_ramp_holds_back_what_held_positions_must_have(plain_scenario):
    scenario = plain_scenario("protocol.margin.ramp_per_hour=0.25")
    prices = np.array([2_000.0, 2_000.0, 1_800.0, 1_800.0])
    series = _series(scenario, _times(4, 360), prices)
    assert series.maintenance[2] > series.maintenance[1]
    assert series.in_force[2] / series.in_force[1] == pytest.approx(1 + 0.25 * 0.1)
    free = _series(plain_scenario("protocol.margin.maintenance_ramp=false"), _times(4, 360), prices)
    assert free.in_force.tolist() == free.maintenance.tolist()


def test_larger_positions_are_asked_for_more_by_the_adaptive_model(plain_scenario):
    scenario = plain_scenario("protocol.risk_model='adaptive'", "protocol.risk_model_parameters={}")
    series = _series(scenario, _times(3, 60), np.full(3, 2_000.0), sizes=(1e4, 1e7))
    (small, first), (large, second) = series.by_size
    assert (small, large) == (1e4, 1e7)
    assert first < second
    assert first == series.maintenance[-1]


def test_what_cannot_be_used_is_refused(plain_scenario):
    scenario = plain_scenario()
    with pytest.raises(InputError, match="--market 1"):
        Instrument(scenario, 1, notional=1.0)
    with pytest.raises(InputError, match="--notional"):
        Instrument(scenario, 0, notional=-1.0)
    with pytest.raises(InputError, match="price at maximum"):
        _series(scenario, _times(3, 60), np.array([100.0, 100.0, 2e9]))
    with pytest.raises(InputError, match="fewer than two"):
        _series(scenario, _times(1, 60), np.array([100.0]))


def test_a_market_that_chooses_follows_its_choice(plain_scenario):
    prices = 2_000.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.02, 20)))
    plain = _series(plain_scenario(), _times(20, 600), prices)
    chosen = _series(plain_scenario("markets.0.estimator.range_weight=1.0"), _times(20, 600), prices)
    assert chosen.variance_fast == plain.variance_fast  # the price oracle's own
    assert (chosen.maintenance != plain.maintenance).any()
    doubled = _series(plain_scenario("markets.0.estimator.range_weight=4.0"), _times(20, 600), prices)
    # Four times the variance is twice the margin, once the choice has left where the market stood.
    assert doubled.maintenance[2:] / chosen.maintenance[2:] == pytest.approx(2.0, rel=1e-9)


def test_what_options_imply_is_not_on_a_price_path(plain_scenario):
    with pytest.raises(InputError, match="implied_weight: nobody reports"):
        _series(plain_scenario("markets.0.estimator.implied_weight=1.0"), _times(2, 600), np.full(2, 2e3))
