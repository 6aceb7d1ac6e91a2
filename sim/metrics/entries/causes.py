"""Metrics of cause: differences between the run and worlds on its random numbers."""

from __future__ import annotations

from sim.core.units import WAD
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric
from sim.metrics.facts import RunFacts
from sim.metrics.matching import Totals
from sim.metrics.worlds import OtherWorld

WITHOUT: OtherWorld = "no_price_feedback"


def _totals(run: RunFacts) -> Totals:
    return run.matched[WITHOUT]


def _share(part: float, run: RunFacts) -> float:
    whole = _totals(run).notional
    return part / whole if whole else 0.0


def _liquidated(run: RunFacts, world: OtherWorld) -> float:
    return run.worlds[world].totals.liquidated_notional


def _excess_share(run: RunFacts) -> float | None:
    whole = run.totals.liquidated_notional
    if whole:
        return 1.0 - _liquidated(run, WITHOUT) / whole
    return None if _liquidated(run, WITHOUT) else 0.0


def _bad_debt(run: RunFacts) -> float:
    return (run.after.bad_debt - run.before.bad_debt) / WAD


def _price_effect(run: RunFacts) -> float:
    """Return the Shapley value of price feedback: the mean of closing it first and closing it last."""
    with_margin = run.totals.liquidated_notional - _liquidated(run, "no_price_feedback")
    without = _liquidated(run, "no_margin_feedback") - _liquidated(run, "no_feedback")
    return (with_margin + without) / 2.0


def _margin_effect(run: RunFacts) -> float:
    with_price = run.totals.liquidated_notional - _liquidated(run, "no_margin_feedback")
    without = _liquidated(run, "no_price_feedback") - _liquidated(run, "no_feedback")
    return (with_price + without) / 2.0


def _interaction(run: RunFacts) -> float:
    with_margin = run.totals.liquidated_notional - _liquidated(run, "no_price_feedback")
    return with_margin - (_liquidated(run, "no_margin_feedback") - _liquidated(run, "no_feedback"))


def _price_gap(run: RunFacts) -> float:
    here = run.column("blocks", "external_price")
    there = run.worlds[WITHOUT].column("blocks", "external_price")
    pairs = zip(here, there, strict=False)  # one may settle for longer
    return max((abs(float(a) / float(b) - 1.0) for a, b in pairs), default=0.0)  # type: ignore[arg-type]


