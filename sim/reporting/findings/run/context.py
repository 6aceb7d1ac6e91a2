"""Facts that several parts of a report need: bins of time, scripted shocks, who an account is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.reporting.run_folder import FloatArray, RunFolder, column, epoch_seconds, has_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Equal bins of time covering a run, aligned to whole multiples of their width."""

    starts: FloatArray
    width_seconds: int
    label: str

    def index(self, seconds: FloatArray) -> npt.NDArray[np.int64]:
        """Return the bin of each time; times outside the run are clipped to its ends."""
        raw: FloatArray = np.floor((seconds - self.starts[0]) / self.width_seconds)
        return np.asarray(np.clip(raw, 0, len(self.starts) - 1), dtype=np.int64)

    def total(self, seconds: FloatArray, values: FloatArray) -> FloatArray:
        """Return the sum of the values in each bin."""
        sums = np.bincount(self.index(seconds), weights=np.nan_to_num(values), minlength=len(self.starts))
        return sums.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """One scripted event of the scenario."""

    number: int
    kind: str
    timestamp: float
    ends_at: float
    """Same as ``timestamp`` for an event without duration."""
    description: str
    details: str


def time_bins(span: tuple[float, float]) -> Bins:
    """Choose hours for a run of six hours or more, and finer bins for a shorter one."""
    length = span[1] - span[0]
    width, label = (
        (3_600, "hour") if length >= 6 * 3_600 else (300, "5 minutes") if length >= 1_800 else (60, "minute")
    )
    first = np.floor(span[0] / width) * width
    count = int(np.floor((span[1] - first) / width)) + 1
    return Bins(starts=first + width * np.arange(count, dtype=np.float64), width_seconds=width, label=label)


def scripted_shocks(run: RunFolder) -> list[Shock]:
    """Return the shocks in force with their times, in order of time, in the words the run wrote down."""
    span, entries = run.time_span, run.manifest.get("shocks")
    if span is None or not isinstance(entries, list):
        return []
    seconds_per_block = float(run.scenario.get("seconds_per_block") or 12)
    found: list[tuple[float, float, str, str, str]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        first, end = entry.get("first_block"), entry.get("end_block")
        if not isinstance(first, int) or not isinstance(end, int):
            continue
        moment = span[0] + first * seconds_per_block
        if not span[0] <= moment <= span[1]:
            continue  # a run cut short with --blocks never reached it
        until = moment if end - first <= 1 else min(span[0] + end * seconds_per_block, span[1])
        label, description, details = (
            str(entry.get(key) or "") for key in ("label", "description", "details")
        )
        found.append((moment, until, label, description, details))
    return [
        Shock(
            number=number, kind=kind, timestamp=moment, ends_at=end, description=description, details=details
        )
        for number, (moment, end, kind, description, details) in enumerate(sorted(found), start=1)
    ]


def replaced_by_prices(run: RunFolder) -> str:
    """Return the name of the price file that replaced the scenario's path of market 0, or nothing."""
    inputs, prices = run.manifest.get("inputs"), run.manifest.get("prices")
    if not isinstance(inputs, dict) or "prices" not in inputs or not isinstance(prices, dict):
        return ""
    described = prices.get("markets.0")
    return str(described.get("file", "")) if isinstance(described, dict) else ""


def shock_marks(run: RunFolder) -> list[tuple[float, float, str]]:
    """Return the shocks as (start, end, short label) for a figure; times in epoch seconds."""
    return [(shock.timestamp, shock.ends_at, str(shock.number)) for shock in scripted_shocks(run)]


def liquidation_seconds(run: RunFolder) -> FloatArray:
    """Return the time of each liquidation, epoch seconds."""
    if run.liquidations is None or run.liquidations.empty:
        return np.zeros(0)
    return epoch_seconds(run.liquidations["timestamp"])


def account_lookup(run: RunFolder) -> dict[str, dict[str, object]]:
    """Return group, side and starting leverage of each account, by the account's name in the tables."""
    if not has_columns(run.accounts, ["account", "group"]):
        return {}
    leverage = column(run.accounts, "leverage_start")
    sides = (
        run.accounts["side"].astype(str) if "side" in run.accounts else pd.Series([""] * len(run.accounts))
    )
    return {
        str(account): {
            "group": group_label(run, group),
            "side": str(side) if str(side) in ("long", "short", "mixed") else "",
            "leverage": float(ratio),
        }
        for account, group, side, ratio in zip(
            run.accounts["account"], run.accounts["group"], sides, leverage, strict=True
        )
    }


def group_label(run: RunFolder, group: object) -> str:
    """Return the words for a group of participants: those its run gave it, or its name in plain words."""
    labels = run.manifest.get("groups")
    label = labels.get(str(group)) if isinstance(labels, dict) else None
    if isinstance(label, str):
        return label
    kind, _, name = str(group).replace("_", " ").partition(":")
    return kind if name in ("", kind) else f"{name} {kind}"


def short_account(account: object) -> str:
    """Shorten a 20-byte address; leave any other name as it is."""
    text = str(account)
    return f"{text[:8]}…{text[-4:]}" if text.startswith("0x") and len(text) == 42 else text


def is_long(liquidations: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return, for each liquidation, whether a long position was closed: sizes are signed as positions were.

    The account's side does not say it: a hedged one holds both.
    """
    longs: npt.NDArray[np.bool_] = column(liquidations, "size") >= 0
    return longs


def tables_of(scenario: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the tables of a list of the scenario, empty where one is something else."""
    found = scenario.get(key)
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def amount_of(table: Mapping[str, Any], key: str) -> float:
    """Return a number of a table of the scenario; 0 if it has none."""
    value = table.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
