"""Metrics of liquidations."""

from __future__ import annotations

from math import fsum

from sim.metrics.book import METRICS, WORSE, Metric, ratio
from sim.metrics.facts import RunFacts


def _elsewhere(run: RunFacts) -> float | None:
    """Return what was closed outside market 0; None where there is no other market."""
    if len(run.valuation.maintenance_ratio) < 2:
        return None
    closes = zip(run.column("liquidations", "market"), run.column("liquidations", "notional"), strict=True)
    return fsum(float(notional) for market, notional in closes if market)  # type: ignore[arg-type]


METRICS.add(Metric(
    order=4, name="liquidations", label="Liquidations", unit="1", kind="count", direction=WORSE,
    family="cascade", section="Cascade", markets="all",
    meaning="Forced closings, partial ones counted singly; one account can have several.",
    measure=lambda run: run.totals.liquidations,
))  # fmt: skip
METRICS.add(Metric(
    order=5, name="liquidated_notional", label="Liquidated notional", unit="quote", kind="amount",
    direction=WORSE, family="cascade", section="Cascade", markets="all",
    meaning="Notional closed by liquidation, at the risk price.",
    measure=lambda run: run.totals.liquidated_notional,
))  # fmt: skip
METRICS.add(Metric(
    order=72, name="liquidated_elsewhere_notional", label="Liquidated outside market 0", unit="quote",
    kind="amount", direction=WORSE, family="cascade", section="Cascade", markets="all",
    meaning="Notional closed by liquidation in all markets but market 0, at the risk price: where that one "
            "alone falls, what is carried into the others.",
    undefined="the scenario has one market",
    measure=_elsewhere,
))  # fmt: skip
METRICS.add(Metric(
    order=101, name="liquidated_share", label="Liquidated share", unit="1",
    unit_words="of open interest", kind="share", direction=WORSE, family="cascade", section="Cascade",
    markets="all", shown=("mean", "VaR95"),
    meaning="Liquidated notional over open interest at the start.",
    undefined="open interest at the start was zero",
    derive=lambda known: ratio(known["liquidated_notional"], known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=108, name="any_liquidation", label="Any liquidation", unit="1", kind="event", direction=WORSE,
    family="cascade", section="Cascade", markets="all", shown=("probability",),
    meaning="Whether anything was liquidated.",
    derive=lambda known: float(known["liquidations"] > 0.0),
))  # fmt: skip
