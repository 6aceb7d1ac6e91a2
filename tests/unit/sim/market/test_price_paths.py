import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core import _multiarray_umath as cpu
from pydantic import ValidationError

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.price_paths import BlockClock, poisson_counts
from sim.market.price_processes.bridge import BrownianBridge
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.market.price_processes.merton import MertonJumpDiffusion

REPOSITORY = Path(__file__).resolve().parents[4]
BLOCKS = 200_000
HOURLY = BlockClock(start_time=1_583_971_200, seconds_per_block=3_600, blocks=BLOCKS)
# A day a block, so that the drift is many standard errors from zero and not lost in the noise.
DAILY = BlockClock(start_time=1_583_971_200, seconds_per_block=86_400, blocks=20_000)
GBM = GeometricBrownianMotion(kind="gbm", volatility=0.8, drift=0.5)
MERTON = MertonJumpDiffusion(
    kind="merton", volatility=0.6, drift=1.7, jump_intensity=900.0, jump_mean=-0.03, jump_deviation=0.05
)
BRIDGE = BrownianBridge(
    kind="bridge", waypoints=((0.0, 195.0), (60.0, 136.5), (100.0, 95.87), (160.0, 130.0)), volatility=1.5
)


def log_returns(process, clock=HOURLY, shocks=NO_SHOCKS, seed=1):
    path = process.path(clock, initial_price=2_000.0, streams=Streams(seed), name="price:ETH", shocks=shocks)
    return np.diff(np.log(path.prices))


def daily_log_returns(process):
    """Return 200,000 of them, from ten paths: a single path of 550 years would leave the range of prices."""
    return np.concatenate([log_returns(process, DAILY, seed=seed) for seed in range(10)])


def within(sample: np.ndarray, mean: float) -> bool:
    """Return whether a sample's mean lies within 4.5 of its standard errors of `mean`."""
    return bool(abs(sample.mean() - mean) < 4.5 * sample.std() / math.sqrt(sample.size))


def test_geometric_brownian_motion_has_its_moments():
    dt = DAILY.years_per_block
    r = daily_log_returns(GBM)
    centred = r - (0.5 - 0.32) * dt
    assert within(centred, 0.0)
    assert within(centred**2, 0.64 * dt)
    assert within(centred**3, 0.0)
    assert within(centred**4, 3 * (0.64 * dt) ** 2)
    assert within(centred[1:] * centred[:-1], 0.0)  # no memory
    assert within(np.exp(r), math.exp(0.5 * dt))  # E S_t = S_0 exp(drift t)


def test_merton_has_its_first_four_cumulants():
    dt, lam, m, s = DAILY.years_per_block, 900.0, -0.03, 0.05
    k = math.exp(m + s * s / 2) - 1
    r = daily_log_returns(MERTON)
    centred = r - (1.7 - 0.18 - lam * k + lam * m) * dt
    second = (0.36 + lam * (m * m + s * s)) * dt
    third = lam * (m**3 + 3 * m * s * s) * dt
    fourth = lam * (m**4 + 6 * m * m * s * s + 3 * s**4) * dt
    assert within(centred, 0.0)
    assert within(centred**2, second)
    assert within(centred**3, third)
    assert within(centred**4, fourth + 3 * second**2)
    assert within(np.exp(r), math.exp(1.7 * dt))


def test_merton_without_jumps_is_geometric_brownian_motion_to_the_bit():
    plain = GeometricBrownianMotion(kind="gbm", volatility=0.6, drift=-0.4)
    calm = MertonJumpDiffusion(
        kind="merton", volatility=0.6, drift=-0.4, jump_intensity=0.0, jump_mean=-0.03, jump_deviation=0.05
    )
    assert np.array_equal(log_returns(plain), log_returns(calm))


def test_jumps_do_not_shift_the_diffusion():
    rare = MertonJumpDiffusion(
        kind="merton", volatility=0.6, drift=0.0, jump_intensity=10.0, jump_mean=-0.03, jump_deviation=0.0
    )
    compensator = 10.0 * math.expm1(-0.03) * HOURLY.years_per_block
    difference = (
        log_returns(rare) - log_returns(GeometricBrownianMotion(kind="gbm", volatility=0.6)) + compensator
    )
    jumps = np.rint(difference / -0.03)
    assert difference == pytest.approx(-0.03 * jumps, abs=1e-10)
    assert 0 < jumps.sum() < 400


@pytest.mark.parametrize("rate", [0.001, 0.7, 30.0, 499.0])
def testpoisson_counts_counts_have_mean_and_variance(rate):
    counts = poisson_counts(Streams(3).series("counts").uniform(0, 100_000), rate)
    assert within(counts, rate)
    assert within((counts - rate) ** 2, rate)


