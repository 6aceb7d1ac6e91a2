"""Which liquidations caused which: cascade attribution.

The outside price is kept as a fundamental part and an impact part. A liquidation is *endogenous*
if the account would have been healthy at the fundamental price (price feedback) or with its margin
ratios frozen at the run's start (margin feedback). Its parents are the earlier forced sales whose
impact it needed, oldest first; the last one needed is its *marginal parent*, so that every
endogenous liquidation hangs on exactly one other and the cascade is a forest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.portable_math import exp, ordered_cumsum

EXOGENOUS = "exogenous"
PRICE = "price"
MARGIN = "margin"
PRICE_AND_MARGIN = "price+margin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The liquidated account as it stood, in quote and base units (floats)."""

    size: float
    """Signed size in the liquidated market."""
    price: float
    """Risk price of that market."""
    equity: float
    """Equity at the risk price."""
    ratio: float
    """Maintenance ratio in force for the position."""
    frozen_ratio: float
    """Maintenance ratio the position would have had with the ratios of the run's start."""
    other_requirement: float = 0.0
    """Maintenance requirement of the account's other markets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Why one liquidation happened and on which earlier one it hangs."""

    cause: str
    parent: int
    """Liquidation id of the marginal parent, -1 without one."""
    parents: tuple[int, ...]
    """Every earlier forced sale whose impact was needed, oldest first."""


def attribute(
    exposure: Exposure,
    impact_log: float,
    sources: NDArray[np.int64],
    contributions: NDArray[np.float64],
) -> Attribution:
    """Attribute one liquidation.

    Parameters
    ----------
    exposure
        The account at the moment of its liquidation.
    impact_log
        Impact part of the log price that the oracle had seen.
    sources, contributions
        Ids of earlier forced sales, oldest first, and the part of ``impact_log`` each still makes.
    """
    requirement = abs(exposure.size) * exposure.price * exposure.ratio + exposure.other_requirement
    fundamental = exposure.price * exp(-impact_log)
    by_price = _is_healthy_at(exposure, fundamental, exposure.ratio)
    frozen_requirement = (
        abs(exposure.size) * exposure.price * exposure.frozen_ratio + exposure.other_requirement
    )
    by_margin = exposure.equity >= frozen_requirement and frozen_requirement < requirement
    if not by_price:
        return Attribution(cause=MARGIN if by_margin else EXOGENOUS, parent=-1, parents=())
    parents = _needed(exposure, fundamental, sources, contributions)
    cause = PRICE_AND_MARGIN if by_margin else PRICE
    return Attribution(cause=cause, parent=parents[-1] if parents else -1, parents=parents)


def _is_healthy_at(exposure: Exposure, price: float, ratio: float) -> bool:
    equity = exposure.equity + exposure.size * (price - exposure.price)
    return equity >= abs(exposure.size) * price * ratio + exposure.other_requirement


def _needed(
    exposure: Exposure,
    fundamental: float,
    sources: NDArray[np.int64],
    contributions: NDArray[np.float64],
) -> tuple[int, ...]:
    """Return the oldest forced sales whose joint impact first makes the account liquidatable."""
    # An impact in the account's favour cannot be a reason for its liquidation.
    against = contributions * exposure.size < 0.0
    prices = fundamental * exp(ordered_cumsum(contributions[against]))
    equity = exposure.equity + exposure.size * (prices - exposure.price)
    required = abs(exposure.size) * prices * exposure.ratio + exposure.other_requirement
    under = ~(equity >= required)
    count = int(np.argmax(under)) + 1 if bool(under.any()) else len(under)
    return tuple(sources[against][:count].tolist())


class CascadeForest:
    """The liquidations of a run as a forest of marginal parents."""

    def __init__(self) -> None:
        self._root: list[int] = []
        self._depth: list[int] = []

    def add(self, attribution: Attribution) -> tuple[int, int, int]:
        """Append the next liquidation; return its (id, root id, depth)."""
        index = len(self._root)
        if attribution.parent < 0:
            self._root.append(index)
            self._depth.append(0)
        else:
            self._root.append(self._root[attribution.parent])
            self._depth.append(self._depth[attribution.parent] + 1)
        return index, self._root[index], self._depth[index]

    def __len__(self) -> int:
        """Return the number of liquidations."""
        return len(self._root)

    @property
    def size_max(self) -> int:
        """Liquidations in the largest tree."""
        counts: dict[int, int] = {}
        for root in self._root:
            counts[root] = counts.get(root, 0) + 1
        return max(counts.values(), default=0)

    @property
    def depth_max(self) -> int:
        """Generations below the first domino in the deepest tree."""
        return max(self._depth, default=0)

    @property
    def branching_ratio(self) -> float:
        """Share of liquidations that hang on another: 1 - roots/total (quant 1, K3)."""
        if not self._root:
            return 0.0
        roots = sum(1 for index, root in enumerate(self._root) if index == root)
        return 1.0 - roots / len(self._root)
