"""Four years of hourly BTC, where the file is: the crash is where it was, and margin answers it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from sim.cli.options import chosen_scenario
from sim.engine.scenario.load import load_scenario
from sim.experiments.backtest.evaluation import evaluate
from sim.experiments.backtest.options import BacktestOptions
from tests.support.shared_data import BTC_FOUR_YEARS, require


@pytest.mark.slow
def test_four_years_through_the_contracts():
    scenario = load_scenario(chosen_scenario("flash_crash"))
    # Four hours instead of one: a quarter of the steps, and still 8,000 windows.
    found = evaluate(
        scenario,
        BacktestOptions(prices=require(BTC_FOUR_YEARS), step_seconds=14_400, noise_runs=0),
    )
    assert found.series.times.size == 8_315
    assert found.warm_up == 60
    peak = datetime.fromtimestamp(int(found.series.times[np.argmax(found.series.maintenance)]), tz=UTC)
    assert peak.strftime("%Y-%m-%d") in ("2020-03-12", "2020-03-13")
    long_loss = found.coverage[0].result
    assert long_loss.windows == 8_254
    assert long_loss.breaches > 0
    assert long_loss.largest_breach is not None
    assert long_loss.largest_breach > 0.5  # Black Thursday
    # An hour's memory on four-hourly prices rests on one return: as a forecast it is rejected at once.
    volatility = [row.result for row in found.shortfall if row.forecast == "volatility"]
    assert {one.sequential for one in volatility} == {"rejected"}
    assert [len(row.folds) for row in found.walk_forward] == [7, 7, 7, 7]
    assert found.responsiveness is not None
    assert 0.0 < found.responsiveness.lower < found.responsiveness.upper < 1.0
