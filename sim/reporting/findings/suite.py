"""Findings of a suite: every scenario's ``[expect]`` in one table, and what the runs never reached."""

from __future__ import annotations

from collections.abc import Sequence

from sim.experiments.suites.coverage import Coverage, unreached
from sim.experiments.suites.evidence import NON_CLAIMS
from sim.experiments.suites.suite import FIGURES, ScenarioOutcome, SuiteResult, Verdict
from sim.metrics.book import METRICS
from sim.reporting.findings import blocks
from sim.reporting.findings.blocks import Cell, Column, Findings, Highlight, Mood, Part, bullets, table
from sim.reporting.formatting import is_missing, number, plural
from sim.reporting.vocabulary import write_value

_MOODS: dict[Verdict, Mood] = {Verdict.PASSED: "good"}


def suite_findings(result: SuiteResult) -> Findings:
    """Return what a suite found."""
    found = Findings(
        command="suite",
        title=f"Suite of {plural(len(result.outcomes), 'scenario')}"
        if result.asked is None
        else f"Suite broken off at {result.label}",
        question="Does every scenario end within the bounds that its file expects?",
        verdict=_verdict(result),
    )
    found.highlights(_highlights(result))
    found.section("Scenarios", _scenarios(result), terminal=True)
    failing = [outcome for outcome in result.outcomes if outcome.failures]
    if failing:
        lines = [f"{outcome.name}: {line}" for outcome in failing for line in outcome.failures]
        found.section("What did not pass", bullets(lines))
    found.section("Bounds", _bounds(result))
    found.section("What was reached", _reached(result.coverage), terminal=True)
    found.section("How often", *_counts(result.coverage))
    found.section(
        "Recompute it",
        "The script rerun beside this page executes every run again from its folder alone and compares every "
        "table, the summary, the contract hashes and the digest.",
        table(
            [Column(heading="Scenario", kind="name"), Column(heading="Digest", kind="hash")],
            [(outcome.name, outcome.digest or "none") for outcome in result.outcomes],
        ),
    )
    claims = [" ".join(line.split()) for line in NON_CLAIMS.removeprefix("- ").split("\n- ")]
    found.section("What this does not claim", bullets(claims))
    return found


def _verdict(result: SuiteResult) -> blocks.Verdict:
    counts = [f"{result.count(one)} {one.value}" for one in Verdict if result.count(one)]
    nothing = [outcome.name for outcome in result.outcomes if outcome.expects_nothing]
    passed = result.count(Verdict.PASSED) == len(result.outcomes) and result.asked is None
    partial = "" if result.asked is None else f"Broken off: {result.label}. "
    return blocks.Verdict(
        level="held" if passed else "failed",
        stamp="passed" if passed else "not passed",
        headline=f"{partial}{', '.join(counts)}.",
        answers=(("Expects nothing", ", ".join(nothing)),) if nothing else (),
    )


def _highlights(result: SuiteResult) -> list[Highlight]:
    missing = unreached(result.coverage)
    passed, whole = result.count(Verdict.PASSED), len(result.outcomes)

    def reached(label: str, seen: Sequence[str], never: Sequence[str]) -> Highlight:
        return Highlight(label=label, value=f"{len(seen)} of {len(seen) + len(never)}", note="reached")

    return [
        Highlight(
            label="Passed",
            value=f"{passed} of {whole}",
            note="scenarios",
            mood="good" if passed == whole else "bad",
        ),
        reached("Entry points", list(result.coverage.entry_points), missing.entry_points),
        reached("Invariants", list(result.coverage.invariants), missing.invariants),
        Highlight(label="Checks", value=number(result.coverage.invariant_checks), note="of invariants"),
    ]


def _scenarios(result: SuiteResult) -> Part:
    columns = [
        Column(heading="Scenario", kind="nowrap"),
        Column(heading="Verdict", kind="nowrap"),
        *(Column(heading=METRICS[key].label, kind="n") for key in FIGURES),
        Column(heading="First failed line", kind="wrap"),
    ]
    return table(columns, [_row(outcome) for outcome in result.outcomes])


def _row(outcome: ScenarioOutcome) -> tuple[object, ...]:
    figures = [
        None if is_missing(outcome.summary.get(key)) else write_value(METRICS[key], outcome.summary[key])
        for key in FIGURES
    ]
    first = "(expects nothing)" if outcome.expects_nothing else ""
    if outcome.failures:
        first = outcome.failures[0].removeprefix("expected ")
    verdict = Cell(text=outcome.verdict.value, mood=_MOODS.get(outcome.verdict, "bad"))
    return outcome.name, verdict, *figures, first


def _bounds(result: SuiteResult) -> Part:
    columns = [
        Column(heading="Scenario", kind="name"),
        Column(heading="Bound and what was found", kind="hash"),
        Column(heading="Met"),
    ]
    rows = [
        (outcome.name, item.line, Cell(text="yes" if item.met else "NO", mood="good" if item.met else "bad"))
        for outcome in result.outcomes
        for item in outcome.expectations
    ]
    return table(columns, rows) if rows else "No scenario expects anything."


def _reached(coverage: Coverage) -> Part:
    columns = [
        Column(heading="", kind="nowrap"),
        Column(heading="Reached", kind="nowrap"),
        Column(heading="Never reached", kind="wrap"),
    ]
    missing = unreached(coverage)
    rows = [
        (title, f"{len(seen)} of {len(seen) + len(never)}", _listed(never) or "none")
        for title, seen, never in (
            ("Entry points", coverage.entry_points, missing.entry_points),
            ("Waterfall stages", coverage.stages, missing.stages),
            ("Invariants", coverage.invariants, missing.invariants),
            ("Revert reasons", coverage.revert_reasons, missing.revert_reasons),
        )
    ]
    words = (
        f"{number(coverage.invariant_checks)} checks of invariants. Calls of the deployment before the first "
        "block are not counted, and many of the revert reasons never seen guard that deployment and the "
        "owner's setters."
    )
    return table(columns, rows, note=words)


def _counts(coverage: Coverage) -> list[Part]:
    return [
        table(
            [Column(heading=title, kind="hash"), Column(heading="Times", kind="n")],
            [(name, number(count)) for name, count in seen.items()],
        )
        for title, seen in (
            ("Entry point", coverage.entry_points),
            ("Waterfall stage", coverage.stages),
            ("Invariant with something to break", coverage.invariants),
            ("Revert reason", coverage.revert_reasons),
        )
        if seen
    ]


def _listed(names: Sequence[str]) -> str:
    """Return names separated by commas; revert reasons are grouped by the module that raises them."""
    grouped: dict[str, list[str]] = {}
    for name in names:
        module, separator, rest = name.partition(": ")
        grouped.setdefault(module, []).append(rest if separator else "")
    return "; ".join(f"{name}: {', '.join(rest)}" if rest != [""] else name for name, rest in grouped.items())
