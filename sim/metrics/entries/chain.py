"""Metrics of the chain and of who works on it: oracle, block space, liquidators' pay."""

from sim.core.units import GWEI, WAD
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric
from sim.metrics.facts import RunFacts


def _liquidator_profit(run: RunFacts) -> float:
    return run.totals.bounties / WAD - run.totals.liquidator_gas_wei / WAD * run.native_price


METRICS.add(Metric(
    order=28, name="liquidator_profit", label="Liquidators' profit", unit="quote", kind="amount",
    direction=NEUTRAL, family="other", section="Chain", markets="all",
    meaning="Bounties and tips less gas, all liquidators together; lost races are paid for as well, the "
            "protocol's closer is none of them.",
    measure=_liquidator_profit,
))  # fmt: skip
METRICS.add(Metric(
    order=29, name="oracle_staleness_max_seconds", label="Oldest oracle price", unit="s", kind="time",
    direction=WORSE, family="other", section="Chain", markets="all",
    meaning="Greatest age of the index of any market at the end of a block.",
    measure=lambda run: run.totals.oracle_age_max,
))  # fmt: skip
METRICS.add(Metric(
    order=30, name="base_fee_max_gwei", label="Highest base fee", unit="gwei", kind="price",
    direction=NEUTRAL, family="other", section="Chain", markets="none",
    meaning="Highest price of gas that every included transaction had to pay.",
    measure=lambda run: run.totals.base_fee_max / GWEI,
))  # fmt: skip
METRICS.add(Metric(
    order=48, name="silent_oracles", label="Silent oracles", unit="1", unit_words="markets", kind="count",
    direction=WORSE, family="other", section="Chain", markets="all", alarm="bad",
    meaning="Markets whose oracle took no report from first block to last and had no usable price at the "
            "end: nothing could happen there.",
    measure=lambda run: run.silent_oracles,
))  # fmt: skip
METRICS.add(Metric(
    order=40, name="liquidator_tips", label="Tips", unit="quote", kind="amount", direction=NEUTRAL,
    family="other", section="Chain", markets="all",
    meaning="Paid by the fund to whoever liquidates where the bounty was below the minimum.",
    measure=lambda run: (run.after.tips - run.before.tips) / WAD,
))  # fmt: skip
