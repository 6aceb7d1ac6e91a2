"""Findings of a backtest: margin against losses, then every test with its interval and its verdict."""

from __future__ import annotations

from pathlib import Path

from sim.engine.scenario.assumptions import assumptions
from sim.experiments.backtest.evaluation import Evaluation, ProcyclicalityRow
from sim.experiments.backtest.folder import Backtest
from sim.experiments.backtest.words import date_words, rate_words, time_words
from sim.reporting.findings.assumptions import parameters_table
from sim.reporting.findings.backtest.figures import impulse_figure, margin_figure, wealth_figure
from sim.reporting.findings.backtest.tables import (
    coverage_table,
    impulse_words,
    liquidity_table,
    procyclicality_table,
    reverse_words,
    shortfall_table,
    stress_table,
    walk_forward_parts,
)
from sim.reporting.findings.blocks import Findings, Highlight, Mood, details, facts
from sim.reporting.formatting import moment, number, percent, plural, significant

_MOODS: dict[str, Mood] = {"rejected": "bad", "not rejected": "good", "too few windows": "warn"}


def backtest_findings(backtest: Backtest) -> Findings:
    """Return what a backtest found."""
    found, scenario, options = backtest.evaluation, backtest.scenario, backtest.options
    model = Path(scenario.protocol.risk_model).name
    market = scenario.markets[options.market].name
    page = Findings(
        command="backtest",
        title=f"{scenario.title}: the {model} margin model",
        question="Does the margin the contracts ask for cover what the price did, and how does it behave?",
        context=f"{scenario.name}, market {market}",
    )
    if not found.coverage:
        page.warn("The series is shorter than one margin period of risk: nothing about coverage can be said.")
    if found.formula_failures:
        page.warn(_unanswered(found))
    page.highlights(_highlights(found))
    page.section(
        "Margin and losses",
        f"{found.prices.source}; {number(len(found.series))} steps of "
        f"{time_words(found.prices.step_seconds)} from "
        f"{date_words(int(found.series.times[0]))} to {date_words(int(found.series.times[-1]))}. Every "
        "ratio is what "
        "the deployed contracts answered; no formula was computed beside them.",
        margin_figure(found),
        terminal=True,
    )
    page.section(
        "Coverage",
        "A breach is a window of one margin period of risk whose loss exceeded the ratio held at its start; "
        "windows "
        "do not overlap. Target: at most 1 % (PFMI principle 6). The exact test also rejects a margin that "
        "is far "
        "too large; the one-sided test asks about safety alone.",
        coverage_table(found),
        f"Period of risk: {found.horizons[0].source}.",
        terminal=True,
    )
    page.section(
        "Expected shortfall",
        "The margin is read as the 99 % value at risk it should be under normal losses; the second forecast "
        "is the "
        "oracle's own fast volatility, without the model's multiplier. Z2 is 0 if a forecast is right and "
        "negative if "
        "it understates risk; its critical values are simulated at this length. The e-backtest may be "
        "looked at after "
        "every window: wealth of 20 rejects at 5 %.",
        shortfall_table(found),
        wealth_figure(found),
        terminal=True,
    )
    page.section(
        "Procyclicality",
        "Of a constant position. The marked rows are the same contracts fed with Gaussian returns of "
        "constant volatility: what rises there is estimation noise, not risk.",
        procyclicality_table(found),
        impulse_figure(found),
        impulse_words(found),
        terminal=True,
    )
    page.section(
        "Cover-n and reverse stress",
        f"The {number(int(found.book.notional.size))} accounts of the starting book and a fund of "
        f"{number(found.book.fund)}. One move at once, every account below maintenance closed at the "
        "scenario's impact: "
        "accounting, not a run.",
        stress_table(found),
        *reverse_words(found),
        terminal=True,
    )
    page.section(
        "Liquidity",
        "What closing a position costs against its maintenance margin: value at risk with the stressed "
        "spread (Bangia), "
        "and the least cost of selling over time (Almgren-Chriss), which grows as size to the power 4/3.",
        liquidity_table(found),
        terminal=True,
    )
    page.section(
        "Walk-forward",
        "The margin's scale is calibrated on one window of history and judged on the next, beside a "
        "GARCH(1,1) with t "
        "innovations fitted to the same window. Drift means that breaches are not spread over the windows "
        "as one rate "
        "would spread them.",
        *walk_forward_parts(found),
        terminal=True,
    )
    page.section(
        "Assumptions and provenance",
        facts(
            [
                ("digest of the series", backtest.digest),
                ("scenario", scenario.name),
                ("seed", scenario.seed),
                ("overrides", " ".join(options.overrides) or "none"),
                ("engine", found.engine),
                ("position", options.notional),
                ("reports", found.series.reports),
                ("feed", "keepers' thresholds" if options.keepers else "every step"),
                ("warm-up steps", found.warm_up),
            ]
        ),
        details(
            "Every parameter of the scenario with its source",
            parameters_table(assumptions(scenario)),
        ),
    )
    return page


def _unanswered(found: Evaluation) -> str:
    """Say where the formula had no good answer: there the figures are of bounds, not of the formula."""
    words = (
        f"The margin formula had no good answer at {plural(found.formula_failures, 'step')} or runs. "
        "Ratios there are what stands in for an answer (the whole notional, and the last good maintenance "
        "ratio); figures that hold them say nothing about the formula."
    )
    if not found.unanswered:
        return words
    first = found.unanswered[0]
    detail = f" ({first.detail})" if first.detail else ""
    about = f"a position of {number(first.notional)} USDC"
    return f"{words} The first: {moment(first.time)}, {about}: {first.fault}{detail}."


def _highlights(found: Evaluation) -> list[Highlight]:
    items = []
    for row in found.coverage[:2]:
        result = row.result
        items.append(
            Highlight(
                label=f"{row.ratio.capitalize()} breached, {result.side}",
                value=rate_words(result.rate, result.breaches, result.windows).split(" (")[0],
                note=f"of {number(result.windows)} windows of {time_words(row.horizon.seconds)}: "
                f"{result.safety}",
                mood=_MOODS[result.safety],
            )
        )
    main = found.procyclicality[0]
    items.append(
        Highlight(
            label="Peak to trough",
            value=significant(main.measured.peak_to_trough, 3),
            note=_noise_words(main),
        )
    )
    down = found.reverse[0].stress
    items.append(
        Highlight(
            label="Fund emptied by",
            value="no fall" if down.move is None else percent(down.move),
            note="at once, on the starting book",
        )
    )
    return items


def _noise_words(row: ProcyclicalityRow) -> str:
    values = [one.peak_to_trough for one in row.noise]
    if not values:
        return "noise floor not measured"
    low, high = significant(min(values), 3), significant(max(values), 3)
    return f"{low} to {high} from noise alone" if len(values) > 1 else f"{low} from noise alone"
