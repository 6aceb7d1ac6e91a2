"""Load a run's results folder, every file checked against its manifest; a table the run had not is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from sim.core.errors import InputError
from sim.core.folders import damaged, parse_object
from sim.engine.results.folder import RunFiles, open_run

FloatArray = npt.NDArray[np.float64]

_ON_CHAIN = ("target", "arguments", "calldata", "max_fee_wei", "max_priority_fee_wei", "fee_paid_wei")
"""Columns for those who recompute a run; no figure is made of them."""

_WORD = 2**256
"""No argument of a log is as large."""

TABLES = (
    "blocks", "transactions", "liquidations", "accounts", "counterfactual", "worlds", "removals",
    "formula_failures",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One log of a contract."""

    block: int
    position: int
    """Place of its transaction in the block."""
    values: dict[str, Any]
    """Every argument, an integer; who it is about by number in ``accounts.parquet``."""
    place: Path
    """Of the table, for messages."""

    def __getitem__(self, name: str) -> int:
        """Return an argument.

        Raises
        ------
        InputError
            The log has none of that name.
        """
        if name not in self.values:
            raise InputError(damaged(self.place, f"a log has no argument {name}"))
        return int(self.values[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Everything a report reads of one run."""

    path: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    blocks: pd.DataFrame | None
    transactions: pd.DataFrame | None
    liquidations: pd.DataFrame | None
    accounts: pd.DataFrame | None
    counterfactual: pd.DataFrame | None
    worlds: pd.DataFrame | None
    removals: pd.DataFrame | None
    formula_failures: pd.DataFrame | None
    observed: pd.DataFrame | None
    files: RunFiles
    """What is too large to be read for every page: `events`, `final`."""

    @property
    def scenario(self) -> dict[str, Any]:
        """The scenario as the manifest records it; empty when it does not."""
        scenario = self.manifest.get("scenario")
        return scenario if isinstance(scenario, dict) else {}

    @property
    def market_ids(self) -> list[int]:
        """Markets present in ``blocks.parquet``, ascending."""
        if self.blocks is None or self.blocks.empty:
            return []
        if "market" not in self.blocks:
            return [0]
        return sorted(int(market) for market in self.blocks["market"].unique())

    def market_name(self, market: int) -> str:
        """Name of a market in the scenario, or its number."""
        markets = self.scenario.get("markets")
        if isinstance(markets, list) and 0 <= market < len(markets) and isinstance(markets[market], dict):
            return str(markets[market].get("name") or f"market {market}")
        return f"market {market}"

    def market_blocks(self, market: int) -> pd.DataFrame:
        """Rows of ``blocks.parquet`` of one market, in block order."""
        if self.blocks is None:
            return pd.DataFrame()
        if "market" not in self.blocks:
            return self.blocks
        return self.blocks[self.blocks["market"] == market]

    @property
    def protocol_blocks(self) -> pd.DataFrame:
        """One row per block: the first market's rows, which carry the protocol-wide columns."""
        return self.market_blocks(self.market_ids[0]) if self.market_ids else pd.DataFrame()

    @property
    def time_span(self) -> tuple[float, float] | None:
        """First and last block timestamp, epoch seconds."""
        rows = self.protocol_blocks
        if rows.empty or "timestamp" not in rows:
            return None
        times = epoch_seconds(rows["timestamp"])
        return float(times[0]), float(times[-1])

    def events(self, name: str) -> list[Event]:
        """Return the logs of a name, in the order in which they were emitted; the set-up's are not recorded.

        Raises
        ------
        InputError
            The table is missing or damaged.
        """
        place = self.path / "events.parquet"
        table = self.files.table(
            "events",
            without=("address", "topics", "raw_data"),
            keep=lambda part: pc.equal(part["event"], name),
        )
        found = []
        for row in table.to_pylist():
            values = parse_object(place, str(row["data"]).encode())
            if not all(type(value) is int and abs(value) < _WORD for value in values.values()):
                raise InputError(damaged(place, f"{name}: an argument is no word of a contract"))
            found.append(Event(block=row["block"], position=row["position"], values=values, place=place))
        return found

    def final(self, word: str) -> int | None:
        """Return a word of the protocol's state after the last block, None of a run without blocks.

        Raises
        ------
        InputError
            The table is missing or damaged.
        """
        table = self.files.table("protocol_states")
        written = table[word].to_pylist()[-1:]
        if not written:
            return None
        if not str(written[0]).removeprefix("-").isdecimal():
            raise InputError(damaged(self.path / "protocol_states.parquet", f"{word}: is no whole number"))
        return int(written[0])


def load_run(folder: Path) -> RunFolder:
    """Read a results folder.

    Raises
    ------
    InputError
        The folder is not a run's results, or one of its files is damaged.
    """
    files = open_run(folder)
    observed = files.observed()
    return RunFolder(
        path=folder,
        files=files,
        manifest=files.manifest,
        summary=files.summary(),
        observed=None if observed is None else observed.to_pandas(),
        **{name: files.table(name, without=_ON_CHAIN).to_pandas() for name in TABLES},
    )


def has_columns(table: pd.DataFrame | None, columns: Sequence[str]) -> TypeGuard[pd.DataFrame]:
    """Return whether a table exists, has rows, and has all of these columns."""
    return table is not None and not table.empty and all(column in table for column in columns)


def column(table: pd.DataFrame, name: str) -> FloatArray:
    """Return one column as float64; NaN where the table has no such column."""
    if name not in table:
        return np.full(len(table), np.nan)
    return np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)


def epoch_seconds(times: pd.Series) -> FloatArray:
    """Return times as float64 epoch seconds, from numbers or from datetimes (UTC)."""
    if pd.api.types.is_datetime64_any_dtype(times) or times.dtype == object or str(times.dtype) == "str":
        stamps = pd.to_datetime(times, utc=True)
        return np.asarray((stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1), dtype=np.float64)
    return np.asarray(times, dtype=np.float64)


def last_value(table: pd.DataFrame, name: str) -> float | None:
    """Return the last finite value of a column, or None."""
    values = column(table, name)
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else None
