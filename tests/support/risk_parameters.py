"""Risk-model parameters that the tests share, each with its source."""

from __future__ import annotations

from sim.reference.fixed_point import WAD
from sim.reference.risk_math import AdaptiveParameters, RiskInputs, TieredParameters, VolatilityParameters

# Static ratios: 5 % and 2.5 %, dYdX v4's liquidity tier for mid-size markets.
STATIC: tuple[int, int, int] = (5 * WAD // 100, 25 * WAD // 1_000, 0)

VOLATILITY = VolatilityParameters(
    z=4 * WAD,  # assumption: 15x at 80 %, between Derive's 10x and Hyperliquid's 40x
    initial_horizon_seconds=4 * 3_600,  # assumption: hours to close out
    maintenance_horizon_seconds=3_600,  # a quarter, so that the ratio is half
    initial_min=1 * WAD // 100,  # assumption: leverage 100 at most
    maintenance_min=5 * WAD // 1_000,  # assumption: half of it
    haircut=0,  # the collateral is the quote currency
)

ADAPTIVE = AdaptiveParameters(
    z=4 * WAD,  # assumption, as above
    initial_horizon_seconds=4 * 3_600,  # assumption: hours to close out
    maintenance_horizon_seconds=3_600,  # a quarter, so that the volatility part is half
    initial_floor=2 * WAD // 100,  # dYdX v4, large-cap tier
    maintenance_floor=1 * WAD // 100,  # dYdX v4, large-cap tier
    fast_weight=WAD,  # the short memory counts in full
    variance_floor=16 * WAD // 100,  # assumption: 40 %, BTC in its quietest months
    variance_stress=144 * WAD // 100,  # assumption: 120 %, BTC in a bad month
    stress_weight=WAD // 4,  # EMIR RTS 153/2013, article 28: at least 25 %
    size_coefficient=WAD,  # square-root impact law, Y of order one
    size_root=2,  # the square root
    liquidity_floor=1_000_000 * WAD,  # assumption
    open_interest_lower=20_000_000 * WAD,  # dYdX v4, small-cap tier
    open_interest_upper=50_000_000 * WAD,  # dYdX v4, small-cap tier
    confidence_coefficient=2 * WAD,  # assumption: the width counts on both sides
    haircut=0,  # the collateral is the quote currency
)

TIERED = TieredParameters(
    tier_1_initial=2 * WAD // 100,  # Binance, BTCUSDT on 18 March 2021: 50x to a million
    tier_1_maintenance=1 * WAD // 100,
    tier_2_notional=1_000_000 * WAD,  # 20x to ten million
    tier_2_initial=5 * WAD // 100,
    tier_2_maintenance=25 * WAD // 1_000,
    tier_3_notional=10_000_000 * WAD,  # 10x to twenty million
    tier_3_initial=10 * WAD // 100,
    tier_3_maintenance=5 * WAD // 100,
    tier_4_notional=20_000_000 * WAD,  # 5x beyond
    tier_4_initial=20 * WAD // 100,
    tier_4_maintenance=10 * WAD // 100,
    z=4 * WAD,  # assumption, as above
    initial_horizon_seconds=4 * 3_600,  # assumption, as above
    maintenance_horizon_seconds=3_600,
    fast_weight=WAD,  # the short memory counts in full
    open_interest_lower=20_000_000 * WAD,  # dYdX v4, small-cap tier
    open_interest_upper=50_000_000 * WAD,  # dYdX v4, small-cap tier
    confidence_coefficient=2 * WAD,  # assumption, as above
    haircut=0,  # the collateral is the quote currency
)

# Of the portfolio model, in the order of `portfolio_math.PortfolioParameters`.
PORTFOLIO: dict[str, int] = {
    "far_multiple": 3 * WAD,
    "far_weight": 35 * WAD // 100,
    "single_share": WAD // 2,
    "floor_share": 3 * WAD // 10,
    "correlation_break": WAD // 5,
    "confidence_coefficient": 2 * WAD,
    "close_out_ratio": WAD // 1_000,
}

# A quiet market: volatility 30 % fast and 50 % slow.
CALM = RiskInputs(
    notional=100_000 * WAD,
    price=2_000 * WAD,
    confidence=1 * WAD,
    variance_fast=9 * WAD // 100,
    variance_slow=25 * WAD // 100,
    open_interest=5_000_000 * WAD,
    depth=10_000_000 * WAD,
)
