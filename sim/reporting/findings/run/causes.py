"""What a run says of causes: differences to the worlds beside it, with the gauge of chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sim.metrics.entries.causes import WITHOUT
from sim.metrics.statistics.over_orders import mean_over_orders
from sim.metrics.worlds import OtherWorld
from sim.reporting import formatting
from sim.reporting.findings.blocks import Cell, Column, Mood, Part, headed, table
from sim.reporting.findings.run.context import account_lookup, short_account
from sim.reporting.formatting import compact, duration, is_missing, money, percent
from sim.reporting.run_folder import RunFolder, column, has_columns

WORLDS_READING: Final = (
    "Every world has the run's random numbers. Other ways of acting stay open in all of them: the pool's "
    "skew inside equity, block space, silent keepers, the fund, funding. Voluntary closes in answer to the "
    "fall count as voluntary, and recorded prices already hold their day's forced sales."
)

_WORDS: Final[Mapping[OtherWorld, str]] = {
    "no_price_feedback": "Forced selling moves no price outside",
    "no_margin_feedback": "Margin ratios as at the start",
    "no_feedback": "Neither",
}


def is_chance(summary: Mapping[str, object]) -> bool:
    """Return whether the net excess is not to be told from chance.

    What is liquidated only without price feedback is made by chance alone where there is an excess, and the
    other way round: at half the net difference or more, either would hide it.
    """
    gross, avoided = _amount(summary, "gross_excess_share"), _amount(summary, "avoided_share")
    return min(gross, avoided) >= abs(_amount(summary, "excess_share")) / 2.0


def cause_sentence(run: RunFolder) -> str:
    """Return what forced selling added, as the first sentence of a report; nothing where it is not known."""
    summary = run.summary
    if not summary.get("liquidations") or is_missing(summary.get("excess_share")):
        return ""
    added, share = _amount(summary, "excess_liquidated_notional"), _amount(summary, "excess_share")
    whole = _amount(summary, "liquidated_notional")
    if is_chance(summary):
        return (
            f"{money(whole)} was liquidated; what forced selling added to it ({percent(share)} net, while "
            f"{percent(_amount(summary, 'avoided_share'))} was liquidated only without it) is not to be told "
            "from chance."
        )
    if added > 0:
        return (
            f"{money(whole)} was liquidated, {compact(added)} of it ({percent(share, 0)}) added by forced "
            f"selling: had that moved no price, it would have been {compact(whole - added)}."
        )
    return (
        f"{money(whole)} was liquidated, {compact(-added)} less than without the effect of forced selling on "
        "the price."
    )


def cause_story(run: RunFolder) -> str:
    """Return the answer to how much the market did to itself."""
    summary = run.summary
    if not summary.get("liquidations"):
        return ""
    if is_missing(summary.get("excess_share")):
        return "No world without price feedback was run (--worlds forced), so nothing is said of causes."
    gross, avoided = _amount(summary, "gross_excess_share"), _amount(summary, "avoided_share")
    beside = (
        "Beside the run, the same random numbers were run where no forced close moves the price outside: "
        f"{percent(gross)} of the liquidated notional was closed in the run alone, against "
        f"{percent(avoided)} only there, which gauges chance."
    )
    parts = [beside]
    forward = _amount(summary, "brought_forward_share")
    if forward:
        seconds = summary.get("brought_forward_seconds")
        parts.append(
            f"{percent(forward, 0)} was closed in both and earlier in the run, by a median of "
            f"{duration(seconds)}; chance alone makes some of that."
        )
    loss, debt = _amount(summary, "excess_trader_loss"), _amount(summary, "excess_bad_debt")
    parts.append(
        f"Traders lost {_more(loss)} than there, and {_more(debt)} of bad debt was left; the price stood up "
        f"to {percent(_amount(summary, 'price_gap_max'))} away from the one there."
    )
    if not is_missing(summary.get("price_effect")):
        price, margin = _amount(summary, "price_effect"), _amount(summary, "margin_effect")
        parts.append(
            f"{_more(price + margin)} was liquidated than in a world without either feedback: price feedback "
            f"through the outside price added {compact(price)}, margin ratios that follow the market "
            f"{compact(margin)} (interaction {compact(summary['feedback_interaction'])}, half of it in each)."
        )
    return " ".join(parts)


def _more(amount: float) -> str:
    return f"{money(abs(amount))} {'more' if amount >= 0.0 else 'less'}"


def highlights(run: RunFolder) -> list[tuple[str, str, str, Mood]]:
    """Return key figures of cause: label, value, note, mood."""
    summary = run.summary
    share, forward, gap = (
        summary.get(key) for key in ("excess_share", "brought_forward_share", "price_gap_max")
    )
    if is_missing(share):
        return [("Forced selling added", "–", "needs another world (--worlds forced)", "")]
    chance = is_chance(summary)
    note = "of what was liquidated, net" + ("; not to be told from chance" if chance else "")
    seconds = summary.get("brought_forward_seconds")
    earlier = "closed earlier" + ("" if is_missing(seconds) else f", median {duration(seconds)}")
    return [
        ("Forced selling added", percent(share, 0), note, ""),
        ("Brought forward", percent(forward, 0), earlier, ""),
        ("Gap of the price", percent(gap), "largest, to the one without forced selling", ""),
    ]


def worlds_table(run: RunFolder) -> Part:
    """Return the worlds side by side; None where none was run."""
    if not has_columns(run.worlds, ["world", "liquidations", "liquidated_notional", "bad_debt"]):
        return None
    if not has_columns(run.blocks, ["external_price", "liquidations", "liquidated_notional", "bad_debt"]):
        return None
    rows = [("The run", *_figures(run.protocol_blocks, run.blocks), _accounts(run, None))]
    for world, words in _WORDS.items():
        of_world = run.worlds[run.worlds["world"] == world]
        if not of_world.empty:
            first = of_world[of_world["market"] == of_world["market"].min()]
            rows.append((words, *_figures(first, of_world), _accounts(run, world)))
    if len(rows) == 1:
        return None
    columns = [
        Column(heading="World", kind="wrap"),
        *headed(
            "n", ("Liquidated", "USDC"), "Liquidations", ("Bad debt", "USDC"), "Largest fall", "Accounts"
        ),
    ]
    return table(columns, rows, caption="The worlds side by side")


def removals_table(run: RunFolder) -> Part:
    """Return the accounts whose forced flow was removed, and what was liquidated then, with its noise."""
    found = run.removals
    if not has_columns(
        found, ["account", "closed_of_it", "liquidated_notional", "liquidated_notional_without"]
    ):
        return None
    rows = []
    for account, of_account in found.groupby("account", sort=False):
        less = column(of_account, "liquidated_notional") - column(of_account, "liquidated_notional_without")
        mean = mean_over_orders(less)
        own = float(column(of_account, "closed_of_it").mean())
        told = "not to be told from chance" if mean.lower <= 0.0 <= mean.upper else "told from chance"
        amounts = (own, mean.estimate, mean.lower, mean.upper)
        rows.append(
            (mean.estimate, (_person(run, str(account)), *(formatting.number(x) for x in amounts), told))
        )
    rows.sort(key=lambda row: -row[0])
    columns = [
        Column(heading="Without the flow of", kind="wrap"),
        *headed("n", ("Closed of it", "USDC"), ("Less liquidated", "USDC"), "from", "to"),
        Column(heading="Of this account alone", kind="wrap"),
    ]
    orders = int(found["order"].nunique())
    note = (
        "The run once more, with this account's forced closes moving no price outside, over "
        f"{orders} orders of transactions with equal bids, each against the run in the same order: the mean, "
        "and its interval at 95 % (Student's t)."
    )
    caption = "Accounts whose flow was removed"
    return table(columns, [row for _, row in rows], caption=caption, note=note)


def _figures(first: pd.DataFrame, rows: pd.DataFrame) -> tuple[str, str, str, str]:
    """Return liquidated notional, liquidations, bad debt and fall of the first market, written."""
    prices = column(first, "external_price")
    fall = 1.0 - float(np.min(prices / np.maximum.accumulate(prices)))
    return (
        formatting.number(float(column(rows, "liquidated_notional").sum())),
        formatting.number(int(column(rows, "liquidations").sum())),
        formatting.number(float(column(first, "bad_debt")[-1])),
        percent(fall),
    )


def _accounts(run: RunFolder, world: OtherWorld | None) -> str:
    """Return how many accounts were liquidated in a world, the run's own if it is None."""
    found = run.counterfactual
    if not has_columns(found, ["world", "account", "notional", "notional_there"]):
        return formatting.number(0)
    of_world = found[found["world"] == (world or WITHOUT)]
    closed = of_world[column(of_world, "notional" if world is None else "notional_there") > 0.0]
    return formatting.number(int(closed["account"].nunique()))


def _person(run: RunFolder, account: str) -> Cell:
    """Name an account: who it is, which side, how levered."""
    person = account_lookup(run).get(account, {})
    leverage = person.get("leverage")
    words = [str(person[key]) for key in ("group", "side") if person.get(key)]
    if isinstance(leverage, float) and np.isfinite(leverage):
        words.append(f"{leverage:.1f}×")
    return Cell(text=f"account {short_account(account)}", note=", ".join(words))


def _amount(summary: Mapping[str, object], key: str) -> float:
    value = summary.get(key)
    return float(value) if isinstance(value, int | float) and not is_missing(value) else 0.0
