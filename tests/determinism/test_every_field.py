"""Every declared field moves the result: changed alone, where it can bind, the digest changes.

What could be left out of the scenario without anybody seeing it has no place there. Most fields bind in
`every_field.toml` itself; a row of BINDS says where another does, or how far it has to move.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.fields import (
    ASSET,
    PLEDGED,
    SCENARIO,
    TWO_ASSETS,
    Leaf,
    digest_with,
    leaves,
    other_value,
    scenario_with,
    setting,
    value_at,
)

BOOK_FILE = SCENARIO.with_name("book.csv")

MILD = ("shocks.0.size=-0.07",)
"""A fall that calls for margin before it liquidates."""

SLIDE = (
    "blocks=40",
    "traders.0.count=30",
    'shocks=[{ kind = "price_drift", at_block = 4, duration_minutes = 5.0, size = -0.25 }]',
)
"""A fall over minutes: one liquidation after another."""

HUMANS = (*MILD, "traders.0.top_up.automated_share=0.0")

SLOW_ARBITRAGEURS = (
    "arbitrageurs.latency_blocks=2",
    "arbitrageurs.fees.base_fee_multiple=1.0",
    "arbitrageurs.fees.priority_fee_gwei=0.0",
)
"""Who bid the base fee of two blocks ago, and wait."""

FEARFUL = ("arbitrageurs.capital=20000.0", "arbitrageurs.margin_trigger=20.0")

SHALLOW = ("protocol.risk_model_parameters.liquidity_floor=1.0",)
"""Size is measured against what the pool quotes, and nothing less."""

POOR_ARBITRAGEURS = (*SLIDE, "arbitrageurs.capital=20000.0")

LOW_FEE = (*SLIDE, "protocol.liquidation.fee_base=0.0005")

FLAT_BOUNTY = (*SLIDE, "protocol.liquidation.bounty_volatility_coefficient=0.0")

UNCERTAIN = (
    "shocks=[]",
    "keepers.confidence_ratio=0.05",
    "whales.0.leverage=3.0",
    "whales.0.start_minute=1.6",
)
"""Reports too wide to be sure of, and a whale that would take its margin out."""

EARLY_GAIN = (
    'shocks=[{ kind = "price_drift", at_block = 2, duration_minutes = 1.0, size = 0.04 }]',
    "whales.0.leverage=3.0",
    "whales.0.start_minute=1.6",
)
"""Longs have gained when a whale takes its margin out."""

ADDING = ("whales=[]", "shocks=[]", "traders.0.long_share=0.5", "traders.0.reduce_share=0.0")
"""Both sides add to their positions, and nobody reduces."""

LATE_CLOSER = (
    "liquidators.count=0",
    'meant=["no_liquidators"]',
    "closer.fees.base_fee_multiple=1.0",
    "closer.fees.priority_fee_gwei=0.0",
)
"""Who bids the base fee of a block ago while it rises, and is the only one to close."""

CROWD_CAPITAL = '{ distribution = "lognormal", median = 3000.0, deviation = 0.8, maximum = 20000.0 }'
CROWD_RATES = "entries_per_day = 2000.0, relevers_per_day = 4000.0, exits_per_day = 500.0"
CROWD = (f'entrants=[{{ name = "crowd", count = 12, {CROWD_RATES}, capital = {CROWD_CAPITAL} }}]',)
"""Many who come in and re-lever within minutes."""

GAINING_CROWD = (
    *CROWD,
    "entrants.0.long_share=1.0",
    "entrants.0.exits_per_day=0.0",
    "entrants.0.least_increase=0.001",
    'protocol.risk_model="static"',
    'shocks=[{ kind = "price_drift", at_block = 6, duration_minutes = 4.0, size = 0.2 }]',
)
"""They stay, gain, and margin asks no more for it: there is something to re-lever with."""

LIAR = ('dishonest_reporters=[{ name = "liar", factor = 0.7 }]',)
"""A fifth reporter, who is dishonest."""

DEAR = 16.0
"""gwei: a little more than the base fee at the start, less than it soon is."""

_PRICE = 'price = { kind = "gbm", volatility = 3.0 }'
_MARKET = '{{ name = "{}", initial_price = {}, ' + _PRICE.replace("{", "{{").replace("}", "}}") + " }}"
TWO_MARKETS = (f"markets=[{_MARKET.format('ETH', 2e3)}, {_MARKET.format('BTC', 3e4)}]",)

HELD = 'markets = ["ETH", "BTC"], weights = [0.6, 0.4], style = "concentrated"'
MEMBERS = (*TWO_MARKETS, f"traders.0.several={{ {HELD}, share = 0.5 }}")
"""A cohort of which half hold two markets."""

WHALE_OF_TWO = (*TWO_MARKETS, f"whales.0.several={{ {HELD} }}")

_BELIEVED = '{ pairs = [{ between = ["ETH", "BTC"], correlation = 0.9 }] }'
PORTFOLIO = (*TWO_MARKETS, f"protocol.portfolio={_BELIEVED}")
_SPREAD = 'markets = ["ETH", "BTC"], weights = [0.7, 0.3], style = "hedged"'
HEDGED = (*PORTFOLIO, f"traders.0.several={{ {_SPREAD} }}", 'traders.0.mode="portfolio"')
"""A cohort that holds one market against the other, and is margined by joint scenarios."""
SAMPLED = (
    *HEDGED,
    "protocol.portfolio.estimated=true",
    "protocol.portfolio.sample_seconds=60",
    "protocol.portfolio.tau_seconds=120",
    "protocol.portfolio.least_sample_count=1",
    "protocol.portfolio.fall_per_hour=100.0",
    "keepers.deviation_threshold=0.001",
)
"""The same, and what it believes is estimated every minute."""
HEDGED_WHALE = (*PORTFOLIO, f"whales.0.several={{ {_SPREAD} }}")

THREE_MARKETS = (TWO_MARKETS[0][:-1] + f", {_MARKET.format('SOL', 1e2)}]",)

_PAIR = '{ between = ["ETH", "BTC"], correlation = 0.8 }'
_IN_STRESS = '{ between = ["ETH", "BTC"], correlation = -0.6 }'
_COMMON = "{ intensity = 300000.0, mean = -0.01, deviation = 0.01, loadings = { ETH = 1.0 } }"
MATRIX = (*TWO_MARKETS, 'correlation={ copula = "t", matrix = [[1.0, 0.8], [0.8, 1.0]] }')
PAIRS = f'correlation={{ copula = "t", pairs = [{_PAIR}] }}'
CALM_PAIRS = f'copula = "gaussian", pairs = [{_PAIR}]'
STRESS = f"correlation={{ {CALM_PAIRS}, stress = {{ pairs = [{_IN_STRESS}] }} }}"
STRESS_MATRIX = f"correlation={{ {CALM_PAIRS}, stress = {{ matrix = [[1.0, 0.5], [0.5, 1.0]] }} }}"
JUMPS = (*TWO_MARKETS, f'correlation={{ copula = "gaussian", jumps = {_COMMON} }}')

PLEDGED_WHALE = (ASSET, 'whales.0.collateral={ asset = "USDX", share = 0.9 }')
CHEAP_SELLER = ("seller.latency_blocks=2", "seller.fees.priority_fee_gwei=0.0", *PLEDGED)
"""Who bids what the base fee was two blocks ago."""

OF_AN_ASSET = {
    "gbm": "volatility = 2.0",
    "merton": "volatility = 2.0, jump_intensity = 90000.0",
    "kou": "volatility = 2.0, jump_intensity = 90000.0",
    "garch_t": "volatility = 2.0",
    "bridge": "waypoints = [[0.0, 1.0], [5.0, 0.9]]",
}
"""Process of an asset's price -> the rest of its table."""

