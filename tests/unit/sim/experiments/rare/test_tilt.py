"""Tilted paths: the weight is the likelihood ratio, and puts a probability of 1e-7 right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.core.units import YEAR_SECONDS
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, run_path
from sim.engine.run import world_builder
from sim.engine.scenario.path_choice import PathChoice
from sim.experiments.rare.importance import tilt_weights, weighted_mean
from sim.experiments.rare.tilt import run_tilted_path, tilt_weight, tilted_scenario
from tests.support.small_run import small_scenario
from tests.unit.sim.experiments.rare.test_splitting import VOLATILITY, YEARS, first_passage

STEPS = 24
WEEK = ("seconds_per_block=3600", "blocks=24", "shocks=[]", "traders.0.count=3", "whales=[]")
"""The blocks of a day, stretched below to the week of quant 8.2 by their volatility."""


def barrier_scenario(*more: str):
    # An hour's deviation must be that of a 24th of the week: sigma' sqrt(1 h) = sigma sqrt(7 h).
    volatility = VOLATILITY * math.sqrt(YEARS / STEPS / (3_600 / YEAR_SECONDS))
    gbm = f'markets.0.price={{ kind = "gbm", volatility = {volatility!r}, drift = 0.0 }}'
    return small_scenario(*WEEK, gbm, *more)


def fundamental(scenario, path: int) -> np.ndarray:
    """Return the fundamental prices of a path, relative to the first."""
    options = RunOptions(out=None, path=PathChoice(path=path))
    builder = world_builder(scenario, options, {})
    prices = builder.price_paths(options.path.streams(scenario.seed))[0].prices
    return prices / prices[0]


def weight(scenario, path: int, tilt: float) -> float:
    return tilt_weight(scenario, PathChoice(path=path).streams(scenario.seed), tilt)


@pytest.mark.parametrize("barrier", [0.655, 0.55])
def test_a_barrier_is_reached_as_often_as_the_closed_form_says(barrier):
    """Quant 7.3 and 8.3: p of 1e-4 and of 2e-8 from three thousand paths."""
    exact, n = first_passage(barrier, STEPS), 3_000
    scenario = barrier_scenario()
    tilt = math.log(barrier) / (STEPS * 3_600 / YEAR_SECONDS)
    tilted = tilted_scenario(scenario, tilt)
    hits = np.array([fundamental(tilted, path)[1:].min() <= barrier for path in range(n)])
    weights = np.array([weight(scenario, path, tilt) for path in range(n)])
    found = weighted_mean(hits, weights)
    error = (hits * weights).std(ddof=1) / math.sqrt(n)
    assert abs(found.interval.mean - exact) < 4.5 * error
    assert (
        found.relative_error < 0.15
    )  # plain paths would need 1 / (p 0.15**2): half a million, and a billion
    # The mean of all weights is 1; here they are too uneven to see it, at a tenth of the tilt they are not.
    mild = np.array([weight(scenario, path, tilt / 10) for path in range(n)])
    assert abs(mild.mean() - 1.0) < 4.5 * mild.std(ddof=1) / math.sqrt(n)


def test_the_weight_is_the_ratio_of_the_two_laws():
    scenario, tilt = barrier_scenario(), -30.0
    years = STEPS * 3_600 / YEAR_SECONDS
    sigma = scenario.markets[0].price.volatility
    logs = np.log(fundamental(tilted_scenario(scenario, tilt), 5))
    # W as drawn, from the path itself: log S = -sigma^2 T / 2 + sigma W under the original law.
    brownian = (logs[-1] + 0.5 * sigma**2 * years) / sigma
    expected = tilt_weights(np.array([brownian]), tilt / sigma, years)[0]
    assert weight(scenario, 5, tilt) == pytest.approx(expected, rel=1e-9)
    assert weight(scenario, 5, 0.0) == 1.0


def test_a_volatility_shock_changes_the_ratio_block_by_block():
    shock = 'shocks=[{ kind = "volatility", at_block = 3, duration_minutes = 300, size = 2.5 }]'
    scenario, tilt = barrier_scenario(shock), 12.0
    original, tilted = (
        np.diff(np.log(fundamental(item, 2))) for item in (scenario, tilted_scenario(scenario, tilt))
    )
    assert np.allclose(tilted - original, tilt * 3_600 / YEAR_SECONDS, rtol=1e-9)
    sigma = np.full(STEPS, scenario.markets[0].price.volatility)
    sigma[2:7] *= 2.5
    dt = 3_600 / YEAR_SECONDS
    densities = [
        -0.5 * ((tilted - (drift - 0.5 * sigma**2) * dt) / (sigma * math.sqrt(dt))) ** 2
        for drift in (0.0, tilt)
    ]
    expected = math.exp(float((densities[0] - densities[1]).sum()))
    assert weight(scenario, 2, tilt) == pytest.approx(expected, rel=1e-9)


def test_a_tilted_path_is_that_of_the_scenario_with_its_drift():
    short = ("blocks=6",)
    plain = run_path(barrier_scenario(*short), PathOptions(path=3))
    weighed = run_tilted_path(barrier_scenario(*short), PathOptions(path=3), -40.0)
    tilted = weighed.outcome
    by_hand = run_path(barrier_scenario(*short, "markets.0.price.drift=-40.0"), PathOptions(path=3))
    assert (tilted.digest, tilted.summary) == (by_hand.digest, by_hand.summary)
    assert tilted.digest != plain.digest
    assert weighed.weight == weight(barrier_scenario(*short), 3, -40.0) != 1.0


@pytest.mark.parametrize(
    ("overrides", "tilt", "words"),
    [
        (('markets.0.price={ kind = "kou" }',), 1.0, "needs markets.0.price.kind gbm, was kou"),
        (('markets.0.price={ kind = "gbm", volatility = 0.0 }',), 1.0, "without volatility"),
        (('markets.0.price={ kind = "gbm" }',), math.nan, "must be finite"),
    ],
)
def test_what_has_no_tilted_law_is_refused(overrides, tilt, words):
    with pytest.raises(InputError, match=words):
        run_tilted_path(small_scenario(*WEEK, *overrides), PathOptions(path=0), tilt)


def test_recorded_prices_cannot_be_tilted(tmp_path):
    options = PathOptions(path=0, prices=tmp_path / "recorded.csv")
    with pytest.raises(InputError, match="recorded prices have no drift"):
        run_tilted_path(barrier_scenario(), options, 1.0)
