"""What was closed in each market, and in how many accounts that were closed in other markets too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.metrics.entries.causes import WITHOUT
from sim.reporting.findings.blocks import ABSENT, Column, Part, headed, table
from sim.reporting.formatting import money, number, percent, plural
from sim.reporting.run_folder import RunFolder, column, has_columns

_NEEDED = ("market", "account", "notional")


def closed_words(run: RunFolder) -> str:
    """Return a sentence on what was closed by market; nothing of a run with one market or without a close."""
    accounts = _accounts_by_market(run)
    if not accounts:
        return ""
    closed = ", ".join(f"{run.market_name(market)} {money(_closed(run, market))}" for market in accounts)
    words = f" By market: {closed}."
    shared = _shared(accounts)
    if shared:
        one = len(shared) == 1
        words += (
            f" {plural(len(shared), 'account')} {'was' if one else 'were'} closed in more than one market."
        )
    return words


def market_table(run: RunFolder) -> Part:
    """Return a row for each market; nothing of a run with one market or without a close."""
    accounts = _accounts_by_market(run)
    if not accounts:
        return None
    shared, there = _shared(accounts), _closed_there(run)
    rows = [
        (
            run.market_name(market),
            _fall(run, market),
            number(_closed(run, market)),
            ABSENT if there is None else number(there.get(market, 0.0)),
            number(len(found)),
            number(len(found & shared)),
        )
        for market, found in accounts.items()
    ]
    columns = [
        Column(heading="Market", kind="wrap"),
        *headed(
            "n", "Largest fall", ("Liquidated", "USDC"), ("Had it moved no price", "USDC"),
            "Accounts", "Closed elsewhere too",
        ),
    ]  # fmt: skip
    note = (
        "An account's margin is judged over all its markets, and the protocol closes the position that frees "
        "most of it: what is lost in one market may be closed in another."
    )
    return table(columns, rows, caption="Liquidated by market", note=note)


def _accounts_by_market(run: RunFolder) -> dict[int, set[int]]:
    """Return who was closed in each market; nothing of a run with one market or without a close."""
    closes = run.liquidations
    if len(run.market_ids) < 2 or not has_columns(closes, _NEEDED):
        return {}
    return {market: set(closes["account"][closes["market"] == market].tolist()) for market in run.market_ids}


def _shared(accounts: Mapping[int, set[int]]) -> set[int]:
    """Return who was closed in more than one market."""
    everybody = [account for found in accounts.values() for account in found]
    return {account for account in everybody if everybody.count(account) > 1}


def _closed(run: RunFolder, market: int) -> float:
    closes = run.liquidations
    if not has_columns(closes, _NEEDED):
        return 0.0
    return float(column(closes[closes["market"] == market], "notional").sum())


def _closed_there(run: RunFolder) -> dict[int, float] | None:
    """Return what was closed by market where forced selling moves no price; None if that was not run."""
    rows = run.counterfactual
    if not has_columns(rows, ["world", "market", "notional_there"]):
        return None
    of_world = rows[rows["world"] == WITHOUT]
    return {
        market: float(column(of_world[of_world["market"] == market], "notional_there").sum())
        for market in run.market_ids
    }


def _fall(run: RunFolder, market: int) -> str:
    blocks = run.market_blocks(market)
    if not has_columns(blocks, ["external_price"]):
        return ABSENT
    prices = column(blocks, "external_price")
    return percent(1.0 - float(np.min(prices / np.maximum.accumulate(prices))))
