"""The book is the contracts', and its cost of closing the impact model's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.core.units import WAD
from sim.experiments.backtest.book import close_out_cost, depth_after, starting_book
from sim.experiments.backtest.reverse_runs import reverse_by_runs
from sim.market.impact import ImpactModel
from sim.market.impact_law import IMPACT_LAWS
from tests.support.small_run import small_scenario
from tests.support.two_markets import opened, two_markets


@pytest.mark.parametrize("law", ["linear", "square_root"])
@pytest.mark.parametrize("displacement", [0.003, 0.4, 25.0])
def test_the_average_fill_is_that_of_the_impact_model(law, displacement):
    parameters = IMPACT_LAWS[law](
        law=law, impact_half_life_seconds=0, depth_per_percent=1_000.0, reference_volatility=0.65
    )
    model = ImpactModel(parameters, seconds_per_block=12)
    pieces = 20_000
    impact = [model.step([1_000.0 * displacement / pieces]) for _ in range(pieces)]
    # The sum over pieces is a Riemann sum at their right ends: above by at most half of a piece's share.
    average = float(np.mean(impact)) - impact[-1] / (2 * pieces)
    assert parameters.average(displacement) == pytest.approx(average, rel=1e-4)


def test_no_law_costs_nothing():
    assert IMPACT_LAWS["none"](law="none").average(5.0) == 0.0
    assert all(law(law=law.name).average(0.0) == 0.0 for law in IMPACT_LAWS)


def test_cost_grows_with_the_move_and_with_what_is_closed():
    scenario = small_scenario()
    cost = close_out_cost(scenario, 0)
    by_move = [cost(move, 1e5) for move in (-0.01, -0.05, -0.1, -0.3, -0.6)]
    assert by_move == sorted(by_move)
    assert cost(-0.1, 2e5) > cost(-0.1, 1e5)
    depth = depth_after(scenario.markets[0].impact, 12, -0.1)
    assert cost(-0.1, 1e5) == pytest.approx(-math.expm1(-0.5 * 0.01 * 1e5 / depth))


def test_the_book_is_what_the_accounts_hold(plain_scenario):
    book = starting_book(plain_scenario("protocol.insurance_fund.deposit=5_000.0"), 0)
    assert book.notional.size == 12
    leverage = np.abs(book.notional) / book.equity
    assert leverage.min() > 1.9
    assert leverage.max() < 5.3  # 2 to 5 of the cohort, less the trading fee
    assert (book.maintenance > 0).all()
    assert book.fund == pytest.approx(5_000.0, rel=0.05)
    assert 0.4 < np.mean(book.notional > 0) < 1.0


def test_whole_runs_bracket_the_shock():
    # A fall of 95 % is too volatile to liquidate at for longer than the run, unless that is let.
    scenario = small_scenario("blocks=30", "protocol.oracle.liquidate_status=4")
    found = reverse_by_runs(scenario, 0, runs=4)
    assert found.shock == "shocks.0.size"
    assert found.emptied is not None
    assert -0.95 <= found.emptied < found.survived <= 0.0
    assert found.runs[0].size == -0.95
    assert len(found.runs) == 4
    by_size = {run.size: run.emptied for run in found.runs}
    assert by_size[min(size for size in by_size if by_size[size])]
    assert by_size[found.emptied]
    assert found.survived == 0.0 or not by_size[found.survived]


def test_a_scenario_without_a_price_shock_cannot_be_bisected(plain_scenario):
    with pytest.raises(InputError, match="no price_jump or price_drift"):
        reverse_by_runs(plain_scenario(), 0, runs=2)


@pytest.mark.parametrize("market", [0, 1])
def test_what_an_account_must_hold_elsewhere_is_the_rest_of_its_requirement(market):
    scenario = two_markets("whales=[]", "traders.0.several.weights=[0.7, 0.3]", "traders.0.several.share=0.5")
    book = starting_book(scenario, market)
    world = opened("traders.0.several.weights=[0.7, 0.3]", "traders.0.several.share=0.5")
    holders = np.flatnonzero(world.mirror.size[market])
    states = world.client.account_states(holders)
    several = np.array([world.mirror.open_positions[actor] > 1 for actor in holders.tolist()])
    assert several.any()
    assert not several.all()
    assert np.all((book.elsewhere > 0.0) == several)
    required = np.array([state.maintenance_requirement / WAD for state in states])
    assert np.abs(book.notional) * book.maintenance + book.elsewhere == pytest.approx(required)
