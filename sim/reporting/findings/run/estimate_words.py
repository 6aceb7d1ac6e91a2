"""What margin takes from the volatility oracle: a chosen variance, its multiplier, correlations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import Any, Final

import numpy as np

from sim.core.units import WAD
from sim.reporting.findings.run.context import amount_of, tables_of
from sim.reporting.formatting import duration, listed, number, percent, plural
from sim.reporting.run_folder import Event, RunFolder, has_columns

IMPLIED: Final = "implied volatility"

_ESTIMATES: Final = {
    "fast_weight": "fast EWMA",
    "slow_weight": "slow EWMA",
    "range_weight": "range",
    "true_range_weight": "true range",
    "implied_weight": IMPLIED,
}
"""Weight in the scenario -> name of the estimate (docs/estimators.md)."""

_SAMPLE: Final = "volatility_oracle.update_pair"


def chosen_estimates(run: RunFolder, market: int) -> dict[str, float]:
    """Return the estimates that a market chooses among, with their weights; none of one without a choice."""
    estimator = _table(run, market, "estimator")
    weights = {name: amount_of(estimator, key) for key, name in _ESTIMATES.items()}
    return {name: weight for name, weight in weights.items() if weight > 0}


def estimator_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence for each market that chooses what it takes for its variance."""
    choices = {market: chosen_estimates(run, market) for market in run.market_ids}
    if not any(choices.values()):
        return
    updates, reports = run.events("VarianceUpdated"), run.events("ImpliedReported")
    for market, chosen in choices.items():
        if not chosen:
            continue
        names = listed(
            name if weight == 1 else f"{name} (times {number(weight, 2)})" for name, weight in chosen.items()
        )
        which = names if len(chosen) == 1 else f"the largest of {names}"
        words = f"{run.market_name(market)} takes {which} for its variance: "
        words += _updates(_of_market(updates, market))
        if IMPLIED in chosen:
            words += f"; implied volatility was reported {_times(len(_of_market(reports, market)))}"
        yield f"{words}."


