"""Student-t and chi-squared variables of whole degrees of freedom, addressed by position."""

from __future__ import annotations

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.rng import Streams

_FACTORS = 16  # uniforms are at least 2**-53, so that a product of 16 of them is no denormal number


def chi_squared(degrees_of_freedom: int, n: int, *, streams: Streams, name: str) -> FloatArray:
    """Return n chi-squared variables, float64[n].

    The sum of nu // 2 exponentials of mean 2 and, for odd nu, the square of one more normal: the exact law
    from inversion alone, with a fixed number of words each and no rejection.

    Parameters
    ----------
    name
        Streams ``name:t_exponential`` and ``name:t_normal`` are used, addressed by position.
    """
    pairs = degrees_of_freedom // 2
    uniforms = streams.series(f"{name}:t_exponential").uniform(0, n * pairs).reshape(n, pairs)
    found = np.zeros(n)
    for first in range(0, pairs, _FACTORS):
        product = np.ones(n)
        for column in range(first, min(first + _FACTORS, pairs)):
            product *= uniforms[:, column]
        found -= 2.0 * portable_math.log(product)  # a sum of exponentials, at one logarithm for 16
    if degrees_of_freedom % 2:
        extra = streams.series(f"{name}:t_normal").normal(0, n)
        found += extra * extra
    return found


def student_t(degrees_of_freedom: int, n: int, *, streams: Streams, name: str) -> FloatArray:
    """Return n Student-t variables scaled to unit variance, float64[n], addressed by position.

    z / sqrt(W / nu) with z normal, from the stream ``name:diffusion``, and W chi-squared. The scale to unit
    variance is sqrt((nu - 2) / nu).
    """
    squares = chi_squared(degrees_of_freedom, n, streams=streams, name=name)
    normals = streams.series(f"{name}:diffusion").normal(0, n)
    return normals * portable_math.sqrt((degrees_of_freedom - 2) / squares)
