"""Metrics of collateral in other assets than the quote coin: how far it fell, and what was sold of it."""

from __future__ import annotations

from sim.core.units import TOKEN_UNIT
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric

METRICS.add(Metric(
    order=51, name="collateral_drawdown", label="Largest fall of other collateral", unit="1",
    unit_words="of the peak", kind="share", direction=NEUTRAL, family="other", section="Losses",
    markets="all",
    meaning="Largest fall below its peak of the outside price of an asset that accounts may have as "
            "collateral; 0 where there is only the quote coin.",
    measure=lambda run: run.totals.collateral_drawdown,
))  # fmt: skip
METRICS.add(Metric(
    order=52, name="collateral_sales", label="Forced sales of collateral", unit="count", kind="count",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Sales of other assets of accounts that owed quote, or whose debt others had paid.",
    measure=lambda run: run.totals.collateral_sales,
))  # fmt: skip
METRICS.add(Metric(
    order=53, name="collateral_sold", label="Raised by forced sales", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="What those sales raised, the fee of whoever called them included.",
    measure=lambda run: run.totals.collateral_sold / TOKEN_UNIT,
))  # fmt: skip
