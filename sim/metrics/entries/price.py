"""Metrics of prices: where the outside price went, and how far flow pressed it."""

from sim.core.units import WAD
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric
from sim.metrics.facts import RunFacts


def _twin_drawdown(run: RunFacts) -> float | None:
    return None if run.twin is None else run.twin.totals.drawdown


METRICS.add(
    Metric(
        order=33,
        name="price_start",
        label="Price at the start",
        meaning="Outside price at the start of the run.",
        unit="quote",
        kind="price",
        direction=NEUTRAL,
        family="other",
        section="Price",
        markets="market 0",
        measure=lambda run: run.price_start,
    )
)
METRICS.add(
    Metric(
        order=34,
        name="price_min",
        label="Lowest price",
        meaning="Lowest outside price of any block.",
        unit="quote",
        kind="price",
        direction=NEUTRAL,
        family="other",
        section="Price",
        markets="market 0",
        measure=lambda run: run.totals.price_min,
    )
)
METRICS.add(
    Metric(
        order=35,
        name="price_end",
        label="Price at the end",
        meaning="Outside price after the last block.",
        unit="quote",
        kind="price",
        direction=NEUTRAL,
        family="other",
        section="Price",
        markets="market 0",
        measure=lambda run: run.price_end,
    )
)
METRICS.add(
    Metric(
        order=42,
        name="price_drawdown",
        label="Largest fall",
        meaning="Peak-to-trough fall of the outside price.",
        unit="1",
        unit_words="of the peak",
        kind="share",
        direction=WORSE,
        family="cascade",
        section="Price",
        markets="market 0",
        measure=lambda run: run.totals.drawdown,
    )
)
METRICS.add(
    Metric(
        order=43,
        name="price_overshoot",
        label="Overshoot",
        meaning="Largest fall of the outside price below the fundamental price, relative.",
        unit="1",
        unit_words="of fundamental",
        kind="share",
        direction=WORSE,
        family="cascade",
        section="Price",
        markets="market 0",
        measure=lambda run: run.totals.overshoot,
    )
)
METRICS.add(
    Metric(
        order=45,
        name="twin_price_drawdown",
        label="Largest fall, twin",
        meaning="Peak-to-trough fall of the outside price in the twin, the same run without forced flow.",
        unit="1",
        unit_words="of the peak",
        kind="share",
        direction=NEUTRAL,
        family="other",
        section="Price",
        markets="market 0",
        worlds=("twin",),
        measure=_twin_drawdown,
    )
)
METRICS.add(
    Metric(
        order=46,
        name="index_price_start",
        label="Index at the start",
        meaning="Index of the oracle before the first block.",
        unit="quote",
        kind="price",
        direction=NEUTRAL,
        family="other",
        section="Price",
        markets="market 0",
        measure=lambda run: run.market_before.index_price / WAD,
    )
)
