"""Nobody opened or re-levered during a run, so initial margin moved nothing but a figure (finding T13)."""

from pathlib import Path

import numpy as np
import pytest

from sim.agents.entrants import ENTRANTS, Entrants, newcomers
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, run_path
from sim.engine.run import execute, load_histories
from sim.engine.scenario.load import load_scenario
from sim.experiments.decision.arms import load_arms
from tests.support.small_run import SCENARIO, small_scenario

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "experiments" / "compare"
CROWD = (
    'entrants=[{ name = "crowd", count = 60, long_share = 1.0, entries_per_day = 2000.0, relevers_per_day ='
    " 4000.0, exits_per_day = 0.0, least_use = 0.5, most_use = 0.5, max_leverage = 200.0,"
    ' slippage = 0.5, capital = { distribution = "fixed", value = 1000.0 } }]'
)
CALM = (
    "shocks=[]", "whales=[]", "blocks=12", "traders.0.trades_per_day=0.0", "markets.0.price.volatility=0.01",
    "markets.0.price.jump_intensity=0.0", "arbitrageurs.count=0",
)  # fmt: skip


def static(initial):
    return (
        'protocol.risk_model="static"',
        f"protocol.risk_model_parameters={{initial_ratio={initial}, maintenance_ratio=0.03}}",
    )


def crowd_of(*overrides, blocks=None):
    scenario = small_scenario(*CALM, CROWD, *overrides)
    options = RunOptions(out=Path(), worlds="none")
    run = execute(scenario, options, load_histories(scenario, options))
    members = run.world.book.members("entrants:crowd")
    agent = next(agent for agent in run.world.agents if isinstance(agent, Entrants))
    return run, np.array(members), agent


@pytest.mark.parametrize("initial", [0.07, 0.12])
def test_entrants_open_what_the_initial_margin_in_force_allows(initial):
    run, members, agent = crowd_of(*static(initial))
    valuation = run.loop.reading.valuation
    opened = members[valuation.notional[members] > 0.0]
    assert len(opened) > 40
    # Half of what is allowed on what each brought, but for a price that hardly moves.
    assert valuation.notional[opened] / 1_000.0 == pytest.approx(0.5 / initial, rel=0.02)
    assert agent.refused == 0
    assert run.recorder.topped_up_of[int(opened[0])] == 1_000 * 10**6  # what they bring is counted


def test_the_rules_of_their_own_arm_bind_them():
    """Enacted in block 0 on a book that opened at 7 %: who comes later obeys 12 %."""
    before = "protocol.risk_model_parameters={initial_ratio=0.07, maintenance_ratio=0.03}"
    run, members, _ = crowd_of(*static(0.12), f'enactment={{in_block_0=true, values_before=["{before}"]}}')
    valuation = run.loop.reading.valuation
    opened = members[valuation.notional[members] > 0.0]
    assert valuation.notional[opened] / 1_000.0 == pytest.approx(0.5 / 0.12, rel=0.02)


def test_holders_re_lever_when_they_have_gained_and_a_loss_is_left_alone():
    up = ('shocks=[{ kind = "price_jump", at_block = 6, size = 0.05 }]',)
    run, members, _ = crowd_of(*static(0.1), *up)
    valuation = run.loop.reading.valuation
    opened = members[valuation.notional[members] > 0.0]
    assert np.median(valuation.notional[opened] / valuation.equity[opened]) == pytest.approx(5.0, rel=0.15)
    assert np.median(valuation.notional[opened]) > 1.15 * 5_000.0  # gains were put to work
    down = ('shocks=[{ kind = "price_jump", at_block = 6, size = -0.05 }]',)
    run, members, _ = crowd_of(*static(0.1), *down)
    valuation = run.loop.reading.valuation
    held = members[valuation.notional[members] > 0.0]
    assert valuation.notional[held].max() / valuation.equity[held].min() > 5.5  # nobody sells


def test_what_is_refused_is_asked_for_smaller():
    greedy = ("entrants.0.least_use=0.99", "entrants.0.most_use=0.99", "entrants.0.max_leverage=1000.0")
    run, members, agent = crowd_of(*static(0.05), *greedy)
    assert agent.refused > 0
    assert np.count_nonzero(run.loop.reading.valuation.notional[members] > 0.0) > 20


def test_a_trait_has_a_stream_of_its_own():
    (section,) = small_scenario(CROWD).sections(ENTRANTS)
    one = newcomers(section, Streams(3))
    other = newcomers(section.model_copy(update={"long_share": 0.2, "most_use": 0.9}), Streams(3))
    assert np.array_equal(one.wallet, other.wallet)
    assert one.side_notional("long", 0) == 0.0  # they hold nothing: a whale's share counts none of them
    longs = newcomers(section.model_copy(update={"long_share": 0.2}), Streams(3))
    assert np.array_equal(longs.leverage, one.leverage)
    assert 0.0 < np.mean(longs.side > 0.0) < 0.5


def test_the_shipped_example_tells_initial_margins_apart():
    file = EXAMPLE / "open_market.toml"
    now, then = (load_arms(EXAMPLE / "initial_7.toml", EXAMPLE / "initial_12.toml", file)).enacted_scenarios()
    at_7, at_12 = (run_path(scenario, PathOptions(path=0)).summary for scenario in (now, then))
    assert at_7["start_collateral"] == at_12["start_collateral"]
    assert at_7["liquidated_notional"] > 1.1 * at_12["liquidated_notional"] > 0.0
    without = load_scenario(file, overrides=["entrants=[]"])
    still = [
        run_path(load_scenario(file, overrides=["entrants=[]", *extra]), PathOptions(path=0)).summary
        for extra in ((), ("protocol.risk_model_parameters.initial_ratio=0.0701",))
    ]
    assert without.sections(ENTRANTS) == ()
    assert still[0]["liquidated_notional"] == still[1]["liquidated_notional"]


def test_without_the_table_nobody_comes():
    assert load_scenario(SCENARIO).sections(ENTRANTS) == ()


def test_shares_in_the_wrong_order_are_refused():
    with pytest.raises(InputError, match="least_use: must be at most most_use"):
        small_scenario(CROWD, "entrants.0.least_use=0.8")
