"""Correlations of a copula, estimated from price files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.digest import sha256_file
from sim.core.errors import InputError
from sim.core.rank_correlation import elliptical_correlation, kendall_tau
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock

FEWEST_RETURNS = 20
"""Below this nothing is estimated (assumption: the standard error of Kendall's tau is then above 0.16)."""

MOST_RETURNS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Correlations, and what they were estimated from."""

    rows: tuple[tuple[float, ...], ...]
    """Of all markets, in their order; 0 between those without files."""
    taus: tuple[tuple[str, str, float], ...]
    """Kendall's tau of each pair of markets with files."""
    returns: int
    step_seconds: int
    start_time: int
    """Where the files' common time begins, seconds since 1970."""
    end_time: int

    def describe(self) -> str:
        """Return estimator and sample in words, a sentence."""
        taus = ", ".join(f"{one} and {other} {tau:.3f}" for one, other, tau in self.taus)
        begin, end = (
            f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in (self.start_time, self.end_time)
        )
        return (
            f"Correlations are sin(pi tau / 2) of Kendall's tau-b ({taus}) of {self.returns:,} returns of "
            f"{self.step_seconds:,} s from {begin} to {end}."
        )


def estimated(
    files: Mapping[str, Path], names: Sequence[str], *, step_seconds: int, max_gap_seconds: int
) -> Estimate:
    """Return the correlations of markets, from the time that their files have in common.

    Kendall's tau of the log returns of each pair, and from it the correlation of an elliptical copula
    (`sim.core.rank_correlation`): unlike the linear correlation it does not depend on how fat the tails of
    each are. A price that stands still gives returns of 0, which tie and so count neither way.

    Parameters
    ----------
    files
        By market.
    names
        Of all markets, in their order.
    step_seconds
        Length of a return; 0 is the distance of the rows of the coarsest file.

    Raises
    ------
    InputError
        A file cannot be used, or they have too little time in common.
    """
    known = tuple((market, str(path), sha256_file(path)) for market, path in files.items() if path.is_file())
    if len(known) < len(files):
        missing = next(path for path in files.values() if not path.is_file())
        raise InputError(f"{missing}: there is no such file")
    return _estimated(known, tuple(names), step_seconds, max_gap_seconds)


@lru_cache(maxsize=8)  # the same files are asked for again for each variant of a scenario
def _estimated(
    files: tuple[tuple[str, str, str], ...], names: tuple[str, ...], step_seconds: int, max_gap_seconds: int
) -> Estimate:
    histories = {
        market: load_price_file(Path(path), max_gap_seconds=max_gap_seconds) for market, path, _ in files
    }
    step = step_seconds or max(history.row_seconds for history in histories.values())
    start = max(history.start_time for history in histories.values())
    end = min(history.end_time for history in histories.values())
    count = max(0, (end - start) // step)
    where = ", ".join(sorted(history.source.name for history in histories.values()))
    if not FEWEST_RETURNS <= count <= MOST_RETURNS:
        raise InputError(
            f"{where}: have {count:,} steps of {step:,} s in common, and correlations are estimated from "
            f"{FEWEST_RETURNS} to {MOST_RETURNS:,}; set correlation.estimate.step_seconds"
        )
    clock = BlockClock(start_time=start, seconds_per_block=step, blocks=count)
    returns = {market: _returns(history, clock) for market, history in histories.items()}
    rows = [[float(i == j) for j in range(len(names))] for i in range(len(names))]
    taus = []
    for one, other in combinations([name for name in names if name in returns], 2):
        try:
            tau = kendall_tau(returns[one], returns[other])
        except ValueError:
            raise InputError(f"{where}: the price of {one} or {other} never moves") from None
        i, j = names.index(one), names.index(other)
        rows[i][j] = rows[j][i] = elliptical_correlation(tau)
        taus.append((one, other, tau))
    return Estimate(
        rows=tuple(map(tuple, rows)),
        taus=tuple(taus),
        returns=count,
        step_seconds=step,
        start_time=start,
        end_time=start + step * count,
    )


def _returns(history: PriceHistory, clock: BlockClock) -> FloatArray:
    prices = history.onto_clock(clock).prices
    return np.diff(portable_math.log(prices))
