"""Findings of one run: what happened, to whom, why, and under which assumptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.metrics.book import DIGEST, METRICS, SECTIONS
from sim.reporting import formatting
from sim.reporting.figures.style import Figure
from sim.reporting.findings.assumptions import parameters_table, split
from sim.reporting.findings.blocks import (
    ABSENT,
    Cell,
    Column,
    Findings,
    Heading,
    Highlight,
    Mood,
    Part,
    Terms,
    Text,
    bullets,
    details,
    facts,
    headed,
    table,
)
from sim.reporting.findings.run.by_market import market_table
from sim.reporting.findings.run.causes import WORLDS_READING, removals_table, worlds_table
from sim.reporting.findings.run.causes import highlights as cause_highlights
from sim.reporting.findings.run.chain_figures import chain_figure, oracle_figure
from sim.reporting.findings.run.collateral import collateral_words
from sim.reporting.findings.run.context import replaced_by_prices, scripted_shocks
from sim.reporting.findings.run.crosscheck import cross_checks
from sim.reporting.findings.run.flow_figures import liquidations_figure
from sim.reporting.findings.run.formulas import formula_failures, formula_warning
from sim.reporting.findings.run.loss_figures import WATERFALL, fund_figure
from sim.reporting.findings.run.margin_figures import margin_figure, open_interest_figure
from sim.reporting.findings.run.margin_words import margin_words
from sim.reporting.findings.run.parties import leverage_bands, parties, parties_figure
from sim.reporting.findings.run.price_figures import impact_figure, price_figure
from sim.reporting.findings.run.transactions import revert_reasons, transaction_kinds
from sim.reporting.findings.run.verdict import reach_verdict
from sim.reporting.findings.run.worlds_figure import worlds_figure
from sim.reporting.metric_words import leverage_note
from sim.reporting.run_folder import RunFolder, column, has_columns, last_value, load_run
from sim.reporting.vocabulary import GLOSSARY, write_value


def run_findings(folder: Path) -> Findings:
    """Return what a run found, from its results folder.

    Raises
    ------
    InputError
        The folder is not a run's results, or cannot be read.
    """
    run = load_run(folder)
    span = run.time_span
    found = Findings(
        command="run",
        title=str(run.manifest.get("title") or run.scenario.get("title") or "Untitled run"),
        question=str(run.manifest.get("question") or run.scenario.get("question") or ""),
        context="" if span is None else " to ".join(formatting.moment(end) for end in span),
        verdict=reach_verdict(run),
    )
    warning = formula_warning(run)
    if warning:
        found.warn(warning)
    found.highlights(_highlights(run))
    found.section("Price", *_price(run))
    found.section(
        "Liquidations through time",
        *_drawn([liquidations_figure(run)], "The run recorded no liquidation."),
        market_table(run),
    )
    found.section("What forced selling added", *_causes(run))
    failures = formula_failures(run)
    if failures:
        found.section("Margin formulas that failed", *failures, terminal=True)
    found.section(
        "Margin and the risk carried",
        *_drawn(_of_markets(run, margin_figure, open_interest_figure), "The run recorded no margin ratios."),
    )
    margin = margin_words(run)
    if margin:
        found.section("How margin was asked for", bullets(margin), terminal=True)
    collateral = collateral_words(run)
    if collateral:
        found.section("Collateral in other assets", *collateral, terminal=True)
    found.section(
        "Insurance fund and losses",
        *_drawn([fund_figure(run)], "The run recorded no balance of the insurance fund."),
        _waterfall(run),
    )
    found.section("Who lost, who gained", *_parties(run))
    found.section("Chain and oracle", *_chain(run))
    found.section("All numbers", _summary(run.summary), terminal=True)
    found.section("Cross-checks", *_checks(run))
    found.section("Assumptions", *_assumptions(run))
    found.section("Provenance", *_provenance(run))
    found.section("Glossary", Terms(items=GLOSSARY))
    return found


def _of_markets(run: RunFolder, *builders: Callable[[RunFolder, int], Figure | None]) -> list[Figure | None]:
    return [build(run, market) for market in run.market_ids for build in builders]


def _drawn(figures: Iterable[Figure | None], missing: str) -> list[Part]:
    """Return the figures there are, or words where their tables are missing."""
    drawn: list[Part] = [figure for figure in figures if figure is not None]
    return drawn or [Text(text=missing, tone="missing")]


def _price(run: RunFolder) -> list[Part]:
    description, prices = str(run.scenario.get("description") or ""), replaced_by_prices(run)
    parts: list[Part] = [description] if description else []
    if prices:
        parts.append(
            f"The price of this run is recorded: {prices}. The path, scripted price shocks and gas surges of "
            "the scenario do not apply."
        )
    figures = _of_markets(run, price_figure, impact_figure)
    parts += _drawn(figures, "The run recorded no block table, so there is no price to draw.")
    shocks = scripted_shocks(run)
    if shocks:
        columns = [*headed("n", "No."), *headed("nowrap", "Time", "Kind"), *headed("wrap", "What")]
        rows = [
            (
                one.number,
                formatting.moment(one.timestamp),
                one.kind,
                Cell(text=one.description, note=one.details),
            )
            for one in shocks
        ]
        parts.append(table(columns, rows, caption="Scripted events"))
    return parts


def _causes(run: RunFolder) -> list[Part]:
    missing = (
        "No other world was run, so nothing is said of causes (--worlds forced)."
        if run.worlds is None or run.worlds.empty
        else "Nothing was liquidated in the run, nor without price feedback."
    )
    return [
        *_drawn(_of_markets(run, worlds_figure), missing),
        WORLDS_READING if worlds_table(run) else None,
        worlds_table(run),
        removals_table(run),
    ]


def _waterfall(run: RunFolder) -> Part:
    """Return who carried the losses by the last block."""
    blocks = run.protocol_blocks
    if not has_columns(blocks, ["bad_debt"]):
        return None
    carried = [
        (label.capitalize(), last_value(blocks, key) or 0.0)
        for key, label, _ in WATERFALL
        if np.isfinite(column(blocks, key)).any()
    ]
    if not carried:
        return None
    carried.append(("Together", sum(amount for _, amount in carried)))
    columns = [
        *headed("", "Losses beyond accounts’ own collateral, by the last block"),
        *headed("n", "USDC"),
    ]
    rows = [(label, formatting.number(amount, 2)) for label, amount in carried]
    return table(columns, rows, caption="Who carried the losses", marked=[len(rows) - 1])


def _parties(run: RunFolder) -> list[Part]:
    groups = parties(run)
    parts = _drawn([parties_figure(groups)], "The run recorded no outcome by account.")

    def amount(value: float | None) -> str:
        return ABSENT if value is None else formatting.number(value)

    if groups:
        columns = [
            Column(heading="Group"),
            *(
                Column(heading=heading, kind="n")
                for heading in (
                    "Accounts", "Start", "Result", "Of start", "Liquidated accounts", "Notional liquidated",
                    "Fees", "Funding", "Topped up",
                )
            ),
        ]  # fmt: skip
        rows = [
            (
                Cell(text=one.name, note=one.note),
                amount(one.members),
                amount(one.start),
                _result(one.result),
                ABSENT if not one.start or one.result is None else formatting.percent(one.result / one.start),
                amount(one.liquidated),
                amount(one.liquidated_notional),
                amount(one.fees_paid),
                amount(one.funding_paid),
                amount(one.topped_up),
            )
            for one in groups
        ]
        parts.append(table(columns, rows, caption="By group, USDC"))
    bands = leverage_bands(run)
    if bands:
        columns = [
            *headed("", "Leverage"),
            *headed("n", "Accounts liquidated", ("Collateral", "USDC"), ("Result", "USDC"), "Of collateral"),
        ]
        parts.append(
            table(
                columns,
                [
                    (
                        one.label,
                        f"{formatting.number(one.liquidated)} of {formatting.number(one.accounts)}",
                        formatting.number(one.start),
                        _result(one.result),
                        formatting.percent(one.result / one.start) if one.start else ABSENT,
                    )
                    for one in bands
                ],
                caption="By leverage at the start",
            )
        )
    return parts


def _result(value: float | None) -> Cell | str:
    if value is None:
        return ABSENT
    return Cell(text=formatting.number(value), mood="good" if value > 0 else "bad" if value < 0 else "")


def _chain(run: RunFolder) -> list[Part]:
    figures = [chain_figure(run), *_of_markets(run, oracle_figure)]
    parts = _drawn(figures, "The run recorded no chain data.")
    kinds, reverts = transaction_kinds(run), revert_reasons(run)
    if kinds:
        columns = [
            *headed("hash", "Kind"),
            *headed(
                "n",
                "Transactions",
                "Not successful",
                ("Mean wait", "blocks"),
                ("Longest wait", "blocks"),
                ("Fees", "ETH"),
            ),
        ]
        rows = [
            (
                one.kind,
                formatting.number(one.total),
                formatting.number(one.reverted),
                formatting.number(one.mean_wait_blocks, 2),
                formatting.number(one.longest_wait_blocks),
                formatting.number(one.fees_eth, 4),
            )
            for one in kinds
        ]
        parts.append(table(columns, rows, caption="Transactions by kind"))
    if reverts:
        columns = [*headed("hash", "Kind"), *headed("", "Reason"), *headed("n", "Times")]
        parts.append(
            table(
                columns,
                [(kind, reason, formatting.number(count)) for kind, reason, count in reverts],
                caption="Why transactions failed",
            )
        )
    return parts


def _summary(summary: Mapping[str, Any]) -> Part:
    """Return every key of the summary, grouped; keys without a description last."""
    columns = [
        *headed("nowrap", ""),
        *headed("", "Metric"),
        *headed("n", "Value"),
        *headed("", "Unit"),
        Column(heading="Key", kind="hash", page_only=True),
        Column(heading="Meaning", kind="wrap", page_only=True),
    ]
    rows: list[tuple[object, ...]] = []
    for section in SECTIONS:
        listed = [metric for metric in METRICS if metric.section == section and metric.name in summary]
        for position, metric in enumerate(listed):
            value = summary[metric.name]
            shown = Cell(
                text=write_value(metric, value),
                mood=metric.alarm if value else "",
                note=leverage_note(metric.name, value),
            )
            unit = "" if formatting.is_missing(value) else metric.quantity
            group = section if position == 0 else ""
            rows.append((group, metric.label, shown, unit, metric.name, metric.meaning))
    others = sorted(set(summary) - set(METRICS.names()) - {DIGEST})
    rows += [
        ("", key, formatting.significant(summary[key], 6), "", key, "")
        for key in others
        if isinstance(summary[key], (int, float, str)) or summary[key] is None
    ]
    return table(columns, rows)


def _checks(run: RunFolder) -> list[Part]:
    checks = cross_checks(run)
    if not checks:
        return [Text(text="The run recorded no table to check the summary against.", tone="missing")]
    columns = [
        *headed("", "Number", "First source"),
        *headed("n", "Value"),
        *headed("", "Second source"),
        *headed("n", "Value"),
        *headed("", "Agree"),
    ]
    rows = [
        (
            one.name,
            one.left_source,
            formatting.number(one.left, 2),
            one.right_source,
            formatting.number(one.right, 2),
            Cell(text="yes", mood="good") if one.agrees else Cell(text="NO", mood="bad"),
        )
        for one in checks
    ]
    note = (
        "Recomputed from the tables. Tables hold floating-point copies of the contracts’ integers, so they "
        "are compared to one part in a million; the exact checks are the invariants, made on integers in "
        "every block."
    )
    return [table(columns, rows, note=note)]


def _assumptions(run: RunFolder) -> list[Part]:
    manifest = run.manifest
    lead = (
        "The result holds under these and no others. Listed first: numbers nobody measured (their source "
        "says “assumption”)."
    )
    parts: list[Part] = [lead]
    overrides = [str(one) for one in manifest.get("overrides") or []]
    if overrides:
        parts.append(f"Changed on the command line: {', '.join(overrides)}.")
    outside = [str(one) for one in manifest["outside_market"]]
    parts += [Heading(text="What moves the outside market"), bullets(outside)]
    agents = [str(one) for one in manifest.get("agents") or []]
    if agents:
        parts += [Heading(text="Who takes part"), bullets(agents)]
        raised = int(manifest.get("raised_openings") or 0)
        if raised:
            parts.append(
                f"{formatting.number(raised)} accounts began with more collateral than drawn for them, "
                "because initial margin did not allow their leverage."
            )
        parts.append(Heading(text="Parameters"))
    entries = manifest.get("assumptions")
    assumed, other = split(
        [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    )
    if assumed:
        parts.append(parameters_table(assumed))
    else:
        parts.append(Text(text="The manifest lists none.", tone="missing"))
    if other:
        parts.append(
            details(f"All other parameters ({len(other)}), each with its source", parameters_table(other))
        )
    return parts


def _provenance(run: RunFolder) -> list[Part]:
    """Return what identifies the run."""
    contracts = run.manifest.get("contracts")
    lead = (
        "Anyone can repeat this run: seawall replay on the results folder executes it again and compares "
        "the digest."
    )
    return [
        lead,
        facts(_identity(run)),
        facts(sorted(contracts.items()), caption="Contracts executed, SHA-256")
        if isinstance(contracts, dict)
        else None,
    ]


def _highlights(run: RunFolder) -> list[Highlight]:
    """Return the strip of key figures under the verdict."""
    summary = run.summary

    def item(label: str, value: str, note: str, mood: Mood = "") -> Highlight:
        return Highlight(label=label, value=value, note=note, mood=mood)

    money, number = formatting.compact, formatting.number
    debt, socialized = summary.get("bad_debt"), summary.get("socialized_loss")
    unbooked = summary.get("negative_equity_end")
    violations = summary.get("invariant_violations")
    return [
        item(
            "Liquidations",
            number(summary.get("liquidations")),
            f"{money(summary.get('liquidated_notional'))} USDC closed",
        ),
        *(item(*one) for one in cause_highlights(run)),
        item(
            "Bad debt",
            money(debt),
            f"USDC booked; open accounts owe {money(unbooked or 0.0)} beyond collateral",
            "warn" if debt or unbooked else "good",
        ),
        item(
            "Fund, lowest",
            money(summary.get("insurance_fund_min")),
            f"USDC of {money(summary.get('insurance_fund_start'))} at the start",
            "bad" if summary.get("fund_depleted") else "",
        ),
        item(
            "Passed on",
            money(socialized),
            f"USDC socialised; {money(summary.get('auto_deleveraged_notional'))} auto-deleveraged",
            "bad" if socialized or summary.get("auto_deleveraged_notional") else "",
        ),
        item(
            "Invariants",
            number(summary.get("invariants_checked")),
            "checks, none failed" if violations == 0 else f"checks, {number(violations)} failed",
            "bad" if violations else "good" if violations == 0 else "",
        ),
    ]


def _identity(run: RunFolder) -> list[tuple[str, object]]:
    """Return what identifies the run, as (name, value) pairs; what is not recorded is left out."""
    manifest = run.manifest
    rows: list[tuple[str, object]] = [
        ("Digest (SHA-256 of receipts and final state)", manifest.get("digest") or run.summary.get("digest")),
        ("Scenario (SHA-256)", manifest.get("scenario_sha256")),
        ("Seed", manifest.get("seed")),
        ("Engine", manifest.get("engine")),
        ("Blocks", manifest.get("blocks")),
        ("Gas profile (SHA-256)", manifest.get("gas_profile_sha256")),
    ]
    if "worlds" in manifest:
        rows.append(("Worlds run beside it", manifest["worlds"]))
    if "gas_profile_is_of_these_contracts" in manifest:
        rows.append(
            ("Gas measured on exactly these contracts", manifest["gas_profile_is_of_these_contracts"])
        )
    for label, key in (("Prices", "prices"), ("Version of", "versions")):
        rows += [(label, manifest[key])] if isinstance(manifest.get(key), dict) else []
    return rows
