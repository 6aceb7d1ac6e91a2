"""Tables and sentences of a backtest's page."""

from __future__ import annotations

import numpy as np

from sim.experiments.backtest.evaluation import Evaluation
from sim.experiments.backtest.words import (
    date_words,
    independence_words,
    p_words,
    rarity_words,
    rate_words,
    time_words,
)
from sim.metrics.margin_model.stress import COVER, TOP_SHARES
from sim.metrics.margin_model.walk_forward import WalkForward
from sim.reporting.figures.points import Estimates
from sim.reporting.findings.backtest.figures import fold_figure
from sim.reporting.findings.blocks import Column, Part, Table, details, headed, table
from sim.reporting.formatting import number, percent, significant


def coverage_table(found: Evaluation) -> Table:
    """Return coverage by ratio, period and side."""
    columns = [
        *headed("", "Ratio", "Period", "Side"),
        *headed("n", "Windows", "Breaches", ("Rate", "Clopper-Pearson, 95 %")),
        *headed(
            "nowrap",
            ("Kupiec exact", "two-sided"),
            ("Not too many", "one-sided"),
            ("Independence", "Christoffersen, exact"),
            ("Zone", "yellow, red from"),
        ),
        *headed("n", ("Mean breach", "of margin, bootstrap 95 %"), ("Largest", "of margin")),
    ]
    rows = []
    for row in found.coverage:
        one = row.result
        mean = one.mean_breach
        rows.append(
            (
                row.ratio,
                time_words(row.horizon.seconds),
                one.side,
                number(one.windows),
                number(one.breaches),
                rate_words(one.rate, one.breaches, one.windows),
                f"{one.exact}, p {p_words(one.kupiec.exact_p_value)}",
                f"{one.safety}, p {p_words(one.kupiec.too_many_p_value)}",
                independence_words(one)
                + ("" if one.independence is None else f", p {p_words(one.independence.p_value)}"),
                None
                if one.safety == "too few windows"
                else f"{one.zone} ({one.yellow_from}, {one.red_from})",
                None
                if mean is None
                else f"{percent(mean.estimate)} ({percent(mean.lower)} to {percent(mean.upper)})",
                None if one.largest_breach is None else percent(one.largest_breach),
            )
        )
    return table(columns, rows)


def shortfall_table(found: Evaluation) -> Table:
    """Return the expected-shortfall tests."""
    columns = [
        *headed("", "Forecast from", "Side"),
        *headed("n", "Windows", "Beyond VaR", "Expected", "Z1", "Z2", ("Critical Z2", "normal, t3; 5 %")),
        *headed("nowrap", ("Verdict", "normal"), ("Verdict", "t3"), "e-backtest"),
    ]
    rows = []
    for row in found.shortfall:
        one = row.result
        rows.append(
            (
                row.forecast,
                one.side,
                number(one.windows),
                number(one.breaches),
                number(one.windows * one.tail),
                None if one.z1 is None else significant(one.z1, 3),
                significant(one.z2, 3),
                f"{significant(one.normal.critical, 3)}, {significant(one.student.critical, 3)}",
                f"{one.normal.verdict}, p {p_words(one.normal.p_value)}",
                f"{one.student.verdict}, p {p_words(one.student.p_value)}",
                one.sequential + _rejected_on(found, one.rejected_at),
            )
        )
    return table(columns, rows)


def _rejected_on(found: Evaluation, window: int | None) -> str:
    if window is None or found.main_windows is None:
        return ""
    end = int(found.main_windows.starts[window]) + found.main_windows.length
    return f" on {date_words(int(found.series.times[end]))}"


def procyclicality_table(found: Evaluation) -> Table:
    """Return procyclicality measured, and under constant risk."""
    increases = found.procyclicality[0].measured.increases
    columns = [
        *headed("", "Ratio"),
        *headed("n", "Mean", "Peak to trough"),
        *[
            Column(heading=f"Rise in {one.period}", unit="largest; 99 % quantile", kind="n")
            for one in increases
        ],
    ]
    rows: list[tuple[object, ...]] = []
    for row in found.procyclicality:
        for label, one in [
            (row.ratio, row.measured),
            *[(f"{row.ratio}, noise {index + 1}", noise) for index, noise in enumerate(row.noise)],
        ]:
            cells = []
            for rise in one.increases:
                high = "" if rise.high is None else f"; {_high_words(rise.high.estimate, rise.high.upper)}"
                cells.append(f"{percent(rise.largest)}{high}")
            rows.append((label, percent(one.mean, 2), significant(one.peak_to_trough, 3), *cells))
    marked = [index for index, row in enumerate(rows) if "noise" in str(row[0])]
    return table(columns, rows, marked=marked)


def _high_words(estimate: float, upper: float) -> str:
    return f"{percent(estimate)}" + (
        f" (up to {percent(upper)})" if np.isfinite(upper) else " (no upper end)"
    )


