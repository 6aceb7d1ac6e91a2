"""How numbers, times and missing values are written in a report: one place, so that they agree everywhere."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

NOT_RECORDED = "not recorded"
NARROW_SPACE = "\u202f"
MINUS = "\u2212"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)  # not strftime: month names there follow the machine's language
_SCALES = ((1e9, 1e9, "bn"), (1e6, 1e6, "m"), (1e4, 1e3, "k"))
"""(from, unit, suffix): below ten thousand an amount is short enough in full."""


def is_missing(value: object) -> bool:
    """Return whether a value is absent: None, or a float that is not a number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: object, digits: int = 0) -> str:
    """Write a number with thousands separators and a true minus sign."""
    if is_missing(value):
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if math.isinf(value):
        return "unbounded"
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0 and text.startswith("-"):
        text = text[1:]  # minus zero is not a number anybody wants to read
    return text.replace("-", MINUS)


def significant(value: object, figures: int = 4) -> str:
    """Write a number with about ``figures`` significant digits, never in exponent form."""
    if is_missing(value) or not isinstance(value, (int, float)) or isinstance(value, bool):
        return number(value)
    if value == 0 or math.isinf(value):
        return number(value)
    digits = figures - 1 - math.floor(math.log10(abs(value)))
    return number(value, max(0, min(digits, 10)))


def compact(value: object) -> str:
    """Write an amount for prose: 1.24 m, 45.6 k, 912."""
    if is_missing(value) or not isinstance(value, (int, float)):
        return number(value)
    for least, scale, suffix in _SCALES:
        if abs(value) >= least:
            return f"{significant(value / scale, 3)}{NARROW_SPACE}{suffix}"
    return significant(value, 3) if abs(value) < 100 else number(value)


def money(value: object) -> str:
    """Write a quote amount for prose, with its unit."""
    return NOT_RECORDED if is_missing(value) else f"{compact(value)}\u00a0USDC"


def percent(value: object, digits: int = 1) -> str:
    """Write a share as a percentage; a share too small for the digits shown is never written as zero.

    A small fall gets more digits instead: "under" would be read as a larger one.
    """
    if is_missing(value) or not isinstance(value, (int, float)):
        return NOT_RECORDED
    if math.isinf(value):
        return "unbounded"
    scaled = 100.0 * value
    smallest = 10.0**-digits
    if value != 0 and abs(scaled) < smallest / 2:
        if scaled < 0:
            needed = next((more for more in range(digits + 1, 9) if -scaled >= 10.0**-more / 2), 9)
            return f"{number(scaled, needed)}{NARROW_SPACE}%"
        return f"under {number(smallest, digits)}{NARROW_SPACE}%"
    return f"{number(scaled, digits)}{NARROW_SPACE}%"


def signed_percent(value: object, digits: int = 1) -> str:
    """Write a change as a percentage with its sign always shown."""
    text = percent(value, digits)
    return f"+{text}" if isinstance(value, (int, float)) and value > 0 and text[0].isdigit() else text


def signed_compact(value: object) -> str:
    """Write a gain or a loss with its sign always shown."""
    text = compact(value)
    return f"+{text}" if isinstance(value, (int, float)) and value > 0 else text


def moment(seconds: object) -> str:
    """Write an epoch time in seconds as a UTC time to the second."""
    if is_missing(seconds) or not isinstance(seconds, (int, float)):
        return NOT_RECORDED
    return datetime.fromtimestamp(int(seconds), tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment_words(seconds: object) -> str:
    """Write an epoch time in seconds for prose, kept on one line: 10:48:12 UTC on 12 March 2020."""
    if is_missing(seconds) or not isinstance(seconds, (int, float)):
        return NOT_RECORDED
    when = datetime.fromtimestamp(int(seconds), tz=UTC)
    return f"{when:%H:%M:%S} UTC on {when.day} {_MONTHS[when.month - 1]} {when.year}".replace(" ", "\u00a0")


def duration(seconds: object) -> str:
    """Write a length of time in the largest unit that keeps it readable."""
    if is_missing(seconds) or not isinstance(seconds, (int, float)):
        return NOT_RECORDED
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            amount = seconds / size
            return f"{number(amount, 0 if amount >= 20 or abs(amount - round(amount)) < 0.05 else 1)} {unit}"
    return f"{number(seconds)} {'second' if seconds == 1 else 'seconds'}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with the right form of its noun."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def listed(words: Iterable[str]) -> str:
    """Return words as a list within a sentence: a, b and c."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def shorten(label: str, limit: int = 28) -> str:
    """Return a label of at most `limit` letters; the middle goes, as its ends tell labels apart."""
    if len(label) <= limit:
        return label
    half = (limit - 1) // 2
    return f"{label[:half]}…{label[-half:]}"
