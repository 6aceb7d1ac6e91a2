"""The tables a run writes: rows are appended by the block loop, their classes are the schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.columns import to_arrow
from sim.core.files import atomic_write_bytes
from sim.engine.blocks.rows import (
    AccountRow,
    BlockRow,
    CounterfactualRow,
    EventRow,
    FormulaFailureRow,
    LiquidationRow,
    MarketStateRow,
    ObservedRow,
    ProtocolStateRow,
    RemovalRow,
    TransactionRow,
    WorldRow,
)

R = TypeVar("R", bound=NamedTuple)

TABLES: dict[str, type[Any]] = {
    "blocks": BlockRow,
    "transactions": TransactionRow,
    "liquidations": LiquidationRow,
    "accounts": AccountRow,
    "events": EventRow,
    "market_states": MarketStateRow,
    "protocol_states": ProtocolStateRow,
    "counterfactual": CounterfactualRow,
    "worlds": WorldRow,
    "removals": RemovalRow,
    "formula_failures": FormulaFailureRow,
}
"""Name of a table (``<name>.parquet``) -> class of its rows."""

OPTIONAL_TABLES: dict[str, type[Any]] = {"observed": ObservedRow}
"""Tables that some runs have beside them."""


class TableWriter(Generic[R]):
    """Rows of one table, kept until the run ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[R] = []

    def append(self, row: R) -> None:
        """Append one row."""
        self.rows.append(row)

    def extend(self, rows: Iterable[R]) -> None:
        """Append several rows."""
        self.rows.extend(rows)

    def column(self, name: str) -> list[object]:
        """Return the values of one column so far, one a row; KeyError if there is no such column."""
        if name not in TABLES[self.name]._fields:
            raise KeyError(name)
        return [getattr(row, name) for row in self.rows]

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table with the declared types."""
        return to_arrow(TABLES[self.name], self.rows)

    def write(self, folder: Path) -> None:
        """Write ``<name>.parquet`` whole or not at all."""
        sink = pa.BufferOutputStream()
        pq.write_table(self.to_arrow(), sink, compression="zstd")
        atomic_write_bytes(folder / f"{self.name}.parquet", sink.getvalue().to_pybytes())


class RunTables:
    """The tables of one run while it goes on."""

    def __init__(self, writer: Callable[[str], TableWriter[Any]] = TableWriter) -> None:
        self.blocks: TableWriter[BlockRow] = writer("blocks")
        self.transactions: TableWriter[TransactionRow] = writer("transactions")
        self.liquidations: TableWriter[LiquidationRow] = writer("liquidations")
        self.accounts: TableWriter[AccountRow] = writer("accounts")
        self.events: TableWriter[EventRow] = writer("events")
        self.market_states: TableWriter[MarketStateRow] = writer("market_states")
        self.protocol_states: TableWriter[ProtocolStateRow] = writer("protocol_states")
        self.counterfactual: TableWriter[CounterfactualRow] = writer("counterfactual")
        self.worlds: TableWriter[WorldRow] = writer("worlds")
        self.removals: TableWriter[RemovalRow] = writer("removals")
        self.formula_failures: TableWriter[FormulaFailureRow] = writer("formula_failures")

    def named(self) -> dict[str, TableWriter[Any]]:
        """Return every table by name, in the order of ``TABLES``."""
        return {name: getattr(self, name) for name in TABLES}
