"""Metrics of margin: what it asked, how it moved, and whether it covered the losses."""

import numpy as np

from sim.core.portable_math import ordered_sum
from sim.metrics.book import BETTER, METRICS, NEUTRAL, WORSE, Metric
from sim.metrics.facts import RunFacts
from sim.metrics.margin import MARGIN_CALL_MULTIPLE, MARGIN_PERIOD_OF_RISK_SECONDS


def _mean_by_notional(run: RunFacts, weighted: list[float]) -> float:
    weight = ordered_sum(np.array(run.totals.notional))
    return ordered_sum(np.array(weighted)) / weight if weight else 0.0


METRICS.add(Metric(
    order=19, name="margin_calls", label="Margin calls", unit="1", kind="count", direction=WORSE,
    family="procyclicality", section="Margin", markets="all",
    meaning=f"Times the equity of an account fell under {MARGIN_CALL_MULTIPLE:g} maintenance requirements.",
    measure=lambda run: run.totals.margin_calls,
))  # fmt: skip
METRICS.add(Metric(
    order=20, name="cured_margin_calls", label="Cured margin calls", unit="1", kind="count",
    direction=NEUTRAL, family="procyclicality", section="Margin", markets="all",
    meaning="Margin calls that ended without a liquidation: a top-up, a reduction, or the price.",
    measure=lambda run: run.totals.cured_margin_calls,
))  # fmt: skip
METRICS.add(Metric(
    order=21, name="mean_initial_margin_ratio", label="Mean initial margin", unit="1",
    unit_words="of notional", kind="share", direction=WORSE, family="efficiency", section="Margin",
    markets="all", shown=("mean",),
    meaning="Requirement to open over notional, weighted by open interest and time.",
    measure=lambda run: _mean_by_notional(run, run.totals.initial_weighted),
))  # fmt: skip
METRICS.add(Metric(
    order=22, name="mean_maintenance_margin_ratio", label="Mean maintenance margin", unit="1",
    unit_words="of notional", kind="share", direction=WORSE, family="efficiency", section="Margin",
    markets="all", shown=("mean",),
    meaning="Requirement to stay open over notional, weighted by open interest and time.",
    measure=lambda run: _mean_by_notional(run, run.totals.maintenance_weighted),
))  # fmt: skip
METRICS.add(Metric(
    order=23, name="peak_to_trough_margin", label="Peak to trough of margin", unit="1", kind="factor",
    direction=WORSE, family="procyclicality", section="Margin", markets="market 0", shown=("mean",),
    meaning="Highest over lowest maintenance ratio that a small position held since the first block had to "
            "hold, after the ramp; 1 is not procyclical at all.",
    measure=lambda run: run.procyclicality.peak_to_trough,
))  # fmt: skip
METRICS.add(Metric(
    order=24, name="max_1h_margin_increase", label="Largest increase in 1 h", unit="1",
    unit_words="relative", kind="share", direction=WORSE, family="procyclicality", section="Margin",
    markets="market 0", shown=("mean", "VaR95"),
    meaning="Largest relative rise within one hour of what such a position had to hold, after the ramp as "
            "well.",
    measure=lambda run: run.procyclicality.max_increase,
))  # fmt: skip
METRICS.add(Metric(
    order=25, name="margin_coverage", label="Margin coverage", unit="1", unit_words="of windows",
    kind="share", direction=BETTER, family="coverage", section="Margin", markets="market 0",
    shown=("mean",),
    meaning="Share of (position, window) pairs whose loss over the margin period of risk, windows "
            f"of {MARGIN_PERIOD_OF_RISK_SECONDS // 60} min, stayed within the maintenance margin held.",
    undefined="no position was open through a whole margin period of risk",
    measure=lambda run: run.coverage.coverage,
))  # fmt: skip
METRICS.add(Metric(
    order=26, name="breaches", label="Breaches", unit="1", kind="count", direction=WORSE,
    family="coverage", section="Margin", markets="market 0",
    meaning="(Position, window) pairs whose loss went beyond the maintenance margin held.",
    measure=lambda run: run.coverage.breaches,
))  # fmt: skip
METRICS.add(Metric(
    order=27, name="mean_breach_size", label="Mean breach size", unit="1", unit_words="of margin",
    kind="share", direction=WORSE, family="coverage", section="Margin", markets="market 0",
    shown=("mean",),
    meaning="Mean of loss over margin, less one, of those pairs; 0 if there were none.",
    measure=lambda run: run.coverage.mean_breach_size,
))  # fmt: skip
METRICS.add(Metric(
    order=41, name="margin_coverage_pairs", label="Coverage, pairs", unit="1", kind="count",
    direction=NEUTRAL, family="coverage", section="Margin", markets="market 0",
    meaning="(Position, window) pairs that margin coverage was measured on.",
    measure=lambda run: run.coverage.pairs,
))  # fmt: skip
METRICS.add(Metric(
    order=44, name="open_interest_start", label="Open interest, start", unit="quote", kind="amount",
    direction=NEUTRAL, family="efficiency", section="Margin", markets="all",
    meaning="Notional of all positions of all markets, both sides, after the first block.",
    measure=lambda run: run.totals.open_interest_start,
))  # fmt: skip
METRICS.add(Metric(
    order=111, name="any_breach", label="Any breach", unit="1", kind="event", direction=WORSE,
    family="coverage", section="Margin", markets="market 0", shown=("probability",),
    meaning="Whether any loss went beyond its margin.",
    derive=lambda known: float(known["breaches"] > 0.0),
))  # fmt: skip
