"""How a comparison is put into words: the same sentences on the page and in the forum post."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.engine.worlds.enacting import WAIT_SECONDS
from sim.experiments.decision.cells import model_assumptions
from sim.experiments.decision.compare import Comparison
from sim.experiments.decision.results import Result
from sim.experiments.decision.verdict import Word
from sim.reporting.formatting import is_missing, plural, significant
from sim.reporting.metric_words import is_share, metric_label, metric_value, share

MEANING = {
    Word.BETTER: "within its margin on every endpoint in every model of the market, better on at least one,"
    " and so again on fresh paths",
    Word.NOT_WORSE: "within its margin on every endpoint in every model of the market; no improvement that"
    " chance could not have made",
    Word.WORSE: "worse by more than its margin, certainly, on what protects the protocol or its users, in at"
    " least one model of the market",
    Word.UNDETERMINED: "these paths do not settle it",
}
"""What each word says, in one sentence."""


def headline(comparison: Comparison) -> str:
    """Return the verdict in one sentence."""
    if comparison.decision.identical:
        return "The two parameter sets are identical: every difference is exactly zero"
    if comparison.word is Word.UNDETERMINED and comparison.decision.priced:
        return f"The proposal is {comparison.word.value}: {comparison.decision.priced}"
    return f"The proposal is {comparison.word.value}: {MEANING[comparison.word]}"


def endpoint_words(result: Result) -> str:
    """Return an endpoint's name for readers."""
    endpoint = result.endpoint
    label = metric_label(endpoint.metric)
    if endpoint.statistic == "expected_shortfall":
        return f"{label}, mean of the worst {share(endpoint.tail)}"
    return f"{label}, probability" if endpoint.statistic == "probability" else label


def value_words(result: Result, value: float) -> str:
    """Return a level; a probability seen in no path, or in all, as the bound it is."""
    if is_missing(value):
        return "–"
    if result.endpoint.statistic == "probability" and result.n and value in (0.0, 1.0):
        return f"{'none' if value == 0.0 else 'all'} of {result.n:,}"
    return metric_value(result.endpoint.metric, value)


def difference_words(result: Result, value: float) -> str:
    """Return a difference with its sign."""
    if is_missing(value):
        return "–"
    if math.isinf(value):
        return "unbounded"
    sign = "+" if value > 0.0 else ""
    if is_share(result.endpoint.metric):
        return f"{sign}{significant(100.0 * value, 3)} points" if value else "0"
    return f"{sign}{significant(value, 3)}"


def bounds_words(result: Result) -> str:
    """Return both one-sided bounds."""
    return (
        f"{difference_words(result, result.lower).removesuffix(' points')} to"
        f" {difference_words(result, result.upper)}"
    )


def margin_words(result: Result) -> str:
    """Return the margin in the metric's unit."""
    margin = result.endpoint.margin
    return f"{significant(100.0 * margin, 3)} points" if is_share(result.endpoint.metric) else f"{margin:g}"


def standing(result: Result) -> str:
    """Return in a word or two where an endpoint stands."""
    if result.unusable:
        return result.unusable
    if result.beyond:
        return "beyond its margin"
    if not result.non_inferior:
        return "not settled"
    return "within, better" if result.superior else "within"


def uncertainties(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what is uncertain and how it was treated: Monte Carlo, calibration, model (quant 7.5)."""
    decision, plan = comparison.decision, comparison.plan
    books = "one book of accounts, given" if plan.populations == 1 else f"{plan.populations:,} books in turn"
    yield (
        "Monte Carlo",
        (
            f"{decision.paths:,} paths of each arm in each cell, both arms on the same random numbers,"
            f" {books}; every bound is one-sided at {100 * plan.confidence:g} %. What happens in fewer than"
            f" {share(-math.expm1(math.log(plan.rule.alpha) / decision.paths))} of paths may not have been"
            " seen at all"
        ),
    )
    drawn = ", ".join(f"{item.key} from {item.low:g} to {item.high:g}" for item in plan.draws)
    yield (
        "Calibration",
        f"drawn anew for every path, alike in both arms, so that every bound contains it: {drawn}"
        if drawn
        else "not varied: volatility, depth, accounts and their behaviour are as the scenario states them;"
        " [[draws]] in the plan would vary them",
    )
    models = ", ".join(dict.fromkeys(cell.price_model for cell in comparison.cells))
    laws = ", ".join(dict.fromkeys(cell.impact_law for cell in comparison.cells))
    yield (
        "Model",
        (
            f"{plural(len(comparison.cells), 'cell')}: prices {models}; impact {laws}. A sign that changes"
            " between them makes the verdict undetermined"
        ),
    )


def assumption_lines(comparison: Comparison) -> list[str]:
    """Return what the comparison takes for granted."""
    lines = model_assumptions(comparison.arms.scenario, comparison.cells)
    lines += [
        f"{endpoint.name}: margin {endpoint.margin:g}, largest difference of one path {endpoint.largest:g}"
        f" ({endpoint.source})"
        for endpoint in comparison.plan.all_endpoints()
    ]
    return lines


def error_rate_lines(comparison: Comparison) -> list[str]:
    """Return the error rates the rule is made for."""
    alpha = share(comparison.plan.rule.alpha)
    return [
        (
            f"better, although nothing improves: at most {alpha} on the first paths, and at most the square"
            " of it after the fresh ones"
        ),
        f"better or not worse, although some endpoint is beyond its margin in some cell: at most {alpha}",
        f"worse, although every solvency endpoint and guardrail is within its margin: at most {alpha}",
    ]


def enactment_words(comparison: Comparison) -> str:
    """Return in one sentence whether the change can be enacted and was."""
    enacting = comparison.enacting
    if not enacting.proposals:
        return (
            "There is nothing to enact."
            if not enacting.obstacles
            else "The RiskGovernor can enact none of it."
        )
    count = plural(len(enacting.proposals), "RiskGovernor proposal")
    days = enacting.enactment.seconds / 86_400 if enacting.enactment else 0.0
    steps = plural(enacting.steps, "step")
    if not enacting.succeeded:
        return f"{count} were sent to a fresh chain and did not all take effect: see below."
    rest = (
        f" {plural(len(enacting.obstacles), 'difference')} cannot be enacted and must be decided otherwise."
        if enacting.obstacles
        else ""
    )
    return (
        f"{count} in {steps}, executed on a fresh chain with the current parameters, {days:.1f} days after"
        " the first was queued; each was refused one second before its time. The parameters read back are"
        f" the ones simulated.{rest}"
    )


def wait_words(comparison: Comparison) -> str:
    """Return how the change came into force in the worlds that are compared."""
    days = WAIT_SECONDS / 86_400
    steps = comparison.enacting.steps
    whole = (
        f" On chain it takes {plural(steps, 'step')}; here the book meets all of it in block 0: nobody has"
        " the days between the steps to prepare."
        if steps > 1
        else ""
    )
    beyond = (
        " What the governor cannot enact (see Enactment) is simulated all the same: from block 0 on, the"
        " oracle's parameters and deposits from the start."
        if comparison.enacting.obstacles
        else ""
    )
    return (
        f"Accounts open under the current rules in both arms. The change was queued {days:g} days before"
        " block 0, waits out the governor's time-lock on a still price (the chain's clock is moved on, no"
        " block is run), and is executed in block 0, on positions that are there; the ramp starts then. What"
        f" is opened later obeys the rules of its own arm.{whole}{beyond}"
    )
