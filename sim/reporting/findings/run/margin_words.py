"""How margin was asked for: modes of accounts, tiers, clusters, and what the volatility oracle gave.

A sentence for each mechanism that the scenario switches on; none of a run without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.core.units import WAD
from sim.reporting.findings.run.context import amount_of, group_label, tables_of
from sim.reporting.findings.run.estimate_words import correlation_words, estimator_words, performance_words
from sim.reporting.formatting import listed, money, percent, plural
from sim.reporting.run_folder import RunFolder, has_columns

_GROUPS: Final = {"traders": "traders", "whales": "whale"}
"""Table of the scenario whose accounts have a mode -> what its groups' names begin with."""

_MODES: Final = ("portfolio", "cross", "isolated")
_TIERS: Final = (1, 2, 3, 4)
_INITIAL, _MAINTENANCE = 0, 1
"""Kinds of margin checks."""


def margin_words(run: RunFolder) -> list[str]:
    """Return a sentence on each mechanism of margin that the scenario switches on."""
    kinds = (mode_words, tier_words, cluster_words, estimator_words, performance_words, correlation_words)
    return [sentence for kind in kinds for sentence in kind(run)]


def mode_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence on how many accounts began in which mode, if any began in another than cross."""
    held: dict[str, list[_Group]] = {}
    for group in _groups(run):
        held.setdefault(str(group.table.get("mode") or "cross"), []).append(group)
    if not held.keys() & {"portfolio", "isolated"}:
        return
    counts = [
        f"{plural(sum(len(one.members) for one in held[mode]), 'account')} "
        f"({listed(one.label for one in held[mode])}) began in {mode} margin"
        for mode in _MODES
        if mode in held
    ]
    words = listed(counts)
    if "portfolio" in held:
        words += _hedges(run, {account for one in held["portfolio"] for account in one.members})
    yield f"{words}."


def tier_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence for each table of size tiers, if the formula has them."""
    protocol = run.scenario.get("protocol")
    if not isinstance(protocol, dict) or protocol.get("risk_model") != "tiered":
        return
    alike: dict[tuple[str, ...], list[int]] = {}
    for market in run.market_ids:
        alike.setdefault(_tiers(run, market), []).append(market)
    largest: dict[int, int] = {}
    for one in run.events("MarginChecked"):
        largest[one["market"]] = max(largest.get(one["market"], 0), one["notional"])
    for tiers, markets in alike.items():
        names = listed(run.market_name(market) for market in markets)
        checked = [largest[market] for market in markets if market in largest]
        of_checks = (
            f"the largest position that a check recorded was {money(max(checked) / WAD)}"
            if checked
            else "no check was recorded"
        )
        yield (
            f"Size tiers in {names} ask for initial and maintenance margin of at least "
            f"{', '.join(tiers)}, each part of a position at the ratios of its own tier; {of_checks}."
        )


def cluster_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence for each owner whose accounts are declared as one cluster."""
    for group in _groups(run):
        if group.table.get("declared") is not True:
            continue
        counted = [one for one in run.events("ClusterCounted") if one["account"] in group.members]
        told = (
            f"that asked for more at {plural(len(counted), 'recorded check')}, at a size of up to "
            f"{money(max(one['notional'] for one in counted) / WAD)}"
            if counted
            else "after the set-up, whose checks are not recorded, that asked nobody for more"
        )
        yield (
            f"{plural(len(group.members), 'account')} ({group.label}) are declared as one cluster: "
            f"whichever adds risk is asked for initial margin at the size of all on its side; {told}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Accounts of one table of the scenario."""

    label: str
    table: Mapping[str, Any]
    members: frozenset[int]


def _groups(run: RunFolder) -> Iterator[_Group]:
    accounts = run.accounts
    if not has_columns(accounts, ["account", "group"]):
        return
    for key, begins in _GROUPS.items():
        for table in tables_of(run.scenario, key):
            name = f"{begins}:{table.get('name')}"
            members = frozenset(accounts["account"][accounts["group"] == name].tolist())
            if members:
                yield _Group(label=group_label(run, name), table=table, members=members)


def _hedges(run: RunFolder, accounts: set[int]) -> str:
    """Return what accounts in portfolio mode were asked for, over what their legs would be."""
    shares = _shares(run, accounts)
    if not shares:
        return "; no recorded check found one in portfolio margin with several positions"
    least, most = percent(min(shares)), percent(max(shares))
    span = least if least == most else f"{least} to {most}"
    return (
        f"; {plural(len(shares), 'recorded check')} found one in portfolio margin with several positions, "
        f"and asked for {span} of what these would be asked for one by one"
    )


def _shares(run: RunFolder, accounts: set[int]) -> list[float]:
    """Return, for each check of several positions, the requirement over the sum of the legs'.

    A check logs its positions one after another, by market.
    """
    checks: list[tuple[tuple[int, ...], list[tuple[int, float]], int]] = []
    for one in run.events("MarginChecked"):
        if one["account"] not in accounts or one["kind"] not in (_INITIAL, _MAINTENANCE):
            continue
        key = (one.block, one.position, one["account"], one["kind"])
        leg = (one["market"], one["notional"] * one["ratio"] / WAD)
        if checks and checks[-1][0] == key and checks[-1][1][-1][0] < leg[0]:
            checks[-1][1].append(leg)
        else:
            checks.append((key, [leg], one["requirement"]))
    several = [(sum(leg for _, leg in legs), asked) for _, legs, asked in checks if len(legs) > 1]
    return [asked / legs for legs, asked in several if legs]


def _tiers(run: RunFolder, market: int) -> tuple[str, ...]:
    """Return the tiers of a market, as the run noted its parameters."""
    entries = run.manifest.get("assumptions")
    place = f"markets.{market}.risk_model_parameters."
    noted = {
        str(one.get("parameter", "")).removeprefix(place): one.get("value")
        for one in (entries if isinstance(entries, list) else ())
        if isinstance(one, dict) and str(one.get("parameter", "")).startswith(place)
    }
    words = []
    for tier in _TIERS:
        initial, maintenance, lower = (
            amount_of(noted, f"tier_{tier}_{name}") for name in ("initial", "maintenance", "notional")
        )
        beyond = f" beyond {money(lower)}" if tier > 1 else ""
        words.append(f"{percent(initial)} and {percent(maintenance)}{beyond}")
    return tuple(words)
