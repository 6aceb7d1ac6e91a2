"""The stationary bootstrap of a recorded series: its blocks, its marginal law, its addressing."""

import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.core.errors import InputError
from sim.core.resampling import stationary_indices
from sim.core.rng import Streams
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.price_history import MICROSECONDS, PriceHistory
from sim.market.price_paths import BlockClock
from sim.market.price_processes.bootstrap import StationaryBootstrap, recorded_returns

N = 500
CLOCK = BlockClock(start_time=0, seconds_per_block=60, blocks=200_000)


def history(n=N) -> PriceHistory:
    """Return n distinct returns, each a minute, with strong autocorrelation, beginning at 1,000,000 s."""
    phase = 2 * np.pi * np.arange(n) / 50
    returns = 1e-4 * (np.sin(phase) + 0.3) + 1e-9 * np.arange(n)
    return PriceHistory(
        source=Path("recorded.csv"),
        rows=n + 1,
        times=(1_000_000 + 60 * np.arange(n + 1, dtype=np.int64)) * MICROSECONDS,
        prices=50.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns)))),
        walked=np.zeros(n + 1, dtype=bool),
    )


def bootstrap(seconds=1_200, n=N):
    """Return the process and what it draws from: ``bootstrap().path(clock, ...)`` is one path."""
    process = StationaryBootstrap(kind="bootstrap", file="recorded.csv", mean_block_seconds=seconds)
    return SimpleNamespace(path=partial(process.path, history=history(n)))


def chosen(seconds=1_200, clock=CLOCK, seed=3):
    """Return which return each block takes: those of the series are distinct, so the path tells."""
    return stationary_indices(
        Streams(seed), "price:ETH:bootstrap",
        length=clock.blocks, available=N, restart_chance=min(1.0, clock.seconds_per_block / seconds),
    )  # fmt: skip


def within(sample: np.ndarray, mean: float) -> bool:
    return bool(abs(sample.mean() - mean) < 4.5 * sample.std() / math.sqrt(sample.size))


def test_recorded_returns_are_the_files_own():
    recorded = recorded_returns(history(), 60)
    assert recorded == pytest.approx(np.diff(np.log(history().prices)), abs=1e-14)
    assert recorded_returns(history(), 120) == pytest.approx(recorded[0::2] + recorded[1::2], abs=1e-14)


def test_block_lengths_are_geometric():
    """A restart happens to continue the old block once in N times; the chance of a break allows for it."""
    index = chosen()
    breaks = (np.diff(index) % N != 1).astype(float)
    chance = 1 / 20 * (1 - 1 / N)
    assert within(breaks, chance)
    lengths = np.diff(np.flatnonzero(breaks)).astype(float)
    assert within(lengths, 1 / chance)
    assert within((lengths - 1 / chance) ** 2, (1 - chance) / chance**2)
    assert within((lengths == 1.0).astype(float), chance)


def test_every_return_is_equally_likely():
    starts = chosen(seconds=60)  # a block of one return: independent draws
    counts = np.bincount(starts, minlength=N)
    chi_squared = float(((counts - CLOCK.blocks / N) ** 2 / (CLOCK.blocks / N)).sum())
    assert abs(chi_squared - (N - 1)) < 4.5 * math.sqrt(2 * (N - 1))
    assert counts.min() > 0
    # In long blocks too, and over many paths: the position of block 300 is uniform.
    clock = BlockClock(start_time=0, seconds_per_block=60, blocks=301)
    late = np.array([chosen(clock=clock, seed=seed)[300] for seed in range(1_500)])
    assert within(late, (N - 1) / 2)
    assert within((late - (N - 1) / 2) ** 2, (N * N - 1) / 12)


def test_the_path_has_the_files_returns_mean_variance_and_autocovariance():
    recorded = recorded_returns(history(), 60)
    clock = BlockClock(start_time=0, seconds_per_block=60, blocks=400)
    streams = Streams(8)
    drawn = np.array([
        np.diff(np.log(bootstrap().path(
            clock, initial_price=7.0, streams=streams, name=f"p{i}"
        ).prices)) for i in range(1_000)
    ])  # fmt: skip
    ordered = np.sort(recorded)
    place = np.clip(np.searchsorted(ordered, drawn), 1, N - 1)
    nearest = np.minimum(np.abs(ordered[place] - drawn), np.abs(ordered[place - 1] - drawn))
    assert nearest.max() < 1e-14 * 400
    centred, spread = drawn - recorded.mean(), recorded - recorded.mean()
    assert within(centred.mean(axis=1), 0.0)
    assert within((centred**2).mean(axis=1), (spread**2).mean())
    # Politis and Romano 1994: the circular autocovariance at lag 1 times (1 - p).
    lagged = (1 - 1 / 20) * (spread * np.roll(spread, -1)).mean()
    assert within((centred[:, 1:] * centred[:, :-1]).mean(axis=1), lagged)


def test_the_path_starts_at_the_initial_price_and_is_observed_in_every_block():
    clock = BlockClock(start_time=77, seconds_per_block=60, blocks=3)
    path = bootstrap().path(clock, initial_price=7.0, streams=Streams(0), name="p")
    assert path.prices[0] == 7.0
    assert path.published_at.tolist() == [77, 137, 197, 257]


def test_a_shorter_run_is_the_beginning_of_a_longer_one_and_seeds_differ():
    def prices(blocks, seed=4, shocks=NO_SHOCKS):
        clock = BlockClock(start_time=0, seconds_per_block=60, blocks=blocks)
        return (
            bootstrap()
            .path(clock, initial_price=7.0, streams=Streams(seed), name="price:ETH", shocks=shocks)
            .prices
        )

    shocks = ShockSchedule((
        VolatilityMultiple(at_block=5, duration_blocks=60, size=3.0),
        PriceMove(at_block=50, size=-0.2),
    ))  # fmt: skip
    for blocks in (1, 7, 640):
        assert np.array_equal(prices(blocks), prices(1_001)[: blocks + 1])
        assert np.array_equal(prices(blocks, shocks=shocks), prices(1_001, shocks=shocks)[: blocks + 1])
    assert not np.array_equal(prices(50, seed=5), prices(50))
    calm, wild = (np.diff(np.log(prices(90, shocks=s))) for s in (NO_SHOCKS, shocks))
    assert wild[4:49] == pytest.approx(3.0 * calm[4:49], abs=1e-13)
    assert wild[70:] == pytest.approx(calm[70:], abs=1e-13)


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(InputError, match=r"recorded\.csv: 1 whole blocks of 60 s"):
        bootstrap(n=1).path(CLOCK, initial_price=1.0, streams=Streams(0), name="p")
    with pytest.raises(ValidationError, match="mean_block_seconds"):
        bootstrap(seconds=0)
