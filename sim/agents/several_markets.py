"""Accounts with positions in several markets: which, how much of each, and which way.

The contracts keep one account with positions in up to eight markets and judge the whole of it. An account's
notional is what it holds in all of them, its leverage that over its collateral. A style says which way the
positions go, weights say how much of the notional is in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, Strict

from sim.core.arrays import FloatArray, IntArray
from sim.core.documents.sections import Problem, Section, choice, number
from sim.core.errors import InputError
from sim.core.portable_math import ordered_sum

MOST_MARKETS = 8
"""Markets that the contracts hold."""

WEIGHTS_TOLERANCE = 1e-9
"""How far weights may be from a sum of 1: three thirds written with ten digits are."""

_Name = Annotated[str, Field(max_length=12)]
_Weight = Annotated[float, Field(gt=0.0, lt=1.0)]


class SeveralMarketsSection(Section):
    """Positions of one account in several markets, which are margined together."""

    markets: Annotated[tuple[_Name, ...], Strict(strict=False)] = Field(
        description="Names of the markets, two at least. Each position is opened in this order.",
        min_length=2,
        max_length=MOST_MARKETS,
        json_schema_extra={"unit": "", "source": "stated by the scenario"},
    )
    weights: Annotated[tuple[_Weight, ...], Strict(strict=False)] = Field(
        (),
        description="Share of the account's notional in each of the markets; equal shares unless stated.",
        max_length=MOST_MARKETS,
        json_schema_extra={"unit": "1", "source": "assumption: equal shares"},
    )
    style: Literal["concentrated", "hedged"] = choice(
        "concentrated",
        "Same side in all markets, or the account's side in the first and the other one in all others.",
        source="assumption: crypto assets fall together, so the same side in all is the dangerous case",
    )

    _ids: tuple[int, ...] = PrivateAttr(())

    def problems(self) -> Iterator[Problem]:
        """Yield markets named twice, and weights that do not fit them."""
        for index, name in enumerate(self.markets):
            if name in self.markets[:index]:
                yield ("markets", index), f"{name!r} is named twice; give it one weight for both"
        if not self.weights:
            return
        if len(self.weights) != len(self.markets):
            yield (
                ("weights",),
                f"must have one for each of the {len(self.markets)} markets, was {len(self.weights)}",
            )
        total = ordered_sum(np.array(self.weights))
        if abs(total - 1.0) > WEIGHTS_TOLERANCE:
            yield ("weights",), f"must sum to 1, was {total:.10g}"

    def unknown(self, markets: Sequence[str]) -> Iterator[Problem]:
        """Yield the markets that a scenario does not have."""
        for index, name in enumerate(self.markets):
            if name not in markets:
                yield ("markets", index), f"there is no market {name!r}, there are {', '.join(markets)}"

    def placed(self, markets: Sequence[str]) -> Self:
        """Return the same section with the ids of its markets, of those of a scenario in id order."""
        copy = self.model_copy()
        copy._ids = tuple(list(markets).index(name) for name in self.markets)  # noqa: SLF001  (own class)
        return copy

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the markets.

        Raises
        ------
        InputError
            They are not known: the section has not been placed in a scenario.
        """
        if not self._ids:
            raise InputError(f"markets {', '.join(self.markets)}: of which scenario is not known")
        return self._ids

    @property
    def signed_weights(self) -> tuple[float, ...]:
        """Share of the notional in each market, negative where an account of the long side is short."""
        count = len(self.markets)
        weights = self.weights or (1.0 / count,) * count
        against = -1.0 if self.style == "hedged" else 1.0
        return (weights[0], *(against * weight for weight in weights[1:]))

    def describe(self) -> str:
        """Return a phrase for reports: ``60% ETH and 40% BTC, against each other``."""
        parts = [
            f"{abs(weight):.0%} {name}"
            for name, weight in zip(self.markets, self.signed_weights, strict=True)
        ]
        listed = " and ".join((", ".join(parts[:-1]), parts[-1]))
        if self.style == "concentrated":
            return f"{listed}, on the same side"
        return f"{listed}, the first against the other{'s' if len(parts) > 2 else ''}"


class SeveralOfManySection(SeveralMarketsSection):
    """Positions of members of a cohort in several markets; the other members hold one of them each."""

    share: float = number(
        1.0, 0.0, 1.0, "1",
        "Share of members that hold all of the markets. Each other holds one, drawn with the weights as "
        "odds, on the side that it would have there: open interest is the same in the mean.",
        source="assumption: whoever asks for shared accounts means all of them",
    )  # fmt: skip


def signed_shares(
    weights: Sequence[float], side: FloatArray, holds_all: FloatArray, one: FloatArray, share: float
) -> FloatArray:
    """Return each account's signed share of its notional by market, float64 [market, account].

    Parameters
    ----------
    weights
        Share of each market, negative where an account of the long side is short.
    side
        +1.0 or -1.0 by account.
    holds_all, one
        Uniform numbers by account: who holds all markets, and which one each other holds.
    share
        Share of accounts that hold all.
    """
    columns = np.array(weights)[:, None]
    edges = np.cumsum(np.abs(np.array(weights)))[:-1]
    picked: IntArray = np.searchsorted(edges, one, side="right")
    alone = np.where(np.arange(len(weights))[:, None] == picked, np.sign(columns), 0.0)
    shares: FloatArray = np.where(holds_all < share, columns, alone) * side
    return shares
