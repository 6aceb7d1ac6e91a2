"""The sentences of the headline study: each says what the numbers show, whichever way they fall."""

from __future__ import annotations

from scripts.study_pages.figures import cell_name
from scripts.study_pages.numbers import BASE, SCALES, TAILED
from scripts.study_pages.tables import Numbers, basis, interval_of, points


def is_more(found: Numbers) -> bool:
    """Return whether an interval lies above zero."""
    return found["lower"] is not None and found["lower"] > 0.0


def is_less(found: Numbers) -> bool:
    """Return whether an interval lies below zero."""
    return found["upper"] is not None and found["upper"] < 0.0


def answer(crash: Numbers, calm: Numbers) -> list[str]:
    """Return the five sentences of the answer, numbered."""
    said = (_harm(crash), _added(crash), _protection(crash), _ramp(crash), _price(crash, calm))
    return [f"{number}. {sentence}" for number, sentence in enumerate(said, 1)]


def _harm(crash: Numbers) -> str:
    shallow = crash["cells"][0]
    more, level = (
        shallow["differences"]["raw volatility"]["liquidated_share"],
        shallow[BASE]["liquidated_share"],
    )
    where = f"falls of {cell_name(shallow)} (n = {shallow['paths']})"
    if is_more(more):
        return HARM.format(where, _signed(more, "%"), points(level))
    return UNSEEN.format("Accounts in a moderate crash", "liquidates", _signed(more, "%"), "points", where)


def _added(crash: Numbers) -> str:
    static, raw = (crash["policies"][name]["excess_share"] for name in (BASE, "raw volatility"))
    shares = (interval_of(static, SCALES["%"]), interval_of(raw, SCALES["%"]))
    return (ADDED if is_more(static) and is_more(raw) else NOT_ADDED).format(*shares)


def _protection(crash: Numbers) -> str:
    deep = crash["cells"][-2]
    spared, level = deep["differences"]["raw volatility"][TAILED], deep[BASE][TAILED]
    where = f"falls of {cell_name(deep)} (n = {deep['paths']})"
    if is_less(spared):
        return SPARED.format(where, _signed(spared, "bp"), basis(level))
    if is_more(spared):
        return WORSE.format(where, _signed(spared, "bp"), basis(level))
    return UNSEEN.format(
        "The fund in a deep and fast crash", "leaves uncovered", _signed(spared, "bp"), "bp", where
    )


def _ramp(crash: Numbers) -> str:
    ramp = crash["differences"]["raw volatility, ramp"]
    liquidated, uncovered = ramp["liquidated_share"], ramp[TAILED]
    seen = any(is_more(found) or is_less(found) for found in (liquidated, uncovered))
    return (RAMP_SEEN if seen else RAMP).format(_signed(liquidated, "%"), _signed(uncovered, "bp"))


def _price(crash: Numbers, calm: Numbers) -> str:
    asked = {
        name: calm["policies"][name]["mean_initial_margin_ratio"] for name in ("static x2", "raw volatility")
    }
    left = {name: crash["policies"][name][TAILED] for name in (BASE, *asked)}
    return PRICE.format(
        *(points(found) for found in asked.values()),
        *(interval_of(found, SCALES["bp"]) for found in left.values()),
    )  # fmt: skip


def _signed(found: Numbers, unit: str) -> str:
    missing = found["lower"] is None and found["upper"] is None
    return interval_of(found, SCALES[unit], sign="+") + (" (no interval holds)" if missing else "")


HARM = """\
**It hurts accounts in a moderate crash.** In {0}, raw scaling of existing positions liquidates {1} points
   of open interest compared with static margin on the same paths (static: {2} %)."""
UNSEEN = """\
**{0}: no difference is seen.** Compared with static margin on the same paths, raw scaling {1} {2} {3} in
   {4}."""
ADDED = """\
**Forced selling adds to it under either rule.** {0} % of what static margin liquidates, and {1} % of what
   raw scaling does, is not liquidated in the world without the price impact of forced closes."""
NOT_ADDED = """\
**That forced selling adds to it is not shown for both rules.** Against the world without the price impact of
   forced closes it adds {0} % of what static margin liquidates and {1} % of what raw scaling does."""
SPARED = """\
**It spares the fund in a deep and fast one.** In {0}, raw scaling leaves {1} bp of open interest uncovered
   compared with static margin on the same paths (static: {2} bp)."""
WORSE = """\
**It costs the fund in a deep and fast one too.** In {0}, raw scaling leaves {1} bp of open interest uncovered
   compared with static margin on the same paths (static: {2} bp)."""
RAMP = """\
**With a ramp neither is seen.** Limited to 25 % an hour, raw scaling liquidates {0} points and leaves
   {1} bp uncovered compared with static margin on the same paths: an hour is longer than the crash."""
RAMP_SEEN = """\
**With a ramp, what is left of both is small.** Limited to 25 % an hour, raw scaling liquidates {0} points and
   leaves {1} bp uncovered compared with static margin on the same paths: an hour is longer than the crash."""
PRICE = """\
**Asking more always is another trade.** On an ordinary day static x2 asks {0} % initial margin, raw
   scaling {1} %; in the same crashes static leaves {2} bp uncovered, static x2 {3}, raw scaling {4}."""
