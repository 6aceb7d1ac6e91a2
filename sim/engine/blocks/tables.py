"""The tables a run writes: columns are fixed here, rows are appended by the block loop."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.files import atomic_write_bytes

F, N, S, B = pa.float64(), pa.int64(), pa.string(), pa.bool_()

BLOCK_COLUMNS = {
    "block": N, "timestamp": N, "market": N,
    "external_price": F, "fundamental_price": F, "index_price": F, "risk_price": F, "mark_price": F,
    "ema_price": F, "volatility_fast": F, "volatility_slow": F,
    "initial_margin_ratio": F, "maintenance_margin_ratio": F, "ramped_maintenance_margin_ratio": F,
    "mean_initial_margin_ratio": F, "mean_maintenance_margin_ratio": F,
    "long_open_interest": F, "short_open_interest": F, "open_interest_notional": F,
    "mean_leverage": F, "accounts_open": N,
    "insurance_fund": F, "pool_assets": F, "bad_debt": F, "fund_draws": F, "haircuts": F,
    "socialized_loss": F, "pending_deficit": F,
    "liquidations": N, "liquidated_notional": F, "margin_calls": N, "forced_flow": F,
    "impact_log": F, "depth": F,
    "base_fee_gwei": F, "gas_used": N, "gas_demanded": N, "mempool_size": N,
    "included": N, "reverted": N, "evicted": N,
    "oracle_age_seconds": N, "oracle_status": N, "liquidatable_accounts": N,
    "block_digest": S,
}  # fmt: skip

TRANSACTION_COLUMNS = {
    "block": N, "position": N, "agent": S, "kind": S, "sender": N, "account": N, "status": B,
    "revert_reason": S, "gas_used": N, "priority_fee_gwei": F, "fee_paid_eth": F, "submitted_block": N,
}  # fmt: skip

LIQUIDATION_COLUMNS = {
    "id": N, "block": N, "timestamp": N, "account": N, "market": N, "liquidator": N,
    "size": F, "price": F, "risk_price": F, "fundamental_price": F, "notional": F,
    "equity": F, "maintenance_requirement": F, "fee": F, "bounty": F, "insurance_fee": F,
    "tip": F, "deficit": F, "cause": S, "parent": N, "root": N, "depth": N, "cascade": N,
    "parents": N, "leverage_at_entry": F, "overshoot": F, "breach_cause": S,
}  # fmt: skip

ACCOUNT_COLUMNS = {
    "account": N, "group": S, "side": S, "leverage_start": F, "notional_start": F,
    "collateral_start": F, "wallet_start": F, "wallet_end": F, "equity_start": F, "equity_end": F,
    "size_end": F, "realized_pnl": F, "fees_paid": F, "funding_paid": F, "gas_paid_eth": F,
    "topped_up": F, "margin_calls": N, "liquidations": N, "liquidated_notional": F, "profit": F,
}  # fmt: skip

EVENT_COLUMNS = {
    "block": N, "position": N, "contract": S, "event": S, "account": N, "data": S,
}  # fmt: skip

TABLES = {
    "blocks": BLOCK_COLUMNS,
    "transactions": TRANSACTION_COLUMNS,
    "liquidations": LIQUIDATION_COLUMNS,
    "accounts": ACCOUNT_COLUMNS,
    "events": EVENT_COLUMNS,
}

Row = tuple[object, ...]


class TableWriter:
    """Rows of one table, kept as tuples in column order until the run ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.columns = TABLES[name]
        self.rows: list[Row] = []

    def append(self, row: Row) -> None:
        """Append one row in column order."""
        self.rows.append(row)

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table with the declared types."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.columns)
        arrays = [
            pa.array(column, type=kind) for column, kind in zip(columns, self.columns.values(), strict=True)
        ]
        return pa.Table.from_arrays(arrays, names=list(self.columns))

    def write(self, folder: Path) -> None:
        """Write ``<name>.parquet`` whole or not at all."""
        sink = pa.BufferOutputStream()
        pq.write_table(self.to_arrow(), sink, compression="zstd")
        atomic_write_bytes(folder / f"{self.name}.parquet", sink.getvalue().to_pybytes())