METRICS.add(Metric(
    order=60, name="excess_liquidated_notional", label="Net excess liquidated", unit="quote",
    kind="amount", direction=WORSE, family="cascade", section="Cascade", markets="all", worlds=(WITHOUT,),
    meaning="Liquidated notional less that of the world without price feedback: net, negative if more is "
            "liquidated there.",
    measure=lambda run: run.totals.liquidated_notional - _liquidated(run, WITHOUT),
))  # fmt: skip
METRICS.add(Metric(
    order=61, name="excess_share", label="Excess share", unit="1", unit_words="of liquidated notional",
    kind="share", direction=WORSE, family="cascade", section="Cascade", markets="all", worlds=(WITHOUT,),
    shown=("mean",),
    meaning="1 less the liquidated notional without price feedback over that with it: net, may be negative, "
            "and the branching ratio of a linear cascade; 0 if nothing is liquidated in either.",
    undefined="something is liquidated only without price feedback",
    measure=_excess_share,
))  # fmt: skip
METRICS.add(Metric(
    order=62, name="gross_excess_share", label="Gross excess share", unit="1",
    unit_words="of liquidated notional", kind="share", direction=WORSE, family="cascade",
    section="Cascade", markets="all", worlds=(WITHOUT,),
    meaning="Notional that was closed by force of an account beyond what is closed of it without price "
            "feedback, over all that was; chance alone makes some.",
    measure=lambda run: _share(_totals(run).excess, run),
))  # fmt: skip
METRICS.add(Metric(
    order=63, name="avoided_share", label="Avoided share", unit="1", unit_words="of liquidated notional",
    kind="share", direction=NEUTRAL, family="cascade", section="Cascade", markets="all", worlds=(WITHOUT,),
    meaning="Notional closed by force without price feedback alone, over the liquidated notional: a gauge of "
            "chance. At half the gross excess or more, the excess is not to be told from chance.",
    measure=lambda run: _share(_totals(run).avoided, run),
))  # fmt: skip
METRICS.add(Metric(
    order=64, name="brought_forward_share", label="Brought forward", unit="1",
    unit_words="of liquidated notional", kind="share", direction=NEUTRAL, family="cascade",
    section="Cascade", markets="all", worlds=(WITHOUT,),
    meaning="Notional closed by force in both worlds, here earlier by more than a block; chance alone makes "
            "some.",
    measure=lambda run: _share(_totals(run).forward, run),
))  # fmt: skip
METRICS.add(Metric(
    order=65, name="brought_forward_seconds", label="Brought forward by", unit="s", kind="time",
    direction=NEUTRAL, family="cascade", section="Cascade", markets="all", worlds=(WITHOUT,),
    meaning="How much earlier what was brought forward was closed than without price feedback, the median "
            "weighted by notional.",
    undefined="nothing was brought forward",
    measure=lambda run: _totals(run).forward_seconds,
))  # fmt: skip
METRICS.add(Metric(
    order=66, name="excess_trader_loss", label="Net excess trader loss", unit="quote",
    kind="amount", direction=WORSE, family="cascade", section="Losses", markets="all", worlds=(WITHOUT,),
    meaning="What traders lost, less what they lose without price feedback. A trader's loss is the fall of "
            "equity, counted down to zero, and wallet; hedgers are left out.",
    measure=lambda run: run.trader_loss - run.worlds[WITHOUT].trader_loss,
))  # fmt: skip
METRICS.add(Metric(
    order=67, name="excess_bad_debt", label="Net excess bad debt", unit="quote",
    kind="amount", direction=WORSE, family="severity", section="Losses", markets="all", worlds=(WITHOUT,),
    meaning="Bad debt less that of the world without price feedback.",
    measure=lambda run: _bad_debt(run) - _bad_debt(run.worlds[WITHOUT]),
))  # fmt: skip
METRICS.add(Metric(
    order=68, name="price_effect", label="Price feedback adds", unit="quote",
    kind="amount", direction=WORSE, family="cascade", section="Cascade", markets="all",
    worlds=("no_price_feedback", "no_margin_feedback", "no_feedback"),
    meaning="Part of the liquidated notional that price feedback through the outside price adds, by Shapley: "
            "with the margin effect it makes the difference to the world without either.",
    measure=_price_effect,
))  # fmt: skip
METRICS.add(Metric(
    order=69, name="margin_effect", label="Margin feedback adds", unit="quote",
    kind="amount", direction=WORSE, family="procyclicality", section="Cascade", markets="all",
    worlds=("no_price_feedback", "no_margin_feedback", "no_feedback"),
    meaning="Part of the liquidated notional that margin ratios which follow the market add, by Shapley; "
            "negative where they save accounts.",
    measure=_margin_effect,
))  # fmt: skip
METRICS.add(Metric(
    order=70, name="feedback_interaction", label="Feedback interaction", unit="quote",
    kind="amount", direction=NEUTRAL, family="cascade", section="Cascade", markets="all",
    worlds=("no_price_feedback", "no_margin_feedback", "no_feedback"),
    meaning="By how much the effect of one feedback is larger while the other acts; half of it is in each "
            "of the two effects.",
    measure=_interaction,
))  # fmt: skip
METRICS.add(Metric(
    order=71, name="price_gap_max", label="Largest gap of the price", unit="1", kind="share",
    direction=WORSE, family="cascade", section="Price", markets="all", worlds=(WITHOUT,),
    meaning="Largest difference of the outside price to that of the same block without price feedback, "
            "relative, of any market.",
    measure=_price_gap,
))  # fmt: skip
