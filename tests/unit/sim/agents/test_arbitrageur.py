from dataclasses import replace

import numpy as np
import pytest

from sim.agents.arbitrageur import Arbitrageurs, ArbitrageursSection
from sim.core.units import GWEI, WAD
from sim.protocol.actions import CLOSE_ALL

SKEW_SCALE = 100_000.0
THRESHOLD = ArbitrageursSection().threshold
OUTSIDE = 2_000.0
BOTTOMLESS = np.array([1e18])
"""Depth at which the other leg moves nothing."""


def group(**changes):
    section = ArbitrageursSection(**({"max_trade_notional": 500_000.0} | changes))
    return Arbitrageurs(
        section, range(section.count), name="arbitrageurs", market=0, skew_scale=SKEW_SCALE, max_premium=0.05
    )


def flat(make_state, make_market, skew=0.0, index=2_000, held=0.0, **changes):
    """Pool with a given skew (base units); arbitrageurs hold ``held`` with a million of equity."""
    market = make_market(
        index_price=index * WAD, long_open_interest=int((5_000 + skew) * WAD), short_open_interest=5_000 * WAD
    )
    values = {
        "markets": (market,),
        "sizes": np.full((1, 8), held),
        "equity": np.full(8, 1e6),
        "external_depth": BOTTOMLESS,
    }
    return make_state(8, **(values | changes))


def mark_after(skew, index=2_000.0):
    return index * (1.0 + skew / SKEW_SCALE)


def test_inside_the_band_nothing_is_traded(make_state, make_market, draws):
    assert group().decide(flat(make_state, make_market, skew=149.0), draws) == []
    assert len(group().decide(flat(make_state, make_market, skew=800.0), draws)) == 1


@pytest.mark.parametrize("skew", [800.0, -800.0])
def test_together_they_restore_the_edge_of_the_band(make_state, make_market, draws, skew):
    (batch,) = group(max_trade_notional=1e9).decide(flat(make_state, make_market, skew), draws)
    assert batch.kind == "trading_desk.increase_position"
    traded = sum(batch.args[1]) / WAD
    assert np.sign(traded) == -np.sign(skew)
    edge = OUTSIDE * (1.0 + np.sign(skew) * THRESHOLD)
    assert mark_after(skew + traded) == pytest.approx(edge, rel=1e-9)
    assert batch.args[2][0] / WAD == pytest.approx(edge)


@pytest.mark.parametrize("skew", [800.0, -800.0])
def test_own_impact_outside_takes_its_share_of_the_gap(make_state, make_market, draws, skew):
    depth = np.array([500_000.0])
    state = flat(make_state, make_market, skew, external_depth=depth)
    (batch,) = group(max_trade_notional=1e9).decide(state, draws)
    traded = sum(batch.args[1]) / WAD
    # The other leg trades -traded outside, which moves the outside price by 1 % for each depth.
    outside_after = OUTSIDE * (1.0 - 0.01 * traded * OUTSIDE / float(depth[0]))
    edge_after = outside_after * (1.0 + np.sign(skew) * THRESHOLD)
    assert mark_after(skew + traded) == pytest.approx(edge_after, rel=1e-9)


def test_index_away_from_outside_is_carried_too(make_state, make_market, draws):
    (batch,) = group(max_trade_notional=1e9).decide(flat(make_state, make_market, index=1_980), draws)
    traded = sum(batch.args[1]) / WAD
    assert mark_after(traded, 1_980.0) == pytest.approx(OUTSIDE * (1 - THRESHOLD), rel=1e-9)


def test_size_is_limited_by_trade_cap_and_by_capital(make_state, make_market, draws):
    (batch,) = group(max_trade_notional=100_000.0).decide(flat(make_state, make_market, 800.0), draws)
    assert batch.args[1] == [-50 * WAD] * 2
    poor = flat(make_state, make_market, 800.0, equity=np.full(8, 10_000.0))
    (batch,) = group().decide(poor, draws)
    assert batch.args[1] == [-15 * WAD] * 2  # three times 10,000 at 2,000


