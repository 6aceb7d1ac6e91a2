"""Metrics of booked losses: who bore what the collateral did not cover, and what became of the fund."""

from __future__ import annotations

from sim.core.units import WAD
from sim.metrics.book import BETTER, METRICS, NEUTRAL, WORSE, Metric, Readings, ratio


def _fall_of_the_fund(known: Readings) -> float:
    return max(known["insurance_fund_start"] - known["insurance_fund_min"], 0.0)


def _uncovered_loss(known: Readings) -> float:
    """Return the fund's shortfall of the literature.

    It is the loss beyond collateral and fund that somebody else bears or that is still open when the path
    ends. What the path's end cuts short is counted, or a late crash would look harmless.
    """
    return (
        known["socialized_loss"]
        + known["auto_deleverage_haircuts"]
        + known["pending_deficit_end"]
        + known["negative_equity_end"]
    )


METRICS.add(Metric(
    order=12, name="bad_debt", label="Bad debt", unit="quote", kind="amount", direction=WORSE,
    family="severity", section="Losses", markets="all", alarm="warn",
    meaning="Losses beyond the collateral of closed accounts that fund, winners or pool have borne, and "
            "gains that the pool could not pay; what pends is not in it.",
    measure=lambda run: (run.after.bad_debt - run.before.bad_debt) / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=13, name="insurance_fund_start", label="Insurance fund, start", unit="quote", kind="amount",
    direction=NEUTRAL, family="other", section="Losses", markets="all",
    meaning="Reserves of the insurance fund before the first block.",
    measure=lambda run: run.before.fund_reserves / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=14, name="insurance_fund_min", label="Insurance fund, lowest", unit="quote", kind="amount",
    direction=BETTER, family="severity", section="Losses", markets="all",
    meaning="Smallest reserves of the insurance fund before the first block or at the end of any.",
    measure=lambda run: min(run.totals.fund_min, run.before.fund_reserves) / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=15, name="insurance_fund_end", label="Insurance fund, end", unit="quote", kind="amount",
    direction=BETTER, family="severity", section="Losses", markets="all",
    meaning="Reserves of the insurance fund after the last block.",
    measure=lambda run: run.after.fund_reserves / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=16, name="fund_depleted", label="Fund depleted", unit="1", kind="event", direction=WORSE,
    family="severity", section="Losses", markets="all", alarm="bad", shown=("probability",),
    meaning="Whether the reserves of the insurance fund were zero at the end of any block.",
    measure=lambda run: run.totals.fund_min == 0,
))  # fmt: skip
METRICS.add(Metric(
    order=17, name="auto_deleveraged_notional", label="Auto-deleveraged notional", unit="quote",
    kind="amount", direction=WORSE, family="severity", section="Losses", markets="all", alarm="warn",
    meaning="Notional of winners closed against their will for what the fund could not pay.",
    measure=lambda run: run.totals.auto_deleveraged_notional,
))  # fmt: skip
METRICS.add(Metric(
    order=18, name="socialized_loss", label="Socialised loss", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all", alarm="bad",
    meaning="Loss written off against the shares of the liquidity pool, and gains that neither pool nor fund "
            "could pay.",
    measure=lambda run: (run.after.socialized_loss - run.before.socialized_loss) / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=36, name="fund_draws", label="Paid by the fund", unit="quote", kind="amount", direction=WORSE,
    family="severity", section="Losses", markets="all",
    meaning="Bad debt covered by the insurance fund; what flowed back into it is not netted.",
    measure=lambda run: (run.after.fund_draws - run.before.fund_draws) / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=37, name="auto_deleverage_haircuts", label="Auto-deleveraging haircuts", unit="quote",
    kind="amount", direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Bad debt taken from winners' gains, open or held.",
    measure=lambda run: (run.after.haircuts - run.before.haircuts) / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=38, name="pending_deficit_end", label="Pending deficit, end", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Negative collateral of closed accounts that nobody has covered after the last block.",
    measure=lambda run: run.after.pending_deficit / WAD,
))  # fmt: skip
METRICS.add(Metric(
    order=102, name="bad_debt_ratio", label="Bad debt ratio", unit="1", unit_words="of open interest",
    kind="share", direction=WORSE, family="severity", section="Losses", markets="all",
    shown=("mean",),
    meaning="Bad debt over open interest at the start.",
    undefined="open interest at the start was zero",
    derive=lambda known: ratio(known["bad_debt"], known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=103, name="fund_drawdown", label="Fund drawdown", unit="1", unit_words="of the fund",
    kind="share", direction=WORSE, family="severity", section="Losses", markets="all", shown=("mean",),
    meaning="Fall of the fund from start to lowest, over its start.",
    undefined="there was no fund at the start",
    derive=lambda known: ratio(_fall_of_the_fund(known), known["insurance_fund_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=104, name="fund_drain", label="Fund drain", unit="1", unit_words="of open interest",
    kind="share", direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Fall of the fund from start to lowest, over open interest at the start.",
    undefined="open interest at the start was zero",
    derive=lambda known: ratio(_fall_of_the_fund(known), known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=105, name="uncovered_loss", label="Uncovered loss", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="What neither account nor fund paid: socialised, haircut, pending, and negative equity.",
    derive=_uncovered_loss,
))  # fmt: skip
METRICS.add(Metric(
    order=106, name="uncovered_loss_ratio", label="Uncovered loss ratio", unit="1",
    unit_words="of open interest", kind="share", direction=WORSE, family="severity", section="Losses",
    markets="all", shown=("mean",),
    meaning="Uncovered loss, the fund's shortfall, over open interest at the start.",
    undefined="open interest at the start was zero",
    derive=lambda known: ratio(known["uncovered_loss"], known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=110, name="bad_debt_per_liquidated", label="Bad debt per liquidated", unit="1",
    unit_words="of liquidated notional", kind="share", direction=WORSE, family="severity",
    section="Losses", markets="all",
    meaning="Bad debt over liquidated notional; 0 if nothing was liquidated.",
    derive=lambda known: ratio(known["bad_debt"], known["liquidated_notional"], 0.0),
))  # fmt: skip
