"""Who set off most: the run once more without what one account's forced closes do to prices outside.

Two runs that differ in nothing but the order of transactions with equal bids also differ in who is closed, so
that every removal is run over several orders, each against the run in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from sim.core.errors import InputError
from sim.core.units import WAD
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.rows import RemovalRow
from sim.engine.worlds.feedback import Feedback

ORDERS: Final = 5
"""Orders of ties that each removal is run over; the first is the run's own."""

LARGEST: Final = 3
"""Accounts removed if all worlds are run: those of which most was closed, which predicts the loss best."""


class Ran(Protocol):
    """What a finished world tells."""

    loop: BlockLoop
    recorder: Recorder


R = TypeVar("R", bound=Ran)


def removal_of(account: int) -> str:
    """Return the name of the world without the flow of an account's forced closes."""
    return f"without_flow_of_{account}"


def largest(run: Ran) -> tuple[int, ...]:
    """Return the accounts of which most was closed by force, ties by number."""
    closed: dict[int, float] = {}
    for close in run.recorder.closes:
        closed[close.account] = closed.get(close.account, 0.0) + close.notional
    return tuple(sorted(closed, key=lambda account: (-closed[account], account))[:LARGEST])


def run_removals(
    accounts: Sequence[int],
    run: R,
    execute_world: Callable[[Feedback], R],
    *,
    among: int,
    orders: int = ORDERS,
) -> tuple[list[RemovalRow], dict[str, R]]:
    """Run the worlds without each account's flow.

    Parameters
    ----------
    among
        Number of accounts that the run has.
    orders
        Orders of ties to run them over.
    execute_world
        Executes the world of a feedback on the run's random numbers.

    Returns
    -------
    rows
        One for each account and order.
    worlds
        `removal_of` each account -> its world in the run's own order.

    Raises
    ------
    InputError
        There is no such account.
    """
    unknown = [account for account in accounts if not 0 <= account < among]
    if unknown:
        raise InputError(f"--without-flow-of {unknown[0]}: the run has accounts 0 to {among - 1}")
    rows: list[RemovalRow] = []
    worlds: dict[str, R] = {}
    for order in range(orders) if accounts else ():
        whole = execute_world(Feedback(ties=order)) if order else run
        for account in dict.fromkeys(accounts):
            without = execute_world(Feedback(ties=order, silenced=frozenset((account,))))
            rows.append(_row(account, order, whole, without))
            if not order:
                worlds[removal_of(account)] = without
    return sorted(rows, key=lambda row: (row.account, row.order)), worlds


def _row(account: int, order: int, whole: Ran, without: Ran) -> RemovalRow:
    return RemovalRow(
        account=account,
        order=order,
        closed_of_it=sum(_of(account, whole)),
        liquidated_notional=whole.recorder.totals.liquidated_notional,
        liquidated_notional_without=without.recorder.totals.liquidated_notional,
        bad_debt=whole.loop.reading.totals.bad_debt / WAD,
        bad_debt_without=without.loop.reading.totals.bad_debt / WAD,
    )


def _of(account: int, ran: Ran) -> Iterator[float]:
    return (close.notional for close in ran.recorder.closes if close.account == account)
