"""Metrics of the run itself: its length and what was included."""

from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric

METRICS.add(Metric(
    order=1, name="blocks", label="Blocks", unit="blocks", kind="count", direction=NEUTRAL,
    family="other", section="Run", markets="none",
    meaning="Blocks simulated, those in which the run settled among them.",
    measure=lambda run: run.blocks,
))  # fmt: skip
METRICS.add(Metric(
    order=2, name="transactions", label="Transactions", unit="1", kind="count", direction=NEUTRAL,
    family="other", section="Run", markets="all",
    meaning="Transactions included in a block.",
    measure=lambda run: run.totals.transactions,
))  # fmt: skip
METRICS.add(Metric(
    order=3, name="reverted", label="Reverted", unit="1", kind="count", direction=NEUTRAL,
    family="other", section="Run", markets="all",
    meaning="Included transactions that failed; their gas was paid all the same.",
    measure=lambda run: run.totals.reverted,
))  # fmt: skip
METRICS.add(Metric(
    order=49, name="settlement_blocks", label="Blocks of settlement", unit="blocks", kind="count",
    direction=NEUTRAL, family="other", section="Run", markets="none",
    meaning="Blocks after the scenario's last, prices outside held still, until nobody was under water.",
    measure=lambda run: run.settlement_blocks,
))  # fmt: skip
METRICS.add(Metric(
    order=31, name="invariants_checked", label="Invariants checked", unit="1", kind="count",
    direction=NEUTRAL, family="other", section="Chain", markets="all",
    meaning="Checks of conservation and solvency made over all blocks.",
    measure=lambda run: run.invariants_checked,
))  # fmt: skip
METRICS.add(Metric(
    order=32, name="invariant_violations", label="Invariant violations", unit="1", kind="count",
    direction=WORSE, family="other", section="Chain", markets="all", alarm="bad",
    meaning="Checks that failed; any but zero makes the run worthless.",
    measure=lambda run: run.invariant_violations,
))  # fmt: skip
METRICS.add(Metric(
    order=89, name="formula_failures", label="Formula failures", unit="1", kind="count",
    direction=WORSE, family="other", section="Chain", markets="all", alarm="bad",
    meaning="Questions that a market's margin formula left without a good answer, each from the first block "
    "to the block of an answer; the last good ratios stood in for it.",
    measure=lambda run: len(run.column("formula_failures", "block")),
))  # fmt: skip
