"""The market for block space: base fee, everybody else's demand, and who paid what.

The base fee follows EIP-1559 in exact integers. Background demand is made of discrete bids with a lognormal
willingness to pay, which compete with ours by effective tip; a surge of theirs therefore prices ours out
for real.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.core import portable_math
from sim.core.arrays import IntArray
from sim.core.errors import RunError
from sim.core.rng import Streams

ELASTICITY: Final = 2  # EIP-1559: the gas target is the limit over this
BASE_FEE_CHANGE_DENOMINATOR: Final = 8  # EIP-1559: at most an eighth up or down a block
_BIDS_PER_BLOCK: Final = 200  # bids in a full block; mainnet has 150 to 250 transactions
_MAX_DEMAND_BLOCKS: Final = 20.0  # what comes beyond 20 full blocks at once never gets in
_MAX_WAITING: Final = 4_000  # background bids kept for later blocks, the best ones; assumption
_BACKGROUND: Final = (
    "mempool:background"  # stream: the first group of words for how many, the others for bids
)
_MAX_BID_WEI: Final = 1e17  # 10**8 gwei; keeps lognormal tails inside int64


def next_base_fee(base_fee_wei: int, gas_used: int, gas_limit: int) -> int:
    """Return the base fee of the next block.

    Notes
    -----
    EIP-1559: ``base * (1 + (used - target) / target / 8)`` in integers, up by at least 1 wei. A full block
    raises it by 1.125, so ten times takes ceil(ln 10 / ln 1.125) = 20 blocks.
    """
    target = gas_limit // ELASTICITY
    if gas_used == target:
        return base_fee_wei
    if gas_used > target:
        rise = base_fee_wei * (gas_used - target) // target // BASE_FEE_CHANGE_DENOMINATOR
        return base_fee_wei + max(rise, 1)
    return base_fee_wei - base_fee_wei * (target - gas_used) // target // BASE_FEE_CHANGE_DENOMINATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeParameters:
    """Block space and the demand of everybody else.

    Attributes
    ----------
    block_gas_limit
        Gas of a full block; the target is half of it.
    base_fee_wei
        Base fee of the first block.
    background_gas_share
        Mean new background demand in a block, as a share of the gas target; 0 switches it off.
    background_gas_deviation
        Standard deviation of the log of that demand from block to block.
    background_fee_wei
        Median willingness to pay per gas, base fee and tip together.
    background_fee_deviation
        Standard deviation of the log of the willingness to pay.
    background_tip_share
        Tip a background bid offers, as a share of its willingness to pay.
    background_patience_blocks
        Blocks a background bid waits before it gives up.
    min_priority_fee_wei
        Smallest tip that gets into a block.
    """

    block_gas_limit: int = 30_000_000  # Ethereum mainnet, August 2021 to February 2025
    base_fee_wei: int = 20 * 10**9  # assumption: an ordinary day of 2020-2024
    background_gas_share: float = 2.0  # assumption: half is priced out, the median sets the fee
    background_gas_deviation: float = 0.25  # assumption
    background_fee_wei: int = 20 * 10**9  # assumption: equal to the first base fee
    background_fee_deviation: float = 0.6  # assumption
    background_tip_share: float = 0.1  # assumption: tips of about 2 gwei at 20 gwei
    background_patience_blocks: int = 5  # assumption: one minute
    min_priority_fee_wei: int = 0  # EIP-1559 sets none


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFees:
    """What a block's space was used for.

    Attributes
    ----------
    base_fee_wei
        Base fee that was paid.
    gas_used
        By everybody.
    background_gas
        By everybody else.
    gas_demanded
        Gas that wanted in at this base fee, ours and theirs, included or not.
    """

    base_fee_wei: int
    gas_used: int
    background_gas: int
    gas_demanded: int


class NativeLedger:
    """Balances of the native coin in wei, outside the EVM: the same integers on every engine.

    Everything credited is either still held, burned (base fee) or paid to block builders (tips).
    """

    __slots__ = ("_balances", "burned_wei", "tips_wei")

    def __init__(self) -> None:
        self._balances: dict[str, int] = {}
        self.burned_wei = 0
        self.tips_wei = 0

    def credit(self, address: str, amount_wei: int) -> None:
        """Give `amount_wei` (from 0) to an address."""
        if amount_wei < 0:
            raise ValueError(f"amount must not be negative, was {amount_wei}")
        self._balances[address] = self._balances.get(address, 0) + amount_wei

    def balance(self, address: str) -> int:
        """Return the balance of an address."""
        return self._balances.get(address, 0)

    def pay(self, address: str, gas_used: int, gas_price_wei: int, base_fee_wei: int) -> int:
        """Charge a transaction's fee and return it; the base fee part is burned.

        Raises
        ------
        RunError
            The balance is too small: the mempool must not have let the transaction in.
        """
        fee = gas_used * gas_price_wei
        balance = self._balances.get(address, 0)
        if fee > balance:
            raise RunError(f"{address} owes a fee of {fee} wei and has {balance}")
        self._balances[address] = balance - fee
        burned = gas_used * base_fee_wei
        self.burned_wei += burned
        self.tips_wei += fee - burned
        return fee

    def total_wei(self) -> int:
        """Return the sum of all balances."""
        return sum(self._balances.values())


class FeeMarket:
    """Base fee and background demand, block by block: `open_block`, packing by the mempool, `close_block`."""

    __slots__ = (
        "_chunk",
        "_expiry",
        "_max_fees",
        "_offered",
        "_streams",
        "_taken",
        "_tips",
        "_waiting_demand",
        "base_fee_wei",
        "parameters",
    )

    def __init__(self, parameters: FeeParameters, streams: Streams) -> None:
        self.parameters = parameters
        self.base_fee_wei = parameters.base_fee_wei
        self._streams = streams
        self._chunk = max(parameters.block_gas_limit // _BIDS_PER_BLOCK, 1)
        # Background bids that still wait: what they would pay at most, and the last block they wait for.
        self._max_fees: IntArray = np.empty(0, dtype=np.int64)
        self._expiry: IntArray = np.empty(0, dtype=np.int64)
        # Of those, the tips of the ones that can pay this block's base fee, best first.
        self._tips: IntArray = np.empty(0, dtype=np.int64)
        self._offered = 0
        self._taken = 0
        self._waiting_demand = 0

    @property
    def bid_gas(self) -> int:
        """Gas of one background bid."""
        return self._chunk

    def open_block(self, block: int, *, demand_multiplier: float = 1.0, fee_multiplier: float = 1.0) -> None:
        """Let the background bids of a block arrive.

        Parameters
        ----------
        block
            Number from 0, addresses the random draws.
        demand_multiplier, fee_multiplier
            Shocks to the gas wanted and to the willingness to pay.
        """
        arrived = self._arrivals(block, demand_multiplier, fee_multiplier)
        alive = self._expiry >= block
        last = block + self.parameters.background_patience_blocks - 1
        fees = np.concatenate([self._max_fees[alive], arrived])
        expiry = np.concatenate([self._expiry[alive], np.full(arrived.size, last, dtype=np.int64)])
        # Stable: equal bids keep their order of arrival.
        order = np.argsort(-fees, kind="stable")[:_MAX_WAITING]
        self._max_fees = fees[order]
        self._expiry = expiry[order]
        # Tip and willingness to pay rise together, so the best payers are also the best tips.
        base = self.base_fee_wei
        payers = self._max_fees[: int(np.searchsorted(-self._max_fees, -base, side="right"))]
        tips = np.minimum((payers * self.parameters.background_tip_share).astype(np.int64), payers - base)
        self._tips = tips[tips >= self.parameters.min_priority_fee_wei]
        self._offered = int(self._tips.size)
        self._taken = 0
        self._waiting_demand = 0

    def _arrivals(self, block: int, demand_multiplier: float, fee_multiplier: float) -> IntArray:
        parameters = self.parameters
        share = parameters.background_gas_share * demand_multiplier
        if share <= 0.0:
            return np.empty(0, dtype=np.int64)
        deviation = parameters.background_gas_deviation
        noise = float(self._streams.draw(_BACKGROUND, block).normal(1)[0])
        # Mean 1 by the lognormal's own mean, exp(s**2 / 2).
        factor = portable_math.exp(deviation * noise - deviation * deviation / 2.0)
        target = parameters.block_gas_limit / ELASTICITY
        gas = min(share * factor * target, _MAX_DEMAND_BLOCKS * parameters.block_gas_limit)
        count = int(gas / self._chunk + 0.5)
        if count == 0:
            return np.empty(0, dtype=np.int64)
        spread = self._streams.lognormal(
            _BACKGROUND, block, count, parameters.background_fee_deviation, first_group=1
        )
        bids = np.minimum(spread * (float(parameters.background_fee_wei) * fee_multiplier), _MAX_BID_WEI)
        return bids.astype(np.int64)

    def bids_above(self, tip_wei: int) -> int:
        """Return how many background bids that can pay offer `tip_wei` or more; ties go to them."""
        return int(np.searchsorted(-self._tips, -tip_wei, side="right"))

    def take(self, count: int, own_demand: int) -> None:
        """Put the `count` best background bids into the block; `own_demand` is the gas we wanted in it."""
        if not 0 <= count <= self._offered:
            raise ValueError(f"cannot take {count} of {self._offered} bids")
        self._taken = count
        self._waiting_demand = own_demand

    @property
    def offered(self) -> int:
        """Number of background bids that can pay the base fee."""
        return self._offered

    def close_block(self, own_gas_used: int) -> BlockFees:
        """Account for the block, drop the bids it served and move the base fee.

        Parameters
        ----------
        own_gas_used
            Gas of our executed transactions, from their receipts.
        """
        background = self._taken * self._chunk
        limit = self.parameters.block_gas_limit
        used = min(own_gas_used + background, limit)
        closed = BlockFees(
            base_fee_wei=self.base_fee_wei,
            gas_used=used,
            background_gas=background,
            gas_demanded=self._offered * self._chunk + self._waiting_demand,
        )
        self._max_fees = self._max_fees[self._taken :]
        self._expiry = self._expiry[self._taken :]
        self.base_fee_wei = next_base_fee(self.base_fee_wei, used, limit)
        return closed
