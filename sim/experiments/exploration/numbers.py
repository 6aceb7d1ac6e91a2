"""What every method here needs of the libraries: a seed they accept, and a problem in the unit cube."""

from __future__ import annotations

import math
from typing import Any

from scipy import special

from sim.core.rng import Streams

FULL_SAMPLES = 1_024
"""Base samples from which Sobol indices are usually trusted (quant 7.4); fewer are flagged."""


LEAST_SAMPLES = 64
"""Fewest base samples of an interval of a Sobol index: with 16 they cover 79 to 93 % (docs/statistics.md)."""


def small_sample_factor(units: int, confidence: float) -> float:
    """Return by how much a bootstrap interval over few independent units is too short.

    Resamples vary by (n - 1) / n of what samples do, and a normal quantile stands where Student's belongs:
    to first order the ends of a percentile interval lack sqrt(n / (n - 1)) times the ratio of the two
    (Hesterberg, American Statistician 69, 2015). 1.10 for 20 units, 1.02 for 100.
    """
    tail = 0.5 + 0.5 * confidence
    ratio = float(special.stdtrit(units - 1, tail)) / float(special.ndtri(tail))
    return math.sqrt(units / (units - 1)) * ratio


def library_seed(streams: Streams, name: str) -> int:
    """Return a seed from 1 to 2**31 - 1 for a library, from the counter-based stream `name`.

    Never 0: SALib takes that for "no seed" and then draws from numpy's global state.
    """
    return 1 + int(streams.draw(name).words(1)[0]) % (2**31 - 1)


def unit_problem(parameters: int) -> dict[str, Any]:
    """Return SALib's description of a unit cube."""
    return {
        "num_vars": parameters,
        "names": [f"x{index}" for index in range(parameters)],
        "bounds": [[0.0, 1.0]] * parameters,
    }
