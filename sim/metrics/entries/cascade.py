"""Metrics of liquidations and of how they hang together."""

from sim.metrics.book import METRICS, WORSE, Metric, ratio
from sim.metrics.facts import RunFacts


def _endogenous_share(run: RunFacts) -> float:
    totals = run.totals
    return totals.endogenous_notional / totals.liquidated_notional if totals.liquidated_notional else 0.0


def _amplification(run: RunFacts) -> float | None:
    without = run.worlds["no_price_feedback"].totals.drawdown
    return run.totals.drawdown / without if without else None


METRICS.add(Metric(
    order=4, name="liquidations", label="Liquidations", unit="1", kind="count", direction=WORSE,
    family="cascade", section="Cascade", markets="all",
    meaning="Forced closings, partial ones counted singly; one account can have several.",
    measure=lambda run: len(run.forest),
))  # fmt: skip
METRICS.add(Metric(
    order=5, name="liquidated_notional", label="Liquidated notional", unit="quote", kind="amount",
    direction=WORSE, family="cascade", section="Cascade", markets="all",
    meaning="Notional closed by liquidation, at the risk price.",
    measure=lambda run: run.totals.liquidated_notional,
))  # fmt: skip
METRICS.add(Metric(
    order=6, name="endogenous_share", label="Endogenous share", unit="1",
    unit_words="of liquidated notional", kind="share", direction=WORSE, family="cascade",
    section="Cascade", markets="all", shown=("mean",),
    meaning="Part of the liquidated notional whose account would have been healthy at that moment at the "
            "fundamental price, or with margin ratios frozen at the start; 0 if nothing was liquidated.",
    measure=_endogenous_share,
))  # fmt: skip
METRICS.add(Metric(
    order=7, name="margin_induced_liquidations", label="Margin-induced liquidations", unit="1",
    kind="count", direction=WORSE, family="procyclicality", section="Cascade", markets="all",
    meaning="Liquidations of accounts that margin ratios frozen at the start would have kept healthy.",
    measure=lambda run: run.totals.margin_induced,
))  # fmt: skip
METRICS.add(Metric(
    order=8, name="branching_ratio", label="Branching ratio", unit="1", kind="factor", direction=WORSE,
    family="cascade", section="Cascade", markets="all",
    meaning="Share of liquidations that hang on an earlier one; the closer to 1, the longer the chains.",
    measure=lambda run: run.forest.branching_ratio,
))  # fmt: skip
METRICS.add(Metric(
    order=9, name="cascade_size_max", label="Largest cascade", unit="1", unit_words="liquidations",
    kind="count", direction=WORSE, family="cascade", section="Cascade", markets="all",
    meaning="Most liquidations traced back to one first domino.",
    measure=lambda run: run.forest.size_max,
))  # fmt: skip
METRICS.add(Metric(
    order=10, name="cascade_depth_max", label="Deepest cascade", unit="1", unit_words="generations",
    kind="count", direction=WORSE, family="cascade", section="Cascade", markets="all",
    meaning="Longest chain of liquidations, each set off by the one before.",
    measure=lambda run: run.forest.depth_max,
))  # fmt: skip
METRICS.add(Metric(
    order=11, name="amplification", label="Amplification", unit="1", kind="factor", direction=WORSE,
    family="cascade", section="Cascade", markets="market 0", worlds=("no_price_feedback",), shown=("mean",),
    meaning="Peak-to-trough fall of the outside price over that in the world without price feedback.",
    undefined="the price did not fall there",
    measure=_amplification,
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
METRICS.add(Metric(
    order=109, name="margin_induced_share", label="Margin-induced share", unit="1",
    unit_words="of liquidations", kind="share", direction=WORSE, family="procyclicality",
    section="Cascade", markets="all", shown=("mean",),
    meaning="Margin-induced liquidations over liquidations; 0 if there were none.",
    derive=lambda known: ratio(known["margin_induced_liquidations"], known["liquidations"], 0.0),
))  # fmt: skip
