"""Other collateral and declared clusters of a drawn world, so that each bound of theirs binds in some."""

from __future__ import annotations

import random
from typing import Any, Final

from sim.protocol.parameters.collateral import ASSET

SHARE_WITH_ASSETS: Final = 0.5
SHARE_WITH_CLUSTERS: Final = 0.3
DIGITS: Final = 6
"""Of a drawn rate: sums of two are the sums that the contract makes."""
LEAST_BAND: Final = 2
"""Fees of a pool that the band of a forced sale spans at least: the contract asks for it."""


def draw_assets(draw: random.Random) -> list[dict[str, Any]]:
    """Return the assets of a world: none, one or two."""
    if draw.random() >= SHARE_WITH_ASSETS:
        return []
    return [_asset(draw, number) for number in range(draw.choice((1, 1, 2)))]


def draw_clusters(draw: random.Random, members: int) -> list[list[int]]:
    """Return which members are declared to be of one hand: nobody, some, or two groups."""
    if draw.random() >= SHARE_WITH_CLUSTERS:
        return []
    order = draw.sample(range(members), members)
    first = draw.randint(2, members)
    groups = [order[:first], order[first:]] if draw.random() < 0.5 else [order[:first]]
    return [sorted(group) for group in groups if len(group) > 1]


def _log(draw: random.Random, low: float, high: float) -> float:
    return float(f"{low * (high / low) ** draw.random():.4g}")


def _asset(draw: random.Random, number: int) -> dict[str, Any]:
    price = _log(draw, 0.5, 60_000.0)
    pool_fee = draw.choice((0.0005, 0.003, 0.003, 0.03))
    band = max(round(LEAST_BAND * pool_fee, DIGITS), draw.choice((0.0, 0.03, 0.2)))
    sale_fee = draw.choice((0.0, 0.005, 0.05))
    haircut = max(round(band + sale_fee, DIGITS), draw.choice((0.0, 0.05, 0.1, 0.5)))
    depth = _log(draw, 3e4, 3e6)
    holding = float(f"{depth * draw.choice((0.1, 1.0, 4.0)):.4g}")  # who sells it all moves the pool far
    terms = {
        # Below, about or far above what members have together.
        "deposit_cap": float(f"{holding * draw.choice((0.3, 2.0, 1e3)) / price:.4g}"),
        "haircut_min": haircut,
        "z": draw.choice((0.0, 0.0, 2.0, 4.0)),
        "horizon_seconds": draw.choice((600, 3_600, 86_400)),
        "size_coefficient": draw.choice((0.0, 0.0, 1.0, 10.0)),
        "depth": _log(draw, 1e4, 1e8),
        "confidence_coefficient": draw.choice((0.0, 1.0, 10.0)),
        "sale_band": band,
        "sale_fee_rate": sale_fee,
        "sale_window_seconds": draw.choice((0, 60, 3_600, 86_400)),
        "min_sale": draw.choice((0.0, 10.0, 1_000.0, 100_000.0)),
    }
    assert terms.keys() == {row.name for row in ASSET}
    return {
        "name": f"C{number}",
        "decimals": draw.choice((6, 8, 18)),
        "initial_price": price,
        "initial_variance_fast": draw.choice((0.04, 0.36, 1.0)),
        "initial_variance_slow": draw.choice((0.04, 0.36, 1.0)),
        "pool_fee_rate": pool_fee,
        "pool_depth": depth,
        "terms": terms,
        "holding": holding,
    }
