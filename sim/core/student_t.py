"""Student's t with a whole number of degrees of freedom, with the same bits on every machine.

The tail is the regularised incomplete beta function I_x(nu / 2, 1 / 2) / 2 at x = nu / (nu + t^2), and one
minus it near the centre, each as the hypergeometric series whose terms are all positive (NIST Digital Library
of Mathematical Functions, 8.17.8): nothing cancels, so that the far tail keeps its relative accuracy. Built
from the operations of `portable_math` alone. Arrays only; each value depends on no other in its array.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray

MAX_DEGREES_OF_FREEDOM: Final = 100
"""Up to here accuracy is tested; the law is within a few per cent of the normal by then."""

_CHUNK: Final = 4096  # temporaries of this size stay in the allocator's cache
_CENTRE: Final = 9.0  # t^2 beyond which the tail has its own series, however many degrees of freedom
_MOST_STEPS: Final = 40  # of Newton's method for the quantile; eight are enough from where it starts
_CLOSE: Final = 1e-8  # an error of the logarithm whose square is nothing
_TERMS: Final = 8  # added before it is asked whether anything changes
_TWO_OVER_PI: Final = float.fromhex("0x1.45f306dc9c883p-1")


def tail(t: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the probability of more than t, for t >= 0, float64 like `t`; relative error below 1e-11."""
    flat = np.ascontiguousarray(t).ravel()
    result = np.empty_like(flat)
    for start in range(0, flat.size, _CHUNK):
        piece = flat[start : start + _CHUNK]
        squares = piece * piece
        near = squares <= min(float(degrees_of_freedom), _CENTRE)
        found = np.empty_like(piece)
        found[near] = _near(squares[near], degrees_of_freedom)
        found[~near] = _far(squares[~near], degrees_of_freedom)
        result[start : start + _CHUNK] = found
    return result.reshape(t.shape)


def upper_quantile(probability: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the t that is exceeded with a probability in (0, 1/2], float64 like `probability`.

    Newton's method on the logarithm of the tail: over t where the tail is large, over ln t, in which the tail
    is a straight line in the end, where it is small.
    """
    nu = float(degrees_of_freedom)
    flat = np.ascontiguousarray(probability).ravel()
    wanted = portable_math.log(flat)
    # From the leading term of the tail, c x^(nu/2) / 2, which is above it: t starts too far out or right.
    reach = portable_math.exp(
        (wanted + _LN_2 - portable_math.log(_leading(degrees_of_freedom))) * (-2.0 / nu)
    )
    start_far = portable_math.sqrt(np.maximum(nu * (reach - 1.0), 1e-6))
    z = -portable_math.normal_ppf(flat)
    start_near = z + (z * z * z + z) / (4.0 * nu)  # Cornish and Fisher's first term
    far = flat < float(tail(np.array([_switch(nu)]), degrees_of_freedom)[0])
    t = np.where(far, start_far, np.minimum(start_near, _switch(nu)))
    left = np.arange(flat.size)
    for _ in range(_MOST_STEPS):
        here = np.maximum(t[left], 1e-300)
        above = tail(here, degrees_of_freedom)
        error = portable_math.log(above) - wanted[left]
        slope = density(here, degrees_of_freedom) / above
        in_logarithm = here * portable_math.exp(error / (here * slope))
        t[left] = np.where(far[left], in_logarithm, here + error / slope)
        # The next error is about the square of this one.
        left = left[~(np.abs(error) < _CLOSE)]
        if not left.size:
            break
    return np.where(flat == 0.5, 0.0, np.maximum(t, 0.0)).reshape(probability.shape)


def density(t: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the density at t, float64 like `t`."""
    nu = float(degrees_of_freedom)
    shrink = portable_math.power(nu / (nu + t * t), 0.5 * (nu + 1.0))
    scale = 0.5 * portable_math.sqrt(nu) * _leading(degrees_of_freedom)
    return scale * shrink


def normal_of(t: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the standard normals of the same probabilities as Student variables, float64 like `t`."""
    normals = -portable_math.normal_ppf(tail(np.abs(t), degrees_of_freedom))
    return np.where(t < 0.0, -normals, normals)


def student_of(normals: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the Student variables of the same probabilities as standard normals, float64 like them."""
    found = upper_quantile(portable_math.normal_cdf(-np.abs(normals)), degrees_of_freedom)
    return np.where(normals < 0.0, -found, found)


_LN_2: Final = portable_math.log(2.0)


def _switch(nu: float) -> float:
    """Return where the quantile goes over from t to ln t."""
    return min(portable_math.sqrt(nu), 3.0)


def _leading(degrees_of_freedom: int) -> float:
    """Return Gamma((nu + 1) / 2) / (Gamma(nu / 2 + 1) sqrt(pi)): the tail is half of it times x^(nu/2)."""
    value = _TWO_OVER_PI if degrees_of_freedom % 2 else 1.0
    for nu in range(degrees_of_freedom % 2, degrees_of_freedom, 2):
        value *= (nu + 1.0) / (nu + 2.0)
    return value


def _far(squares: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the tail by its own series."""
    nu = float(degrees_of_freedom)
    x = nu / (nu + squares)
    root = portable_math.sqrt(1.0 - x)
    leading = 0.5 * _leading(degrees_of_freedom)
    return (leading * portable_math.power(x, 0.5 * nu) * root) * _series(x, 0.5 * (nu + 1.0), 0.5 * nu + 1.0)


def _near(squares: FloatArray, degrees_of_freedom: int) -> FloatArray:
    """Return the tail as half of what the middle leaves."""
    nu = float(degrees_of_freedom)
    y = squares / (nu + squares)
    shrink = portable_math.power(nu / (nu + squares), 0.5 * nu)
    middle = (nu * _leading(degrees_of_freedom)) * portable_math.sqrt(y) * shrink
    return 0.5 * (1.0 - middle * _series(y, 0.5 * (nu + 1.0), 1.5))


def _series(x: FloatArray, above: float, below: float) -> FloatArray:
    """Return the sum over n of x^n times the product over k < n of (above + k) / (below + k), for 0 <= x < 1.

    It ends where no sum changes any more: a value whose terms went below its last digit keeps it.
    """
    total, term, k, grows = np.ones_like(x), np.ones_like(x), 0.0, x.size > 0
    while grows:
        before = total.copy()
        for _ in range(_TERMS):
            term *= x
            term *= (above + k) / (below + k)
            total += term
            k += 1.0
        grows = bool((total > before).any())
    return total
