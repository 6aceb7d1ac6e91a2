"""Rule C10p asked a winner for a loss from before it came, which nobody had named it for.

A keeper names every winner; then an account comes in, wins at a later price, and once the window is over
anybody lets the pool bear the loss. Named again, the new winner pays: whoever is named pays, in any order.
"""

from __future__ import annotations

from dataclasses import replace

from tests.support.economic.history import read_transcript
from tests.support.economic.minimise import replay

HISTORY = read_transcript("""
{"origin": "2:4796", "moving": true, "draw": {"model": "static", "members": 6, "dishonest_reporters": 0,
"pool": 1645000, "fund": 97390, "wallet": 6938000, "words": {"fees.trade_fee_rate": 0.0,
"fees.pool_fee_share": 0.6, "fees.fund_fee_share": 0.2, "risk.upnl_weight": 0.0,
"risk.upnl_cap": 1000000.0, "risk.withdraw_margin_ratio": 0.0, "registry.ramp_per_hour": 0.25,
"registry.funding_coefficient": 5.0, "registry.funding_margin_coefficient": 100.0,
"registry.max_funding_rate_per_hour": 0.0, "registry.min_position_notional": 20000.0,
"liquidation.buffer": 0.0, "liquidation.fee_base": 0.005, "liquidation.fee_volatility_coefficient": 10.0,
"liquidation.fee_shortfall_coefficient": 1.0, "liquidation.fee_max": 0.05,
"liquidation.fee_maintenance_share": 0.6, "liquidation.fee_equity_share": 0.95,
"liquidation.volatility_reference": 0.6, "liquidation.bounty_share_base": 0.5,
"liquidation.bounty_volatility_coefficient": 5.0, "liquidation.bounty_adequacy_coefficient": 0.2,
"liquidation.bounty_share_min": 0.5, "liquidation.bounty_share_max": 0.8,
"liquidation.min_bounty": 500.0, "liquidation.throttle_share_per_hour": 0.0,
"liquidation.backstop_ratio": 1.0, "liquidation.min_close_share": 0.0,
"liquidation.max_close_impact": 0.0009, "liquidation.backstop_close_impact": 1.0,
"liquidation.average_price_band": 0.001, "waterfall.adl_window_seconds": 60,
"oracle.heartbeat_grace_seconds": 60, "oracle.max_source_confidence_ratio": 0.1,
"oracle.max_confidence_ratio": 0.02, "oracle.max_divergence": 5.0, "oracle.min_price": 1e-06,
"oracle.max_price": 1000000000.0, "oracle.tau_fast_seconds": 3600, "oracle.tau_slow_seconds": 864000,
"oracle.tau_ema_seconds": 3600, "oracle.max_return": 0.5, "oracle.limiter_horizon_seconds": 3600,
"oracle.limiter_minimum": 0.5, "oracle.limiter_coefficient": 4.0, "oracle.valid_sources": 3,
"oracle.minimum_sources": 2, "oracle.open_status": 0, "oracle.withdraw_status": 0,
"oracle.liquidate_status": 1, "oracle.settle_status": 1, "reporter.heartbeat_seconds": 3600,
"fund.target_reserves": 100000.0, "fund.cooldown_seconds": 86400, "fund.exit_window_seconds": 172800,
"pool.queue_seconds": 600, "pool.exit_window_seconds": 3600}, "markets": [{"name": "M0",
"initial_price": 15.81, "initial_variance_fast": 1.0, "initial_variance_slow": 0.04,
"pricing_terms": {"skew_scale": 1939000.0, "max_premium": 0.005},
"market": {"open_interest_cap": 3124000.0}, "risk_model": {"initial_ratio": 0.01,
"maintenance_ratio": 0.005, "haircut": 0.1}}]}, "actions": [
  ["deposit", 3, 3, 6000000000000, "free"],
  ["increase_most", 3, 0, 10000, "free"],
  ["price", 8, 0, -5000, "free"],
  ["price", 8, 0, -100, "legal"],
  ["liquidate", 3, 3, 0, "legal"],
  ["checkpoint", 8, "free"],
  ["liquidate", 3, 3, 0, "legal"],
  ["resolve", 8, "legal"],
  ["deposit", 5, 5, 1000000000000, "free"],
  ["increase_most", 5, 0, -2000, "free"],
  ["wait", 8, 60, "free"],
  ["price", 8, 0, -7000, "free"],
  ["socialize", 8, 3, "free"]
]}""")


def test_the_pool_bears_what_nobody_who_was_named_has():
    outcome = replay(HISTORY, checks=True)
    assert outcome.broken == []
    assert outcome.reached["socialisation"] == 1
    assert "deleveraging" not in outcome.reached


def test_the_same_winner_pays_once_it_is_named():
    *before, last = HISTORY.actions
    keeper = next(action for action in HISTORY.actions if action.verb == "resolve")
    outcome = replay(replace(HISTORY, actions=(*before, keeper, last)), checks=True)
    assert outcome.broken == []
    assert outcome.reached["deleveraging"] >= 1
