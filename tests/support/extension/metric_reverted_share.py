"""Example of a metric in one file: the share of included transactions that failed."""

from sim.metrics.book import METRICS, WORSE, Metric
from sim.metrics.facts import RunFacts


def _reverted_share(run: RunFacts) -> float:
    totals = run.totals
    return totals.reverted / totals.transactions if totals.transactions else 0.0


METRICS.add(
    Metric(
        name="reverted_share",
        label="Reverted share",
        meaning="Share of the included transactions that reverted.",
        unit="1",
        kind="share",
        direction=WORSE,
        family="other",
        section="Chain",
        markets="all",
        measure=_reverted_share,
    )
)