def performance_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence for each market whose margin is multiplied after exceptions."""
    terms_of = {market: _table(run, market, "performance") for market in run.market_ids}
    multiplied = [market for market, terms in terms_of.items() if amount_of(terms, "red_multiplier") > 1]
    if not multiplied:
        return
    changes, exceptions = run.events("PerformanceUpdated"), _exceptions(run)
    for market in multiplied:
        terms = terms_of[market]
        first, most = (number(amount_of(terms, f"{zone}_count")) for zone in ("yellow", "red"))
        yellow, red = (_factor(amount_of(terms, f"{zone}_multiplier")) for zone in ("yellow", "red"))
        told = _multiplied(_of_market(changes, market), terms)
        yield (
            f"{run.market_name(market)} multiplies the volatility that margin is asked with by {yellow} once "
            f"{first} liquidations within {duration(amount_of(terms, 'window_seconds'))} have left a deficit "
            f"(yellow), and by {red} once {most} have (red): {told}{exceptions}."
        )


def correlation_words(run: RunFolder) -> Iterable[str]:
    """Yield a sentence on correlations that are estimated, if they are."""
    portfolio = _portfolio(run)
    if portfolio.get("estimated") is not True or len(run.market_ids) < 2:
        return
    updates = run.events("CorrelationUpdated")
    pairs = [
        _pair(
            run, first, second, [one for one in updates if (one["first"], one["second"]) == (first, second)]
        )
        for first, second in combinations(run.market_ids, 2)
    ]
    samples = _samples(run)
    taken = (
        "" if samples is None else f"{plural(samples, 'sample')} {'was' if samples == 1 else 'were'} taken; "
    )
    yield (
        "Margin believes of two markets the correlation that is stated or the one that is estimated, "
        f"whichever is less: {taken}{'; '.join(pairs)}."
    )


def _updates(updates: Sequence[Event]) -> str:
    """Return what the choice was, limits and a multiplier taken in."""
    levels = [sqrt(max(one["chosen"], 0) / WAD) for one in updates]
    if not levels:
        return "nobody updated it"
    return (
        f"it was updated {_times(len(levels))}, to a volatility of {percent(min(levels))} a year at "
        f"least, {percent(max(levels))} at most and {percent(levels[-1])} at last"
    )


def _multiplied(changes: Sequence[Event], terms: Mapping[str, Any]) -> str:
    """Return when a market came into each zone, and where it was left."""
    if not changes:
        return "the multiplier never changed"
    entered: dict[str, Event] = {}
    for one in changes:
        entered.setdefault(_zone(one["count"], terms), one)
    turned = [
        f"{zone} in block {number(one.block)} with {number(one['count'])}"
        for zone, one in entered.items()
        if zone != "green"
    ]
    last = changes[-1]
    return (
        f"{f'it turned {listed(turned)}; ' if turned else ''}the multiplier changed last in block "
        f"{number(last.block)}, to {_factor(last['multiplier'] / WAD)} ({_zone(last['count'], terms)})"
    )


def _zone(count: int, terms: Mapping[str, Any]) -> str:
    if count >= amount_of(terms, "red_count"):
        return "red"
    return "yellow" if count >= amount_of(terms, "yellow_count") else "green"


def _exceptions(run: RunFolder) -> str:
    """Return how many there were, which is recorded of all markets together."""
    found = run.final("exceptions")
    if found is None:
        return ""
    where = "" if len(run.market_ids) == 1 else " in all markets together"
    return f"; the run ended with {plural(found, 'such liquidation')}{where}"


def _pair(run: RunFolder, first: int, second: int, updates: Sequence[Event]) -> str:
    """Return what was estimated of two markets."""
    names = [run.market_name(first), run.market_name(second)]
    words = f"{listed(names)}, stated as {number(_stated(run, names), 2)}, "
    if not updates:
        return f"{words}were never estimated"
    last = updates[-1]
    level, estimate = (number(last[name] / WAD, 2) for name in ("level", "estimate"))
    words += f"were estimated {_times(len(updates))}, the last time at {level}"
    if level != estimate:
        words += f" ({estimate} before the limit of its fall)"
    span = run.time_span
    return f"{words}, forgotten before the end" if span and span[1] > last["valid_until"] else words


def _stated(run: RunFolder, names: Sequence[str]) -> float:
    """Return the correlation that the scenario states of two markets, 0 if it leaves them out."""
    pairs = _portfolio(run).get("pairs")
    for pair in pairs if isinstance(pairs, list) else ():
        between = pair.get("between") if isinstance(pair, dict) else None
        if isinstance(between, list) and sorted(map(str, between)) == sorted(names):
            return amount_of(pair, "correlation")
    return 0.0


def _samples(run: RunFolder) -> int | None:
    """Return how many samples were taken, of all pairs together; None if transactions are not recorded."""
    sent = run.transactions
    if not has_columns(sent, ["kind", "status"]):
        return None
    return int(np.count_nonzero((sent["kind"] == _SAMPLE) & sent["status"].astype(bool)))


def _of_market(events: Iterable[Event], market: int) -> list[Event]:
    return [one for one in events if one["market"] == market]


def _table(run: RunFolder, market: int, key: str) -> Mapping[str, Any]:
    """Return a table of a market of the scenario, empty if there is none."""
    markets = tables_of(run.scenario, "markets")
    found = markets[market].get(key) if 0 <= market < len(markets) else None
    return found if isinstance(found, dict) else {}


def _portfolio(run: RunFolder) -> Mapping[str, Any]:
    protocol = run.scenario.get("protocol")
    found = protocol.get("portfolio") if isinstance(protocol, dict) else None
    return found if isinstance(found, dict) else {}


def _factor(value: float) -> str:
    return number(value, 2)


def _times(count: int) -> str:
    return "once" if count == 1 else plural(count, "time")
