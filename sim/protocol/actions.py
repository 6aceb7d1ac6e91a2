"""Actions that participants may send, as columnar batches.

A batch holds many calls of one entry point; participants are integers (indices into the address
book), so that agents never handle addresses or calldata. Amounts are Python integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class EntryPoint(StrEnum):
    """Contract and function that participants call, as gas profile and tables name them."""

    DEPOSIT = "trading_desk.deposit"
    WITHDRAW = "trading_desk.withdraw"
    INCREASE_POSITION = "trading_desk.increase_position"
    DECREASE_POSITION = "trading_desk.decrease_position"
    POKE = "market_registry.poke"
    LIQUIDATE = "liquidation_engine.liquidate"
    AUTO_DELEVERAGE = "loss_waterfall.auto_deleverage"
    SOCIALIZE_LOSS = "loss_waterfall.socialize_loss"
    REPORT = "price_oracle.report"
    UPDATE_ESTIMATOR = "volatility_oracle.update"
    REPORT_IMPLIED = "volatility_oracle.report_implied"
    UPDATE_PAIR = "volatility_oracle.update_pair"
    POOL_DEPOSIT = "liquidity_pool.deposit"
    POOL_REQUEST_EXIT = "liquidity_pool.request_exit"
    POOL_REDEEM = "liquidity_pool.redeem"
    FUND_DEPOSIT = "insurance_fund.deposit"
    FUND_REQUEST_EXIT = "insurance_fund.request_exit"
    FUND_REDEEM = "insurance_fund.redeem"
    REPORT_COLLATERAL = "collateral_oracle.report"
    SELL_COLLATERAL = "loss_waterfall.sell_collateral"
    SWAP = "spot_pool.swap"


SET_MODE = "trading_desk.set_mode"
"""Called before the first block only."""

DEPOSIT_COLLATERAL = "trading_desk.deposit_collateral"
"""Entry point of set-up alone: no agent calls it, so that no gas of it is known."""

Actors = NDArray[np.int64]
"""Participant indices, one a call."""


class Fees(NamedTuple):
    """Fee bid of a batch in wei per gas; a scalar applies to every call."""

    max_fee_wei: int | Sequence[int] | NDArray[np.int64]
    priority_fee_wei: int | Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionBatch:
    """Many calls of one entry point."""

    agent: str
    """Name of the agent that decided."""
    kind: str
    """Entry point, as in the gas profile, e.g. ``trading_desk.deposit``."""
    actors: Actors
    """Sender of each call."""
    args: tuple[list[int], ...]
    """One list a call argument, each as long as ``actors``; people are participant indices."""
    max_fee_wei: list[int]
    """Highest total fee per gas each call may pay."""
    priority_fee_wei: list[int]
    """Highest tip per gas each call offers."""
    replace: bool = False
    """Replace a still-pending call of the same sender, entry point and first argument (both fees +10 %)."""
    groups: tuple[tuple[int, ...], ...] = ()
    """For entry points with a dynamic list of accounts: the list of each call (participant indices)."""

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self.actors)


def _spread(value: int | Sequence[int] | Actors, count: int) -> list[int]:
    if isinstance(value, int | np.integer):
        return [int(value)] * count
    values: list[int] = value.tolist() if isinstance(value, np.ndarray) else [int(item) for item in value]
    if len(values) != count:
        raise ValueError(f"expected {count} values, was {len(values)}")
    return values


def _batch(
    agent: str,
    kind: str,
    actors: Actors | Sequence[int] | int,
    args: tuple[int | Sequence[int] | Actors, ...],
    fees: Fees,
    *,
    replace: bool = False,
    groups: tuple[tuple[int, ...], ...] = (),
) -> ActionBatch:
    senders = np.atleast_1d(np.asarray(actors, dtype=np.int64))
    count = len(senders)
    columns = tuple(_spread(arg, count) for arg in args)
    return ActionBatch(
        agent=agent,
        kind=kind,
        actors=senders,
        args=columns,
        max_fee_wei=_spread(fees.max_fee_wei, count),
        priority_fee_wei=_spread(fees.priority_fee_wei, count),
        replace=replace,
        groups=groups,
    )


Ints = int | Sequence[int] | Actors


def deposit(agent: str, actors: Ints, accounts: Ints, amounts: Ints, fees: Fees) -> ActionBatch:
    """Add collateral (token units) from the sender's wallet to ``accounts``."""
    return _batch(agent, EntryPoint.DEPOSIT, actors, (accounts, amounts), fees)


