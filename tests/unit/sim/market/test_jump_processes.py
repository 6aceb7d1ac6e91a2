"""Kou's double-exponential jumps against their cumulants."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from sim.core.rng import Streams
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.price_paths import BlockClock
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.market.price_processes.kou import KouJumpDiffusion

# A day a block, so that jumps and drift stand out of the noise; forty paths, so that none leaves the range.
DAILY = BlockClock(start_time=0, seconds_per_block=86_400, blocks=5_000)
SIGMA, RATE, DOWN, MEAN_UP, MEAN_DOWN, DRIFT = 0.6, 900.0, 0.6, 0.03, 0.05, 1.8
VALUES = {
    "volatility": SIGMA,
    "drift": DRIFT,
    "jump_intensity": RATE,
    "jump_down_share": DOWN,
    "jump_mean_up": MEAN_UP,
    "jump_mean_down": MEAN_DOWN,
}
KOU = KouJumpDiffusion(kind="kou", **VALUES)


def log_returns(process, clock=DAILY, seed=1, shocks=NO_SHOCKS):
    path = process.path(clock, initial_price=2_000.0, streams=Streams(seed), name="price:ETH", shocks=shocks)
    return np.diff(np.log(path.prices))


def within(sample: np.ndarray, mean: float) -> bool:
    return bool(abs(sample.mean() - mean) < 4.5 * sample.std() / math.sqrt(sample.size))


def test_kou_has_its_first_four_cumulants():
    dt = DAILY.years_per_block
    eta_up, eta_down, up = 1 / MEAN_UP, 1 / MEAN_DOWN, 1 - DOWN
    k = up * eta_up / (eta_up - 1) + DOWN * eta_down / (eta_down + 1) - 1
    r = np.concatenate([log_returns(KOU, seed=seed) for seed in range(40)])
    first = (DRIFT - SIGMA**2 / 2 - RATE * k + RATE * (up / eta_up - DOWN / eta_down)) * dt
    second = (SIGMA**2 + 2 * RATE * (up / eta_up**2 + DOWN / eta_down**2)) * dt
    third = 6 * RATE * (up / eta_up**3 - DOWN / eta_down**3) * dt
    fourth = 24 * RATE * (up / eta_up**4 + DOWN / eta_down**4) * dt
    centred = r - first
    assert within(centred, 0.0)
    assert within(centred**2, second)
    assert within(centred**3, third)
    assert not within(centred**3, 0.0)  # the sample is large enough to see the skew
    assert within(centred**4, fourth + 3 * second**2)
    assert within(centred[1:] * centred[:-1], 0.0)
    assert within(np.exp(r), math.exp(DRIFT * dt))  # compensated


def test_without_jumps_it_is_geometric_brownian_motion_to_the_bit():
    calm = KouJumpDiffusion(kind="kou", **{**VALUES, "jump_intensity": 0.0})
    assert np.array_equal(
        log_returns(calm), log_returns(GeometricBrownianMotion(kind="gbm", volatility=SIGMA, drift=DRIFT))
    )


def test_jumps_up_stay_where_they_are_when_jumps_down_grow():
    """Only the compensator, the same in every block, and the downward jumps may differ."""
    quiet = {**VALUES, "volatility": 0.0, "drift": 0.0, "jump_intensity": 100.0}
    small, large = (
        log_returns(KouJumpDiffusion(kind="kou", **{**quiet, "jump_mean_down": size}))[:2_000]
        for size in (0.0, 0.1)
    )
    compensator = 100.0 * DOWN * (0.1 / 1.1) * DAILY.years_per_block
    difference = large - small - compensator
    assert difference.max() < 1e-12
    hit = difference < -1e-12
    expected = -math.expm1(-100.0 * DOWN * DAILY.years_per_block)  # chance of a jump down in a day
    assert within(hit.astype(float), expected)


def test_one_direction_only():
    rising = KouJumpDiffusion(
        kind="kou", **{**VALUES, "volatility": 0.0, "drift": 0.0, "jump_down_share": 0.0}
    )
    compensator = RATE * MEAN_UP / (1 - MEAN_UP) * DAILY.years_per_block
    jumps = log_returns(rising)[:2_000] + compensator
    assert jumps.min() > -1e-9
    assert within(jumps, RATE * MEAN_UP * DAILY.years_per_block)


def test_a_shorter_run_is_the_beginning_of_a_longer_one():
    shocks = ShockSchedule((
        VolatilityMultiple(at_block=5, duration_blocks=600, size=3.0),
        PriceMove(at_block=50, size=-0.2),
    ))  # fmt: skip
    paths = [
        KOU.path(
            BlockClock(start_time=0, seconds_per_block=43_200, blocks=blocks),
            initial_price=195.0, streams=Streams(4), name="price:ETH", shocks=shocks,
        ).prices
        for blocks in (1, 7, 640, 1_001)
    ]  # fmt: skip
    for short in paths[:-1]:
        assert np.array_equal(short, paths[-1][: short.size])
    assert np.any(np.diff(np.log(paths[-1])) < -0.15)


def test_volatility_shocks_leave_the_jumps_alone():
    window = VolatilityMultiple(at_block=11, duration_blocks=10, size=4.0)
    jumps_only = KouJumpDiffusion(kind="kou", **{**VALUES, "volatility": 0.0})
    clock = BlockClock(start_time=0, seconds_per_block=86_400, blocks=40)
    wild = log_returns(jumps_only, clock, shocks=ShockSchedule((window,)))
    assert np.array_equal(wild, log_returns(jumps_only, clock))
    assert not np.array_equal(
        log_returns(KOU, clock, shocks=ShockSchedule((window,))), log_returns(KOU, clock)
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"jump_intensity": -1.0}, "jump_intensity"),
        ({"jump_down_share": 1.5}, "jump_down_share"),
        ({"jump_mean_up": 1.0}, "jump_mean_up"),
        ({"jump_mean_down": -0.1}, "jump_mean_down"),
        ({"jump_mean_down": float("nan")}, "jump_mean_down"),
    ],
)
def test_impossible_jumps_are_refused(change, match):
    with pytest.raises(ValidationError, match=match):
        KouJumpDiffusion(kind="kou", **{**VALUES, **change})
