from __future__ import annotations

from dataclasses import astuple
from itertools import pairwise

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.deployers import deploy
from tests.support.protocol import NO_RAMP, id_of
from tests.support.risk_parameters import ADAPTIVE


@pytest.fixture
def busy(build):
    protocol = build(markets=2, margin={"ramp_per_hour": WAD // 4, "trade_fee_rate": WAD // 2_000})
    for i in range(5):
        account = protocol.account(f"trader {i}", 10_000 + i)
        protocol.increase(account, (-1) ** i * (i + 1) * WAD)
        if i % 2:
            protocol.increase(account, (i + 1) * WAD, market=1)
    protocol.set_ratios(WAD // 10, WAD // 20)
    protocol.set_price(1_950 * WAD)
    return protocol


def test_market_states_are_what_the_contracts_say(busy):
    states = busy.lens.market_states()
    assert len(states) == 2
    for market, state in enumerate(states):
        asset, info = busy.oracle.asset_price(market), busy.ledger.aggregates_of(market)
        snapshot = busy.registry.market_snapshot(market)
        assert tuple(state)[:9] == tuple(asset)
        assert state.long_open_interest == info.long_open_interest
        assert state.short_open_interest == info.short_open_interest
        assert state.mark_price == busy.pool.quote(market, 0, asset.index_price)
        assert state.funding_index == snapshot.funding_index
        assert state.maintenance_ratio == snapshot.maintenance_ratio
        assert state.ramped_maintenance_ratio == snapshot.ramped_maintenance_ratio
        assert state.throttle_capacity == NO_RAMP
        assert state.pool_position == busy.pool.position(market)
        assert state.net_entry_notional == info.net_entry_notional
    assert (states[0].maintenance_ratio, states[1].maintenance_ratio) == (WAD // 20, WAD // 40)
    assert WAD // 40 < states[0].ramped_maintenance_ratio < WAD // 20


def test_protocol_state_is_what_the_contracts_say(busy):
    state, totals = busy.lens.protocol_state(), busy.ledger.totals()
    assert state.ledger_token_balance == busy.wallet(busy.ledger)
    assert state.ledger_token_balance == state.total_collateral + state.accrued_fees
    assert state.accrued_fees == totals.accrued_fees > 0
    assert state.pool_reserves == state.pool_token_balance == busy.pool.reserves()
    assert state.pool_assets // QUANTUM == busy.pool.totalAssets()
    assert state.fund_reserves == state.fund_token_balance == busy.fund.reserves()
    assert tuple(state)[9:15] == (0, 0, 0, 0, 0, 0)
    assert (state.liquidations, state.exceptions) == (0, 0)


def test_margin_curve_follows_the_model(build):
    owner = boa.env.generate_address("owner")
    model = deploy("risk_models/AdaptiveRiskModel", owner, astuple(ADAPTIVE))
    protocol = build(risk_model=model, skew_scale=10_000 * WAD)
    notionals = [0, 10**3 * WAD, 10**6 * WAD, 10**7 * WAD]
    curve = protocol.lens.margin_curve(0, notionals)
    assert len(curve) == 4
    assert all(low.initial < high.initial for low, high in pairwise(curve))
    assert all(point.maintenance < point.initial for point in curve)
    assert protocol.lens.margin_curves(notionals, 0) == [*curve, *curve]
    assert protocol.lens.margin_curves(notionals, 10**24) == [*curve, *curve] * 2
    state = protocol.lens.market_states()[0]
    assert tuple(curve[0]) == (state.initial_ratio, state.maintenance_ratio)


def test_account_states_agree_with_the_liquidation_inputs(busy):
    states = busy.lens.account_states([id_of(account) for account in busy.accounts])
    for account, state in zip(busy.accounts, states, strict=True):
        inputs = busy.risk.liquidation_inputs(id_of(account), 0)
        assert state.collateral == busy.collateral(account)
        assert state.equity == inputs.equity
        assert state.maintenance_requirement == inputs.maintenance_requirement
        assert state.initial_requirement > state.maintenance_requirement
        assert state.notional >= inputs.notional


def test_positions_carry_the_ratio_they_must_hold(busy):
    states = busy.lens.positions(0, [id_of(account) for account in (*busy.accounts, busy.owner)])
    for account, state in zip(busy.accounts, states, strict=False):
        assert tuple(state)[:4] == tuple(busy.position(account))
        notional = -(-abs(state.size) * 1_950)
        requirement = -(-notional * state.effective_maintenance_ratio // WAD)
        own = busy.risk.liquidation_inputs(id_of(account), 0)
        assert own.maintenance_ratio == state.effective_maintenance_ratio
        if busy.position(account, 1).size == 0:
            assert own.maintenance_requirement == requirement
    assert tuple(states[-1]) == (0, 0, 0, 0, 0)


def test_five_hundred_accounts_fit_one_call(protocol):
    trader = protocol.account("trader", 5_000)
    protocol.increase(trader, WAD)
    strangers = [boa.env.generate_address() for _ in range(511)]
    states = protocol.lens.account_states([id_of(account) for account in (trader, *strangers)])
    assert len(states) == 512
    assert states[0].notional == 2_000 * WAD
    assert all(tuple(state) == (0, 0, 0, 0, 0) for state in states[1:])
    assert protocol.lens.account_states([]) == []
    assert protocol.lens.positions(0, []) == []


def test_an_unknown_market_reverts(protocol):
    with boa.reverts("markets: unknown market"):
        protocol.lens.positions(1, [])
    with boa.reverts("markets: unknown market"):
        protocol.lens.margin_curve(1, [0])