def deposit_collateral(
    agent: str, actors: Ints, accounts: Ints, asset: int, amounts: Ints, fees: Fees
) -> ActionBatch:
    """Add an asset of the collateral registry (token units) to ``accounts``; before block 0 only."""
    return _batch(agent, DEPOSIT_COLLATERAL, actors, (accounts, asset, amounts), fees)


def withdraw(agent: str, actors: Ints, amounts: Ints, fees: Fees) -> ActionBatch:
    """Withdraw collateral (token units) to the sender's wallet."""
    return _batch(agent, EntryPoint.WITHDRAW, actors, (amounts,), fees)


def set_mode(agent: str, actors: Ints, modes: Ints, fees: Fees) -> ActionBatch:
    """Set the mode of the sender's account, which has no position: 0 cross, 1 isolated, 2 portfolio."""
    return _batch(agent, SET_MODE, actors, (modes,), fees)


def increase_position(
    agent: str, actors: Ints, market: int, size_deltas: Ints, limit_prices: Ints, fees: Fees
) -> ActionBatch:
    """Add signed size (WAD base units) to a position."""
    return _batch(agent, EntryPoint.INCREASE_POSITION, actors, (market, size_deltas, limit_prices), fees)


def decrease_position(
    agent: str, actors: Ints, market: int, sizes: Ints, limit_prices: Ints, fees: Fees
) -> ActionBatch:
    """Close a magnitude (WAD base units) of a position; ``CLOSE_ALL`` closes it whole."""
    return _batch(agent, EntryPoint.DECREASE_POSITION, actors, (market, sizes, limit_prices), fees)


def poke(agent: str, actor: int, market: int, fees: Fees) -> ActionBatch:
    """Accrue funding and the maintenance ramp of a market."""
    return _batch(agent, EntryPoint.POKE, actor, (market,), fees)


def liquidate(
    agent: str, actors: Ints, accounts: Ints, markets: Ints, fees: Fees, *, replace: bool = False
) -> ActionBatch:
    """Liquidate ``accounts`` in ``markets``; the bounty goes to the sender."""
    return _batch(agent, EntryPoint.LIQUIDATE, actors, (accounts, markets), fees, replace=replace)


def auto_deleverage(
    agent: str, actor: int, bankrupt: int, market: int, winners: Sequence[int], fees: Fees
) -> ActionBatch:
    """Resolve the deficit of ``bankrupt`` against ranked ``winners`` of the opposite side."""
    return _batch(
        agent,
        EntryPoint.AUTO_DELEVERAGE,
        actor,
        (bankrupt, market),
        fees,
        groups=(tuple(int(winner) for winner in winners),),
    )


def socialize_loss(agent: str, actor: int, bankrupt: int, fees: Fees) -> ActionBatch:
    """Write the remaining deficit of ``bankrupt`` off against the pool's share price."""
    return _batch(agent, EntryPoint.SOCIALIZE_LOSS, actor, (bankrupt,), fees)


def report(
    agent: str,
    actors: Ints,
    assets: Ints,
    prices: Ints,
    confidences: Ints,
    published_at: Ints,
    fees: Fees,
    *,
    replace: bool = False,
) -> ActionBatch:
    """Report prices (WAD) with confidence half-widths (WAD) and their time of publication."""
    return _batch(
        agent,
        EntryPoint.REPORT,
        actors,
        (assets, prices, confidences, published_at),
        fees,
        replace=replace,
    )


