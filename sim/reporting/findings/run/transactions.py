"""What became of the transactions of each kind: included, reverted, delayed, paid."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.reporting.run_folder import RunFolder, column, has_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """All transactions of one entry point."""

    kind: str
    total: int
    reverted: int
    mean_wait_blocks: float | None
    longest_wait_blocks: float | None
    fees_eth: float


def transaction_kinds(run: RunFolder) -> list[KindRow]:
    """Return one row per kind, the most frequent first."""
    if not has_columns(run.transactions, ["kind", "status"]):
        return []
    failed = ~succeeded(run.transactions["status"])
    found = []
    for kind, rows in run.transactions.groupby("kind", sort=True):
        waits = column(rows, "block") - column(rows, "submitted_block")
        known = waits[np.isfinite(waits)]
        found.append(
            KindRow(
                kind=str(kind),
                total=len(rows),
                reverted=int(failed.loc[rows.index].sum()),
                mean_wait_blocks=float(known.mean()) if known.size else None,
                longest_wait_blocks=float(known.max()) if known.size else None,
                fees_eth=float(np.nansum(column(rows, "fee_paid_eth"))),
            )
        )
    return sorted(found, key=lambda row: (-row.total, row.kind))


def revert_reasons(run: RunFolder, limit: int = 12) -> list[tuple[str, str, int]]:
    """Return (kind, reason, count) of the most frequent reverts."""
    if not has_columns(run.transactions, ["kind", "status", "revert_reason"]):
        return []
    rows = run.transactions[~succeeded(run.transactions["status"])]
    reasons = rows["revert_reason"].fillna("no reason given").astype(str).replace("", "no reason given")
    counts = pd.DataFrame({"kind": rows["kind"].astype(str), "reason": reasons}).value_counts().reset_index()
    ordered = counts.sort_values(["count", "kind", "reason"], ascending=[False, True, True], kind="stable")
    return [
        (str(row.kind), str(row.reason), int(str(row.count_)))
        for row in ordered.rename(columns={"count": "count_"}).head(limit).itertuples()
    ]


def succeeded(status: pd.Series) -> pd.Series:
    """Return whether each transaction succeeded, from booleans, 0 and 1, or words."""
    if pd.api.types.is_bool_dtype(status) or pd.api.types.is_numeric_dtype(status):
        return status.astype(bool)
    return status.astype(str).str.lower().isin(["success", "succeeded", "ok", "true", "1"])
