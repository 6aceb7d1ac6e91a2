"""The path a backtest walks, and the periods it is judged over."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.experiments.backtest.options import BacktestOptions, default_horizon, horizons
from sim.experiments.backtest.prices import price_series


def _bars(path, rows=50, step=3_600):
    lines = ["timestamp,open,high,low,close"]
    for row in range(rows):
        price = 100 + row
        lines.append(f"{1_600_000_000 + step * row},{price},{price + 2},{price - 1},{price + 1}")
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_a_file_is_walked_at_its_own_spacing(plain_scenario, tmp_path):
    series = price_series(plain_scenario(), 0, prices=_bars(tmp_path / "bars.csv.gz"))
    assert series.step_seconds == 3_600
    assert series.times.size == 51
    assert series.prices[:3].tolist() == [100.0, 101.0, 102.0]
    assert series.stale_steps == 0
    third = price_series(plain_scenario(), 0, prices=_bars(tmp_path / "bars.csv.gz"), step_seconds=1_200)
    assert third.prices[:4].tolist() == [
        100.0,
        99.0,
        102.0,
        101.0,
    ]  # open, nearer extreme, farther, next open


def test_the_scenarios_own_path_is_that_of_a_run(plain_scenario):
    scenario = plain_scenario()
    series = price_series(scenario, 0)
    assert series.times.size == 241
    every_third = price_series(scenario, 0, step_seconds=180)
    assert every_third.prices.tolist() == series.prices[::3].tolist()
    from pathlib import Path

    from sim.engine.options import RunOptions
    from sim.engine.run import build_world

    world = build_world(scenario, RunOptions(out=Path()), {})
    # Behind the last block a run holds the price, to settle.
    assert np.array_equal(world.external[0].path.prices[: series.prices.size], series.prices)
    world.chain.close()


@pytest.mark.parametrize(
    ("step", "message"),
    [(90, "whole number of blocks"), (0, "at least 1"), (60 * 241, "shorter than one step")],
)
def test_steps_that_do_not_fit_are_refused(plain_scenario, step, message):
    with pytest.raises(InputError, match=message):
        price_series(plain_scenario(), 0, step_seconds=step)


def test_the_default_period_is_staleness_and_latency(plain_scenario):
    scenario = plain_scenario(
        "keepers.heartbeat_seconds=600", "keepers.latency_blocks=1", "liquidators.latency_blocks_max=2"
    )
    assert default_horizon(scenario)[0] == 600 + (1 + 2 + 1) * 60
    periods = horizons(scenario, None, 60)
    assert [(one.steps, one.seconds) for one in periods] == [(14, 840), (30, 1_800), (120, 7_200)]
    rounded = horizons(scenario, None, 3_600)
    assert [(one.steps, one.seconds) for one in rounded] == [(1, 3_600), (2, 7_200)]
    assert "840 s rounded up" in rounded[0].source
    assert [one.seconds for one in horizons(scenario, 1_800, 600)] == [1_800, 7_200]


@pytest.mark.parametrize(
    "options", [{"horizon_seconds": 0}, {"folds": 1}, {"noise_runs": -1}, {"reverse_runs": 1}]
)
def test_options_that_count_nothing_are_refused(options):
    with pytest.raises(InputError, match="must be"):
        BacktestOptions(**options)
