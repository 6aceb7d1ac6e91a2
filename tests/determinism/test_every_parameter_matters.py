"""Every row of the table of parameters changes an outcome when nothing else does.

Each is changed alone in a tiny scenario in which it can bind: 20 accounts, 30 blocks, a fall of 16 %, a whale
that withdraws and closes, a fund too small. Where that is not enough, the case says what else it needs.
"""

from __future__ import annotations

from functools import cache

import pytest

from sim.core.errors import InputError
from sim.engine.paths import PathOptions, run_path
from sim.protocol.parameters.table import STRUCTS
from tests.support.small_run import LOSERS, small_scenario

TINY = (
    "traders.0.count=20",
    "liquidators.count=2",
    "liquidity_providers.count=1",
    "arbitrageurs.count=1",
    "blocks=30",
)
Context = tuple[str, ...]

PLAIN: Context = ()
MILD: Context = ("shocks.0.size=-0.07",)
"""Accounts are liquidated before they are under water: there is equity for fees."""
DEAR: Context = ("markets.0.pool.max_premium=0.015",)
"""Premiums may be larger than by default."""
CALM: Context = (*MILD, "protocol.liquidation.volatility_reference=20.0")
"""Volatility is below its reference: fee and split are at their base."""
WILD: Context = (*MILD, "protocol.liquidation.volatility_reference=2.0")
"""Above it, and not so far that caps decide."""
UP: Context = ("shocks.0.size=0.10",)
WIDE: Context = ("keepers.confidence_ratio=0.01",)
UNCERTAIN: Context = (*WIDE, "protocol.oracle.max_confidence_ratio=0.001")
LEAVING: Context = (
    *UNCERTAIN, 'shocks=[{kind="price_jump",at_block=3,size=0.03}]', "traders.0.trades_per_day=3000.0",
    "whales.0.leverage=3.0", "whales.0.start_minute=1.0",
)  # fmt: skip
"""While nothing is certain, traders add to their positions and a whale takes its gain out."""
SILENT: Context = (
    "keepers.heartbeat_seconds=3600", "keepers.deviation_threshold=0.9",
    "protocol.oracle.heartbeat_seconds=60", "protocol.oracle.heartbeat_grace_seconds=0",
)  # fmt: skip
FALL = '{kind="price_jump",at_block=20,size=-0.16}'
OUTAGE = '{kind="keeper_outage",at_block=2,duration_minutes=60.0,size=0.2}'
ONE_OUT: Context = (
    "protocol.oracle.heartbeat_seconds=36", "protocol.oracle.heartbeat_grace_seconds=0",
    "keepers.heartbeat_seconds=12",
    f"shocks=[{FALL},{OUTAGE}]",
)  # fmt: skip
"""One of three reporters is silent for longer than its heartbeat."""
THROTTLED: Context = (*MILD, "protocol.liquidation.throttle_share_per_hour=0.001")
THIN: Context = (
    *MILD, "markets.0.pool.skew_scale=20000.0", "protocol.liquidation.max_close_impact=0.0001",
    "protocol.liquidation.backstop_close_impact=0.001",
)  # fmt: skip
"""What one block lets through is less than what has to close."""
FLOODED: Context = (*MILD, "protocol.liquidation.backstop_ratio=0.0")
"""No account is so far below that bounds widen."""
BUSY: Context = (
    "traders.0.long_share=0.5", "traders.0.trades_per_day=3000.0", "traders.0.reduce_share=0.0", "whales=[]",
)  # fmt: skip
CROWDED: Context = (
    "protocol.risk_model_parameters.open_interest_lower=1000.0",
    "protocol.risk_model_parameters.open_interest_upper=1000000.0",
)
SMALL_TIERS: Context = (
    "protocol.risk_model_parameters.tier_2_notional=20000.0",
    "protocol.risk_model_parameters.tier_3_notional=40000.0",
    "protocol.risk_model_parameters.tier_4_notional=80000.0",
)
"""A whale reaches the last tier."""
COVERED: Context = ("protocol.risk_model_parameters.z=5.0",)
"""Volatility asks for more than the tiers do."""
SHALLOW: Context = ("protocol.risk_model_parameters.liquidity_floor=1.0",)
"""Size is measured against what the pool quotes, and nothing less."""
RUN: Context = ("liquidity_providers.run_rate_per_hour=100.0", "liquidity_providers.run_loss_threshold=0.001")
"""Providers and backers ask to leave after the fall."""
EARLY_FALL = '{kind="price_jump",at_block=5,size=-0.16}'
SILENCE = '{kind="keeper_outage",at_block=10,duration_minutes=60.0,size=1.0}'
HELD: Context = (
    *RUN, "blocks=70", "protocol.pool.queue_seconds=120", "keepers.heartbeat_seconds=12",
    "protocol.oracle.heartbeat_seconds=60", "protocol.oracle.heartbeat_grace_seconds=0",
    f"shocks=[{EARLY_FALL},{SILENCE}]",
)  # fmt: skip
"""No usable price when they are ready: they leave in the second half of the window."""
LATE: Context = (
    *RUN, "seconds_per_block=60", "blocks=220", "protocol.insurance_fund.cooldown_seconds=3600",
    "liquidity_providers.latency_blocks=62",
)  # fmt: skip
"""Backers who see an hour late that they have cooled down."""
MANY_LOSERS: Context = (*LOSERS, "traders.0.count=40")
"""Enough of them that a deficit is left to winners whatever one path brings."""
CHOSEN: Context = ("markets.0.estimator.slow_weight=0.1",)
"""The market chooses, and what it chooses falls at first."""
RANGED: Context = ("markets.0.estimator.range_weight=1.0",)
IMPLIED: Context = ("markets.0.estimator.implied_weight=1.0", "volatility_keepers.implied_blocks=10")
FLOORED: Context = (
    "markets.0.estimator.slow_weight=0.001", "markets.0.estimator.floor_weight=1.0",
    "markets.0.estimator.bucket_seconds=60", "markets.0.estimator.tau_range_seconds=600",
)  # fmt: skip
"""The long run alone counts, and it moves."""
JUDGED: Context = (
    *LOSERS, "markets.0.estimator.slow_weight=1.0", "markets.0.performance.red_multiplier=2.0",
    "markets.0.performance.yellow_multiplier=1.5", "markets.0.performance.yellow_count=1",
)  # fmt: skip
RED: Context = (*JUDGED, "markets.0.performance.red_count=1")
YELLOW: Context = (*JUDGED, "markets.0.performance.red_count=1000")
HOURS: Context = (*RED, "seconds_per_block=60", "blocks=90")
"""Longer than the shortest window."""
HIGH_FLOOR: Context = ("protocol.risk_model_parameters.initial_min=0.5",)

