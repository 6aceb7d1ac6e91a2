"""Makes docs/mutants.md of what became of a sample of faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.sampled.equivalent import EQUIVALENT
from tests.support.sampled.run import KILLED, SAME_CODE, SURVIVED, UNCOMPILED, Tried

ENOUGH: Final = 0.95


def proof_of(tried: Tried) -> str:
    """Return why a fault changes nothing, empty if that is not proven."""
    if tried.verdict == SAME_CODE:
        return "the same bytecode"
    return EQUIVALENT.get((tried.change.file, tried.before, tried.after), "")


def counted(found: Sequence[Tried]) -> list[Tried]:
    """Return what counts: it compiles, and is not proven to change nothing."""
    return [tried for tried in found if tried.verdict in (KILLED, SURVIVED) and not proof_of(tried)]


def share(found: Sequence[Tried]) -> float:
    """Return the share of what counts that a test found."""
    verdicts = Counter(tried.verdict for tried in counted(found))
    return verdicts[KILLED] / verdicts.total() if verdicts else 0.0


def page(named: Sequence[Tried], sampled: Sequence[Tried], seed: int) -> str:
    """Return docs/mutants.md."""
    counts = counted(sampled)
    killed = sum(tried.verdict == KILLED for tried in counts)
    survivors = [tried for tried in counts if tried.verdict == SURVIVED]
    lines = [
        "# Sampled faults in contracts",
        "",
        f"Written by `scripts/sampled_mutants.py --mutants {len(sampled)} --seed {seed}`, by hand. The seed",
        "draws places from all source files of the contracts for a fixed list of operators",
        "(`tests/support/sampled/places.py`), and the contract tests alone (`tests/unit/contracts`, and of",
        "`tests/regression` and `tests/differential` those that are of contracts) are run on each until one",
        "fails. Every test named here passes without the fault.",
        "",
        (
            f"Of {len(sampled)} drawn, {_number(sampled, UNCOMPILED)} do not compile and "
            f"{sum(bool(proof_of(tried)) for tried in sampled)} change nothing; of the other {len(counts)}, "
            f"**{killed} are found: {share(sampled):.1%}**."
        ),
        "",
        "Three more are tried whatever the seed: the exact boundary of eligibility for liquidation, and the",
        "guard by the average price, where it is set and where it is asked.",
        "",
        *_table(named),
        "",
        "## Drawn",
        "",
        *_table([tried for tried in sampled if tried.verdict != UNCOMPILED]),
        "",
        "## Not found",
        "",
    ]
    lines += [
        f"- `{tried.change.file}:{tried.change.line}`, {tried.change.operator}" for tried in survivors
    ] or ["None."]
    lines += ["", "## Changes nothing", ""]
    lines += [
        f"- `{tried.change.file}:{tried.change.line}`, {tried.change.operator}: {proof}."
        for tried in sampled
        if (proof := proof_of(tried))
    ] or ["None."]
    return "\n".join(lines) + "\n"


def _number(found: Sequence[Tried], verdict: str) -> int:
    return sum(tried.verdict == verdict for tried in found)


def _table(found: Sequence[Tried]) -> list[str]:
    lines = ["| operator | place | fault | found by |", "|---|---|---|---|"]
    for tried in found:
        change = tried.change
        fault = f"`{_cut(change.old)}` → `{_cut(change.new)}`"
        by = f"`{Path(tried.test.split('::')[0]).name}::{tried.test.split('::')[-1]}`" if tried.test else ""
        proof = "changes nothing" if proof_of(tried) else "**not found**"
        lines.append(f"| {change.operator} | `{change.file}:{change.line}` | {fault} | {by or proof} |")
    return lines


def _cut(text: str) -> str:
    words = " ".join(text.split()).replace("|", "\\|")
    return words if len(words) <= 60 else f"{words[:57]}..."
