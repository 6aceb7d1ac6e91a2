"""Two worlds compared by what was closed by force: account by account, unit by unit of closed size.

The k-th unit that a world closed of an account's position is matched with the k-th of the other. What one
closed beyond the other is excess or avoided; of matched units the times are compared. In base units excess
less avoided is the difference of the totals, exactly; in quote a third part is left, matched units closed at
other prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple


class Close(NamedTuple):
    """One forced close."""

    account: int
    market: int
    size: int
    """Base units (WAD), signed as the position was."""
    timestamp: int
    notional: float
    """Quote, at the risk price."""


class Subject(NamedTuple):
    """Whose closes are matched."""

    account: int
    market: int
    is_long: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Closes of one account, market and side in two worlds; sizes are base units (WAD)."""

    subject: Subject
    closed: int
    closed_there: int
    forward: int
    """Matched units closed earlier than there by more than a block."""
    put_off: int
    """Matched units closed later than there by more than a block."""
    unit_seconds: int
    """Sum over matched units of the seconds by which they were closed earlier than there; base units (WAD)
    times seconds."""
    notional: float
    """Of everything closed, quote."""
    notional_there: float
    matched_notional: float
    """Of matched units, at the prices they were closed at here."""
    matched_notional_there: float
    brought_forward: tuple[tuple[int, float], ...]
    """Seconds by which matched units were closed earlier, where that is more than a block, and their notional
    here, in the order in which they were closed."""

    @property
    def forward_notional(self) -> float:
        """Quote, of units closed earlier by more than a block."""
        return fsum(notional for _, notional in self.brought_forward)

    @property
    def matched(self) -> int:
        """Units closed in both worlds."""
        return min(self.closed, self.closed_there)

    @property
    def excess(self) -> int:
        """Units closed here alone: the last."""
        return self.closed - self.matched

    @property
    def avoided(self) -> int:
        """Units closed there alone."""
        return self.closed_there - self.matched

    @property
    def excess_notional(self) -> float:
        """Quote, at the prices they were closed at here."""
        return self.notional - self.matched_notional if self.excess else 0.0

    @property
    def avoided_notional(self) -> float:
        """Quote, at the prices they were closed at there."""
        return self.notional_there - self.matched_notional_there if self.avoided else 0.0


class Totals(NamedTuple):
    """Sums over all accounts and markets, quote."""

    notional: float
    notional_there: float
    excess: float
    avoided: float
    repriced: float
    """Matched units, at the prices here less those there: excess - avoided + this is the difference."""
    forward: float
    forward_seconds: int | None
    """Median by which what was brought forward was closed earlier, weighted by notional; None of nothing."""


def match(here: Iterable[Close], there: Iterable[Close], *, block_seconds: int) -> list[Matched]:
    """Match the closes of a world with those of another.

    Parameters
    ----------
    here, there
        Closes in the order of their execution.
    block_seconds
        Difference of times up to which a unit counts as closed at the same time.

    Returns
    -------
    list of Matched
        One for each account, market and side with a close in either world, in this order.
    """
    ours, theirs = _by_subject(here), _by_subject(there)
    return [
        _matched(subject, ours.get(subject, ()), theirs.get(subject, ()), block_seconds)
        for subject in sorted(ours.keys() | theirs.keys())
    ]


def totals_of(rows: Sequence[Matched]) -> Totals:
    """Return the sums of a comparison."""
    return Totals(
        notional=fsum(row.notional for row in rows),
        notional_there=fsum(row.notional_there for row in rows),
        excess=fsum(row.excess_notional for row in rows),
        avoided=fsum(row.avoided_notional for row in rows),
        repriced=fsum(row.matched_notional for row in rows)
        - fsum(row.matched_notional_there for row in rows),
        forward=fsum(row.forward_notional for row in rows),
        forward_seconds=_median([unit for row in rows for unit in row.brought_forward]),
    )


def _median(weighed: Iterable[tuple[int, float]]) -> int | None:
    """Return the least value up to which half of the weight lies."""
    ordered = sorted(weighed)
    half, passed = fsum(weight for _, weight in ordered) / 2.0, 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    return None


def _by_subject(closes: Iterable[Close]) -> dict[Subject, list[Close]]:
    found: dict[Subject, list[Close]] = {}
    for close in closes:
        if close.size:
            subject = Subject(close.account, close.market, close.size > 0)
            found.setdefault(subject, []).append(close)
    return found


class _Segment(NamedTuple):
    """Matched units that one close of each world holds."""

    size: int
    earlier: int
    """Seconds."""
    notional: float
    notional_there: float


def _segments(here: Sequence[Close], there: Sequence[Close]) -> Iterator[_Segment]:
    """Yield the matched units of two lists of closes, in order."""
    ours, theirs = iter(here), iter(there)
    mine, other = next(ours, None), next(theirs, None)
    left = abs(mine.size) if mine else 0
    left_there = abs(other.size) if other else 0
    while mine is not None and other is not None:
        size = min(left, left_there)
        yield _Segment(
            size,
            other.timestamp - mine.timestamp,
            mine.notional * (size / abs(mine.size)),
            other.notional * (size / abs(other.size)),
        )
        left, left_there = left - size, left_there - size
        if not left:
            mine = next(ours, None)
            left = abs(mine.size) if mine else 0
        if not left_there:
            other = next(theirs, None)
            left_there = abs(other.size) if other else 0


def _matched(subject: Subject, here: Sequence[Close], there: Sequence[Close], block_seconds: int) -> Matched:
    segments = list(_segments(here, there))
    forward = [segment for segment in segments if segment.earlier > block_seconds]
    return Matched(
        subject=subject,
        closed=sum(abs(close.size) for close in here),
        closed_there=sum(abs(close.size) for close in there),
        forward=sum(segment.size for segment in forward),
        put_off=sum(segment.size for segment in segments if -segment.earlier > block_seconds),
        unit_seconds=sum(segment.size * segment.earlier for segment in segments),
        notional=fsum([close.notional for close in here]),
        notional_there=fsum([close.notional for close in there]),
        matched_notional=fsum([segment.notional for segment in segments]),
        matched_notional_there=fsum([segment.notional_there for segment in segments]),
        brought_forward=tuple((segment.earlier, segment.notional) for segment in forward),
    )
