"""How figures of a backtest are put into words, on the terminal and in the report alike."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from sim.metrics.margin_model.coverage import CoverageResult
from sim.metrics.margin_model.stress import Rarity
from sim.metrics.statistics.intervals import Interval, rule_of_three


def rate_words(rate: Interval, events: int, trials: int) -> str:
    """Return a share with its interval; without an event the bound that leaves, never 0 %."""
    if events == 0:
        return f"under {share_words(rule_of_three(trials))}"
    ends = f"{share_words(rate.lower)}-{share_words(rate.upper)}"
    return f"{share_words(rate.estimate)} ({ends})"


def rarity_words(rarity: Rarity) -> str:
    """Return how far away and how rare a move is, in words."""
    text = f"{rarity.deviations:.1f} standard deviations of {time_words(rarity.horizon_seconds)}"
    if rarity.frequency is None:
        return f"{text} (scenario's volatility, no history)"
    if rarity.events == 0:
        bound = rule_of_three(rarity.windows)
        return f"{text}, never in {rarity.windows:,} such windows (under {share_words(bound)})"
    share = rarity.frequency
    return (
        f"{text}, {rarity.events:,} of {rarity.windows:,} such windows "
        f"({share_words(share.estimate)}, {share_words(share.lower)}-{share_words(share.upper)})"
    )


def independence_words(result: CoverageResult) -> str:
    """Return the verdict on independence; a rejection says in which direction."""
    found = result.independence
    if found is None or result.independent != "rejected":
        return result.independent
    return f"{result.independent}, {found.pattern}"


def share_words(share: float) -> str:
    """Return a share in per cent with three significant digits, never in exponent form."""
    if share <= 0.0:
        return "0%"
    decimals = max(0, 2 - math.floor(math.log10(100.0 * share)))
    return f"{100.0 * share:.{decimals}f}%"


def p_words(p_value: float) -> str:
    """Return a p-value for a table."""
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def date_words(seconds: int) -> str:
    """Return the UTC day of a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d")


def time_words(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            value = seconds / length
            return f"{value:.0f} {unit}" if math.isclose(value, round(value)) else f"{value:.1f} {unit}"
    return f"{seconds:.0f} s"
