"""What changes and what it does at once, in words a delegate understands."""

from __future__ import annotations

import math

from sim.experiments.decision.arms import Arms, ParameterChange
from sim.experiments.decision.at_once import (
    AFTER_RAMP,
    AT_SET_UP,
    BELOW_INITIAL,
    COLLATERAL,
    IN_RUN,
    LIQUIDATABLE,
    AtOnce,
)
from sim.experiments.decision.compare import Comparison
from sim.experiments.decision.wording import INITIAL_MARGIN, leverage_words
from sim.reporting.formatting import compact, is_missing, plural, significant
from sim.reporting.metric_words import share

TITLE_CHANGES = 2
"""Changes that a title names."""

_SHARES = ("ratio", "share", "haircut", "rate", "weight", "premium", "buffer")
"""Last words of the names of parameters that are read as percentages."""


def title(arms: Arms) -> str:
    """Return what is proposed: ``Initial ratio: 7 % to 12 %``."""
    models = [change for change in arms.changes if change.parameter == "protocol.risk_model"]
    # Another formula has parameters of its own: that they differ is no further change.
    changes = [
        change_words(change, arms)
        for change in arms.changes
        if not models or change in models or "risk_model_parameters" not in change.parameter
    ]
    if not changes:
        return "No change: the same parameters twice"
    more = len(changes) - TITLE_CHANGES
    text = "; ".join(changes[:TITLE_CHANGES])
    text = text[:1].upper() + text[1:]
    return text if more <= 0 else f"{text}; and {plural(more, 'more change')}"


def change_words(change: ParameterChange, arms: Arms) -> str:
    """Return one change: ``initial horizon: 5,625 s to 9,000 s``."""
    parts = change.parameter.split(".")
    market = f" of market {parts[1]}" if parts[0] == "markets" else ""
    name = parts[-1].removesuffix("_seconds").replace("_", " ")
    values = [change.before, change.after]
    for at, arm in enumerate((arms.current, arms.proposed)):
        if values[at] is None and parts[-2:-1] == ["risk_model_parameters"]:  # its model's default
            index = int(parts[1]) if parts[0] == "markets" else 0
            values[at] = arm.scenario.risk_parameters(index).get(parts[-1])
    before, after = (value_words(parts[-1], value) for value in values)
    return f"{name}{market}: {before} to {after}"


def value_words(name: str, value: object) -> str:
    """Return a parameter's value as people write it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(value, int | float):
        return str(value).partition(" (sha256")[0]
    if math.isinf(value):
        return "unlimited"
    if name.endswith("_seconds"):
        return f"{value:,.10g} s"
    if name.rpartition("_")[2] in _SHARES or name.endswith("_per_hour"):
        per = " an hour" if name.endswith("_per_hour") else ""
        return f"{share(value)}{per}"
    return f"{value:,.10g}"


def at_once_rows(found: AtOnce) -> list[tuple[str, str, str]]:
    """Return what stands at block 0 in both arms: name, current, proposed."""
    rows = [
        (label, _pair_words(found, names, current=True), _pair_words(found, names, current=False))
        for label, names in (
            ("Liquidatable at once", LIQUIDATABLE),
            ("Below maintenance once the ramp has passed", AFTER_RAMP),
            ("Below initial margin: can add nothing, withdraw nothing", BELOW_INITIAL),
        )
    ]
    for label, metric in (
        ("Collateral at the start", COLLATERAL),
        ("Added at set-up, to be admitted at all", AT_SET_UP),
        ("Added in the run, mean of all paths", IN_RUN),
    ):
        figure = found.figure(metric)
        rows.append((label, _quote(figure.current), _quote(figure.proposed)))
    return rows


def at_once_sentence(comparison: Comparison) -> str:
    """Return who is liquidated, or left below initial margin, at once by the change."""
    found = comparison.at_once
    if comparison.decision.identical:
        return "nothing: the two parameter sets are the same"
    parts = []
    for names, state in (
        (LIQUIDATABLE, "can be liquidated"),
        (AFTER_RAMP, "below maintenance once the ramp has passed"),
        (BELOW_INITIAL, "below initial margin"),
    ):
        accounts = found.figure(names[0])
        if is_missing(accounts.proposed):
            continue
        now = _pair_words(found, names, current=False)
        before = _pair_words(found, names, current=True)
        same = accounts.current == accounts.proposed and found.figure(names[1]).current == (
            found.figure(names[1]).proposed
        )
        parts.append(f"{state}: {now}" + (", as before" if same else f" ({before} under the current rules)"))
    if not parts:
        return "not read: the paths say nothing of block 0"
    return "; ".join(parts)


def leverage_sentence(comparison: Comparison) -> str | None:
    """Return what the mean initial margin over the paths means in leverage; None if it is no endpoint."""
    for result in comparison.decision.pooled:
        if result.endpoint.metric == INITIAL_MARGIN and result.n:
            spoken = leverage_words(result.current, result.proposed)
            level = f"{1.0 / result.current:.1f}x" if result.current > 0.0 else ""
            return spoken or (f"{level}, as before" if level else None)
    return None


def _pair_words(found: AtOnce, names: tuple[str, str], *, current: bool) -> str:
    accounts, notional = (found.figure(name) for name in names)
    count = accounts.current if current else accounts.proposed
    quote = notional.current if current else notional.proposed
    if is_missing(count):
        return "–"
    if count == 0.0:
        return "nobody"
    people = "1 account" if count == 1.0 else f"{_count(count)} accounts"
    return f"{people} with {compact(quote)}"


def _count(value: float) -> str:
    """Return a mean number of accounts, whole where it is."""
    return f"{value:,.0f}" if value == round(value) else significant(value, 3)


def _quote(value: float) -> str:
    return "–" if is_missing(value) else f"{value:,.6f}".rstrip("0").rstrip(".")
