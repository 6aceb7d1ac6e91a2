"""``seawall account``: one account's timeline on the terminal, or as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from sim.cli.consoles import results_console
from sim.core.units import WAD
from sim.engine.results.folder import open_run
from sim.engine.results.timeline import Entry, Timeline, timeline
from sim.protocol.event_words import plain_number

_TOTALS = (
    ("side", ""), ("leverage_start", "x"), ("notional_start", "quote"), ("collateral_start", "quote"),
    ("equity_start", "quote"), ("equity_end", "quote"), ("topped_up", "quote"), ("margin_calls", ""),
    ("liquidations", ""), ("liquidated_notional", "quote"), ("realized_pnl", "quote"), ("fees_paid", "quote"),
    ("funding_paid", "quote"), ("gas_paid_eth", "ETH"), ("profit", "quote"),
)  # fmt: skip


def print_account(folder: Path, who: str, *, as_json: bool) -> int:
    """Print the timeline of an account and return 0.

    Raises
    ------
    InputError
        There is no such account, or the folder is damaged.
    """
    found = timeline(open_run(folder), who)
    if as_json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))  # noqa: T201  (the command's output)
        return 0
    console = results_console()
    for line in account_lines(found, console.width):
        console.print(line, soft_wrap=True)
    return 0


def account_lines(found: Timeline, width: int) -> list[Text]:
    """Return the lines of a timeline, none longer than a terminal is wide unless a single word is."""
    totals = {
        name: f"{value:,.6g} {unit}".rstrip() if isinstance(value, float) else f"{value} {unit}".rstrip()
        for name, unit in _TOTALS
        if (value := found.totals.get(name)) is not None
    }
    lines = [Text(f"{found.name}, participant {found.account}", style="bold")]
    lines += _wrapped(totals, width, indent=2)
    held = {
        one.market: f"from {plain_number(one.size_start, WAD)} to {plain_number(one.size_end, WAD)}"
        for one in found.holdings
    }
    if held:
        lines += [Text("  positions from start to end"), *_wrapped(held, width, indent=4)]
    block = None
    for entry in found.entries:
        if entry.block != block:
            block = entry.block
            moment = datetime.fromtimestamp(min(max(entry.timestamp, 0), 2**36), UTC)
            lines += [Text(), Text(f"block {block:,}   {moment:%Y-%m-%d %H:%M:%S} UTC", style="bold")]
        lines += _entry_lines(entry, width)
    if not found.entries:
        lines += [Text(), Text("  nothing: it sent no transaction and no event is about it")]
    return lines


def _entry_lines(entry: Entry, width: int) -> list[Text]:
    style = "red" if entry.kind == "liquidation" or entry.outcome.startswith("reverted") else ""
    head = f"{entry.what}   {entry.outcome}".rstrip()
    first, *rest = textwrap.wrap(head, width - 4, subsequent_indent="  ", break_on_hyphens=False) or [""]
    lines = [Text(f"  {first}", style=style), *(Text(f"  {line}", style=style) for line in rest)]
    return lines + _wrapped(entry.words, width, indent=6)


def _wrapped(words: Mapping[str, str], width: int, *, indent: int) -> list[Text]:
    """Return names and values side by side, broken between them."""
    lines: list[str] = []
    for name, value in words.items():
        part = f"{name.replace('_', ' ')} {value}"
        if lines and indent + len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return [Text(" " * indent + line) for line in lines]
