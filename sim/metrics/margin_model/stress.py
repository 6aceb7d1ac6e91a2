"""Cover-n and the reverse stress test on a book of accounts: quant 3.2, PFMI principle 4.

Everything here is accounting on the book as it stands: one instantaneous move of one price, nobody tops up,
nobody is faster, and every account that falls below maintenance is closed at once. A run of the whole
protocol may do better or worse; `--reverse-runs` asks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.core.arrays import FloatArray
from sim.metrics.statistics.intervals import Interval, clopper_pearson

COVER: Final = (1, 2, 5)
TOP_SHARES: Final = (0.01, 0.05, 0.10)
"""Largest accounts by notional: perpetuals have thousands of small ones, so a count alone says little."""

STRESSED_MOVES: Final = (-0.05, -0.08, -0.12, -0.20, -0.30, -0.50, 0.05, 0.08, 0.12, 0.20, 0.30, 0.50)
"""5, 8, 12 and 20 % are the shocks of mechanisms notes 0.3; 30 and 50 % are assumptions, for "extreme but
plausible": ETH fell 43 % on 12 March 2020."""

_LARGEST_FALL: Final = 1.0 - 1e-9
_LARGEST_RISE: Final = 100.0
_BISECTIONS: Final = 200

CloseOutCost = Callable[[float, float], float]
"""(move, quote to close) -> share of it lost in closing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Accounts with a position in one market."""

    notional: FloatArray
    """Signed, quote at the price before the move, float64[accounts]; positive is long."""
    equity: FloatArray
    """What each account holds before the move, quote, float64[accounts]: the margin that must absorb it."""
    maintenance: FloatArray
    """Maintenance ratio in force, float64[accounts]."""
    elsewhere: FloatArray | float = 0.0
    """What the account must hold for its positions in other markets, quote, float64[accounts]."""
    fund: float
    """Insurance fund, quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRow:
    """The book after one move."""

    move: float
    closed: float
    """Notional of the accounts below maintenance, quote after the move."""
    cost_rate: float
    """Share of it lost in closing."""
    cover: tuple[float, ...]
    """Sum of the n largest losses over margin, for each n of `COVER`, quote."""
    cover_top: tuple[float, ...]
    """The same of the largest accounts, for each share of `TOP_SHARES`, quote."""
    total: float
    """Sum over all accounts, quote."""
    accounts: int
    """How many have lost more than they hold."""
    fund: float

    @property
    def adequate(self) -> bool:
        """Whether the fund covers the two largest: PFMI principle 4 for systemically important markets."""
        return self.fund >= self.cover[COVER.index(2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseStress:
    """The least move in one direction that empties the fund."""

    direction: str
    """down or up."""
    move: float | None
    """Relative price change; None if none up to -100 % or +10,000 % does."""
    log_move: float | None
    total: float | None
    """Loss over margin of all accounts there, quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """How far away and how rare a move is, at one horizon."""

    horizon_seconds: int
    deviations: float
    """Size of the log move in standard deviations of the horizon: the Mahalanobis distance of one factor."""
    deviation: float
    """That standard deviation."""
    windows: int
    """Historical windows without overlap; 0 without history."""
    events: int
    """Windows that moved as far in that direction."""
    frequency: Interval | None
    """Clopper-Pearson. After no event its upper end is the two-sided bound; see `rule_of_three` for 3 / n."""


def no_cost(_move: float, _closed: float) -> float:
    """Return 0: everything closes at the price after the move."""
    return 0.0


def losses_over_margin(
    book: Book, move: float, cost: CloseOutCost = no_cost
) -> tuple[FloatArray, float, float]:
    """Return what each account loses beyond what it holds.

    SLOM_i = max(loss_i + close-out cost_i - margin_i, 0), quant 3.2. The cost is charged on the notional of
    the accounts that the move has put below maintenance, all closed together.

    Returns
    -------
    losses
        float64[accounts], quote.
    closed
        Notional closed, quote.
    rate
        Share of it lost in closing.
    """
    equity = book.equity + book.notional * move
    after = np.abs(book.notional) * (1.0 + move)
    below = equity < book.maintenance * after + book.elsewhere
    closed = float(after[below].sum())
    rate = cost(move, closed) if closed > 0.0 else 0.0
    shortfall = np.where(below, rate * after - equity, 0.0)
    return np.maximum(shortfall, 0.0), closed, rate


def stress_table(
    book: Book, moves: Sequence[float] = STRESSED_MOVES, cost: CloseOutCost = no_cost
) -> tuple[StressRow, ...]:
    """Return cover-n and cover top q % under each move."""
    by_size = np.argsort(-np.abs(book.notional), kind="stable")
    rows = []
    for move in moves:
        losses, closed, rate = losses_over_margin(book, move, cost)
        worst = np.sort(losses)[::-1]
        rows.append(
            StressRow(
                move=move,
                closed=closed,
                cost_rate=rate,
                cover=tuple(float(worst[:n].sum()) for n in COVER),
                cover_top=tuple(
                    float(losses[by_size[: math.ceil(share * losses.size)]].sum()) for share in TOP_SHARES
                ),
                total=float(losses.sum()),
                accounts=int(np.count_nonzero(losses)),
                fund=book.fund,
            )
        )
    return tuple(rows)


def reverse_stress(book: Book, direction: str, cost: CloseOutCost = no_cost) -> ReverseStress:
    """Return the least move that makes the losses over margin reach the fund, by bisection.

    The book's loss grows with the move, so L(J*) = F has one solution (quant 3.2, 8.4b).

    Parameters
    ----------
    book
        Accounts and fund.
    direction
        ``down`` or ``up``.
    cost
        Of closing; must not fall as the move grows.
    """
    if direction not in ("down", "up"):
        raise ValueError(f"direction must be down or up, was {direction!r}")

    def total(move: float) -> float:
        return float(losses_over_margin(book, move, cost)[0].sum())

    near, far = 0.0, (-_LARGEST_FALL if direction == "down" else _LARGEST_RISE)
    if not book.notional.size or total(far) < book.fund or total(far) <= 0.0:
        return ReverseStress(direction=direction, move=None, log_move=None, total=None)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (near + far)
        if middle in (near, far):
            break
        if total(middle) >= book.fund and total(middle) > 0.0:
            far = middle
        else:
            near = middle
    return ReverseStress(direction=direction, move=far, log_move=math.log1p(far), total=total(far))


def rarity(
    log_move: float,
    prices: FloatArray | None,
    *,
    horizon_steps: int,
    horizon_seconds: int,
    deviation: float | None,
) -> Rarity | None:
    """Return how far away a move is, and how often history made it.

    Parameters
    ----------
    log_move
        Of the price.
    prices
        Even steps, float64[n]; None without history.
    horizon_steps, horizon_seconds
        Length of the windows compared with the move.
    deviation
        Standard deviation of the horizon's log return; None takes that of the windows.

    Returns
    -------
    Rarity or None
        None without a deviation above 0.
    """
    returns = np.empty(0)
    if prices is not None and prices.size > horizon_steps:
        returns = np.diff(np.log(prices[::horizon_steps]))
    if deviation is None:
        deviation = float(returns.std(ddof=1)) if returns.size >= 2 else 0.0
    if not deviation > 0.0:
        return None
    events = int(np.count_nonzero(returns <= log_move if log_move < 0 else returns >= log_move))
    return Rarity(
        horizon_seconds=horizon_seconds,
        deviations=abs(log_move) / deviation,
        deviation=deviation,
        windows=int(returns.size),
        events=events,
        frequency=clopper_pearson(events, int(returns.size)) if returns.size else None,
    )
