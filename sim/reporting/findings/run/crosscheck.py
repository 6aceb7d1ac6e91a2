"""Numbers recomputed from the tables and laid beside those of the summary."""

import math
from dataclasses import dataclass

import numpy as np

from sim.metrics.book import METRICS
from sim.reporting.run_folder import RunFolder, column, has_columns, last_value

RELATIVE_TOLERANCE = 1e-6
"""The tables hold float64 of WAD integers; sums of some thousand of them agree far better than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number obtained in two ways."""

    name: str
    left_source: str
    left: float
    right_source: str
    right: float

    @property
    def agrees(self) -> bool:
        """Whether the two are equal up to float rounding (a millionth, or a cent for amounts near zero)."""
        return math.isclose(self.left, self.right, rel_tol=RELATIVE_TOLERANCE, abs_tol=0.01)


def cross_checks(run: RunFolder) -> list[Check]:
    """Return every check the recorded tables allow."""
    found: list[Check] = []

    def compare(key: str, source: str, value: float | None) -> None:
        stated = run.summary.get(key)
        if isinstance(stated, (int, float)) and value is not None and math.isfinite(value):
            found.append(
                Check(
                    name=METRICS[key].label,
                    left_source=f"summary {key}",
                    left=float(stated),
                    right_source=source,
                    right=float(value),
                )
            )

    if run.liquidations is not None:
        compare("liquidations", "rows of liquidations", float(len(run.liquidations)))
        compare(
            "liquidated_notional",
            "sum over liquidations",
            float(np.nansum(column(run.liquidations, "notional"))),
        )
    rows = run.protocol_blocks
    if not rows.empty:
        compare("blocks", "rows of blocks, one market", float(len(rows)))
        if "insurance_fund" in rows:
            fund = column(rows, "insurance_fund")
            # The table has the ends of blocks; the balance before the first one counts as well.
            start = run.summary.get("insurance_fund_start")
            known = [*fund, start] if isinstance(start, (int, float)) else fund
            compare(
                "insurance_fund_min",
                "minimum over blocks and the start",
                float(np.nanmin(known)),
            )
            compare("insurance_fund_end", "last block", float(fund[-1]))
        compare("bad_debt", "last block", last_value(rows, "bad_debt"))
        compare("socialized_loss", "last block", last_value(rows, "socialized_loss"))
        if "negative_equity" in rows:
            compare("negative_equity_end", "last block", last_value(rows, "negative_equity"))
            compare(
                "negative_equity_max",
                "maximum over blocks",
                float(np.nanmax(column(rows, "negative_equity"))),
            )
        parts = [last_value(rows, key) for key in ("fund_draws", "haircuts", "socialized_loss")]
        debt = last_value(rows, "bad_debt")
        if debt is not None and has_columns(rows, ["fund_draws", "haircuts", "socialized_loss"]):
            found.append(
                Check(
                    name="Bad debt is booked exactly once",
                    left_source="bad_debt, last block",
                    left=debt,
                    right_source="fund draws + haircuts + socialised",
                    right=sum(p or 0.0 for p in parts),
                )
            )
    return found
