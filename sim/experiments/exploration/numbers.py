"""What every method here needs of the libraries: a seed they accept, and a problem in the unit cube."""

from __future__ import annotations

from typing import Any

from sim.core.rng import Streams

FULL_SAMPLES = 1_024
"""Base samples from which Sobol indices are usually trusted (quant 7.4); fewer are flagged."""


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