def test_existing_position_is_reduced_first(make_state, make_market, draws):
    state = flat(make_state, make_market, 800.0, held=100.0)
    (batch,) = group().decide(state, draws)
    assert batch.kind == "trading_desk.decrease_position"
    assert batch.args[1] == [CLOSE_ALL] * 2
    (part,) = group().decide(flat(make_state, make_market, 800.0, held=2_000.0), draws)
    assert part.args[1] == [250 * WAD] * 2  # the trade cap


def test_gap_that_does_not_pay_for_gas_is_left(make_state, make_market, draws):
    state = flat(make_state, make_market, 160.0)
    assert len(group(min_trade_notional=1.0).decide(state, draws)) == 1
    assert group(min_trade_notional=1.0).decide(replace(state, base_fee_wei=400 * GWEI), draws) == []


def test_no_new_risk_while_the_oracle_is_not_valid(make_state, make_market, draws):
    state = flat(make_state, make_market, 800.0)
    uncertain = replace(state, markets=(replace(state.markets[0], status=1),))
    assert group().decide(uncertain, draws) == []
    reducing = flat(make_state, make_market, 800.0, held=100.0)
    uncertain = replace(reducing, markets=(replace(reducing.markets[0], status=1),))
    assert len(group().decide(uncertain, draws)) == 1


def test_hedge_mirrors_what_was_filled(make_state, make_market, draws, settle):
    arbitrageurs = group()
    batches = arbitrageurs.decide(flat(make_state, make_market, 800.0), draws)
    outcome = settle(batches)
    filled = sum(batches[0].args[1]) / WAD
    arbitrageurs.observe(outcome)
    assert arbitrageurs.hedge_size.sum() == pytest.approx(-filled)
    assert list(arbitrageurs.outside_values([OUTSIDE]).values()) == pytest.approx([0.0, 0.0], abs=1e-6)
    # Sold the dear pool, bought outside: a rise of 1 is worth what was sold.
    assert sum(arbitrageurs.outside_values([OUTSIDE + 1.0]).values()) == pytest.approx(-filled)


def test_closing_everything_unwinds_the_hedge_exactly(make_state, make_market, draws, settle):
    arbitrageurs = group()
    opened = arbitrageurs.decide(flat(make_state, make_market, 800.0), draws)
    arbitrageurs.observe(settle(opened))
    size = opened[0].args[1][0] / WAD
    state = flat(make_state, make_market, -1_600.0, held=size, block=101)
    closed = arbitrageurs.decide(state, draws)
    outcome = settle(closed)
    arbitrageurs.observe(outcome)
    np.testing.assert_allclose(arbitrageurs.hedge_size, 0.0, atol=1e-9)


def test_reverted_trade_is_no_flow_and_frees_the_member(make_state, make_market, draws, settle):
    arbitrageurs = group()
    state = flat(make_state, make_market, 800.0)
    batches = arbitrageurs.decide(state, draws)
    assert arbitrageurs.decide(replace(state, block=101), draws) == []
    outcome = settle(batches, status="reverted")
    arbitrageurs.observe(outcome)
    assert arbitrageurs.hedge_size.sum() == 0.0
    assert len(arbitrageurs.decide(replace(state, block=102), draws)) == 1


def test_own_margin_is_topped_up_before_trading(make_state, make_market, draws):
    state = flat(make_state, make_market, 800.0, held=-500.0, equity=np.full(8, 60_000.0))
    state = replace(state, maintenance_requirement=np.full(8, 50_000.0), wallet=np.full(8, 30_000.0))
    (batch,) = group().decide(state, draws)
    assert batch.kind == "trading_desk.deposit"
    assert batch.args[1] == [30_000 * 10**6] * 2  # wants 40,000, has 30,000