def impulse_words(found: Evaluation) -> str:
    """Return what the impulse and the regression say."""
    impulse, slope = found.impulse, found.responsiveness
    half = (
        "does not rise"
        if impulse.half_time_seconds is None
        else f"is half way after {time_words(impulse.half_time_seconds)}"
    )
    text = (
        f"Maintenance margin {half}, ends at {significant(impulse.maintenance[-1], 4)} times its value and "
        f"overshoots by {percent(impulse.overshoot)}. "
    )
    if slope is None:
        return text + "Responsiveness: too few windows."
    return text + (
        f"Responsiveness d ln M / d ln sigma: {significant(slope.slope, 3)}, 95 % "
        f"{significant(slope.lower, 3)} to {significant(slope.upper, 3)}, {number(slope.blocks)} blocks, "
        f"Newey-West errors with {slope.lags} lags."
    )


def stress_table(found: Evaluation) -> Table:
    """Return cover-n and cover top shares; rows the fund does not cover are shaded."""
    columns = [
        *headed("n", "Move", "Closed", "Cost"),
        *[Column(heading=f"Cover-{n}", kind="n") for n in COVER],
        *[
            Column(heading=f"Largest {percent(share, 0)}", unit="by notional", kind="n")
            for share in TOP_SHARES
        ],
        *headed("n", "All", "Losers"),
        *headed("", "Fund covers two"),
    ]
    rows = [
        (
            percent(row.move, 0),
            number(row.closed),
            percent(row.cost_rate),
            *[number(value) for value in row.cover],
            *[number(value) for value in row.cover_top],
            number(row.total),
            number(row.accounts),
            "yes" if row.adequate else "no",
        )
        for row in found.stress
    ]
    return table(columns, rows, marked=[index for index, row in enumerate(found.stress) if not row.adequate])


def reverse_words(found: Evaluation) -> list[str]:
    """Return one sentence for each reverse stress test."""
    told = []
    for row in found.reverse:
        stress = row.stress
        if stress.move is None:
            told.append(f"Reverse stress {stress.direction}: no move empties the fund.")
            continue
        far = "; ".join(rarity_words(one) for one in row.rarities)
        told.append(
            f"Reverse stress {stress.direction}: {percent(stress.move, 2)} at once empties the fund; {far}."
        )
    runs = found.reverse_runs
    if runs is not None:
        emptied = "" if runs.emptied is None else f", emptied by {percent(runs.emptied, 2)}"
        told.append(
            f"By {len(runs.runs)} whole runs that resize {runs.shock}: the fund survives "
            f"{percent(runs.survived, 2)}"
            f"{emptied}. One path, agents and all."
        )
    return told


def liquidity_table(found: Evaluation) -> Table:
    """Return the costs of closing by size."""
    columns = headed(
        "n",
        ("Position", "quote"),
        "Maintenance margin",
        "VaR and spread",
        "Best horizon",
        "Least cost",
        "Cost within one period",
    )
    rows = [
        (
            number(row.notional),
            percent(row.margin, 2),
            percent(row.exogenous, 2),
            time_words(row.horizon_seconds),
            percent(row.endogenous, 2),
            percent(row.in_one_go, 2),
        )
        for row in found.liquidity
    ]
    return table(columns, rows)


def walk_forward_parts(found: Evaluation) -> list[Part]:
    """Return the table of models, the figure and every fold; a sentence where there are too few windows."""
    if not found.walk_forward:
        return ["Too few windows: a fold needs at least 100."]
    windows = found.main_windows
    assert windows is not None  # noqa: S101  (walk-forward needs windows)
    columns = [
        *headed("", "Model", "Side"),
        *headed("n", "Windows", "Breaches", ("Rate", "Clopper-Pearson, 95 %")),
        *headed("nowrap", ("Pooled", "calibration allowed for")),
        *headed("n", ("Kupiec", "pooled, exact, thresholds as given")),
        *headed("nowrap", ("Drift", "Monte Carlo")),
    ]
    rows = [
        (
            row.model,
            row.side,
            number(row.windows),
            number(row.breaches),
            rate_words(row.pooled_rate, row.breaches, row.windows),
            f"{row.verdict}, p {p_words(row.pooled_p_value)}",
            f"p {p_words(row.pooled.exact_p_value)}",
            f"{'drifts' if row.drift == 'rejected' else row.drift}, p {p_words(row.drift_p_value)}",
        )
        for row in found.walk_forward
    ]

    def start(index: int) -> str:
        return date_words(int(found.series.times[windows.starts[index]]))

    def estimates(row: WalkForward) -> Estimates:
        return Estimates(
            name=f"{row.model}, {row.side}",
            x=[start(fold.first_window) for fold in row.folds],
            values=[fold.rate.estimate for fold in row.folds],
            lower=[fold.rate.lower for fold in row.folds],
            upper=[fold.rate.upper for fold in row.folds],
        )

    folds = details(
        "Every fold",
        table(
            [
                *headed("", "Model", "Side", "From"),
                *headed("n", "Windows", "Scale", "Breaches", "Rate"),
                *headed("", "Verdict"),
            ],
            [
                (
                    row.model,
                    row.side,
                    start(fold.first_window),
                    number(fold.last_window - fold.first_window),
                    significant(fold.scale, 3),
                    number(fold.breaches),
                    rate_words(fold.rate, fold.breaches, fold.last_window - fold.first_window),
                    f"{fold.verdict}, p {p_words(fold.p_value)}",
                )
                for row in found.walk_forward
                for fold in row.folds
            ],
        ),
    )
    figure = fold_figure([estimates(row) for row in found.walk_forward])
    return [table(columns, rows), figure, folds]
