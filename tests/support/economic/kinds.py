"""How often each kind of action and each known attack is drawn."""

from __future__ import annotations

from typing import Final

CONSTANT_KINDS: Final = {
    "deposit": 4,
    "withdraw": 3,
    "increase": 8,
    "decrease": 6,
    "mirror": 3,
    "mode": 1,
    "liquidate": 3,
    "resolve": 1,
    "socialize": 1,
    "cover": 1,
    "release": 1,
    "enter": 4,
    "mint": 1,
    "leave": 3,
    "ask": 2,
    "cancel": 1,
    "come_in": 2,
    "come_back": 1,
    "donate": 1,
    "poke": 2,
    "sample": 2,
    "report": 2,
    "wait": 4,
}
MOVING_KINDS: Final = CONSTANT_KINDS | {
    "price": 10,
    "liquidate": 5,
    "sweep": 5,
    "resolve": 4,
    "deleverage": 4,
    "socialize": 4,
    "cover": 2,
    "release": 3,
}
HOSTILE_KINDS: Final = (
    "forbidden",
    "withdraw",
    "increase",
    "decrease",
    "liquidate",
    "socialize",
    "deleverage",
    "take",
    "take_of",
    "enter",
    "deposit",
    "report",
    "sample",
)
ATTACKS: Final = {
    "steps": 3,
    "pair": 4,
    "visit": 3,
    "thin": 4,
    "tips": 2,
    "inflate": 1,
    "dodge": 2,
    "wash": 1,
    "funding": 2,
}
MOVING_ATTACKS: Final = {
    "bankruptcy": 8,
    "shield": 4,
    "two_markets": 3,
    "hedge": 2,
    "front_run": 2,
    "doubt": 2,
    "starve": 3,
    "part": 3,
}
ASSET_KINDS: Final = {
    "deposit_asset": 4,
    "withdraw_asset": 3,
    "swap": 2,
    "arbitrage": 2,
    "sell_collateral": 3,
    "refresh_secured": 1,
    "repay_lien": 1,
    "report_asset": 1,
}
"""Drawn too in worlds with other collateral."""
MOVING_ASSET_KINDS: Final = {"price_asset": 3}
HOSTILE_ASSET_KINDS: Final = ("withdraw_asset", "sell_collateral", "asset")
ASSET_ATTACKS: Final = {"push": 4, "behind_lien": 4, "across_cap": 2}
CLUSTER_ATTACKS: Final = {"split": 3}
"""Drawn too in worlds with declared clusters."""
ESTIMATOR_KINDS: Final = {"estimate": 4, "imply": 2}
"""Drawn too in worlds whose markets choose their variance."""
HOSTILE_ESTIMATOR_KINDS: Final = ("imply",)
ESTIMATOR_ATTACKS: Final = {"swing": 3}
MOVING_ESTIMATOR_ATTACKS: Final = {"blame": 3}
