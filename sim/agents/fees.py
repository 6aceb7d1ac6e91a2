"""How a participant bids for block space, and what its gas costs."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from sim.core.arrays import IntArray
from sim.core.documents.sections import Problem, Section, choice, number
from sim.core.units import GWEI, WAD


class FeePolicy(Section):
    """How a participant without profit motive bids for block space.

    ``static`` bids the same maximum for ever: when the base fee rises above it, the participant
    is priced out (Maker's keepers on 12 March 2020). ``adaptive`` follows the base fee.
    """

    policy: Literal["static", "adaptive"] = choice(
        "adaptive",
        "static: always max_fee_gwei; adaptive: a multiple of the base fee, up to max_fee_gwei.",
        source="common wallet default",
    )
    max_fee_gwei: float = number(
        500.0, 1e-9, 1e6, "gwei", "Most it ever pays.", source="assumption: above March 2020's 200"
    )
    priority_fee_gwei: float = number(
        2.0, 0.0, 1e6, "gwei", "Tip.", source="assumption: a common wallet default"
    )
    base_fee_multiple: float = number(
        2.0,
        1.0,
        100.0,
        "1",
        "Multiple of the base fee bid, if adaptive; 2 covers six full blocks in a row.",
        source="common wallet default (go-ethereum, ethers.js)",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a tip above the fee it is part of."""
        if self.priority_fee_gwei > self.max_fee_gwei:
            yield (
                ("priority_fee_gwei",),
                f"must be at most max_fee_gwei {self.max_fee_gwei:g}, was {self.priority_fee_gwei:g}",
            )

    def bid(self, base_fee_wei: int) -> tuple[int, int]:
        """Return ``(max_fee_wei, priority_fee_wei)`` at the present base fee."""
        cap = int(self.max_fee_gwei * GWEI)
        tip = min(int(self.priority_fee_gwei * GWEI), cap)
        if self.policy == "static":
            return cap, tip
        return min(cap, scale_wei(base_fee_wei, self.base_fee_multiple) + tip), tip

    def can_pay(self, base_fee_wei: int) -> bool:
        """Return whether a bid made now would cover the present base fee."""
        return self.bid(base_fee_wei)[0] >= base_fee_wei

    def describe(self) -> str:
        """Return a phrase for reports."""
        if self.policy == "static":
            return f"never more than {self.max_fee_gwei:g} gwei, whatever the base fee"
        return f"{self.base_fee_multiple:g} times the base fee, at most {self.max_fee_gwei:g} gwei"


def never_raised(fees: FeePolicy, max_fee_gwei: float) -> FeePolicy:
    """Return the bids of those who pay at most ``max_fee_gwei`` for ever, tipping as ``fees`` says."""
    return FeePolicy(
        policy="static",
        max_fee_gwei=max_fee_gwei,
        priority_fee_gwei=min(fees.priority_fee_gwei, max_fee_gwei),
    )


def raise_bid(fee_wei: int, least_raise: float) -> int:
    """Return the lowest bid that surely replaces ``fee_wei``: more than ``1 + least_raise`` times as much."""
    return max(fee_wei + 1, scale_wei(fee_wei, 1.0 + least_raise) + 1)


def raised(fees_wei: IntArray, least_raise: float) -> IntArray:
    """Return `raise_bid` of every fee (below 2**49), in the same exact integers."""
    factor = int((1.0 + least_raise) * 1000 + 0.5)
    thousands, rest = np.divmod(fees_wei, 1000)
    higher: IntArray = np.maximum(fees_wei, thousands * factor + rest * factor // 1000) + 1
    return higher


def scale_wei(fee_wei: int, factor: float) -> int:
    """Return ``fee_wei * factor``, in exact integers (factor to three decimals)."""
    return fee_wei * int(factor * 1000 + 0.5) // 1000


def gas_cost(gas: int, fee_wei: int, native_price: float) -> float:
    """Return what ``gas`` costs at ``fee_wei`` per gas, in quote."""
    return gas * fee_wei / WAD * native_price
