"""Splits a change that is larger than the governor's rate limits into steps that are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sim.core.errors import InputError
from sim.core.units import MAX_UINT256, WAD
from sim.protocol.governance_rules import WordRule

Words = Sequence[int]
Coupling = Callable[[dict[str, int]], bool]
"""Whether a contract takes these words together, by field name."""

MAX_STEPS: Final = 1_000
_FRACTIONS: Final = 1 << 20
"""Resolution of a step along the straight line; assumption: a millionth of the way is as good as exact."""

COUPLINGS: Final[dict[str, tuple[Coupling, ...]]] = {
    "margin_engine": (lambda w: w["pool_fee_share"] + w["fund_fee_share"] <= WAD,),
    "liquidation_engine": (
        lambda w: w["fee_base"] <= w["fee_max"],
        lambda w: w["bounty_share_min"] <= w["bounty_share_max"],
    ),
    "static": (lambda w: w["maintenance_ratio"] < w["initial_ratio"],),
    "volatility": (
        lambda w: w["maintenance_min"] < w["initial_min"],
        lambda w: w["maintenance_horizon_seconds"] <= w["initial_horizon_seconds"],
    ),
    "adaptive": (
        lambda w: w["maintenance_floor"] < w["initial_floor"],
        lambda w: w["maintenance_horizon_seconds"] <= w["initial_horizon_seconds"],
        lambda w: w["open_interest_lower"] < w["open_interest_upper"],
    ),
}
"""Contract or kind of model -> conditions that its own checks put on several words at once."""


def steps(
    old: Words, target: Words, rules: Sequence[WordRule], names: Sequence[str], couplings: Sequence[Coupling]
) -> list[list[int]]:
    """Return the words after each step; the last ones are the target.

    Every word goes as far as its rule lets it, which needs the fewest steps there can be. If a point on that
    way is one the contract refuses, all words go along the straight line instead: conditions are linear, so
    between two points the contract takes there is none that it refuses.

    Parameters
    ----------
    old, target, rules, names
        [word] current and wanted value, rule and field name; every target that differs must be within bounds.
    couplings
        Conditions on several words at once that old and target satisfy.

    Raises
    ------
    InputError
        The steps are too many, or there is no legal one.
    """

    def accepted(words: Words) -> bool:
        by_name = dict(zip(names, words, strict=True))
        return all(coupling(by_name) for coupling in couplings)

    fastest = _walk(old, target, lambda words: _fastest(words, target, rules))
    if all(accepted(words) for words in fastest[:-1]):
        return fastest
    return _walk(old, target, lambda words: _straight(words, target, rules))


def _walk(old: Words, target: Words, step: Callable[[Words], list[int]]) -> list[list[int]]:
    path: list[list[int]] = []
    words: Words = old
    while list(words) != list(target):
        after = step(words)
        if after == list(words) or len(path) == MAX_STEPS:
            raise InputError(
                f"the governor's rules lead from {list(old)} to {list(target)} in no {MAX_STEPS} steps"
            )
        path.append(after)
        words = after
    return path


def _fastest(words: Words, target: Words, rules: Sequence[WordRule]) -> list[int]:
    return [
        word if word == wanted else rule.next(word, wanted)
        for word, wanted, rule in zip(words, target, rules, strict=True)
    ]


def _straight(words: Words, target: Words, rules: Sequence[WordRule]) -> list[int]:
    """Return the farthest legal point on the line from the words to the target."""

    def point(fraction: int) -> list[int]:
        return [
            wanted
            if fraction == _FRACTIONS or MAX_UINT256 in (word, wanted)
            else _rounded(word, wanted, fraction, rule.grain)
            for word, wanted, rule in zip(words, target, rules, strict=True)
        ]

    def legal(fraction: int) -> bool:
        return all(
            after == word or rule.refusal(word, after) is None
            for word, after, rule in zip(words, point(fraction), rules, strict=True)
        )

    low, high = 0, _FRACTIONS
    if legal(high):
        return point(high)
    while high - low > 1:  # legal(low), not legal(high): a longer way is never legal where a shorter is not
        middle = (low + high) // 2
        low, high = (middle, high) if legal(middle) else (low, middle)
    return point(low)


def _rounded(word: int, wanted: int, fraction: int, grain: int) -> int:
    """Return a point between two words, rounded toward the first."""
    way = abs(wanted - word) * fraction // _FRACTIONS // grain * grain
    return word + way if wanted > word else word - way
