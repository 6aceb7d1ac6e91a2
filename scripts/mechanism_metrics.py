"""Metrics of what single mechanisms act on, for `mechanisms.py` alone: no run of a user is judged by them.

The book (`sim.metrics.book`) has what a protocol is judged by. A rule about the split of a fee moves none of
that by more than chance does; what it moves is the split. These are read off the tables of a run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from math import fsum
from typing import Any

from sim.core.units import TOKEN_UNIT, WAD
from sim.metrics.book import METRICS, NEUTRAL, Metric
from sim.metrics.facts import RunFacts

HOUR_SECONDS = 3_600
BY_FORCE = 1
"""Cause of a ``PositionChanged`` that was a liquidation."""


def add_to_book() -> None:
    """Add these metrics to the book of this process: for workers, or every run of it would have them."""
    for metric in OWN.values():
        if metric.name not in METRICS:
            METRICS.add(metric)


def _numbers(run: RunFacts, table: str, column: str) -> list[float]:
    return [float(value) for value in run.column(table, column)]  # type: ignore[arg-type]


def _events(run: RunFacts, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return the events of a name with their blocks, in order."""
    columns: Any = (run.column("events", column) for column in ("block", "event", "data"))
    return ((block, data) for block, event, data in zip(*columns, strict=True) if event == name)


def _share_of(run: RunFacts, part: str, whole: str) -> float | None:
    """Return the sum of one column of the forced closes over that of another."""
    total = fsum(_numbers(run, "liquidations", whole))
    return fsum(_numbers(run, "liquidations", part)) / total if total else None


def _closed_share(run: RunFacts) -> float | None:
    shares = [
        abs(change["size_delta"]) / (abs(change["size_delta"]) + abs(change["size"]))
        for _, change in _events(run, "PositionChanged")
        if change["cause"] == BY_FORCE
    ]
    return fsum(shares) / len(shares) if shares else None


def _withdrawn(run: RunFacts) -> float:
    return sum(event["amount"] for _, event in _events(run, "Withdrawn")) / TOKEN_UNIT


def _busiest_hour(run: RunFacts) -> float:
    columns = (_numbers(run, "liquidations", column) for column in ("timestamp", "notional"))
    within: deque[tuple[float, float]] = deque()
    most = 0.0
    for timestamp, notional in zip(*columns, strict=True):
        within.append((timestamp, notional))
        while within[0][0] <= timestamp - HOUR_SECONDS:
            within.popleft()
        most = max(most, fsum(amount for _, amount in within))
    return most


def _funding(run: RunFacts) -> float:
    """Return what the paying sides came to owe, by the open interest at the end of the block before."""
    columns: Any = (
        run.column("blocks", column)
        for column in ("block", "market", "long_open_interest", "short_open_interest")
    )
    held = {(block, market): sides for block, market, *sides in zip(*columns, strict=True)}
    owed, index = [], {}
    for block, event in _events(run, "FundingAccrued"):
        market, now = event["market"], event["funding_index"] / WAD
        growth = now - index.get(market, now)
        index[market] = now
        longs, shorts = held.get((block - 1, market), (0.0, 0.0))
        owed.append(growth * longs if growth > 0.0 else -growth * shorts)
    return fsum(owed)


OWN = {
    metric.name: metric
    for metric in (
        Metric(
            name="closed_share", label="Closed at once", unit="1", kind="share", direction=NEUTRAL,
            family="cascade", section="Cascade", markets="all",
            meaning="Mean share of a position that one forced close takes.",
            undefined="nothing was liquidated",
            measure=_closed_share,
        ),
        Metric(
            name="liquidation_fee_rate", label="Liquidation fee", unit="1", kind="share", direction=NEUTRAL,
            family="other", section="Chain", markets="all",
            meaning="Liquidation fees over liquidated notional.",
            undefined="nothing was liquidated",
            measure=lambda run: _share_of(run, "fee", "notional"),
        ),
        Metric(
            name="bounty_share", label="Liquidators' share", unit="1", kind="share", direction=NEUTRAL,
            family="other", section="Chain", markets="all",
            meaning="Share of the liquidation fees that went to whoever liquidated, tips left out.",
            undefined="no liquidation paid a fee",
            measure=lambda run: _share_of(run, "bounty", "fee"),
        ),
        Metric(
            name="busiest_hour_notional", label="Most closed in an hour", unit="quote", kind="amount",
            direction=NEUTRAL, family="cascade", section="Cascade", markets="all",
            meaning="Most notional that was closed by force within an hour.",
            measure=_busiest_hour,
        ),
        Metric(
            name="withdrawn", label="Withdrawn", unit="quote", kind="amount", direction=NEUTRAL,
            family="other", section="Margin", markets="all",
            meaning="Collateral that accounts took out, all together.",
            measure=_withdrawn,
        ),
        Metric(
            name="funding_accrued", label="Funding", unit="quote", kind="amount", direction=NEUTRAL,
            family="other", section="Margin", markets="all",
            meaning="Funding that the side which pays came to owe, settled or not.",
            measure=_funding,
        ),
    )
}  # fmt: skip
"""By name."""
