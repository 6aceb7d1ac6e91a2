"""One account's way through a run, told from the run's tables: nothing is executed again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow.compute as pc

from sim.core.errors import InputError
from sim.core.folders import damaged, parse_object
from sim.engine.results.folder import RunFiles
from sim.protocol.account_ids import given_inputs
from sim.protocol.contracts import compile_protocol, load_abis
from sim.protocol.event_words import PEOPLE, named, worded

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that an account did, or that was done to it."""

    block: int
    timestamp: int
    """Seconds since 1970, of the block."""
    position: int
    """Place of the transaction in its block."""
    kind: Literal["action", "event", "liquidation"]
    what: str
    """Contract and entry point, or contract and event."""
    outcome: str
    """Of an action: ``done``, or why it reverted; empty otherwise."""
    values: Mapping[str, Any]
    """As the tables hold them: of actions and events integers (amounts in WAD or token units)."""
    words: Mapping[str, str]
    """The same as people read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account held in one market, signed base units (WAD)."""

    market: str
    """Name."""
    size_start: int
    size_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What a run's tables tell of one account."""

    account: int
    name: str
    """Group and place in it."""
    totals: Mapping[str, Any]
    """Its row of ``accounts.parquet``."""
    holdings: tuple[Holding, ...]
    """Markets in which it held a position at the start or at the end."""
    entries: tuple[Entry, ...]
    """In the order in which they happened."""


def timeline(files: RunFiles, who: str) -> Timeline:
    """Return what happened to an account of a run.

    Parameters
    ----------
    who
        Number of a participant, or ``group:place``, places counted from 0; the name of a group alone if only
        one belongs to it.

    Raises
    ------
    InputError
        There is no such account, or the folder is damaged.
    """
    accounts = files.table("accounts").to_pylist()
    groups = _groups(accounts)
    number = _number(who, groups)
    person = named(groups)
    row = next((row for row in accounts if row["account"] == number), None)
    if row is None:
        raise InputError(f"{who}: there is no such participant, the last is {len(accounts) - 1}")
    blocks = files.table("blocks")
    times = dict(zip(blocks["block"].to_pylist(), blocks["timestamp"].to_pylist(), strict=True))
    found = [*_actions(files, number, person), *_events(files, number, person)]
    found.sort(key=lambda item: (item["block"], item["position"], item["kind"] != "action"))
    return Timeline(
        account=number,
        name=person(number).partition(" (")[0],
        totals=row,
        holdings=_holdings(files, row),
        entries=tuple(Entry(timestamp=times.get(item["block"], 0), **item) for item in found),
    )


def _holdings(files: RunFiles, row: Row) -> tuple[Holding, ...]:
    """Return what an account held: at the end by its row, at the start that less what events changed."""
    number = row["account"]
    table = files.table(
        "events",
        without=("topics", "raw_data"),
        keep=lambda part: pc.and_(
            pc.equal(part["account"], number), pc.equal(part["event"], "PositionChanged")
        ),
    )
    place = files.folder.path / "events.parquet"
    changed: dict[int, int] = {}
    for data in table["data"].to_pylist():
        values = parse_object(place, str(data).encode())
        market, delta = values.get("market"), values.get("size_delta")
        if type(market) is not int or type(delta) is not int:
            raise InputError(damaged(place, "PositionChanged: market or size_delta is no integer"))
        changed[market] = changed.get(market, 0) + delta
    holdings = (
        Holding(
            market=_market_name(files, market),
            size_start=int(end) - changed.get(market, 0),
            size_end=int(end),
        )
        for market, end in enumerate(row["sizes_end_wad"])
    )
    return tuple(one for one in holdings if one.size_start or one.size_end)


def _market_name(files: RunFiles, market: int) -> str:
    """Return the name of a market as the manifest's scenario has it."""
    known = files.manifest["scenario"].get("markets")
    if isinstance(known, list) and market < len(known) and isinstance(known[market], dict):
        return str(known[market].get("name", market))
    return str(market)


def _groups(accounts: Iterable[Row]) -> dict[str, range]:
    """Return the numbers of each group, which follow one another."""
    found: dict[str, range] = {}
    for row in accounts:
        before = found.get(row["group"], range(row["account"], row["account"]))
        found[row["group"]] = range(min(before.start, row["account"]), max(before.stop, row["account"] + 1))
    return found


def _number(who: str, groups: Mapping[str, range]) -> int:
    if who.isascii() and who.isdecimal() and len(who) < 10:
        return int(who)
    if who in groups and len(groups[who]) == 1:
        return groups[who].start
    group, _, place = who.rpartition(":")
    if group in groups and place.isascii() and place.isdecimal() and len(place) < 10:
        members = groups[group]
        if int(place) < len(members):
            return members.start + int(place)
        raise InputError(
            f"{who}: {group} has {len(members)} members, from {group}:0 to {group}:{len(members) - 1}"
        )
    known = ", ".join(f"{name}:0..{len(members) - 1}" for name, members in groups.items())
    raise InputError(f"{who}: is no participant's number nor a place in a group; there are {known}")


