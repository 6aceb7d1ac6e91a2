"""Metrics of the run itself: its length and what was included."""

from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric

METRICS.add(
    Metric(
        order=1,
        name="blocks",
        label="Blocks",
        meaning="Blocks simulated.",
        unit="blocks",
        kind="count",
        direction=NEUTRAL,
        family="other",
        section="Run",
        markets="none",
        measure=lambda run: run.blocks,
    )
)
METRICS.add(
    Metric(
        order=2,
        name="transactions",
        label="Transactions",
        meaning="Transactions included in a block.",
        unit="1",
        kind="count",
        direction=NEUTRAL,
        family="other",
        section="Run",
        markets="all",
        measure=lambda run: run.totals.transactions,
    )
)
METRICS.add(
    Metric(
        order=3,
        name="reverted",
        label="Reverted",
        meaning="Included transactions that failed; their gas was paid all the same.",
        unit="1",
        kind="count",
        direction=NEUTRAL,
        family="other",
        section="Run",
        markets="all",
        measure=lambda run: run.totals.reverted,
    )
)
METRICS.add(
    Metric(
        order=31,
        name="invariants_checked",
        label="Invariants checked",
        meaning="Checks of conservation and solvency made over all blocks.",
        unit="1",
        kind="count",
        direction=NEUTRAL,
        family="other",
        section="Chain",
        markets="all",
        measure=lambda run: run.invariants_checked,
    )
)
METRICS.add(
    Metric(
        order=32,
        name="invariant_violations",
        label="Invariant violations",
        meaning="Checks that failed; any but zero makes the run worthless.",
        unit="1",
        kind="count",
        direction=WORSE,
        family="other",
        section="Chain",
        markets="all",
        alarm="bad",
        measure=lambda run: run.invariant_violations,
    )
)