CASES: dict[str, dict[str, tuple[Context, float]]] = {
    "fees": {
        "trade_fee_rate": (PLAIN, 0.001),
        "pool_fee_share": (PLAIN, 0.5),
        "fund_fee_share": (PLAIN, 0.3),
    },
    "risk": {
        "upnl_weight": (PLAIN, 0.5),
        "upnl_cap": (PLAIN, 1.0),
        "withdraw_margin_ratio": (PLAIN, 0.15),
        "depth_variance": (SHALLOW, 0.01),
        "depth_reserves": (SHALLOW, 1e12),
        "depth_share_min": ((*SHALLOW, "protocol.margin.depth_reserves=1e12"), 0.5),
    },
    "registry": {
        "ramp_per_hour": (PLAIN, 0.5),
        "funding_coefficient": (PLAIN, 0.2),
        "funding_margin_coefficient": (PLAIN, 0.0),
        "max_funding_rate_per_hour": (PLAIN, 0.00001),
        "min_position_notional": (PLAIN, 1_500.0),
    },
    "liquidation": {
        "buffer": (PLAIN, 0.2),
        "fee_base": (CALM, 0.001),
        "fee_volatility_coefficient": (WILD, 0.0),
        "fee_shortfall_coefficient": (CALM, 100.0),
        "fee_max": (MILD, 0.006),
        "fee_maintenance_share": (PLAIN, 0.9),
        "fee_equity_share": (PLAIN, 0.5),
        "volatility_reference": (MILD, 20.0),
        "bounty_share_base": (CALM, 0.75),
        "bounty_volatility_coefficient": (WILD, 0.0),
        "bounty_adequacy_coefficient": (CALM, 0.0),
        "bounty_share_min": (CALM, 0.6),
        "bounty_share_max": (MILD, 0.35),
        # Above almost every bounty: at 15 the smallest of a path could be beyond it.
        "min_bounty": ((*MILD, *DEAR), 500.0),
        "throttle_share_per_hour": (PLAIN, 0.001),
        "backstop_ratio": (THROTTLED, 0.0),
        "min_close_share": (MILD, 1.0),
        "max_close_impact": (THIN, 0.001),
        "backstop_close_impact": (THIN, 0.02),
        "average_price_band": (FLOODED, 0.02),
    },
    "waterfall": {"adl_window_seconds": (MANY_LOSERS, 0)},
    "oracle": {
        "heartbeat_grace_seconds": (SILENT, 24),
        "max_source_confidence_ratio": (WIDE, 0.005),
        "max_confidence_ratio": (WIDE, 0.001),
        "max_divergence": (PLAIN, 1.01),
        "min_price": (PLAIN, 1_900.0),
        "max_price": (UP, 2_010.0),
        "tau_fast_seconds": (PLAIN, 1_800),
        "tau_slow_seconds": (PLAIN, 86_400),
        "tau_ema_seconds": (PLAIN, 60),
        "max_return": (PLAIN, 0.001),
        "limiter_horizon_seconds": (PLAIN, 60),
        "limiter_minimum": (PLAIN, 0.02),
        "limiter_coefficient": (PLAIN, 2.0),
        "valid_sources": (ONE_OUT, 2),
        "minimum_sources": (PLAIN, 1),
        "open_status": (LEAVING, 1),
        "withdraw_status": (LEAVING, 1),
        "liquidate_status": (UNCERTAIN, 0),
        "settle_status": (UNCERTAIN, 0),
    },
    "reporter": {"heartbeat_seconds": (SILENT, 12)},
    "fund": {
        "target_reserves": (CALM, 1_000.0),
        "cooldown_seconds": ((*RUN, "blocks=400"), 3_600),
        "exit_window_seconds": (LATE, 3_600),
    },
    "pool": {"queue_seconds": (RUN, 60), "exit_window_seconds": ((*HELD, *DEAR), 600)},
    "pricing_terms": {"skew_scale": (PLAIN, 10_000.0), "max_premium": (PLAIN, 0.001)},
    "market": {"open_interest_cap": (BUSY, 210_000.0)},
    "estimator": {
        "fast_weight": (CHOSEN, 2.0),
        "slow_weight": (CHOSEN, 2.0),
        "range_weight": (CHOSEN, 2.0),
        "true_range_weight": (CHOSEN, 2.0),
        "implied_weight": ((*CHOSEN, IMPLIED[1]), 5.0),
        "bucket_seconds": (RANGED, 60),
        "tau_range_seconds": (RANGED, 3_600),
        "max_range": (RANGED, 0.01),
        "implied_age_seconds": (IMPLIED, 24),
        "tau_long_seconds": (FLOORED, 1_200),
        "floor_weight": (CHOSEN, 1.0),
        "buffer": (RANGED, 0.5),
        "rise_per_hour": (RANGED, 0.5),
        "fall_per_hour": (CHOSEN, 0.1),
        "expiry_seconds": ((*RANGED, "volatility_keepers.update_blocks=10"), 60),
    },
    "performance": {
        "window_seconds": ((*HOURS, "markets.0.performance.decay_seconds=60"), 3_600),
        "yellow_count": (YELLOW, 1_000),
        "red_count": (RED, 1_000),
        "yellow_multiplier": (YELLOW, 1.2),
        "red_multiplier": (RED, 3.0),
        "decay_seconds": ((*HOURS, "markets.0.performance.window_seconds=3600"), 60),
    },
    "static": {
        "initial_ratio": (PLAIN, 0.2),
        "maintenance_ratio": (PLAIN, 0.04),
        "haircut": (PLAIN, 0.01),
    },
    "volatility": {
        "z": (PLAIN, 5.0),
        "initial_horizon_seconds": (PLAIN, 28_800),
        "maintenance_horizon_seconds": (PLAIN, 7_200),
        "initial_min": (PLAIN, 0.5),
        "maintenance_min": (HIGH_FLOOR, 0.3),
        "haircut": (PLAIN, 0.01),
    },
    "adaptive": {
        "z": (PLAIN, 5.0),
        "initial_horizon_seconds": (PLAIN, 28_800),
        "maintenance_horizon_seconds": (PLAIN, 7_200),
        "initial_floor": (PLAIN, 0.5),
        "maintenance_floor": (PLAIN, 0.049),
        "fast_weight": (PLAIN, 0.0),
        "variance_floor": (PLAIN, 4.0),
        "variance_stress": (PLAIN, 4.0),
        "stress_weight": (PLAIN, 0.5),
        "size_coefficient": (PLAIN, 2.0),
        "size_root": (PLAIN, 0),
        "liquidity_floor": (PLAIN, 50_000_000.0),
        "open_interest_lower": (CROWDED, 200_000.0),
        "open_interest_upper": (CROWDED, 2_000_000.0),
        "confidence_coefficient": (PLAIN, 4.0),
        "haircut": (PLAIN, 0.01),
    },
    "tiered": {
        "tier_1_initial": (PLAIN, 0.03),
        "tier_1_maintenance": (PLAIN, 0.015),
        "tier_2_notional": (SMALL_TIERS, 30_000.0),
        "tier_2_initial": (SMALL_TIERS, 0.06),
        "tier_2_maintenance": (SMALL_TIERS, 0.03),
        "tier_3_notional": (SMALL_TIERS, 60_000.0),
        "tier_3_initial": (SMALL_TIERS, 0.11),
        "tier_3_maintenance": (SMALL_TIERS, 0.06),
        "tier_4_notional": (SMALL_TIERS, 90_000.0),
        "tier_4_initial": (SMALL_TIERS, 0.15),
        "tier_4_maintenance": (SMALL_TIERS, 0.12),
        "z": (PLAIN, 5.0),
        "initial_horizon_seconds": (COVERED, 57_600),
        "maintenance_horizon_seconds": (COVERED, 7_200),
        "fast_weight": (COVERED, 1.0),
        "open_interest_lower": (CROWDED, 200_000.0),
        "open_interest_upper": (CROWDED, 2_000_000.0),
        "confidence_coefficient": (PLAIN, 20.0),
        "haircut": (PLAIN, 0.01),
    },
}
"""Struct -> field -> what the world needs, and another value than the default or the scenario's."""

