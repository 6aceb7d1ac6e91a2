"""Elementary functions with the same bits on every machine.

numpy and the C library choose between several implementations of exp, log and friends by the processor they
run on, and those differ in the last bit; a run's digest must not. Here everything is built from operations
that IEEE 754 fixes to the last bit (+ - * / sqrt, comparison, rounding to an integer, frexp, ldexp), each a
numpy call or a Python operator of its own, so that no compiler can fuse a product and a sum. Every function
takes a float (answers a float, quickly, for the block loop) or a float64 array (answers an array); both give
the same bits.

Accuracy, tested against 50-digit decimals: exp and log within 1 ulp, expm1 and log1p within 4 ulp,
normal_ppf and normal_cdf within 8 ulp, power as stated there. Special values follow IEEE habits: no exception
is raised, NaN stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar, overload

import numpy as np

from sim.core.arrays import BoolArray, FloatArray

_Number = TypeVar("_Number", float, FloatArray)

_LOG2_E: Final = float.fromhex("0x1.71547652b82fep+0")
# ln 2 in two parts; the first has 21 trailing zero bits, so k * _LN2_HIGH is exact for every binary exponent
# k.
_LN2_HIGH: Final = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
_SQRT_HALF: Final = float.fromhex("0x1.6a09e667f3bcdp-1")
_EXP_OVERFLOW: Final = 709.782712893384  # exp above this is not a double
_EXP_UNDERFLOW: Final = -745.2  # exp below this rounds to zero

# (exp(r) - 1 - r) / r^2 = sum r^n / (n + 2)!; on |r| <= ln(2)/2 the first term left out is below 1e-18
# relative.
_EXP_TERMS: Final = tuple(1.0 / math.factorial(n) for n in range(14, 1, -1))
# log(1 + f) - 2 s over s, with s = f / (2 + f): sum 2 z^n / (2 n + 1), z = s^2 <= 0.0295.
_LOG_TERMS: Final = tuple(2.0 / (2 * n + 1) for n in range(11, 0, -1))

# Wichura (1988), Algorithm AS 241 (PPND16), Applied Statistics 37, 477-484: rational approximations of the
# normal quantile, highest power first.
_PPF_CENTRE_NUM: Final = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
)  # fmt: skip
_PPF_CENTRE_DEN: Final = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
)  # fmt: skip
_PPF_TAIL_NUM: Final = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
    1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0,
    1.42343711074968357734e0,
)  # fmt: skip
_PPF_TAIL_DEN: Final = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
    1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
    2.05319162663775882187e0, 1.0,
)  # fmt: skip
_PPF_FAR_NUM: Final = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
    2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
    5.46378491116411436990e0, 6.65790464350110377720e0,
)  # fmt: skip
_PPF_FAR_DEN: Final = (
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
    7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
    5.99832206555887937690e-1, 1.0,
)  # fmt: skip

# Chebyshev coefficients in y = (x - 5) / (x + 5) of (x + 5/4) Q(x) exp(x^2/2), Q the upper normal tail, x >=
# 0; fitted with 90-digit arithmetic at 80 nodes, the first is halved already. The first left out is 4e-18.
_TAIL_CHEBYSHEV: Final = (
    0.5009131632631835, -0.12016245430920083, 0.016103818895166138, 0.005227614792635772,
    -0.004545092271475446, 0.0018145603176980434, -0.0004913545114119188, 9.17231306271796e-05,
    -9.668808167281284e-06, -2.741949421557831e-07, 2.7765334483876004e-07, -3.0787208684406125e-08,
    -4.0380268939686455e-09, 1.2921352444183513e-09, 1.646745701552362e-11, -4.23775958865698e-11,
    1.734663819621784e-12, 1.3976458307380257e-12, -1.0287144325990661e-13, -5.0202950431679905e-14,
    4.3014991679191e-15, 2.0034258857361274e-15, -1.4956479376313822e-16, -8.727379840985685e-17,
)  # fmt: skip


_CHUNK: Final = (
    4096  # temporaries of this size stay in the allocator's cache: larger arrays run up to 3 times slower
)


def _by_chunks(function: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    """Return `function(x)` computed piece by piece; elementwise functions only."""
    flat = np.ascontiguousarray(x).ravel()
    result = np.empty_like(flat)
    for start in range(0, flat.size, _CHUNK):
        result[start : start + _CHUNK] = function(flat[start : start + _CHUNK])
    return result.reshape(x.shape)


def _horner(terms: tuple[float, ...], x: _Number) -> _Number:
    """Return the polynomial with coefficients `terms`, highest power first, at `x`."""
    total = x * terms[0] + terms[1]
    for term in terms[2:]:
        total *= x  # in place for arrays: half the time, the same two roundings
        total += term
    return total


# exp
# ------------------------------------------------------------------------------------------------------------


@overload
def exp(x: float) -> float: ...
@overload
def exp(x: FloatArray) -> FloatArray: ...
def exp(x: float | FloatArray) -> float | FloatArray:
    """Return e**x; inf above 709.78, 0 below -745.2."""
    if isinstance(x, np.ndarray):
        if x.size > _CHUNK:
            return _by_chunks(exp, x)
        usual = (x >= _EXP_UNDERFLOW) & (x <= _EXP_OVERFLOW)
        if bool(usual.all()):
            return _exp_usual(x)
        value = _exp_usual(np.where(usual, x, 0.0))
        edge = np.where(x > _EXP_OVERFLOW, np.inf, np.where(x < _EXP_UNDERFLOW, 0.0, np.nan))
        return np.where(usual, value, edge)
    x = float(x)
    if math.isnan(x):
        return math.nan
    if x > _EXP_OVERFLOW:
        return math.inf
    if x < _EXP_UNDERFLOW:
        return 0.0
    exponent = round(x * _LOG2_E)
    rest = (x - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    return math.ldexp(1.0 + (rest + (rest * rest) * _horner(_EXP_TERMS, rest)), exponent)


def _exp_usual(x: FloatArray) -> FloatArray:
    k = np.rint(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    value: FloatArray = np.ldexp(1.0 + (r + (r * r) * _horner(_EXP_TERMS, r)), k.astype(np.int32))
    return value


@overload
def expm1(x: float) -> float: ...
@overload
def expm1(x: FloatArray) -> FloatArray: ...
def expm1(x: float | FloatArray) -> float | FloatArray:
    """Return e**x - 1 without losing small x."""
    if isinstance(x, np.ndarray):
        small = np.abs(x) < 0.34
        r = np.where(small, x, 0.0)
        return np.where(small, r + (r * r) * _horner(_EXP_TERMS, r), exp(x) - 1.0)
    x = float(x)
    if -0.34 < x < 0.34:
        return x + (x * x) * _horner(_EXP_TERMS, x)
    return exp(x) - 1.0


# log
# ------------------------------------------------------------------------------------------------------------


def _log_of_parts(mantissa: _Number, exponent: _Number) -> _Number:
    """Return ln(mantissa * 2**exponent), mantissa in [sqrt(1/2), sqrt(2))."""
    f = mantissa - 1.0
    s = f / (f + 2.0)
    z = s * s
    half_square = (f * f) * 0.5
    series = z * _horner(_LOG_TERMS, z)
    return exponent * _LN2_HIGH - ((half_square - (s * (half_square + series) + exponent * _LN2_LOW)) - f)


@overload
def log(x: float) -> float: ...
@overload
def log(x: FloatArray) -> FloatArray: ...
def log(x: float | FloatArray) -> float | FloatArray:
    """Return the natural logarithm; -inf at 0, NaN below."""
    if isinstance(x, np.ndarray):
        if x.size > _CHUNK:
            return _by_chunks(log, x)
        usual = (x > 0.0) & (x < np.inf)
        mantissa, exponent = np.frexp(np.where(usual, x, 1.0))
        low = mantissa < _SQRT_HALF
        mantissa = np.where(low, mantissa + mantissa, mantissa)
        value = _log_of_parts(mantissa, exponent.astype(np.float64) - low)
        if bool(usual.all()):
            return value
        edge = np.where(x == 0.0, -np.inf, np.where(x == np.inf, np.inf, np.nan))
        return np.where(usual, value, edge)
    x = float(x)
    if not 0.0 < x < math.inf:
        return -math.inf if x == 0.0 else (math.inf if x == math.inf else math.nan)
    part, power_of_two = math.frexp(x)
    if part < _SQRT_HALF:
        part += part
        power_of_two -= 1
    return _log_of_parts(part, float(power_of_two))


@overload
def log1p(x: float) -> float: ...
@overload
def log1p(x: FloatArray) -> FloatArray: ...
def log1p(x: float | FloatArray) -> float | FloatArray:
    """Return ln(1 + x) without losing small x; -inf at -1, NaN below.

    With u = 1 + x rounded, ln(u) x / (u - 1) repairs the rounding of u (Kahan's device).
    """
    if isinstance(x, np.ndarray):
        u = x + 1.0
        exact = (u == 1.0) | (x == np.inf)
        usual = ~exact & (u >= 0.0)
        ratio = np.where(usual, x, 0.0) / np.where(usual, u - 1.0, 1.0)
        with np.errstate(invalid="ignore"):  # log answers NaN below -1, and NaN times 0 is meant to stay NaN
            return np.where(exact, x, log(u) * np.where(usual, ratio, 1.0))
    x = float(x)
    shifted = 1.0 + x
    if shifted == 1.0 or x == math.inf:
        return x
    return log(shifted) * (x / (shifted - 1.0))


# power
# ----------------------------------------------------------------------------------------------------------


@overload
def power(base: float, exponent: float) -> float: ...
@overload
def power(base: FloatArray, exponent: float | FloatArray) -> FloatArray: ...
@overload
def power(base: float, exponent: FloatArray) -> FloatArray: ...
def power(base: float | FloatArray, exponent: float | FloatArray) -> float | FloatArray:
    """Return base**exponent for base >= 0 as exp(exponent ln base); NaN for a negative base.

    Relative error up to about (2 + 2 |exponent ln base|) 2**-53. 0**0 is 1; 0 to a negative power is inf.
    """
    if isinstance(base, np.ndarray) or isinstance(exponent, np.ndarray):
        base_array, exponent_array = np.broadcast_arrays(
            np.asarray(base, dtype=np.float64), np.asarray(exponent, dtype=np.float64)
        )
        flat = (exponent_array == 0.0) | (base_array == 1.0)
        logarithm = np.where(flat, 0.0, log(np.where(flat, 1.0, base_array)))
        return np.where(flat, 1.0, exp(np.where(flat, 0.0, exponent_array) * logarithm))
    if exponent == 0.0 or base == 1.0:
        return 1.0
    return exp(exponent * log(base))


@overload
def sqrt(x: float) -> float: ...
@overload
def sqrt(x: FloatArray) -> FloatArray: ...
def sqrt(x: float | FloatArray) -> float | FloatArray:
    """Return the square root (correctly rounded everywhere by IEEE 754); NaN below 0."""
    if isinstance(x, np.ndarray):
        with np.errstate(invalid="ignore"):
            root: FloatArray = np.sqrt(x)
        return root
    return math.sqrt(x) if x >= 0.0 else math.nan


@overload
def logistic(x: float) -> float: ...
@overload
def logistic(x: FloatArray) -> FloatArray: ...
def logistic(x: float | FloatArray) -> float | FloatArray:
    """Return 1 / (1 + e**-x)."""
    return 1.0 / (1.0 + exp(-x))


# the normal distribution
# ----------------------------------------------------------------------------------------


@overload
def normal_ppf(p: float) -> float: ...
@overload
def normal_ppf(p: FloatArray) -> FloatArray: ...
def normal_ppf(p: float | FloatArray) -> float | FloatArray:
    """Return the standard normal quantile of p; -inf at 0, inf at 1, NaN outside (Wichura, AS 241)."""
    if isinstance(p, np.ndarray):
        if p.size > _CHUNK:
            return _by_chunks(normal_ppf, p)
        q = p - 0.5
        outer = ~(np.abs(q) <= 0.425)
        centre = np.where(outer, 0.0, q)
        r = 0.180625 - centre * centre
        value = centre * _horner(_PPF_CENTRE_NUM, r) / _horner(_PPF_CENTRE_DEN, r)
        if bool(outer.any()):
            value[outer] = _ppf_outer(p[outer])
        return value
    p = float(p)
    offset = p - 0.5
    if -0.425 <= offset <= 0.425:
        r_centre = 0.180625 - offset * offset
        return offset * _horner(_PPF_CENTRE_NUM, r_centre) / _horner(_PPF_CENTRE_DEN, r_centre)
    if not 0.0 < p < 1.0:
        return -math.inf if p == 0.0 else (math.inf if p == 1.0 else math.nan)
    depth = math.sqrt(-log(p if offset <= 0.0 else 1.0 - p))
    if depth <= 5.0:
        tail = _horner(_PPF_TAIL_NUM, depth - 1.6) / _horner(_PPF_TAIL_DEN, depth - 1.6)
    else:
        tail = _horner(_PPF_FAR_NUM, depth - 5.0) / _horner(_PPF_FAR_DEN, depth - 5.0)
    return -tail if offset < 0.0 else tail


def _ppf_outer(p: FloatArray) -> FloatArray:
    inside: BoolArray = (p > 0.0) & (p < 1.0)
    lower = p < 0.5
    tail_probability = np.where(inside, np.where(lower, p, 1.0 - p), 0.25)
    depth = np.sqrt(-log(tail_probability))
    near = depth - 1.6
    value = _horner(_PPF_TAIL_NUM, near) / _horner(_PPF_TAIL_DEN, near)
    far = depth > 5.0
    if bool(far.any()):
        r = depth[far] - 5.0
        value[far] = _horner(_PPF_FAR_NUM, r) / _horner(_PPF_FAR_DEN, r)
    value = np.where(lower, -value, value)
    edge = np.where(p == 0.0, -np.inf, np.where(p == 1.0, np.inf, np.nan))
    return np.where(inside, value, edge)


def _scaled_tail(x: _Number) -> _Number:
    """Return Q(x) exp(x^2/2) for x >= 0 by Clenshaw's recurrence."""
    y = (x - 5.0) / (x + 5.0)
    twice = y + y
    current = y * 0.0 + _TAIL_CHEBYSHEV[-1]
    previous = y * 0.0
    for coefficient in _TAIL_CHEBYSHEV[-2:0:-1]:
        current, previous = (twice * current - previous) + coefficient, current
    return ((y * current - previous) + _TAIL_CHEBYSHEV[0]) / (x + 1.25)


@overload
def normal_cdf(x: float) -> float: ...
@overload
def normal_cdf(x: FloatArray) -> FloatArray: ...
def normal_cdf(x: float | FloatArray) -> float | FloatArray:
    """Return the standard normal distribution function, with relative accuracy in the lower tail too."""
    if isinstance(x, np.ndarray):
        if x.size > _CHUNK:
            return _by_chunks(normal_cdf, x)
        magnitude = np.minimum(np.abs(x), 40.0)
        # x^2/2 as a part with few bits, squared exactly, and a small rest: exp would magnify one rounding.
        head = np.floor(magnitude * 1048576.0) / 1048576.0
        rest = (magnitude - head) * (magnitude + head)
        density = exp(-0.5 * (head * head)) * exp(-0.5 * rest)
        tail = density * _scaled_tail(magnitude)
        return np.where(x < 0.0, tail, 1.0 - tail)
    x = float(x)
    if math.isnan(x):
        return math.nan
    size = min(abs(x), 40.0)
    coarse = math.floor(size * 1048576.0) / 1048576.0
    remainder = (size - coarse) * (size + coarse)
    mass = exp(-0.5 * (coarse * coarse)) * exp(-0.5 * remainder) * _scaled_tail(size)
    return mass if x < 0.0 else 1.0 - mass


# sums
# -----------------------------------------------------------------------------------------------------------


def ordered_sum(values: FloatArray) -> float:
    """Return the sum of a float64 array in a fixed order.

    Halves are added onto each other until one value is left; np.sum groups terms by the width of the
    processor's registers. The error is at most log2(n) roundings.
    """
    total = _folded(np.ascontiguousarray(values, dtype=np.float64).ravel())
    return float(total[0]) if total.size else 0.0


def ordered_sums(*columns: FloatArray) -> list[float]:
    """Return `ordered_sum` of each of some float64 columns of one length, in little more time than of one."""
    totals = _folded(np.stack(columns, axis=1))
    sums: list[float] = totals[0].tolist() if len(totals) else [0.0] * len(columns)
    return sums


def _folded(rows: FloatArray) -> FloatArray:
    """Add halves of the rows onto each other until one is left, or none if there was none."""
    while len(rows) > 1:
        half = len(rows) // 2
        folded = rows[:half] + rows[half : 2 * half]
        if len(rows) % 2 == 1:
            folded[0] += rows[-1]
        rows = folded
    return rows


def exact_sum(values: FloatArray) -> float:
    """Return the correctly rounded sum, by Shewchuk's algorithm: slower, the same for any order of values."""
    return math.fsum(np.asarray(values, dtype=np.float64).ravel().tolist())


def ordered_dot(left: FloatArray, right: FloatArray) -> float:
    """Return the sum of products in the order of `ordered_sum` (BLAS would choose its own)."""
    return ordered_sum(left * right)


def ordered_mean(values: FloatArray) -> float:
    """Return the mean with the order of `ordered_sum`; NaN when empty."""
    return ordered_sum(values) / values.size if values.size else math.nan


def ordered_cumsum(values: FloatArray) -> FloatArray:
    """Return running sums, strictly left to right (numpy's accumulate has no other order)."""
    total: FloatArray = np.add.accumulate(np.asarray(values, dtype=np.float64))
    return total
