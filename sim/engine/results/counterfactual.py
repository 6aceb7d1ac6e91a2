"""``counterfactual.parquet`` and ``worlds.parquet``: the worlds beside a run, by account and by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.rows import CounterfactualRow, WorldRow
from sim.metrics.matching import Matched


def counterfactual_rows(matched: Mapping[str, Sequence[Matched]]) -> Iterator[CounterfactualRow]:
    """Yield a row for each world, account, market and side with a forced close in either."""
    for world, rows in matched.items():
        for row in rows:
            yield CounterfactualRow(
                world=world,
                account=row.subject.account,
                market=row.subject.market,
                side="long" if row.subject.is_long else "short",
                closed_wad=row.closed,
                closed_there_wad=row.closed_there,
                matched_wad=row.matched,
                excess_wad=row.excess,
                avoided_wad=row.avoided,
                brought_forward_wad=row.forward,
                put_off_wad=row.put_off,
                seconds_earlier=row.unit_seconds / row.matched if row.matched else 0.0,
                notional=row.notional,
                notional_there=row.notional_there,
                matched_notional=row.matched_notional,
                matched_notional_there=row.matched_notional_there,
                excess_notional=row.excess_notional,
                avoided_notional=row.avoided_notional,
                brought_forward_notional=row.forward_notional,
            )


def world_rows(recorders: Mapping[str, Recorder]) -> Iterator[WorldRow]:
    """Yield what every block of the other worlds came to, one row a market."""
    for world, recorder in recorders.items():
        for row in recorder.tables.blocks.rows:
            yield WorldRow(
                world=world,
                block=row.block,
                timestamp=row.timestamp,
                market=row.market,
                external_price=row.external_price,
                liquidations=row.liquidations,
                liquidated_notional=row.liquidated_notional,
                bad_debt=row.bad_debt,
            )