ELSEWHERE = ("portfolio", "correlation")
"""Structs that act on accounts with several markets: tests/integration/test_portfolio_margin.py and
test_estimated_correlations.py."""

ROWS = [(struct.name, row.name) for struct in STRUCTS if struct.name not in ELSEWHERE for row in struct]


@cache
def digest(*overrides: str) -> str:
    return run_path(small_scenario(*TINY, *overrides), PathOptions(path=0)).digest


def world(struct: str, context: Context) -> Context:
    """Return what the world of a case needs, the risk model first."""
    return (f'protocol.risk_model="{struct}"', *context) if STRUCTS[struct].model else context


def key(struct: str, field: str) -> str:
    """Return the key of a scenario that sets a field of market 0."""
    place = STRUCTS[struct].section.replace("markets.", "markets.0.")
    return f"{place}.{STRUCTS[struct][field].key or field}"


def test_every_row_has_a_case():
    assert {(struct, field) for struct, fields in CASES.items() for field in fields} == set(ROWS)


@pytest.mark.parametrize(("struct", "field"), ROWS, ids=lambda text: text)
def test_a_parameter_alone_changes_the_outcome(struct, field):
    context, value = CASES[struct][field]
    before = world(struct, context)
    assert digest(*before, f"{key(struct, field)}={value}") != digest(*before)


def test_a_limit_switched_off_changes_the_outcome():
    assert digest("protocol.margin.maintenance_ramp=false") != digest()


def test_a_field_that_no_row_declares_is_refused():
    with pytest.raises(InputError, match="unknown key"):
        digest("protocol.margin.settle_status=1")