def test_too_many_jumps_a_block_are_refused():
    with pytest.raises(InputError, match="jump_intensity"):
        poisson_counts(np.array([0.5]), 501.0)


def test_the_bridge_passes_through_every_waypoint_exactly():
    clock = BlockClock(start_time=0, seconds_per_block=12, blocks=1_000)
    for seed in range(5):
        path = BRIDGE.path(clock, initial_price=1.0, streams=Streams(seed), name="price:ETH")
        assert path.prices[[0, 300, 500, 800]].tolist() == [195.0, 136.5, 95.87, 130.0]


def test_the_bridge_without_volatility_is_a_straight_line_in_log_price():
    bridge = BrownianBridge(kind="bridge", waypoints=((0.0, 100.0), (10.0, 50.0)), volatility=0.0)
    clock = BlockClock(start_time=0, seconds_per_block=60, blocks=12)
    path = bridge.path(clock, initial_price=1.0, streams=Streams(0), name="p")
    assert path.prices[:11] == pytest.approx(100.0 * 0.5 ** (np.arange(11) / 10), rel=1e-14)
    assert path.prices[10:].tolist() == [50.0, 50.0, 50.0]


def test_the_bridge_has_the_variance_and_covariance_of_a_bridge():
    bridge = BrownianBridge(
        kind="bridge", waypoints=((0.0, 100.0), (40.0, 80.0), (60.0, 80.0)), volatility=1.2
    )
    clock = BlockClock(start_time=0, seconds_per_block=60, blocks=60)
    streams = Streams(9)
    n = 4_000
    paths = [bridge.path(clock, initial_price=1.0, streams=streams, name=f"p{i}").prices for i in range(n)]
    logs = np.log(np.array(paths))
    variance = 1.44 * clock.years_per_block
    early, late = (logs[:, i] - np.log(100.0) - i / 40 * np.log(0.8) for i in (10, 25))
    assert within(early, 0.0)
    assert within(early**2, variance * 10 * 30 / 40)
    assert within(early * late, variance * 10 * 15 / 40)
    assert within(early * (logs[:, 50] - np.log(80.0)), 0.0)  # segments are independent


def test_the_bridge_goes_on_as_a_driftless_price_after_the_last_waypoint():
    bridge = BrownianBridge(kind="bridge", waypoints=((0.0, 100.0), (1_440.0, 90.0)), volatility=0.9)
    after = np.concatenate([log_returns(bridge, DAILY, seed=seed)[1:] for seed in range(5)])
    assert within(np.exp(after), 1.0)
    assert within((after - after.mean()) ** 2, 0.81 * DAILY.years_per_block)


@pytest.mark.parametrize("process", [GBM, MERTON, BRIDGE])
def test_a_shorter_run_is_the_beginning_of_a_longer_one(process):
    shocks = ShockSchedule((
        VolatilityMultiple(at_block=5, duration_blocks=600, size=3.0),
        PriceMove(at_block=50, size=-0.2),
    ))  # fmt: skip
    paths = [
        process.path(
            BlockClock(start_time=0, seconds_per_block=12, blocks=blocks),
            initial_price=195.0, streams=Streams(4), name="price:ETH", shocks=shocks,
        ).prices
        for blocks in (7, 640, 1_001)
    ]  # fmt: skip
    for short in paths[:2]:
        assert np.array_equal(short, paths[2][: short.size])
    assert paths[0][0] == 195.0
    assert all(path.dtype == np.float64 for path in paths)


def test_paths_depend_on_seed_and_name_only():
    clock = BlockClock(start_time=0, seconds_per_block=12, blocks=50)

    def prices(seed, name, busy=False):
        streams = Streams(seed)
        if busy:
            streams.draw(name).normal(100)
        return GBM.path(clock, initial_price=10.0, streams=streams, name=name).prices.tolist()

    assert prices(1, "a") == prices(1, "a", busy=True)
    assert prices(1, "a") != prices(2, "a")
    assert prices(1, "a") != prices(1, "b")


def test_a_volatility_shock_scales_the_returns_in_its_window():
    driftless = GeometricBrownianMotion(kind="gbm", volatility=0.3)
    clock = BlockClock(start_time=0, seconds_per_block=12, blocks=30)
    shocks = ShockSchedule((VolatilityMultiple(at_block=11, duration_blocks=10, size=4.0),))
    calm, wild = log_returns(driftless, clock), log_returns(driftless, clock, shocks)
    assert np.array_equal(calm[:10], wild[:10])
    assert wild[10:20] == pytest.approx(4.0 * calm[10:20], abs=1e-5)
    assert wild[20:] == pytest.approx(calm[20:], abs=1e-12)


def test_every_block_of_a_sampled_path_is_observed():
    clock = BlockClock(start_time=77, seconds_per_block=12, blocks=3)
    path = GBM.path(clock, initial_price=10.0, streams=Streams(0), name="p")
    assert path.published_at.tolist() == [77, 89, 101, 113]


