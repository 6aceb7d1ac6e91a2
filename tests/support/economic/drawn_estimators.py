"""How the markets of a drawn world choose their variance, and what margin is multiplied by for how it did."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

SHARE_WITH_ESTIMATORS: Final = 0.5
ESTIMATES: Final = ("fast", "slow", "range", "true_range", "implied")


def draw_estimators(draw: random.Random, markets: int) -> list[dict[str, Mapping[str, float]]]:
    """Return each market's words of choice and performance, none of a market that chooses nothing."""
    if draw.random() >= SHARE_WITH_ESTIMATORS:
        return [{} for _ in range(markets)]
    return [_market(draw) if draw.random() < 0.8 else {} for _ in range(markets)]


def is_chosen(market: Mapping[str, Any]) -> bool:
    """Return whether a drawn market chooses its variance."""
    return "estimator" in market


def _market(draw: random.Random) -> dict[str, Mapping[str, float]]:
    chosen = draw.sample(ESTIMATES, draw.choice((1, 2, 2, 5)))
    memory = draw.choice((600, 3_600, 86_400))
    first = draw.choice((1, 1, 3))
    yellow = draw.choice((1.0, 1.13, 2.0))
    return {
        "estimator": {f"{name}_weight": draw.choice((0.5, 1.0, 1.0, 2.0)) for name in chosen}
        | {
            "bucket_seconds": draw.choice((60, 600)),
            "tau_range_seconds": memory,
            "max_range": draw.choice((0.01, 0.1, 1.0)),
            "implied_age_seconds": draw.choice((600, 3_600, 86_400)),
            "tau_long_seconds": memory * draw.choice((1, 30)),
            "floor_weight": draw.choice((0.0, 0.25, 1.0)),
            "buffer": draw.choice((0.0, 0.25, 1.0)),
            "rise_per_hour": draw.choice((0.1, 1.0, 100.0)),
            "fall_per_hour": draw.choice((0.1, 1.0, 100.0)),
            "expiry_seconds": draw.choice((1_200, 7_200, 86_400)),
        },
        "performance": {
            "window_seconds": draw.choice((3_600, 86_400)),
            "yellow_count": first,
            "red_count": first * draw.choice((1, 2)),
            "yellow_multiplier": yellow,
            "red_multiplier": yellow * draw.choice((1.0, 1.2, 3.0)),
            "decay_seconds": draw.choice((60, 3_600, 604_800)),
        },
    }
