"""Handmade states: one or two markets at 2,000, healthy unless a test says otherwise."""

from dataclasses import fields

import numpy as np

from sim.core.units import GWEI, WAD
from sim.protocol.state import MarketState, ProtocolState, State

GAS = {
    "trading_desk.deposit": 90_000,
    "trading_desk.withdraw": 160_000,
    "trading_desk.increase_position": 280_000,
    "trading_desk.decrease_position": 240_000,
    "liquidation_engine.liquidate": 400_000,
    "loss_waterfall.auto_deleverage": 500_000,
    "loss_waterfall.socialize_loss": 100_000,
    "price_oracle.report": 110_000,
    "liquidity_pool.request_exit": 120_000,
    "insurance_fund.request_exit": 120_000,
    "liquidity_pool.redeem": 120_000,
    "insurance_fund.redeem": 120_000,
}


def market(**changes):
    values = dict.fromkeys((field.name for field in fields(MarketState)), 0)
    values.update(
        index_price=2_000 * WAD,
        risk_price=2_000 * WAD,
        mark_price=2_000 * WAD,
        variance_fast=WAD * 64 // 100,
        variance_slow=WAD * 64 // 100,
        long_open_interest=1_000 * WAD,
        short_open_interest=1_000 * WAD,
    )
    assert len(values) == len(MarketState.__slots__)
    values.update(changes)
    return MarketState(**values)


def protocol(**changes):
    values = dict.fromkeys((field.name for field in fields(ProtocolState)), 0)
    values.update(fund_reserves=1_000_000 * WAD, pool_assets=20_000_000 * WAD)
    assert len(values) == len(ProtocolState.__slots__)
    values.update(changes)
    return ProtocolState(**values)


def build_state(actors=8, block=100, **changes):
    """Everybody long 1 base unit with 300 of equity against 100 of maintenance, unless changed."""
    markets = len(changes.get("markets", (None,)))
    defaults = {
        "block": block,
        "timestamp": 1_700_000_000 + 12 * block,
        "seconds_per_block": 12,
        "base_fee_wei": 20 * GWEI,
        "gas_limit": 30_000_000,
        "external_prices": np.full(markets, 2_000.0),
        "external_published_at": np.full(markets, 1_700_000_000 + 12 * block, dtype=np.int64),
        "external_depth": np.full(markets, 5e6),
        "markets": tuple(market() for _ in range(markets)),
        "protocol": protocol(),
        "sizes": np.vstack([np.ones(actors), *[np.zeros(actors)] * (markets - 1)]),
        "entry_notional": np.vstack([np.full(actors, 2_000.0), *[np.zeros(actors)] * (markets - 1)]),
        "collateral": np.full(actors, 300.0),
        "wallet": np.full(actors, 1_000.0),
        "equity": np.full(actors, 300.0),
        "notional": np.full(actors, 2_000.0),
        "maintenance_requirement": np.full(actors, 100.0),
        "initial_requirement": np.full(actors, 200.0),
        "native_balance_wei": [1_000 * WAD] * actors,
        "exact_accounts": np.zeros(0, dtype=np.int64),
        "exact_equity": [],
        "exact_maintenance": [],
        "exact_notional": [],
        "pending_deficits": (),
        "gas": GAS,
        "native_price": 200.0,
    }
    defaults.update(changes)
    state = State(**defaults)
    for value in defaults.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False  # an agent that writes to the state must fail
    return state


def under_water(actors=8, accounts=(0,), equity=80, maintenance=100, notional=2_000, **changes):
    """Accounts below maintenance, read exactly."""
    count = len(accounts)
    return build_state(
        actors,
        exact_accounts=np.array(accounts, dtype=np.int64),
        exact_equity=[equity * WAD] * count,
        exact_maintenance=[maintenance * WAD] * count,
        exact_notional=[notional * WAD] * count,
        **changes,
    )