def report_collateral(
    agent: str,
    actors: Ints,
    assets: Ints,
    prices: Ints,
    confidences: Ints,
    published_at: Ints,
    fees: Fees,
    *,
    replace: bool = False,
) -> ActionBatch:
    """Report prices of assets of the collateral registry, as `report` does those of markets."""
    return _batch(
        agent,
        EntryPoint.REPORT_COLLATERAL,
        actors,
        (assets, prices, confidences, published_at),
        fees,
        replace=replace,
    )


def sell_collateral(
    agent: str, actors: Ints, accounts: Ints, fees: Fees, *, replace: bool = False
) -> ActionBatch:
    """Sell assets of ``accounts`` that owe quote or bear a lien; the sender is paid a share."""
    return _batch(agent, EntryPoint.SELL_COLLATERAL, actors, (accounts,), fees, replace=replace)


def swap(
    agent: str, actors: Ints, asset: int, *, is_sale: bool, amount_in: int, min_amount_out: int, fees: Fees
) -> ActionBatch:
    """Sell an asset of the collateral registry in its spot pool, or buy it there (token units)."""
    return _batch(
        agent, EntryPoint.SWAP, actors, (asset, int(is_sale), amount_in, min_amount_out, actors), fees
    )


def update_estimator(agent: str, actor: int, market: int, fees: Fees) -> ActionBatch:
    """Take the rounds since the last update into a market's estimators, and choose its variance anew."""
    return _batch(agent, EntryPoint.UPDATE_ESTIMATOR, actor, (market,), fees)


def report_implied(agent: str, actor: int, market: int, variance: int, fees: Fees) -> ActionBatch:
    """Report a market's implied variance (WAD, annualised)."""
    return _batch(agent, EntryPoint.REPORT_IMPLIED, actor, (market, variance), fees)


def update_pair(agent: str, actor: int, first: int, second: int, fees: Fees) -> ActionBatch:
    """Take a sample of two markets, the first one below the second, into their correlation."""
    return _batch(agent, EntryPoint.UPDATE_PAIR, actor, (first, second), fees)


def pool_deposit(agent: str, actors: Ints, amounts: Ints, fees: Fees) -> ActionBatch:
    """Deposit token units into the liquidity pool; refused while any trader has a position."""
    return _batch(agent, EntryPoint.POOL_DEPOSIT, actors, (amounts, actors), fees)


def pool_request_exit(agent: str, actors: Ints, shares: Ints, fees: Fees) -> ActionBatch:
    """Put liquidity pool shares into the exit queue; with none, what waits begins to wait anew."""
    return _batch(agent, EntryPoint.POOL_REQUEST_EXIT, actors, (shares,), fees)


def pool_redeem(agent: str, actors: Ints, shares: Ints, fees: Fees) -> ActionBatch:
    """Redeem liquidity pool shares that have waited."""
    return _batch(agent, EntryPoint.POOL_REDEEM, actors, (shares, actors, actors), fees)


def fund_deposit(agent: str, actors: Ints, amounts: Ints, fees: Fees) -> ActionBatch:
    """Deposit token units into the insurance fund."""
    return _batch(agent, EntryPoint.FUND_DEPOSIT, actors, (amounts, actors), fees)


def fund_request_exit(agent: str, actors: Ints, shares: Ints, fees: Fees) -> ActionBatch:
    """Begin the cool-down of insurance fund shares; with none, that of those that cool down begins anew."""
    return _batch(agent, EntryPoint.FUND_REQUEST_EXIT, actors, (shares,), fees)


def fund_redeem(agent: str, actors: Ints, shares: Ints, fees: Fees) -> ActionBatch:
    """Redeem insurance fund shares that have cooled down."""
    return _batch(agent, EntryPoint.FUND_REDEEM, actors, (shares, actors, actors), fees)


CLOSE_ALL = 2**256 - 1
"""Size that closes a position whole."""
NO_LIMIT = 0
"""Limit price that accepts any fill."""