@pytest.mark.parametrize("drift", [-50.0, 50.0])
def test_a_price_that_leaves_the_range_of_prices_is_refused(drift):
    process = GeometricBrownianMotion(kind="gbm", volatility=0.5, drift=drift)
    with pytest.raises(InputError, match="check drift, volatility"):
        process.path(DAILY, initial_price=100.0, streams=Streams(0), name="p")


@pytest.mark.parametrize(
    ("waypoints", "match"),
    [
        (((0.0, 1.0), (0.0, 2.0)), "minutes must increase"),
        (((-1.0, 1.0), (2.0, 1.0)), "the first waypoint must be at minute 0"),
        (((0.0, 1.0), (1.0, 0.0)), "price must be above 0"),
    ],
)
def test_impossible_waypoints_are_refused(waypoints, match):
    bridge = BrownianBridge(kind="bridge", waypoints=waypoints, volatility=1.0)
    assert any(match in message for _, message in bridge.problems())


@pytest.mark.parametrize("waypoints", [(), ((0.0, 1.0),), ((0.0, 1.0), (1.0, float("nan")))])
def test_waypoints_without_an_end_or_a_number_are_refused(waypoints):
    with pytest.raises(ValidationError, match="waypoints"):
        BrownianBridge(kind="bridge", waypoints=waypoints, volatility=1.0)


def test_two_waypoints_in_one_block_are_refused():
    bridge = BrownianBridge(kind="bridge", waypoints=((0.0, 1.0), (0.05, 2.0)), volatility=1.0)
    with pytest.raises(InputError, match="closer than one block"):
        bridge.path(
            BlockClock(start_time=0, seconds_per_block=12, blocks=5),
            initial_price=1.0, streams=Streams(0), name="p",
        )  # fmt: skip


PROBE = """
import hashlib
from sim.core.rng import Streams
from sim.market.external import ExternalMarket
from sim.market.price_processes.garch_t import GarchStudentT
from sim.market.effects import PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.impact import ImpactModel
from sim.market.impact_law import IMPACT_LAWS
from sim.market.price_processes.bridge import BrownianBridge
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.market.price_processes.merton import MertonJumpDiffusion
from sim.market.price_processes.kou import KouJumpDiffusion
from sim.market.price_paths import BlockClock
clock = BlockClock(start_time=0, seconds_per_block=12, blocks=9_000)
shocks = ShockSchedule((
    PriceMove(at_block=100, duration_blocks=500, size=-0.2),
    VolatilityMultiple(at_block=300, duration_blocks=900, size=3.3),
))
digest = hashlib.sha256()
for process in (
    GeometricBrownianMotion(kind="gbm", volatility=0.8, drift=0.3),
    MertonJumpDiffusion(
        kind="merton", volatility=0.6, jump_intensity=5000.0, jump_mean=-0.03, jump_deviation=0.07
    ),
    BrownianBridge(kind="bridge", waypoints=((0.0, 195.0), (720.0, 136.0), (1560.0, 95.87)), volatility=1.5),
    KouJumpDiffusion(
        kind="kou",
        volatility=0.6, jump_intensity=5000.0, jump_down_share=0.6, jump_mean_up=0.02, jump_mean_down=0.03
    ),
    GarchStudentT(kind="garch_t", volatility=0.8, alpha=0.1, beta=0.88, degrees_of_freedom=5),
):
    path = process.path(clock, initial_price=195.0, streams=Streams(1), name="price:ETH", shocks=shocks)
    digest.update(path.prices.tobytes())
    for law in ("linear", "square_root"):
        market = ExternalMarket(path, ImpactModel(IMPACT_LAWS[law](law=law), seconds_per_block=12))
        for block in range(2_000):
            state = market.advance([-90_000.0 * (block % 7)])
            digest.update(repr((state.price, state.depth, state.volatility)).encode())
print(digest.hexdigest())
"""


def test_paths_and_impact_have_the_same_bits_on_every_processor():
    dispatch = [name for name in cpu.__cpu_dispatch__ if cpu.__cpu_features__[name]]
    if not dispatch:
        pytest.skip("numpy dispatches on no feature of this processor, so there is nothing to turn off")
    digests = set()
    for disabled, hash_seed in (("", "0"), (" ".join(dispatch), "1")):
        environment = dict(os.environ, PYTHONPATH=str(REPOSITORY), PYTHONHASHSEED=hash_seed)
        environment.pop("NPY_DISABLE_CPU_FEATURES", None)
        if disabled:
            environment["NPY_DISABLE_CPU_FEATURES"] = disabled
        done = subprocess.run(
            [sys.executable, "-c", PROBE], env=environment, check=True, capture_output=True, text=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