JUMP = '{ kind = "price_jump", at_block = 7, size = -0.2 }'
SHOCKS = {
    "price_jump": "size = -0.1",
    "price_drift": "duration_minutes = 2.0, size = -0.1",
    "volatility": "duration_minutes = 2.0, size = 2.0",
    "gas_demand": "duration_minutes = 1.0, size = 3.0, fee_size = 3.0",
    "keeper_outage": "duration_minutes = 2.0, size = 0.5",
    "liquidator_outage": "duration_minutes = 1.0, size = 0.5",
    "depth": "duration_minutes = 2.0, size = 0.2",
}
"""Kind of shock -> the rest of its table."""

IN_A_MARKET = sorted(set(SHOCKS) - {"gas_demand", "liquidator_outage"})

FILE = SCENARIO.with_suffix(".csv")
OTHER_FILE = FILE.with_stem("every_field_too")
BARS_FILE = FILE.with_stem("every_field_bars")


NO_PRICE = (
    "blocks=70",
    "protocol.pool.queue_seconds=120",
    "protocol.oracle.heartbeat_seconds=60",
    "protocol.oracle.heartbeat_grace_seconds=0",
    f'shocks=[{JUMP}, {{ kind = "keeper_outage", at_block = 12, duration_minutes = 11.0, size = 1.0 }}]',
)
"""No usable price when providers may leave: they do in the second half of the window."""


LATE_BACKERS = (
    "seconds_per_block=60",
    "blocks=220",
    "protocol.insurance_fund.cooldown_seconds=3600",
    "liquidity_providers.latency_blocks=62",
)
"""Backers who see an hour late that they have cooled down."""


