"""The forum post of a comparison, in Markdown: what changes, what was found, how sure, how to check it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.experiments.decision.compare import Comparison
from sim.experiments.decision.enactment import plain
from sim.reporting.experiments import compare_words as words
from sim.reporting.experiments.tables import plain_value
from sim.reporting.formatting import signed_percent

CELLS_EXPLAINED = (
    "A *cell* is one model of the market: a price process with an impact law. Both parameter sets were run"
    " in every cell on the same random numbers; differences are proposed minus current."
)


def forum_post(comparison: Comparison) -> str:
    """Return the post."""
    arms, decision = comparison.arms, comparison.decision
    shown = comparison.confirmation or decision
    lines = [
        (
            f"# {comparison.plan.title or f'{arms.proposed.source.stem} against {arms.current.source.stem}'}:"
            f" {comparison.word.value}"
        ),
        "",
        f"{words.headline(comparison)}.",
        "",
        *(f"- {reason}" for reason in comparison.reasons[:8]),
        "",
        "## What changes",
        "",
        *_table(
            ("Parameter", "Current", "Proposed"),
            [
                (f"`{item.parameter}`", plain_value(item.before), plain_value(item.after))
                for item in arms.changes
            ],
        ),
        "",
        f"Scenario: {arms.scenario.title}. {arms.scenario.question}",
        "",
        "## What was found",
        "",
        f"{CELLS_EXPLAINED} {decision.paths:,} paths of each set in each of {len(comparison.cells)} cells"
        + (
            f", and as a confirmation {shown.paths:,} fresh ones with seed"
            f" {comparison.registration.confirmation.seed}; the table has the fresh ones."
            if comparison.confirmation is not None
            else "."
        ),
        "",
        *_table(
            (
                "Endpoint, all cells",
                "Current",
                "Proposed",
                "Difference",
                "Bounds (one-sided)",
                "Margin",
                "Detectable",
            ),
            [
                (
                    words.endpoint_words(item) + (" (**better**)" if item.superior else ""),
                    words.value_words(item, item.current),
                    words.value_words(item, item.proposed),
                    words.difference_words(item, item.difference),
                    words.bounds_words(item),
                    words.margin_words(item),
                    words.difference_words(item, item.detectable).removeprefix("+"),
                )
                for item in shown.pooled
            ],
        ),
        "",
        *_table(("Cell", "On its own"), [(cell.cell, cell.word.value) for cell in shown.cells]),
        "",
        *(
            f"- **{flip.endpoint} changes sign**: better in {', '.join(flip.helped_in)}; worse in"
            f" {', '.join(flip.harmed_in)}"
            for flip in decision.flips
        ),
        *([""] if decision.flips else []),
        "Least sudden move that empties the fund: "
        + "; ".join(
            f"{item.market} {item.direction} {_move(item.current)} now, {_move(item.proposed)} proposed"
            for item in comparison.distances
        )
        + ".",
        "",
        "## How sure",
        "",
        *(f"- **{name}**: {text}." for name, text in words.uncertainties(comparison)),
        *(f"- Error rate: {line}." for line in words.error_rate_lines(comparison)),
        "",
        "## To enact",
        "",
        words.enactment_words(comparison),
        "",
        *_enactment(comparison),
        "## To check",
        "",
        (
            "- Registered before the first path: `registration.json`, SHA-256"
            f" `{comparison.registration.sha256}`; `plan.toml`, SHA-256"
            f" `{comparison.registration.plan_sha256}`."
        ),
        f"- Digest of the paths: `{comparison.result.digest}` ({comparison.result.label}).",
        *(
            [f"- Digest of the fresh paths: `{comparison.confirmation_result.digest}`."]
            if comparison.confirmation_result is not None
            else []
        ),
        (
            "- Run the comparison again from the same files and compare both digests; decode the calldata"
            " with the `RiskGovernor` ABI, or execute it on a fork (docs/compare.md)."
        ),
        *(
            [f"- The path the proposal harmed most: `{comparison.worst[0].commands[1]}`"]
            if comparison.worst
            else []
        ),
    ]
    return "\n".join(lines) + "\n"


def _enactment(comparison: Comparison) -> list[str]:
    enacting = comparison.enacting
    lines: list[str] = []
    if enacting.parameters:
        lines += _table(
            ("On chain", "Before", "After", "Simulated"),
            [
                (
                    f"`{item.parameter}`",
                    plain_value(plain(item.before)),
                    plain_value(plain(item.after)),
                    plain_value(plain(item.simulated)),
                )
                for item in enacting.parameters
            ],
        )
        lines.append("")
    for proposal in enacting.proposals:
        lines += [
            (
                f"Proposal {proposal.identifier}, `{proposal.contract}.{proposal.function}`, step"
                f" {proposal.step} of {proposal.steps}; to the RiskGovernor (here `{proposal.governor}`), by"
                " its owner:"
            ),
            "",
            "```",
            f"propose  {proposal.propose}",
            f"execute  {proposal.execute}",
            "```",
            "",
        ]
    if enacting.obstacles:
        lines += [f"- Cannot be enacted: `{item.parameter}`: {item.reason}." for item in enacting.obstacles]
        lines.append("")
    return lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    if not body:
        return ["Nothing."]
    return [f"| {' | '.join(heads)} |", f"|{'|'.join(' --- ' for _ in heads)}|", *body]


def _move(move: float | None) -> str:
    return "none does" if move is None else signed_percent(move, 2)
