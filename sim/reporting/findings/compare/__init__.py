"""Findings of a comparison: verdict, cells, differences and margins, worst paths, calldata, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.experiments.decision.compare import Comparison
from sim.experiments.decision.enactment import calldata_text, plain
from sim.experiments.decision.results import Result
from sim.experiments.decision.verdict import Decision, Word
from sim.reporting.findings.blocks import (
    Column,
    Command,
    Findings,
    Heading,
    Highlight,
    Mood,
    Part,
    Preformatted,
    Verdict,
    bullets,
    details,
    facts,
    plain_value,
    table,
)
from sim.reporting.findings.cells import commands_cell
from sim.reporting.findings.compare import change_words, words
from sim.reporting.findings.compare.figures import by_cell_figure, pooled_figure
from sim.reporting.formatting import number, plural, signed_percent
from sim.reporting.metric_words import metric_value, portable

LEVELS = {
    Word.BETTER: "held", Word.NOT_WORSE: "held", Word.WORSE: "failed", Word.UNDETERMINED: "open",
}  # fmt: skip
MOODS: dict[Word, Mood] = {
    Word.BETTER: "good",
    Word.NOT_WORSE: "good",
    Word.WORSE: "bad",
    Word.UNDETERMINED: "warn",
}
REASONS_SHOWN = 6
REASONS_OF_A_CELL = 3


def compare_findings(comparison: Comparison) -> Findings:
    """Return what a comparison found."""
    arms = comparison.arms
    page = Findings(
        command="compare",
        title=comparison.plan.title or change_words.title(arms),
        question=arms.scenario.question,
        context=arms.scenario.title,
        verdict=_verdict(comparison),
    )
    if comparison.failures:
        page.warn(
            f"{plural(len(comparison.failures), 'path')} could not be finished and are left out in both arms:"
            f" {comparison.result.label}."
        )
    if not comparison.enacting.succeeded:
        page.warn("The proposals did not make the chain what was simulated: do not send them.")
    page.highlights(list(_highlights(comparison)))
    page.section("At once", *_at_once(comparison), terminal=True, post=True)
    page.section("What changes", *_changes(comparison), post=True)
    page.section("The models of the market", *_cells(comparison), terminal=True, post=True)
    page.section("Differences", *_differences(comparison), terminal=True, post=True)
    page.section("Changes of sign", _flips(comparison.decision), post=True)
    if comparison.confirmation is not None:
        page.section(
            "Fresh paths", *_confirmation(comparison, comparison.confirmation), terminal=True, post=True
        )
    page.section("Where the proposal did most harm", *_worst(comparison))
    page.section("Distance to insolvency", *_distances(comparison), post=True)
    page.section("Enactment", *_enactment(comparison), post=True)
    page.section("What is uncertain", _uncertain(comparison), *_error_rates(comparison), post=True)
    page.section("How it was decided", *_rule(comparison))
    page.section("To check it", *_to_check(comparison), post=True)
    page.section("Provenance", *_provenance(comparison))
    return page


def _verdict(comparison: Comparison) -> Verdict:
    headline = words.headline(comparison)
    left = [reason for reason in comparison.reasons if not headline.endswith(reason)] or [headline]
    reasons = left[:REASONS_SHOWN]
    if len(left) > REASONS_SHOWN:
        reasons.append(f"and {plural(len(left) - REASONS_SHOWN, 'more reason')}")
    leverage = change_words.leverage_sentence(comparison)
    confirmed = "not asked for: only a verdict of better is repeated"
    if comparison.confirmation is not None:
        confirmed = f"{comparison.confirmation.word.value} on {comparison.confirmation.paths:,} fresh paths"
    return Verdict(
        level=LEVELS[comparison.word],
        stamp=comparison.word.value,
        headline=f"{headline}.",
        answers=(
            ("At once", change_words.at_once_sentence(comparison) + "."),
            ("Why", "; ".join(reasons) + "."),
            *([("Leverage a new position may have, on average", f"{leverage}.")] if leverage else []),
            ("Confirmed", confirmed + "."),
            ("Can it be enacted", words.enactment_words(comparison)),
        ),
    )


def _highlights(comparison: Comparison) -> Iterator[Highlight]:
    decision = comparison.decision
    yield Highlight(label="Verdict", value=comparison.word.value, mood=MOODS[comparison.word])
    yield Highlight(
        label="Paths",
        value=number(decision.paths),
        note=f"of each arm in each of {len(comparison.cells)} cells",
    )
    within = sum(result.non_inferior for result in decision.results)
    whole = len(decision.results)
    yield Highlight(
        label="Within margin",
        value=f"{within} of {whole}",
        note="endpoints times cells",
        mood="good" if within == whole else "warn",
    )
    yield Highlight(
        label="Changes of sign", value=str(len(decision.flips)), mood="bad" if decision.flips else "good"
    )


def _at_once(comparison: Comparison) -> Iterator[Part]:
    found = comparison.at_once
    yield words.wait_words(comparison)
    over = "" if found.books == 1 else f" Means over {found.books:,} books of accounts."
    yield table(
        [
            Column(heading="In block 0", kind="wrap"), Column(heading="Current", kind="n"),
            Column(heading="Proposed", kind="n"),
        ],
        change_words.at_once_rows(found),
        note=(
            "Both arms hold the same positions, and the same collateral to the last unit."
            if found.same_collateral
            else "The arms do not hold the same collateral: what no proposal can change differs between them."
        ) + over,
    )  # fmt: skip


def _changes(comparison: Comparison) -> Iterator[Part]:
    if comparison.decision.identical:
        yield "Nothing: the two parameter sets are the same."
        return
    yield table(
        [
            Column(heading="Parameter"),
            Column(heading="Current", kind="n"),
            Column(heading="Proposed", kind="n"),
        ],
        [
            (change.parameter, plain_value(change.before), plain_value(change.after))
            for change in comparison.arms.changes
        ],
    )


def _cells(comparison: Comparison) -> Iterator[Part]:
    yield (
        "Both arms were run in every cell on the same random numbers. Each cell is judged on its own here;"
        " the verdict asks that all stay within the margins."
    )
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for cell in comparison.decision.cells:
        said = tuple(
            reason.replace(f" in {cell.cell}", "").replace(" (in every cell)", "")
            for reason in cell.reasons[:REASONS_OF_A_CELL]
        )
        alike.setdefault((cell.word.value, said), []).append(cell.cell)
    yield table(
        [
            Column(heading="Cell", kind="wrap"),
            Column(heading="On its own", kind="nowrap"),
            Column(heading="Why", kind="wrap"),
        ],
        [("; ".join(cells), word, "; ".join(said)) for (word, said), cells in alike.items()],
    )


_COLUMNS = (
    Column(heading="Endpoint"), Column(heading="Current", kind="n"), Column(heading="Proposed", kind="n"),
    Column(heading="Difference", kind="n"), Column(heading="Bounds", unit="one-sided, both", kind="n"),
    Column(heading="Margin", kind="n"), Column(heading="Detectable", unit="at this n", kind="n"),
    Column(heading="Pairing", unit="variance factor", kind="n"), Column(heading="Stands", kind="wrap"),
)  # fmt: skip


def _row(result: Result) -> tuple[object, ...]:
    factor = result.variance_factor
    return (
        words.endpoint_words(result),
        words.value_words(result, result.current),
        words.value_words(result, result.proposed),
        words.difference_words(result, result.difference),
        words.bounds_words(result),
        words.margin_words(result),
        words.difference_words(result, result.detectable).removeprefix("+"),
        None if factor is None else "no noise left" if factor > 1e6 else f"{factor:.3g}",
        words.standing(result),
    )


def _differences(comparison: Comparison) -> Iterator[Part]:
    decision = comparison.decision
    yield pooled_figure(decision)
    yield Heading(text="Over all cells")
    yield table(
        _COLUMNS,
        [_row(result) for result in decision.pooled],
        marked=[index for index, result in enumerate(decision.pooled) if result.superior],
        caption="Each path averaged over the cells. Marked: superior, after Holm's correction."
        " Whether an endpoint is within its margin is decided cell by cell, below.",
    )
    yield by_cell_figure(decision)
    yield details(
        "Every endpoint in every cell",
        *(
            part
            for cell, rows in zip(decision.cells, _by_cell(decision), strict=True)
            for part in (Heading(text=cell.cell), table(_COLUMNS, [_row(item) for item in rows]))
        ),
    )
    events = [result for result in decision.results if result.endpoint.statistic == "probability"]
    if events:
        yield details(
            "Events path by path",
            table(
                [
                    Column(heading="Cell", kind="nowrap"), Column(heading="Event"),
                    Column(heading="Only current", kind="n"), Column(heading="Only proposed", kind="n"),
                    Column(heading="McNemar", unit="p, exact, two-sided", kind="n"),
                ],
                [
                    (result.cell, words.endpoint_words(result), result.only_current, result.only_proposed,
                     "–" if result.mcnemar is None else f"{result.mcnemar:.3g}")
                    for result in events
                ],
            ),
        )  # fmt: skip


def _by_cell(decision: Decision) -> list[list[Result]]:
    return [[result for result in decision.results if result.cell == cell.cell] for cell in decision.cells]


def _flips(decision: Decision) -> Part:
    if not decision.flips:
        return "No endpoint is significantly better in one model and significantly worse in another."
    return bullets(
        [
            f"{flip.endpoint}: better in {', '.join(flip.helped_in)}; worse in {', '.join(flip.harmed_in)}"
            for flip in decision.flips
        ]
    )


def _confirmation(comparison: Comparison, fresh: Decision) -> Iterator[Part]:
    seed = comparison.registration.confirmation.seed
    yield (
        f"Better is said only if it is said twice. Seed {seed}, derived from the first and registered with"
        f" it, draws other paths and another book of accounts. They say: {fresh.word.value}."
    )
    yield table(
        [
            Column(heading="Endpoint"), Column(heading="First", kind="n"), Column(heading="bounds", kind="n"),
            Column(heading="Fresh", kind="n"), Column(heading="bounds", kind="n"),
            Column(heading="Stands, fresh", kind="wrap"),
        ],
        [
            (
                words.endpoint_words(first), words.difference_words(first, first.difference),
                words.bounds_words(first),
                words.difference_words(again, again.difference), words.bounds_words(again),
                words.standing(again),
            )
            for first, again in zip(comparison.decision.pooled, fresh.pooled, strict=True)
        ],
    )  # fmt: skip


def _worst(comparison: Comparison) -> Iterator[Part]:
    if not comparison.worst:
        yield "On no path did the proposal harm any solvency endpoint or guardrail."
        return
    yield (
        "Single paths, by harm in units of the endpoint's margin (the margin is for the mean: one path may"
        " well exceed it). Run both in the results folder to see what happened."
    )
    yield table(
        [
            Column(heading="Cell", kind="nowrap"), Column(heading="Path", kind="n"),
            Column(heading="Endpoint"),
            Column(heading="Current", kind="n"), Column(heading="Proposed", kind="n"),
            Column(heading="Margins", kind="n"), Column(heading="Current, then proposed", kind="commands"),
        ],
        [
            (
                item.cell, item.path, item.endpoint, metric_value(item.metric, item.current),
                metric_value(item.metric, item.proposed), f"{item.margins:.3g}",
                commands_cell(*(portable(command, comparison.folder) for command in item.commands)),
            )
            for item in comparison.worst
        ],
    )  # fmt: skip


def _distances(comparison: Comparison) -> Iterator[Part]:
    yield (
        "The least sudden move that empties the fund: accounting on the starting book, nobody tops up,"
        " closing is charged the scenario's own impact law. What acts over time, such as a ramp, need not"
        " show here."
    )
    yield table(
        [
            Column(heading="Market"), Column(heading="Direction"), Column(heading="Current", kind="n"),
            Column(heading="Proposed", kind="n"),
        ],
        [
            (item.market, item.direction, *(
                "none"
                " does" if move is None else signed_percent(move, 2) for move in (item.current, item.proposed)
            ))
            for item in comparison.distances
        ],
    )  # fmt: skip


def _enactment(comparison: Comparison) -> Iterator[Part]:
    enacting = comparison.enacting
    yield words.enactment_words(comparison)
    if enacting.parameters:
        yield table(
            [
                Column(heading="Parameter on chain"), Column(heading="Before", kind="n"),
                Column(heading="After", kind="n"), Column(heading="Simulated", kind="n"),
                Column(heading="Agrees"),
            ],
            [
                (
                    item.parameter, plain_value(plain(item.before)), plain_value(plain(item.after)),
                    plain_value(plain(item.simulated)), "yes" if item.agrees else "NO",
                )
                for item in enacting.parameters
            ],
        )  # fmt: skip
    if enacting.enactment is not None:
        yield table(
            [
                Column(heading="Proposal", kind="n"), Column(heading="Calls"),
                Column(heading="Step", kind="nowrap"),
                Column(heading="One second early", kind="wrap"), Column(heading="In time"),
            ],
            [
                (
                    item.proposal.identifier, f"{item.proposal.contract}.{item.proposal.function}",
                    f"{item.proposal.step} of {item.proposal.steps}", item.early_reason,
                    "executed" if item.executed_at is not None else f"refused: {item.reason}",
                )
                for item in enacting.enactment.proposals
            ],
        )  # fmt: skip
    if enacting.obstacles:
        yield Heading(text="Not enactable")
        yield table(
            [
                Column(heading="Parameter"), Column(heading="Current", kind="n"),
                Column(heading="Proposed", kind="n"), Column(heading="Why", kind="wrap"),
            ],
            [
                (item.parameter, plain_value(plain(item.before)), plain_value(plain(item.after)), item.reason)
                for item in enacting.obstacles
            ],
        )  # fmt: skip
    if enacting.proposals:
        yield Preformatted(text=calldata_text(enacting))


def _uncertain(comparison: Comparison) -> Part:
    return table(
        [Column(heading="Uncertainty", kind="nowrap"), Column(heading="How it was treated", kind="wrap")],
        list(words.uncertainties(comparison)),
    )


def _error_rates(comparison: Comparison) -> Iterator[Part]:
    yield "The error rates the rule is made for, and tested against:"
    yield bullets(words.error_rate_lines(comparison))


def _to_check(comparison: Comparison) -> Iterator[Part]:
    registration, again = comparison.registration, comparison.confirmation_result
    yield bullets(
        [
            (
                f"Registered before the first path: registration.json, SHA-256 {registration.sha256}; "
                f"plan.toml, SHA-256 {registration.plan_sha256}."
            ),
            f"Digest of the paths: {comparison.result.digest} ({comparison.result.label}).",
            *([] if again is None else [f"Digest of the fresh paths: {again.digest}."]),
            (
                "Run the comparison again from the same files and compare the digests; decode the calldata "
                "with the RiskGovernor ABI, or execute it on a fork (docs/compare.md)."
            ),
        ]
    )
    if comparison.worst:
        yield "The path the proposal harmed most, run in the results folder:"
        yield Command(text=portable(comparison.worst[0].commands[1], comparison.folder))


def _rule(comparison: Comparison) -> Iterator[Part]:
    yield (
        "The plan was written down, with its hash, before the first path was run: endpoints, margins,"
        " models, paths, seeds and the rule. The less favourable of Student's bound and a bound for skewed,"
        " bounded losses decides everywhere. In full: docs/compare.md."
    )
    yield details("Assumptions", bullets(words.assumption_lines(comparison)))
    yield details("The plan as it was registered", Preformatted(text=comparison.plan.text()))


def _provenance(comparison: Comparison) -> Sequence[Part]:
    registration, again = comparison.registration, comparison.confirmation_result
    record = registration.record
    return (
        facts(
            [
                ("registration.json, SHA-256", registration.sha256),
                ("plan.toml, SHA-256", registration.plan_sha256),
                ("current parameters, SHA-256", comparison.arms.current.sha256),
                ("proposed parameters, SHA-256", comparison.arms.proposed.sha256),
                ("seed", registration.main.seed),
                ("paths, digest", comparison.result.digest),
                ("paths, completed", comparison.result.label),
                ("confirmation, seed", registration.confirmation.seed),
                ("confirmation, digest", None if again is None else again.digest),
                ("confirmation, completed", None if again is None else again.label),
                ("version", record["versions"]),
                ("input, SHA-256", record["inputs"]),
                ("contract, SHA-256", record["contracts"]),
            ]
        ),
    )