RANGED = ("markets.0.estimator.range_weight=1.0",)
CHOSEN = ("markets.0.estimator.slow_weight=0.1",)
"""The market chooses, and what it chooses falls at first."""
IMPLIED = ("markets.0.estimator.implied_weight=1.0", "volatility_keepers.implied_blocks=5")
FLOORED = (
    "markets.0.estimator.slow_weight=0.001",
    "markets.0.estimator.floor_weight=1.0",
    "markets.0.estimator.bucket_seconds=60",
    "markets.0.estimator.tau_range_seconds=600",
)
"""The long run alone counts, and it moves."""
JUDGED = (
    "traders.0.long_share=0.95",
    "markets.0.estimator.slow_weight=1.0",
    "markets.0.performance.red_multiplier=2.0",
    "markets.0.performance.yellow_multiplier=1.5",
    "markets.0.performance.yellow_count=1",
)
RED = (*JUDGED, "markets.0.performance.red_count=1")
YELLOW = (*JUDGED, "markets.0.performance.red_count=1000")
HOURS = (*RED, "seconds_per_block=60", "blocks=100")
"""Longer than the shortest window."""

_DRAWN = '{{ name = "{}", initial_price = 2e3, price = {{ kind = "bootstrap", file = "{}" }} }}'
BOOTSTRAPS = (f"markets=[{_DRAWN.format('ETH', FILE)}, {_DRAWN.format('BTC', OTHER_FILE)}]", *JUMPS[1:])
_FILES = f'files = {{ ETH = "{FILE}", BTC = "{OTHER_FILE}" }}'
ESTIMATE = (*TWO_MARKETS, f'correlation={{ copula = "gaussian", estimate = {{ {_FILES} }} }}')
"""Two markets whose correlation comes from files."""


def is_word(path: str) -> bool:
    """Return whether a field says something to readers alone."""
    table, _, name = path.rpartition(".")
    return name in WORDS if not table else table.startswith("shocks.") and name == "description"


def shocked(kind: str, start: str = "at_block = 6") -> tuple[str, ...]:
    """Return a fall with a shock of a kind beside it."""
    return (f'shocks=[{{ kind = "{kind}", {start}, {SHOCKS[kind]} }}, {JUMP}]',)


ARMS = {
    "traders.0.leverage:lognormal": (),
    "traders.0.leverage:uniform": (
        'traders.0.leverage={ distribution = "uniform", minimum = 3.0, maximum = 14.0 }',
    ),
    "traders.0.leverage:fixed": ('traders.0.leverage={ distribution = "fixed", value = 6.0 }',),
    "traders.0.size:pareto": (),
    "traders.0.size:lognormal": (
        'traders.0.size={ distribution = "lognormal", median = 9000.0, deviation = 0.8, maximum = 60000.0 }',
    ),
    "traders.0.size:fixed": ('traders.0.size={ distribution = "fixed", value = 9000.0 }',),
    "entrants.0.capital:lognormal": CROWD,
    "entrants.0.capital:pareto": (
        *CROWD,
        'entrants.0.capital={ distribution = "pareto", minimum = 2000.0, maximum = 20000.0 }',
    ),
    "entrants.0.capital:fixed": (*CROWD, 'entrants.0.capital={ distribution = "fixed", value = 3000.0 }'),
    "markets.0.price:gbm": (),
    "markets.0.price:merton": (
        'markets.0.price={ kind = "merton", volatility = 2.0, jump_intensity = 90000.0 }',
    ),
    "markets.0.price:kou": ('markets.0.price={ kind = "kou", volatility = 2.0, jump_intensity = 90000.0 }',),
    "markets.0.price:garch_t": ('markets.0.price={ kind = "garch_t", volatility = 2.0 }',),
    "markets.0.price:bridge": (
        'markets.0.price={ kind = "bridge", waypoints = [[0.0, 2000.0], [5.0, 1900.0]] }',
    ),
    "markets.0.price:replay": (f'markets.0.price={{ kind = "replay", file = "{FILE}" }}',),
    "markets.0.price:bootstrap": (f'markets.0.price={{ kind = "bootstrap", file = "{FILE}" }}',),
    "markets.0.impact:linear": (),
    "markets.0.impact:none": ('markets.0.impact={ law = "none", depth_per_percent = 100000.0 }',),
    "markets.0.impact:square_root": (
        'markets.0.impact={ law = "square_root", depth_per_percent = 100000.0 }',
    ),
    **{f"shocks.0:{kind}": shocked(kind) for kind in SHOCKS},
    **{
        f"collaterals.0.price:{kind}": (*PLEDGED, f'collaterals.0.price={{ kind = "{kind}", {rest} }}')
        for kind, rest in OF_AN_ASSET.items()
    },
}
"""Table that is one of several -> what chooses it."""

WORDS = {"schema_version", "name", "title", "question", "description"}
"""Top of the file and of shocks: for readers alone."""

