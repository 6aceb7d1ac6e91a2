"""Why a verdict is what it is: one sentence for each endpoint, whatever the number of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.experiments.decision.needed import paths_needed
from sim.experiments.decision.results import Result, Rule
from sim.experiments.decision.wording import INITIAL_MARGIN, amount, label, leverage_words


def worse_by(results: Sequence[Result]) -> tuple[str, ...]:
    """Return one sentence for each endpoint that is beyond its margin, the cells together."""
    found = []
    for group in _by_endpoint(results):
        worst = max(group, key=_harm)
        endpoint, more = worst.endpoint, len(group) - 1
        found.append(
            f"{label(endpoint)} is worse by {amount(endpoint, worst.difference)} in {worst.cell},"
            f" certainly by more than its margin of {amount(endpoint, endpoint.margin)}"
            + (f" (and beyond it in {_cells(more)})" if more else "")
        )
    return tuple(found)


def unsettled(results: Sequence[Result], cells: int) -> tuple[str, ...]:
    """Return one sentence for each endpoint that is not within its margin in every cell."""
    found = []
    for group in _by_endpoint(results):
        unusable = [result for result in group if result.unusable]
        if unusable:
            where = "in every cell" if len(group) == cells else f"in {unusable[0].cell}{_others(unusable)}"
            found.append(f"{label(unusable[0].endpoint)}: {unusable[0].unusable} ({where})")
            continue
        worst = max(group, key=lambda result: result.harm_upper)
        endpoint = worst.endpoint
        up_to = amount(endpoint, worst.harm_upper)
        said = (
            f"{label(endpoint)} may be worse by up to {up_to}"
            if any(result.differing for result in group)
            else f"no path differs in {label(endpoint)}, and {worst.n:,} can hide a harm of up to {up_to}"
        )
        where = "in every cell" if len(group) == cells else f"in {worst.cell}{_others(group)}"
        found.append(f"{said}, its margin is {amount(endpoint, endpoint.margin)} ({where})")
    return tuple(found)


def trade_off(
    costly: Sequence[Result], pooled: Sequence[Result], superior: Sequence[Result]
) -> tuple[str, ...]:
    """Return what a change costs and what it improves, both certain."""
    gains = ", ".join(f"{label(one.endpoint)} by {amount(one.endpoint, one.difference)}" for one in superior)
    return (
        f"a trade-off: {costs(costly, pooled)}, and improves {gains}",
        "which of them counts for more is a choice, not a finding",
    )


def costs(costly: Sequence[Result], pooled: Sequence[Result]) -> str:
    """Return what a change certainly costs those who trade, over all cells."""
    overall = {result.endpoint.name: result for result in pooled}
    parts = []
    for group in _by_endpoint(costly):
        result = overall.get(group[0].endpoint.name, group[0])
        endpoint = result.endpoint
        spoken = leverage_words(result.current, result.proposed) if endpoint.metric == INITIAL_MARGIN else ""
        more = "less" if endpoint.direction < 0 else "more"
        aside = f" ({spoken})" if spoken else ""
        parts.append(f"{amount(endpoint, result.difference)} {more} {label(endpoint)}{aside}")
    return f"costs {' and '.join(parts)}"


def benefit_not_shown(pooled: Sequence[Result], rule: Rule, paths: int) -> str:
    """Return what could not be shown of a change's benefit, and how many paths would show it."""
    asked = [one for one in pooled if one.endpoint.superiority]
    protecting = [one for one in asked if one.endpoint.role != "efficiency" and not one.unusable]
    seen = [one for one in protecting if one.endpoint.direction * one.difference < 0.0]
    if not seen:
        return (
            f"no endpoint was better on these {paths:,} paths, so that no number of paths can be named that"
            " would show a benefit"
        )
    numbered = [(needed, one) for one in seen if (needed := paths_needed(one, rule, len(asked))) is not None]
    if not numbered:
        names = ", ".join(f"{label(one.endpoint)} ({amount(one.endpoint, one.difference)})" for one in seen)
        return (
            f"a benefit could not be shown with {paths:,} paths: {names}; how many would show it cannot be"
            " said from differences like these"
        )
    needed, best = min(numbered, key=lambda item: item[0])
    size, name = amount(best.endpoint, best.difference), label(best.endpoint)
    return (
        f"a benefit of {size} in {name} could not be shown with {paths:,} paths;"
        f" about {_rounded_up(max(needed, paths + 1)):,} paths would show it, if it is as large as it looks"
    )


def _rounded_up(paths: int) -> int:
    """Return a number with two digits that are not zero: it is an estimate."""
    step: int = 10 ** max(len(str(paths)) - 2, 0)
    return -(-paths // step) * step


def _harm(result: Result) -> float:
    return result.endpoint.direction * result.difference


def _by_endpoint(results: Sequence[Result]) -> Iterator[list[Result]]:
    names = dict.fromkeys(result.endpoint.name for result in results)
    for name in names:
        yield [result for result in results if result.endpoint.name == name]


def _others(group: Sequence[Result]) -> str:
    """Return how many more cells there are than the one named."""
    return f" and {_cells(len(group) - 1)}" if len(group) > 1 else ""


def _cells(more: int) -> str:
    return f"{more} more {'cell' if more == 1 else 'cells'}"
