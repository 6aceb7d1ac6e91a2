"""Drawing again from what was seen: which observations a resample takes, for paths, statistics and searches.

The streams are addressed by name and replicate, or by position, so that more replicates or a longer path
change none of the first.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.core.arrays import FloatArray, IntArray
from sim.core.rng import Streams


def drawn_units(streams: Streams, name: str, *, units: int, replicates: int) -> Iterator[IntArray]:
    """Yield the units of each bootstrap resample, int64[units], with replacement (Efron 1979).

    Replicate k uses the stream `name` at step k. A unit is whatever is independent of the rest: a path, a
    book of accounts, an antithetic pair.

    Raises
    ------
    ValueError
        Fewer than two units or replicates.
    """
    if units < 2 or replicates < 2:
        raise ValueError("need at least two independent units and two replicates")
    for replicate in range(replicates):
        yield streams.draw(name, replicate).integers(0, units, units)


def drawn_counts(streams: Streams, name: str, *, units: int, replicates: int) -> Iterator[FloatArray]:
    """Yield how often each unit stands in each resample of `drawn_units`, float64[units]."""
    for drawn in drawn_units(streams, name, units=units, replicates=replicates):
        yield np.bincount(drawn, minlength=units).astype(np.float64)


def stationary_indices(
    streams: Streams, name: str, *, length: int, available: int, restart_chance: float
) -> IntArray:
    """Return which observation each place of a stationary bootstrap takes, int64[length].

    Parameters
    ----------
    name
        Streams ``name_restart`` and ``name_start`` are used, addressed by position.
    available
        Observations there are; a block runs past the last to the first.
    restart_chance
        Probability that a place begins a new block, 1 / mean length (Politis and Romano, Journal of the
        American Statistical Association 89, 1994).
    """
    places = np.arange(length, dtype=np.int64)
    restarts = streams.series(f"{name}_restart").uniform(0, length) < restart_chance
    restarts[:1] = True
    begun = np.maximum.accumulate(np.where(restarts, places, 0))
    starts = streams.series(f"{name}_start").uniform(0, length)
    first = (starts * available).astype(np.int64)
    return (first[begun] + (places - begun)) % available
