"""Who there is to call a function, and the states in which somebody calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PEOPLE: Final[Mapping[str, str]] = {
    "stranger": "somebody with tokens and an account",
    "trader": "the owner of the account or shares concerned",
    "spender": "whom the trader allowed all its shares",
    "liquidator": "who liquidates",
    "reporter": "a registered source of prices",
    "provider": "who gave the pool its liquidity",
    "guardian": "the governor's guardian",
    "governance": "the governor's owner, who proposes and executes",
    "heir": "to whom every contract's owner has offered its place",
}
"""Person -> who that is."""

GOVERNOR: Final = "risk_governor"

CONTRACTS: Final[Mapping[str, str]] = {
    "price_oracle": "PriceOracle",
    "volatility_oracle": "VolatilityOracle",
    "ledger": "Ledger",
    "liquidity_pool": "LiquidityPool",
    "insurance_fund": "InsuranceFund",
    "market_registry": "MarketRegistry",
    "collateral_registry": "CollateralRegistry",
    "spot_pool": "SpotPool",
    "risk_engine": "RiskEngine",
    "deleverage_policy": "QueuePolicy",
    "loss_waterfall": "LossWaterfall",
    "liquidation_engine": "LiquidationEngine",
    "trading_desk": "TradingDesk",
    "lens": "Lens",
    GOVERNOR: "RiskGovernor",
    "risk_model": "a market's formula",
    "token": "the quote token",
}
"""Contract that may call another -> its name."""

HOLDER: Final = "operator"
HANDS: Final[Mapping[str, str]] = {
    HOLDER: "an operator that is not ours; during an operation, whose it is",
    "second operator": "another one",
    "bystander": "a contract that is no operator",
}
"""Contract of a test that calls what it is told, also in the middle of an operation."""

ROLES: Final = (*PEOPLE, *CONTRACTS, *HANDS)

EVERYBODY: Final = frozenset(ROLES)
OPERATORS: Final = frozenset(
    {
        "trading_desk",
        "liquidation_engine",
        "loss_waterfall",
        "collateral_registry",
        HOLDER,
        "second operator",
    }
)
"""Who may change accounts."""
NOBODY: Final[frozenset[str]] = frozenset()

FREE: Final = "free"
PAUSED: Final = "paused"
HELD: Final = "held"
STATES: Final[Mapping[str, tuple[str, ...]]] = {FREE: ROLES, PAUSED: ROLES, HELD: tuple(HANDS)}
"""State -> who calls in it: nothing is under way, the desk is paused, an operator holds the ledger's lock."""
