import math

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.scenario.load import load_scenario
from sim.experiments.decision.cells import annual_volatility, market_cells, model_assumptions
from sim.experiments.decision.plan import load_plan
from sim.market.effects import NO_SHOCKS
from sim.market.price_paths import BlockClock
from tests.support.small_run import SCENARIO, small_scenario

PLAN, _ = load_plan(None)
JUMPS = "jump_intensity=20.0,jump_down_share=0.6,jump_mean_up=0.05,jump_mean_down=0.07"
KOU = f'{{kind="kou",volatility=0.6,{JUMPS}}}'


def test_every_model_meets_every_law():
    scenario = small_scenario()
    cells = market_cells(scenario, PLAN, None)
    assert len({cell.name for cell in cells}) == len(cells) == 8
    for cell in cells:
        made = load_scenario(SCENARIO, overrides=cell.overrides)
        assert made.markets[0].impact.law == cell.impact_law
        own = scenario.markets[0].price.kind
        assert made.markets[0].price.kind == (own if cell.price_model == "scenario" else cell.price_model)
        assert made.protocol == scenario.protocol


def test_the_scenarios_own_process_is_not_run_twice():
    cells = market_cells(small_scenario('markets.0.price={kind="gbm",volatility=0.5}'), PLAN, None)
    assert {cell.price_model for cell in cells} == {"scenario", "kou", "garch_t"}
    two = PLAN.model_copy(update={"price_models": ("scenario", "gbm", "kou")})
    with pytest.raises(InputError, match="only 2 differ"):
        market_cells(small_scenario('markets.0.price={kind="gbm",volatility=0.5}'), two, None)


@pytest.mark.parametrize(
    ("price", "volatility"),
    [
        ('{kind="gbm",volatility=0.5}', 0.5),
        ('{kind="garch_t",volatility=0.7}', 0.7),
        ('{kind="merton",volatility=0.6,jump_intensity=20.0,jump_mean=-0.03,jump_deviation=0.07}',
         math.sqrt(0.36 + 20 * (0.0009 + 0.0049))),
        (KOU, math.sqrt(0.36 + 2 * 20 * (0.4 * 0.0025 + 0.6 * 0.0049))),
        ('{kind="bridge",volatility=0.9,waypoints=[[0.0,2000.0],[5.0,1900.0]]}', 0.9),
    ],
)  # fmt: skip
def test_volatility_counts_jumps(price, volatility):
    assert annual_volatility(small_scenario(f"markets.0.price={price}"), 0) == pytest.approx(
        volatility, abs=1e-6
    )


def test_a_recorded_price_has_the_volatility_it_realised(tmp_path):
    rng = np.random.default_rng(1)
    prices = 2_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, 500)))
    rows = "\n".join(f"{1_600_000_020 + 60 * index},{price!r}" for index, price in enumerate(prices.tolist()))
    (tmp_path / "prices.csv").write_text(f"time,price\n{rows}\n")
    scenario = tmp_path / "s.toml"
    text = SCENARIO.read_text()
    start, end = text.index("[markets.price]"), text.index("[markets.impact]")
    scenario.write_text(
        f'{text[:start]}[markets.price]\nkind = "bootstrap"\nfile = "prices.csv"\n\n{text[end:]}'
    )
    moves = np.diff(np.log(prices))
    expected = math.sqrt(float((moves**2).sum()) / (499 * 60 / 31_536_000))
    assert annual_volatility(load_scenario(scenario), 0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model", ["gbm", "kou", "garch_t"])
def test_models_have_the_scenarios_volatility(model):
    """Mean realised variance of sixty paths, within 4.5 standard errors."""
    scenario = small_scenario()
    cell = next(item for item in market_cells(scenario, PLAN, None) if item.price_model == model)
    made = load_scenario(SCENARIO, overrides=cell.overrides).markets[0]
    clock = BlockClock(start_time=0, seconds_per_block=3_600, blocks=1_000)
    process = made.price
    variances = []
    for seed in range(60):
        path = process.path(
            name="price:0", initial_price=2_000.0, clock=clock, streams=Streams(seed), shocks=NO_SHOCKS
        )
        variances.append(float((np.diff(np.log(path.prices)) ** 2).mean()) * 31_536_000 / 3_600)
    error = np.std(variances, ddof=1) / math.sqrt(60)
    assert abs(np.mean(variances) - annual_volatility(scenario, 0) ** 2) < 4.5 * error
    assert error < 0.2 * np.mean(variances)


def test_assumptions_name_the_volatility():
    scenario = small_scenario()
    lines = model_assumptions(scenario, market_cells(scenario, PLAN, None))
    assert any("annual volatility" in line and "merton" in line for line in lines)
