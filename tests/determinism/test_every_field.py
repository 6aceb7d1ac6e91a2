"""Every declared field moves the result: changed alone, where it can bind, the digest changes.

What could be left out of the scenario without anybody seeing it has no place there. Most fields bind in
`every_field.toml` itself; a row of BINDS says where another does, or how far it has to move.
"""

from __future__ import annotations

import pytest

from sim.engine.scenario.compose import scenario_class
from tests.support.fields import Leaf, digest_with, leaves, other_value, scenario_with, setting, value_at

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

POOR_ARBITRAGEURS = (*SLIDE, "arbitrageurs.capital=20000.0")

DEAR = 16.0
"""gwei: a little more than the base fee at the start, less than it soon is."""

_PRICE = 'price = { kind = "gbm", volatility = 3.0 }'
_MARKET = '{{ name = "{}", initial_price = {}, ' + _PRICE.replace("{", "{{").replace("}", "}}") + " }}"
TWO_MARKETS = (f"markets=[{_MARKET.format('ETH', 2e3)}, {_MARKET.format('BTC', 3e4)}]",)

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
}
"""Arm of a union -> what chooses it."""

Binds = tuple[object, tuple[str, ...]]
"""What the field becomes (None: whatever else it may be), and what else holds, before and after."""

BINDS: dict[str, Binds] = {
    "traders.0.market": (1, TWO_MARKETS),
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
    "liquidators.hope_rate": (None, SLIDE),
    "liquidators.fees.max_fee_gwei": (DEAR, ()),
    "liquidators.fees.priority_fee_gwei": (None, ('liquidators.fees.policy="static"',)),
    "keepers.heartbeat_seconds": (60, ()),
    "keepers.first_confidence_ratio": (0.01, ()),
    "keepers.bid_raise": (0.9, ()),
    "keepers.fees.max_fee_gwei": (DEAR, ()),
    "keepers.fees.base_fee_multiple": (1.0, ("keepers.latency_blocks=2",)),
    "liquidity_providers.fees.max_fee_gwei": (DEAR, ()),
    "deleverager.max_winners": (1, ()),
    "deleverager.fees.max_fee_gwei": (DEAR, ()),
}

COVERED = frozenset(kind.name for kind in scenario_class().kinds)
"""Tables of a scenario whose fields are changed."""

FIELDS = [leaf for leaf in leaves() if leaf.path.split(".")[0] in COVERED]


def arms_of(path: str) -> tuple[str, ...]:
    """Return what chooses the arms of unions a path goes through."""
    parts = path.split(".")
    heads = [".".join(parts[: depth + 1]) for depth, part in enumerate(parts) if ":" in part]
    return tuple(override for head in heads for override in ARMS[head])


@pytest.mark.parametrize("leaf", FIELDS, ids=lambda leaf: leaf.path)
def test_it_moves_the_result(leaf: Leaf):
    stated, where = BINDS.get(leaf.path, (None, ()))
    context = (*where, *arms_of(leaf.path))
    value = value_at(scenario_with(*context), leaf.key)
    changed = other_value(leaf.field, value) if stated is None else stated
    assert changed != value
    assert digest_with(*context, setting(leaf.key, changed)) != digest_with(*context)


def test_the_table_names_only_fields_there_are():
    known = {leaf.path for leaf in FIELDS}
    assert not set(BINDS) - known
    assert not [arm for arm in ARMS if not any(path.startswith(f"{arm}.") for path in known)]
