"""What a lien brings back belongs to who has paid, not to who comes before it is repaid.

A debt stands beside its owner's asset until the window for sales is over; the fund pays it, and a lien
lies on the asset. Until somebody repays it, stake in the fund is too cheap by as much. Whoever has the
winner of the debt, its asset, and money for stake bought nearly all of the fund and repaid the lien to
itself: what the fund had paid was then lost to those who backed it before, 26,263 of 28,150. Found by an
attack by hand, and by the search in its first histories once it enters a vault before it frees what is
behind a lien. Shares of fund and pool cost what liens may bring back since.
"""

from __future__ import annotations

from tests.support.economic.history import read_transcript
from tests.support.economic.minimise import replay
from tests.support.economic.play import ROUNDING_UNITS

HISTORY = read_transcript("""
{"origin": "behind_lien, by hand", "moving": false, "draw": {"model": "static", "members": 3,
"dishonest_reporters": 0, "pool": 4266000, "fund": 100000, "wallet": 2484000, "words":
{"fees.trade_fee_rate": 0.0, "fees.pool_fee_share": 0.0, "fees.fund_fee_share": 1.0, "risk.upnl_weight":
0.5, "risk.upnl_cap": 1000000.0, "risk.withdraw_margin_ratio": 0.1, "risk.depth_variance": 0.0,
"risk.depth_reserves": 1000000000.0, "risk.depth_share_min": 0.05, "registry.ramp_per_hour": 0.25,
"registry.funding_coefficient": 0.125, "registry.funding_margin_coefficient": 0.01,
"registry.max_funding_rate_per_hour": 0.04, "registry.min_position_notional": 100.0, "liquidation.buffer":
0.15, "liquidation.fee_base": 0.02, "liquidation.fee_volatility_coefficient": 0.0,
"liquidation.fee_shortfall_coefficient": 10.0, "liquidation.fee_max": 0.02,
"liquidation.fee_maintenance_share": 0.6, "liquidation.fee_equity_share": 0.95,
"liquidation.volatility_reference": 3.0, "liquidation.bounty_share_base": 0.5,
"liquidation.bounty_volatility_coefficient": 0.0, "liquidation.bounty_adequacy_coefficient": 0.0,
"liquidation.bounty_share_min": 0.3, "liquidation.bounty_share_max": 0.8, "liquidation.min_bounty": 500.0,
"liquidation.throttle_share_per_hour": 0.0, "liquidation.backstop_ratio": 0.6667,
"liquidation.min_close_share": 0.25, "liquidation.max_close_impact": 0.0009,
"liquidation.backstop_close_impact": 1.0, "liquidation.average_price_band": 1.0,
"waterfall.adl_window_seconds": 0, "oracle.heartbeat_grace_seconds": 60,
"oracle.max_source_confidence_ratio": 0.1, "oracle.max_confidence_ratio": 0.02, "oracle.max_divergence":
5.0, "oracle.min_price": 1e-06, "oracle.max_price": 1000000000.0, "oracle.tau_fast_seconds": 3600,
"oracle.tau_slow_seconds": 864000, "oracle.tau_ema_seconds": 3600, "oracle.max_return": 0.5,
"oracle.limiter_horizon_seconds": 60, "oracle.limiter_minimum": 0.01, "oracle.limiter_coefficient": 4.0,
"oracle.valid_sources": 3, "oracle.minimum_sources": 2, "oracle.open_status": 0, "oracle.withdraw_status":
0, "oracle.liquidate_status": 1, "oracle.settle_status": 1, "reporter.heartbeat_seconds": 3600,
"fund.target_reserves": 0.0, "fund.cooldown_seconds": 86400, "fund.exit_window_seconds": 3600,
"pool.queue_seconds": 3600, "pool.exit_window_seconds": 3600, "portfolio.far_multiple": 1.0,
"portfolio.far_weight": 0.0, "portfolio.single_share": 1.0, "portfolio.floor_share": 1.0,
"portfolio.correlation_break": 0.2, "portfolio.confidence_coefficient": 2.0, "portfolio.close_out_ratio":
0.0}, "markets": [{"name": "M0", "initial_price": 815.9, "initial_variance_fast": 0.36,
"initial_variance_slow": 1.0, "pricing_terms": {"skew_scale": 34010.0, "max_premium": 0.01}, "market":
{"open_interest_cap": 81110.0}, "risk_model": {"initial_ratio": 0.02, "maintenance_ratio": 0.01, "haircut":
0.1}}, {"name": "M1", "initial_price": 57770.0, "initial_variance_fast": 0.04, "initial_variance_slow":
0.04, "pricing_terms": {"skew_scale": 8352.0, "max_premium": 0.0005}, "market": {"open_interest_cap":
49.11}, "risk_model": {"initial_ratio": 0.005, "maintenance_ratio": 0.0025, "haircut": 0.0}}],
"correlation": 0.0, "assets": [{"name": "C0", "decimals": 8, "initial_price": 100.0,
"initial_variance_fast": 1.0, "initial_variance_slow": 0.36, "pool_fee_rate": 0.003, "pool_depth":
1000000.0, "terms": {"deposit_cap": 1000000000.0, "haircut_min": 0.1, "z": 0.0, "horizon_seconds": 3600,
"size_coefficient": 0.0, "depth": 1672000.0, "confidence_coefficient": 1.0, "sale_band": 0.03,
"sale_fee_rate": 0.005, "sale_window_seconds": 600, "min_sale": 0.0}, "holding": 1000000.0}], "clusters":
[]}, "actions": [
  ["deposit_asset", 0, 0, 0, 500, "free"],
  ["increase_most", 0, 0, 10000, "free"],
  ["deposit", 1, 1, 200000000000, "free"],
  ["mirror", 1, 0, 0, 10000, "free"],
  ["decrease", 0, 0, 10000, "free"],
  ["wait", 8, 601, "free"],
  ["socialize", 2, 0, "free"],
  ["enter", 2, "fund", 1000000000000, "free"],
  ["repay_lien", 1, 0, 10000, "free"]
]}
""")


def test_the_history_is_played_as_found():
    outcome = replay(HISTORY, checks=False)
    assert outcome.succeeded == outcome.played == len(HISTORY.actions)


def test_who_enters_before_a_lien_is_repaid_gains_nothing():
    assert replay(HISTORY, checks=False).best.profit <= ROUNDING_UNITS
