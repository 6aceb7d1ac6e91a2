"""Cascades as data: which liquidation set off which, the biggest chains, and the tree to draw."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.reporting.findings.run.context import account_lookup, liquidation_seconds, short_account
from sim.reporting.run_folder import RunFolder, column, has_columns

REQUIRED = ("id", "parent", "root", "cascade", "depth", "notional", "account", "timestamp", "cause")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """One first domino and every liquidation traced back to it."""

    identifier: int
    first_domino: str
    """Account, group, side and leverage of the first liquidation, for a sentence."""
    started_at: float
    duration_seconds: float
    liquidations: int
    generations: int
    """Longest chain of liquidations after the first: 0 when it set off none."""
    notional: float
    deficit: float
    notional_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box of the icicle: a liquidation, or several small ones drawn as one."""

    key: str
    parent: str
    label: str
    words: str
    notional: float
    cause: str


def cascade_table(run: RunFolder) -> pd.DataFrame | None:
    """Return the liquidations if the run recorded who set off whom."""
    return run.liquidations if has_columns(run.liquidations, REQUIRED) else None


def biggest_cascades(run: RunFolder, limit: int = 12) -> list[Cascade]:
    """Return the cascades with the most liquidations, ties by notional; a lone liquidation is none."""
    recorded = cascade_table(run)
    if recorded is None:
        return []
    table = recorded.assign(seconds=liquidation_seconds(run))
    total = float(column(table, "notional").sum())
    found = []
    for identifier, members in table.groupby("cascade", sort=True):
        if len(members) < 2:
            continue
        first = _first_domino(members)
        notional = float(column(members, "notional").sum())
        start, end = float(members["seconds"].min()), float(members["seconds"].max())
        found.append(
            Cascade(
                identifier=int(str(identifier)),
                first_domino=describe_liquidation(run, first),
                started_at=start,
                duration_seconds=end - start,
                liquidations=len(members),
                generations=int(members["depth"].max()),
                notional=notional,
                deficit=float(np.nansum(column(members, "deficit"))),
                notional_share=notional / total if total > 0 else 0.0,
            )
        )
    found.sort(key=lambda one: (-one.liquidations, -one.notional, one.identifier))
    return found[:limit]


def describe_liquidation(run: RunFolder, row: pd.Series) -> str:
    """Name the account behind a liquidation: who it is, which side, how levered."""
    person = account_lookup(run).get(str(row["account"]), {})
    facts = [str(person["group"])] if person.get("group") else []
    leverage = row.get("leverage_at_entry")
    if leverage is None or not np.isfinite(float(leverage)):
        leverage = person.get("leverage")
    side = str(person.get("side") or "")
    if isinstance(leverage, (int, float)) and np.isfinite(leverage):
        facts.append(f"{side} at {float(leverage):.1f}×".strip())
    elif side:
        facts.append(side)
    name = f"account {short_account(row['account'])}"
    return f"{name} ({', '.join(facts)})" if facts else name


def cascade_tree(run: RunFolder, *, cascades: int = 10, nodes: int = 420) -> list[Node]:
    """Return the boxes of the biggest cascades, parents before children.

    A cascade's liquidations are kept from the largest downwards (with all their ancestors) until the node
    budget is spent; the rest of each parent's children become one box, so that all notional is still there.
    """
    chosen = biggest_cascades(run, cascades)
    recorded = cascade_table(run)
    if not chosen or recorded is None:
        return []
    people = account_lookup(run)
    drawn: list[Node] = []
    for cascade in chosen:
        members = recorded[recorded["cascade"] == cascade.identifier]
        drawn += _cascade_nodes(members, people, max(12, nodes // len(chosen)))
    return drawn


def _first_domino(members: pd.DataFrame) -> pd.Series:
    roots = members[members["id"] == members["root"]]
    return (roots if not roots.empty else members.sort_values(["depth", "id"], kind="stable")).iloc[0]


def _cascade_nodes(members: pd.DataFrame, people: dict[str, dict[str, object]], budget: int) -> list[Node]:
    members = members.sort_values("id", kind="stable")
    rows = members.to_dict("records")
    ids = {int(row["id"]): row for row in rows}
    parents = {key: int(row["parent"]) if int(row["parent"]) in ids else -1 for key, row in ids.items()}
    kept: set[int] = set()
    for row in sorted(rows, key=lambda one: (int(one["depth"]) > 0, -float(one["notional"]), int(one["id"]))):
        lineage, current = [], int(row["id"])
        while current != -1 and current not in kept and current not in lineage:
            lineage.append(current)
            current = parents[current]
        if kept and len(kept) + len(lineage) > budget:
            continue
        kept.update(lineage)
    nodes = [
        _box(ids[key], parents[key], people)
        for key in sorted(kept, key=lambda key: (int(ids[key]["depth"]), key))
    ]
    rest: dict[int, list[int]] = {}
    for key in ids:
        if key in kept:
            continue
        ancestor = parents[key]
        while ancestor not in kept and ancestor != -1:
            ancestor = parents[ancestor]
        rest.setdefault(ancestor, []).append(key)
    for ancestor, others in sorted(rest.items()):
        notional = sum(float(ids[key]["notional"]) for key in others)
        nodes.append(
            Node(
                key=f"rest-{members['cascade'].iloc[0]}-{ancestor}",
                parent=str(ancestor) if ancestor != -1 else "",
                label=f"{len(others)} more",
                words=f"{len(others)} smaller ones set off further down, {notional:,.0f} USDC together",
                notional=notional,
                cause="",
            )
        )
    return nodes


def _box(row: dict[Hashable, Any], parent: int, people: dict[str, dict[str, object]]) -> Node:
    account = str(row["account"])
    group = str(people.get(account, {}).get("group", ""))
    notional = float(row["notional"])
    return Node(
        key=str(int(row["id"])),
        parent=str(parent) if parent != -1 else "",
        label=f"{group} {short_account(account)}".strip(),
        words=f"generation {row['depth']}, block {row.get('block', '?')}, {notional:,.0f} USDC",
        notional=notional,
        cause=str(row["cause"]),
    )
