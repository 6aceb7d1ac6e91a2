"""What a liquidation pays under the adaptive fee of the mechanism notes, for tests of agents."""

from sim.agents.liquidation_terms import LiquidationTerms

TERMS = LiquidationTerms(
    fee_base=0.005,
    fee_volatility_coefficient=0.5,
    fee_shortfall_coefficient=1.0,
    volatility_reference=0.60,
    fee_max=0.05,
    fee_maintenance_share=0.6,
    fee_equity_share=0.95,
    bounty_share_base=0.5,
    bounty_volatility_coefficient=0.1,
    bounty_adequacy_coefficient=0.2,
    bounty_share_min=0.30,
    bounty_share_max=0.80,
    min_bounty=10.0,
    buffer=0.15,
    min_close_share=0.25,
    min_position_notional=1_000.0,
    target_reserves=500_000.0,
)
