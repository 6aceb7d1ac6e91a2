"""Metrics of prices: where the outside price went, and how far flow pressed it."""

from sim.core.units import WAD
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric

METRICS.add(Metric(
    order=33, name="price_start", label="Price at the start", unit="quote", kind="price",
    direction=NEUTRAL, family="other", section="Price", markets="market 0",
    meaning="Outside price at the start of the run.",
    measure=lambda run: run.price_start,
))  # fmt: skip
METRICS.add(Metric(
    order=34, name="price_min", label="Lowest price", unit="quote", kind="price", direction=NEUTRAL,
    family="other", section="Price", markets="market 0",
    meaning="Lowest outside price of any block.",
    measure=lambda run: run.totals.price_min,
))  # fmt: skip
METRICS.add(Metric(
    order=35, name="price_end", label="Price at the end", unit="quote", kind="price", direction=NEUTRAL,
    family="other", section="Price", markets="market 0",
    meaning="Outside price after the last block.",
    measure=lambda run: run.price_end,
))  # fmt: skip
METRICS.add(Metric(
    order=42, name="price_drawdown", label="Largest fall", unit="1", unit_words="of the peak",
    kind="share", direction=WORSE, family="cascade", section="Price", markets="market 0",
    meaning="Peak-to-trough fall of the outside price.",
    measure=lambda run: run.totals.drawdown,
))  # fmt: skip
METRICS.add(Metric(
    order=43, name="price_overshoot", label="Overshoot", unit="1", unit_words="of fundamental",
    kind="share", direction=WORSE, family="cascade", section="Price", markets="market 0",
    meaning="Largest fall of the outside price below the fundamental price, relative.",
    measure=lambda run: run.totals.overshoot,
))  # fmt: skip
METRICS.add(Metric(
    order=46, name="index_price_start", label="Index at the start", unit="quote", kind="price",
    direction=NEUTRAL, family="other", section="Price", markets="market 0",
    meaning="Index of the oracle before the first block.",
    measure=lambda run: run.market_before.index_price / WAD,
))  # fmt: skip