NOWHERE = {
    "shocks_outlive_run": "refuses a scenario, and changes nothing of one it takes",
    "expect.equals": "judges a run that is over",
    "meant": "lets a world through that would be refused",
    "markets.0.price:replay.max_gap_seconds": "refuses a file, and changes nothing of one it takes",
    "markets.0.price:bootstrap.max_gap_seconds": "refuses a file, and changes nothing of one it takes",
    **{
        f"collaterals.0.price:{field}": "an asset's price repeats no file: refused"
        for field in (
            "replay.file",
            "replay.inside_bars",
            "replay.max_gap_seconds",
            "bootstrap.file",
            "bootstrap.mean_block_seconds",
            "bootstrap.max_gap_seconds",
        )
    },
    "collaterals.0.deposit_cap": "refuses what accounts would bring, before block 0",
    "correlation.estimate.max_gap_seconds": "refuses a file, and changes nothing of one it takes",
}
"""Field -> why it can never move a result."""

Binds = tuple[object, tuple[str, ...]]
"""What the field becomes (None: whatever else it may be), and what else holds, before and after."""

BINDS: dict[str, Binds] = {
    "settlement_blocks": (
        1,
        (*SLIDE, "liquidators.count=0", "closer.enabled=false", 'meant=["no_liquidators"]'),
    ),
    "start_time": (datetime(2024, 1, 2, tzinfo=UTC), ()),
    "chain.block_gas_limit": (2_000_000, ()),
    "chain.mempool_size": (16, ()),
    "chain.expiry_blocks": (2, ()),
    "markets.0.name": ("BTC", ()),
    "markets.0.risk_model_parameters": ({"z": 5.0}, ()),
    "markets.0.price:bridge.waypoints": ([[0.0, 2000.0], [5.0, 1800.0]], ()),
    "markets.0.price:replay.file": (str(OTHER_FILE), ()),
    "markets.0.price:replay.inside_bars": ("straight", (f'markets.0.price.file="{BARS_FILE}"',)),
    "markets.0.price:bootstrap.file": (str(OTHER_FILE), ()),
    "markets.0.price:bootstrap.mean_block_seconds": (24, ()),
    "markets.0.price:garch_t.alpha": (0.05, ()),
    "markets.0.impact:linear.refill_half_life_seconds": (30, shocked("depth")),
    "markets.0.impact:square_root.refill_half_life_seconds": (30, shocked("depth")),
    "markets.0.pool.open_interest_cap_notional": (90_000.0, ADDING),
    "markets.0.impact:none.depth_floor": (0.2, ("markets.0.pool.max_premium=0.015",)),
    "markets.0.pool.max_premium": (0.01, ()),
    "keepers.pool_share": (0.6, PLEDGED),
    "collaterals.0.name": ("USDY", (ASSET, "keepers.deviation_threshold=0.0")),
    "collaterals.0.decimals": (6, PLEDGED),
    **{
        f"collaterals.0.{field}": (None, PLEDGED)
        for field in (
            "initial_price",
            "initial_volatility",
            "pool_depth",
            "pool_fee_rate",
            "haircut_min",
            "z",
            "horizon_seconds",
            "size_coefficient",
            "depth",
            "confidence_coefficient",
            "sale_fee_rate",
        )
    },
    "collaterals.0.sale_band": (0.04, PLEDGED),
    "collaterals.0.sale_window_seconds": (0, PLEDGED),
    "collaterals.0.min_sale": (1e6, PLEDGED),
    "collaterals.0.price:bridge.waypoints": ([[0.0, 1.0], [5.0, 0.8]], ()),
    "collaterals.0.price:garch_t.alpha": (0.05, ()),
    "traders.0.collateral.asset": ("USDY", (*PLEDGED, TWO_ASSETS)),
    "traders.0.collateral.share": (None, PLEDGED),
    "whales.0.collateral.asset": ("USDY", (*PLEDGED_WHALE, TWO_ASSETS)),
    "whales.0.collateral.share": (None, PLEDGED_WHALE),
    "seller.enabled": (None, PLEDGED),
    "seller.latency_blocks": (None, PLEDGED),
    "seller.fees.policy": (None, CHEAP_SELLER),
    "seller.fees.max_fee_gwei": (DEAR, PLEDGED),
    "seller.fees.priority_fee_gwei": (None, PLEDGED),
    "seller.fees.base_fee_multiple": (None, CHEAP_SELLER),
    "spot_arbitrageurs.capital": (100.0, PLEDGED),
    "spot_arbitrageurs.latency_blocks": (None, PLEDGED),
    "spot_arbitrageurs.margin": (100.0, PLEDGED),
    "spot_arbitrageurs.fees.policy": (None, (*PLEDGED, "spot_arbitrageurs.latency_blocks=2")),
    "spot_arbitrageurs.fees.max_fee_gwei": (DEAR, PLEDGED),
    "spot_arbitrageurs.fees.priority_fee_gwei": (None, PLEDGED),
    "spot_arbitrageurs.fees.base_fee_multiple": (None, (*PLEDGED, "spot_arbitrageurs.latency_blocks=2")),
    "markets.0.estimator.fast_weight": (2.0, CHOSEN),
    "markets.0.estimator.slow_weight": (2.0, CHOSEN),
    "markets.0.estimator.range_weight": (2.0, CHOSEN),
    "markets.0.estimator.true_range_weight": (2.0, CHOSEN),
    "markets.0.estimator.implied_weight": (5.0, (*CHOSEN, "volatility_keepers.implied_blocks=5")),
    "markets.0.estimator.bucket_seconds": (60, RANGED),
    "markets.0.estimator.tau_range_seconds": (3_600, RANGED),
    "markets.0.estimator.max_range": (0.01, RANGED),
    "markets.0.estimator.implied_age_seconds": (24, IMPLIED),
    "markets.0.estimator.tau_long_seconds": (1_200, FLOORED),
    "markets.0.estimator.floor_weight": (1.0, CHOSEN),
    "markets.0.estimator.buffer": (0.5, RANGED),
    "markets.0.estimator.rise_per_hour": (0.5, RANGED),
    "markets.0.estimator.fall_per_hour": (0.1, CHOSEN),
    "markets.0.estimator.expiry_seconds": (60, (*RANGED, "volatility_keepers.update_blocks=10")),
    "markets.0.performance.window_seconds": (3_600, (*HOURS, "markets.0.performance.decay_seconds=60")),
    "markets.0.performance.yellow_count": (1_000, YELLOW),
    "markets.0.performance.red_count": (1_000, RED),
    "markets.0.performance.yellow_multiplier": (1.2, YELLOW),
    "markets.0.performance.red_multiplier": (3.0, RED),
    "markets.0.performance.decay_seconds": (60, (*HOURS, "markets.0.performance.window_seconds=3600")),
    "volatility_keepers.update_blocks": (None, RANGED),
    "volatility_keepers.implied_blocks": (3, IMPLIED),
    "volatility_keepers.implied_memory_seconds": (60, IMPLIED),
    "volatility_keepers.implied_premium": (None, IMPLIED),
    "volatility_keepers.implied_noise": (None, IMPLIED),
    "volatility_keepers.silent_with_share": (0.6, (*RANGED, *shocked("keeper_outage"))),
    "volatility_keepers.fees.policy": (None, RANGED),
    "volatility_keepers.fees.max_fee_gwei": (DEAR, RANGED),
    "volatility_keepers.fees.priority_fee_gwei": (None, RANGED),
    "volatility_keepers.fees.base_fee_multiple": (1.0, RANGED),
    "correlation.copula": ("gaussian", MATRIX),
    "correlation.degrees_of_freedom": (7, MATRIX),
    "correlation.matrix": ([[1.0, 0.3], [0.3, 1.0]], MATRIX),
    "correlation.same_moments": (None, BOOTSTRAPS),
    "correlation.pairs.0.between": (["ETH", "SOL"], (*THREE_MARKETS, PAIRS)),
    "correlation.pairs.0.correlation": (0.3, (*TWO_MARKETS, PAIRS)),
    "correlation.estimate.files": ({"ETH": str(FILE), "BTC": str(FILE)}, ESTIMATE),
    "correlation.estimate.step_seconds": (24, ESTIMATE),
    "correlation.stress.matrix": ([[1.0, 0.3], [0.3, 1.0]], (*TWO_MARKETS, STRESS_MATRIX)),
    "correlation.stress.pairs.0.between": (["ETH", "SOL"], (*THREE_MARKETS, STRESS)),
    "correlation.stress.pairs.0.correlation": (0.3, (*TWO_MARKETS, STRESS)),
    "correlation.stress.calm_volatility": (0.4, (*TWO_MARKETS, STRESS)),
    "correlation.stress.stress_volatility": (None, (*TWO_MARKETS, STRESS)),
    "correlation.stress.half_life_seconds": (60, (*TWO_MARKETS, STRESS)),
    "correlation.jumps.intensity": (None, JUMPS),
    "correlation.jumps.mean": (0.01, JUMPS),
    "correlation.jumps.deviation": (0.02, JUMPS),
    "correlation.jumps.loadings": ({"ETH": 2.0}, JUMPS),
    "protocol.risk_model": ("static", ()),
    "entrants.0.name": (None, CROWD),
    "entrants.0.count": (None, CROWD),
    "entrants.0.market": (1, (*TWO_MARKETS, *CROWD)),
    "entrants.0.long_share": (0.2, CROWD),
    "entrants.0.entries_per_day": (None, CROWD),
    "entrants.0.least_use": (0.4, CROWD),
    "entrants.0.most_use": (0.5, CROWD),
    "entrants.0.max_leverage": (3.0, CROWD),
    "entrants.0.relevers_per_day": (1.0, GAINING_CROWD),
    "entrants.0.least_increase": (0.95, GAINING_CROWD),
    "entrants.0.exits_per_day": (None, CROWD),
    "entrants.0.least_capital": (4_000.0, CROWD),
    "entrants.0.backoff": (0.3, (*CROWD, "entrants.0.least_use=0.95", "entrants.0.most_use=0.99")),
    "entrants.0.slippage": (0.0001, CROWD),
    "entrants.0.fees.policy": (None, (*CROWD, "entrants.0.fees.max_fee_gwei=40.0")),
    "entrants.0.fees.max_fee_gwei": (20.0, CROWD),
    "entrants.0.fees.priority_fee_gwei": (None, CROWD),
    "entrants.0.fees.base_fee_multiple": (1.0, CROWD),
    "entrants.0.latency_blocks": (None, CROWD),
    "entrants.0.patience_blocks": (
        1,
        (*CROWD, "entrants.0.fees.base_fee_multiple=1.0", "entrants.0.latency_blocks=2"),
    ),
    "dishonest_reporters.0.name": (None, LIAR),
    "dishonest_reporters.0.market": (1, (*TWO_MARKETS, *LIAR)),
    "dishonest_reporters.0.count": (None, LIAR),
    "dishonest_reporters.0.lie": (None, LIAR),
    "dishonest_reporters.0.factor": (None, LIAR),
    "dishonest_reporters.0.start_block": (5, LIAR),
    "dishonest_reporters.0.every_blocks": (None, LIAR),
    "dishonest_reporters.0.confidence_ratio": (0.05, LIAR),
    "dishonest_reporters.0.fees.policy": (None, LIAR),
    "dishonest_reporters.0.fees.max_fee_gwei": (DEAR, LIAR),
    "dishonest_reporters.0.fees.priority_fee_gwei": (None, LIAR),
    "dishonest_reporters.0.fees.base_fee_multiple": (1.0, LIAR),
    "enactment.risk_model_before": ("static", ("enactment.in_block_0=true",)),
    "enactment.values_before": (["protocol.risk_model_parameters.z=5.0"], ("enactment.in_block_0=true",)),
    "protocol.risk_model_parameters": ({"z": 5.0}, ()),
    "protocol.margin.fund_fee_share": (0.3, ()),
    "protocol.margin.upnl_weight": (0.5, EARLY_GAIN),
    "protocol.margin.upnl_cap": (10.0, EARLY_GAIN),
    "protocol.margin.depth_variance": (0.01, SHALLOW),
    "protocol.margin.depth_reserves": (1e12, SHALLOW),
    "protocol.margin.depth_share_min": (0.5, (*SHALLOW, "protocol.margin.depth_reserves=1e12")),
    "protocol.margin.funding_margin_coefficient": (20.0, ("protocol.margin.funding_coefficient=50.0",)),
    "protocol.margin.max_funding_rate_per_hour": (0.0001, ()),
    "protocol.margin.min_position_notional": (3_900.0, ()),
    "protocol.liquidation.fee_base": (
        0.01,
        (*SLIDE, "chain.native_price=100.0", "protocol.liquidation.volatility_reference=20.0"),
    ),
    "protocol.liquidation.fee_volatility_coefficient": (2.0, LOW_FEE),
    "protocol.liquidation.fee_shortfall_coefficient": (4.0, LOW_FEE),
    "protocol.liquidation.fee_max": (0.006, SLIDE),
    "protocol.liquidation.volatility_reference": (2.0, SLIDE),
    "protocol.liquidation.bounty_share_base": (0.35, FLAT_BOUNTY),
    "protocol.liquidation.bounty_volatility_coefficient": (0.0, SLIDE),
    "protocol.liquidation.bounty_adequacy_coefficient": (0.5, SLIDE),
    "protocol.liquidation.bounty_share_min": (
        0.5,
        (*FLAT_BOUNTY, "protocol.liquidation.bounty_share_base=0.2"),
    ),
    "protocol.liquidation.backstop_ratio": (
        0.3,
        (*SLIDE, "protocol.liquidation.throttle_share_per_hour=0.002"),
    ),
    "protocol.liquidation.min_close_share": (1.0, SLIDE),
    "protocol.liquidation.max_close_impact": (0.00001, SLIDE),
    "protocol.liquidation.backstop_close_impact": (
        0.00001,
        ("protocol.liquidation.max_close_impact=0.00001",),
    ),
    "protocol.liquidation.average_price_band": (0.001, (*SLIDE, "protocol.liquidation.backstop_ratio=0.0")),
    "protocol.liquidation.min_bounty": (100.0, SLIDE),
    "protocol.liquidation.adl_window_seconds": (0, ("traders.0.long_share=0.95",)),
    "protocol.oracle.heartbeat_seconds": (30, ()),
    "protocol.oracle.heartbeat_grace_seconds": (0, ("protocol.oracle.heartbeat_seconds=30",)),
    "protocol.oracle.max_source_confidence_ratio": (0.0012, ()),
    "protocol.oracle.max_divergence": (1.0, ("protocol.oracle.max_return=0.05",)),
    "protocol.oracle.min_price": (1_900.0, ()),
    "protocol.oracle.max_price": (2_100.0, ('shocks=[{ kind = "price_jump", at_block = 7, size = 0.3 }]',)),
    "protocol.oracle.max_return": (0.05, ()),
    "protocol.oracle.valid_sources": (4, ("protocol.oracle.heartbeat_seconds=60",)),
    "protocol.oracle.withdraw_status": (3, UNCERTAIN),
    "protocol.oracle.liquidate_status": (0, ()),
    "protocol.oracle.settle_status": (0, (*MILD, "keepers.confidence_ratio=0.05")),
    "protocol.insurance_fund.target_reserves": (200.0, FLAT_BOUNTY),
    "protocol.insurance_fund.cooldown_seconds": (3_600, ("blocks=400",)),
    "protocol.insurance_fund.exit_window_seconds": (3_600, LATE_BACKERS),
    "protocol.pool.queue_seconds": (60, ()),
    "protocol.pool.exit_window_seconds": (600, NO_PRICE),
    "flow.least_order": (5_000.0, ()),
    "shocks.0:price_jump.size": (-0.05, ()),
    "shocks.0:price_drift.size": (-0.05, ()),
    "shocks.0:liquidator_outage.size": (1.0, ()),
    **{f"shocks.0:{kind}.market": (1, (*TWO_MARKETS, *shocked(kind))) for kind in IN_A_MARKET},
    **{f"shocks.0:{kind}.at_block": (9, ()) for kind in SHOCKS},
    **{f"shocks.0:{kind}.at_minute": (1.8, shocked(kind, "at_minute = 1.2")) for kind in SHOCKS},
    "protocol.portfolio.far_multiple": (10.0, HEDGED),
    "protocol.portfolio.far_weight": (1.0, HEDGED),
    "protocol.portfolio.single_share": (1.0, HEDGED),
    "protocol.portfolio.floor_share": (0.9, HEDGED),
    "protocol.portfolio.correlation_break": (0.0, HEDGED),
    "protocol.portfolio.confidence_coefficient": (50.0, HEDGED),
    "protocol.portfolio.close_out_ratio": (0.01, HEDGED),
    "protocol.portfolio.estimated": (None, SAMPLED),
    "protocol.portfolio.sample_seconds": (120, SAMPLED),
    "protocol.portfolio.tau_seconds": (864_000, SAMPLED),
    "protocol.portfolio.max_return": (0.001, SAMPLED),
    "protocol.portfolio.least_sample_count": (4, SAMPLED),
    "protocol.portfolio.fall_per_hour": (1.0, SAMPLED),
    "protocol.portfolio.expiry_seconds": (120, SAMPLED),
    "correlation_keepers.silent_with_share": (0.6, (*SAMPLED, *shocked("keeper_outage"))),
    "correlation_keepers.fees.policy": (None, SAMPLED),
    "correlation_keepers.fees.max_fee_gwei": (DEAR, SAMPLED),
    "correlation_keepers.fees.priority_fee_gwei": (None, SAMPLED),
    "correlation_keepers.fees.base_fee_multiple": (1.0, SAMPLED),
    "protocol.portfolio.pairs.0.between": (["ETH", "SOL"], (*HEDGED, *THREE_MARKETS)),
    "protocol.portfolio.pairs.0.correlation": (0.3, HEDGED),
    "traders.0.mode": ("cross", HEDGED),
    "whales.0.mode": ("portfolio", HEDGED_WHALE),
    "traders.0.market": (1, TWO_MARKETS),
    "traders.0.several.markets": (["BTC", "ETH"], MEMBERS),
    "traders.0.several.weights": ([0.5, 0.5], MEMBERS),
    "traders.0.several.style": (None, MEMBERS),
    "traders.0.several.share": (None, MEMBERS),
    "whales.0.several.markets": (["BTC", "ETH"], WHALE_OF_TWO),
    "whales.0.several.weights": ([0.5, 0.5], WHALE_OF_TWO),
    "whales.0.several.style": (None, WHALE_OF_TWO),
    "whales.0.notional": (70_000.0, ("whales.0.open_interest_share=0.2",)),
    "traders.0.book": (str(BOOK_FILE), ("traders.0.count=0",)),
    "traders.0.leverage:lognormal.median": (5.0, ()),
    "traders.0.top_up.trigger_ratio": (1.6, ()),
    "traders.0.top_up.target_ratio": (9.0, SLIDE),
    "traders.0.top_up.mean_delay_seconds": (200, MILD),
    "traders.0.top_up.intercept": (-20.0, HUMANS),
    "traders.0.top_up.distance_weight": (0.0, HUMANS),
    "traders.0.top_up.distance_floor": (50.0, MILD),
    "traders.0.top_up.gas_weight": (5.0, (*HUMANS, "traders.0.top_up.reference_fee_gwei=0.001")),
    "traders.0.top_up.reference_fee_gwei": (1e-9, HUMANS),
    "traders.0.top_up.min_amount": (1e6, MILD),
    "traders.0.top_up.reduces_without_wallet": (None, (*MILD, "traders.0.top_up.wallet_ratio=0.0")),
    "traders.0.fees.max_fee_gwei": (DEAR, ()),
    "traders.0.patience_blocks": (0, ()),
    "whales.0.market": (1, TWO_MARKETS),
    "whales.0.declared": (True, (*SHALLOW, "whales.0.accounts=2", "whales.0.leverage=10.0")),
    "whales.0.min_withdrawal": (1e6, ()),
    "whales.0.admission_step": (0.5, ("whales.0.leverage=40.0",)),
    "whales.0.fees.policy": (None, ("whales.0.fees.base_fee_multiple=1.0",)),
    "whales.0.fees.max_fee_gwei": (DEAR, ()),
    "whales.0.fees.base_fee_multiple": (1.0, ()),
    "arbitrageurs.max_leverage": (0.01, ()),
    "arbitrageurs.max_trade_notional": (20_000.0, ()),
    "arbitrageurs.min_trade_notional": (1e6, ()),
    "arbitrageurs.margin_trigger": (50.0, POOR_ARBITRAGEURS),
    "arbitrageurs.min_top_up": (1e9, (*POOR_ARBITRAGEURS, "arbitrageurs.margin_trigger=50.0")),
    "arbitrageurs.patience_blocks": (
        0,
        ("arbitrageurs.capital=20000.0", "arbitrageurs.margin_trigger=20.0", *SLOW_ARBITRAGEURS),
    ),
    "arbitrageurs.fees.policy": (None, SLOW_ARBITRAGEURS),
    "arbitrageurs.fees.max_fee_gwei": (DEAR, ()),
    "arbitrageurs.fees.base_fee_multiple": (None, SLOW_ARBITRAGEURS),
    "liquidators.capital": (100.0, ()),
    "liquidators.max_per_block": (1, ()),
    "liquidators.bid_share_max": (0.3, SLIDE),
    "liquidators.lost_race_factor": (None, SLIDE),
    "liquidators.lost_race_step": (None, SLIDE),
    "liquidators.won_race_factor": (0.1, (*SLIDE, "liquidators.lost_race_step=0.3")),
    "liquidators.losing_gas_share": (None, SLIDE),
    "liquidators.learning_rate": (0.8, SLIDE),
    "liquidators.hope_rate": (1.0, (*SLIDE, "liquidators.learning_rate=0.9")),  # they stand aside at once
    "liquidators.fees.max_fee_gwei": (DEAR, ()),
    "liquidators.fees.priority_fee_gwei": (None, ('liquidators.fees.policy="static"',)),
    "keepers.heartbeat_seconds": (36, ("closer.enabled=false", "markets.0.pool.max_premium=0.015")),
    "keepers.first_confidence_ratio": (0.01, ()),
    "keepers.bid_raise": (0.9, ()),
    "keepers.fees.max_fee_gwei": (DEAR, ()),
    "keepers.fees.base_fee_multiple": (1.0, ("keepers.latency_blocks=2",)),
    "liquidators.bid_raise": (3.0, ()),
    "liquidity_providers.run_rate_per_hour": (10.0, ()),
    # One has to have left while others still decide.
    "liquidity_providers.herding": (50.0, ("liquidity_providers.count=6",)),
    "liquidity_providers.fees.max_fee_gwei": (DEAR, ()),
    "closer.max_per_block": (1, ()),
    "closer.bid_raise": (3.0, LATE_CLOSER),
    "closer.fees.max_fee_gwei": (DEAR, ()),
    "deleverager.max_winners": (1, ()),
    "deleverager.fees.max_fee_gwei": (DEAR, ()),
}

FIELDS = [leaf for leaf in leaves() if leaf.path not in NOWHERE and not is_word(leaf.path)]


def arms_of(path: str) -> tuple[str, ...]:
    """Return what chooses the arms of unions a path goes through."""
    parts = path.split(".")
    heads = [".".join(parts[: depth + 1]) for depth, part in enumerate(parts) if ":" in part]
    return tuple(override for head in heads for override in ARMS[head])


@pytest.mark.parametrize("leaf", FIELDS, ids=lambda leaf: leaf.path)
def test_it_moves_the_result(leaf: Leaf):
    stated, where = BINDS.get(leaf.path, (None, ()))
    context = (*arms_of(leaf.path), *where)
    value = value_at(scenario_with(*context), leaf.key)
    changed = other_value(leaf.field, value) if stated is None else stated
    assert changed != value
    assert digest_with(*context, setting(leaf.key, changed)) != digest_with(*context)


def test_the_table_names_only_fields_there_are():
    known = {leaf.path for leaf in leaves()}
    assert not (set(BINDS) | set(NOWHERE)) - known
    assert not set(BINDS) & set(NOWHERE)
    assert not [arm for arm in ARMS if not any(path.startswith(f"{arm}.") for path in known)]
