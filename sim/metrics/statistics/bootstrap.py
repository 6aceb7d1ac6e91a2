"""Bootstrap by path: whole paths are drawn again, so that whatever depends within a path stays together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.core.arrays import FloatArray
from sim.core.resampling import drawn_units
from sim.core.rng import Streams
from sim.metrics.statistics.intervals import Interval, check_confidence


def bootstrap_interval(
    paths: FloatArray,
    statistic: Callable[[FloatArray], float],
    streams: Streams,
    *,
    name: str = "bootstrap",
    replicates: int = 2_000,
    confidence: float = 0.95,
) -> Interval:
    """Return a statistic with its percentile bootstrap interval.

    Parameters
    ----------
    paths
        float64[path, ...]; one row holds all figures of a path. Put both arms of a comparison in one row:
        they are then drawn jointly, as common random numbers demand (quant 7.1).
    statistic
        From an array shaped like `paths` to a number.
    streams, name
        Randomness: replicate k uses the stream `name` at step k, so that more replicates
        change none of the first.
    replicates
        Assumption: 2,000 place the 2.5 % point of the bootstrap distribution between its 2.15 % and 2.85 %
        points (one standard error).
    confidence
        Nominal; the percentile interval is approximate (Efron and Tibshirani, An Introduction to the
        Bootstrap, chapter 13), and too short for tails resting on a few paths.

    Raises
    ------
    ValueError
        Fewer than two paths or replicates, or confidence out of range.
    """
    check_confidence(confidence)
    sample = np.asarray(paths, dtype=np.float64)
    if sample.ndim < 1 or len(sample) < 2 or replicates < 2:
        raise ValueError("need at least two paths and two replicates")
    draws = drawn_units(streams, name, units=len(sample), replicates=replicates)
    values = np.array([statistic(sample[drawn]) for drawn in draws])
    tail = (1.0 - confidence) / 2.0
    lower, upper = np.quantile(values, (tail, 1.0 - tail))
    return Interval(
        estimate=float(statistic(sample)), lower=float(lower), upper=float(upper), confidence=confidence
    )