def _actions(files: RunFiles, number: int, person: Any) -> Iterator[dict[str, Any]]:
    rows = files.table(
        "transactions",
        without=("calldata",),
        keep=lambda part: pc.or_(pc.equal(part["sender"], number), pc.equal(part["account"], number)),
    ).to_pylist()
    names = _argument_names({row["kind"] for row in rows})
    for row in rows:
        contract, _, entry = row["kind"].partition(".")
        values = _arguments(row, names.get(row["kind"], ()))
        words = worded(contract, entry, values, person)
        if row["sender"] != number:
            words = {"sent by": person(row["sender"]), **words}
        elif row["account"] not in (number, -1):
            words = {"about": person(row["account"]), **words}
        words |= {"gas": f"{row['gas_used']:,}", "fee": f"{row['fee_paid_eth']:.6g} ETH"}
        waited = row["block"] - row["submitted_block"]
        if waited > 1:
            words["waited"] = f"{waited} blocks"
        yield {
            "block": row["block"],
            "position": row["position"],
            "kind": "action",
            "what": row["kind"],
            "outcome": "done" if row["status"] else f"reverted: {row['revert_reason'] or 'no reason given'}",
            "values": {**values, "sender": row["sender"], "gas_used": row["gas_used"]},
            "words": words,
        }


def _arguments(row: Row, names: Sequence[str]) -> dict[str, int]:
    """Return the arguments of a call by name; a list is not among them."""
    return {
        names[position] if position < len(names) else f"argument_{position}": int(value)
        for position, value in enumerate(row["arguments"])
        if str(value).removeprefix("-").isdecimal()
    }


def _argument_names(kinds: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of the arguments of each entry point that fill one word, in their order."""
    abis = load_abis(compile_protocol("static"))
    found: dict[str, list[str]] = {}
    for kind in kinds:
        contract, _, entry = kind.partition(".")
        if contract in abis and entry in abis[contract].functions:
            inputs = given_inputs(abis[contract][entry])
            found[kind] = [item["name"] for item in inputs if not item["type"].endswith("]")]
    return found


def _events(files: RunFiles, number: int, person: Any) -> Iterator[dict[str, Any]]:
    named_in_it = rf":\s*{number}\s*[,}}]"
    table = files.table(
        "events",
        without=("topics", "raw_data"),
        keep=lambda part: pc.or_(
            pc.equal(part["account"], number), pc.match_substring_regex(part["data"], named_in_it)
        ),
    )
    place = files.folder.path / "events.parquet"
    closes = _closes(files, number)
    for row in table.to_pylist():
        values = parse_object(place, str(row["data"]).encode())
        if not all(type(value) is int for value in values.values()):
            raise InputError(damaged(place, f"block {row['block']}: an argument is no integer"))
        people = [name for name, value in values.items() if name in PEOPLE and value == number]
        if row["account"] != number and not people:
            continue
        what = f"{row['contract']}.{row['event']}"
        entry: dict[str, Any] = {
            "block": row["block"],
            "position": row["position"],
            "kind": "event",
            "what": what,
            "outcome": "",
            "values": values,
            "words": {
                name: word
                for name, word in worded(row["contract"], row["event"], values, person).items()
                if values[name] != number or name not in PEOPLE or len(people) > 1
            },
        }
        close = closes.get((row["block"], values.get("account", -1), values.get("market", -1)), [])
        if row["event"] == "Liquidated" and close:
            entry |= _close_entry(close.pop(0), number, person)
        yield entry


def _closes(files: RunFiles, number: int) -> dict[tuple[int, int, int], list[Row]]:
    """Return the liquidations of an account, and those it earned by, as they follow one another."""
    table = files.table("liquidations")
    about = pc.or_(pc.equal(table["account"], number), pc.equal(table["liquidator"], number))
    found: dict[tuple[int, int, int], list[Row]] = {}
    for row in table.filter(about).to_pylist():
        found.setdefault((row["block"], row["account"], row["market"]), []).append(row)
    return found


_OF_A_CLOSE = (
    "market", "size", "price", "risk_price", "notional", "equity",
    "maintenance_requirement", "fee", "bounty", "insurance_fee", "tip", "deficit", "breach_cause",
    "leverage_at_entry",
)  # fmt: skip


def _close_entry(row: Row, number: int, person: Any) -> dict[str, Any]:
    words = {
        name: row[name]
        if isinstance(row[name], str)
        else f"{row[name]:,.6f}".rstrip("0").rstrip(".")
        if isinstance(row[name], float)
        else str(row[name])
        for name in _OF_A_CLOSE
        if name in row
    }
    other = "liquidator" if row["account"] == number else "account"
    return {
        "kind": "liquidation",
        "what": f"liquidation {row['id']}",
        "values": dict(row),
        "words": {other: person(row[other]), **words},
    }
