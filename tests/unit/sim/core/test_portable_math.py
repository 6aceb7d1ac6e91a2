import math
import os
import subprocess
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core import portable_math as pm

REPOSITORY = Path(__file__).resolve().parents[4]
FUNCTIONS = [pm.exp, pm.expm1, pm.log, pm.log1p, pm.sqrt, pm.logistic, pm.normal_ppf, pm.normal_cdf]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 1e-308, 1.7e308, 0.5, 0.925, 0.075,
           709.78, 709.79, -745.0, -746.0, 1e-17, -1e-17, 0.34, 1e10, 2.0**-53, 1 - 2.0**-53]  # fmt: skip


def ulps(value: float, exact: Decimal) -> float:
    """Return the error of `value` in units in the last place of the exact result."""
    return float(abs(Fraction(value) - Fraction(exact)) / Fraction(math.ulp(float(exact))))


def points(low: float, high: float, n: int = 1500) -> np.ndarray:
    """Return an irregular grid, the same in every run."""
    return low + (high - low) * ((np.arange(n) * 0.6180339887498949) % 1.0)


@pytest.mark.parametrize(("low", "high"), [(-1e-9, 1e-9), (-0.5, 0.5), (-30.0, 30.0), (-708.0, 709.7)])
def test_exp_within_one_ulp(low, high):
    with localcontext() as context:
        context.prec = 50
        worst = max(ulps(pm.exp(x), Decimal(x).exp()) for x in points(low, high).tolist())
    assert worst < 1.0


@pytest.mark.parametrize(("low", "high"), [(0.9, 1.1), (0.4, 3.0), (1e-9, 1e-6), (1e3, 1e9), (1e-300, 1e300)])
def test_log_within_one_ulp(low, high):
    with localcontext() as context:
        context.prec = 50
        worst = max(ulps(pm.log(x), Decimal(x).ln()) for x in points(low, high).tolist())
    assert worst < 1.0


@pytest.mark.parametrize(("low", "high"), [(-1e-6, 1e-6), (-0.9, 0.9), (1.0, 50.0)])
def test_expm1_and_log1p_within_four_ulp(low, high):
    with localcontext() as context:
        context.prec = 60
        for x in points(low, high, 800).tolist():
            assert ulps(pm.expm1(x), Decimal(x).exp() - 1) < 4.0
            assert ulps(pm.log1p(x), (1 + Decimal(x)).ln()) < 4.0


def test_exp_of_subnormal_results():
    with localcontext() as context:
        context.prec = 50
        for x in points(-745.1, -708.5, 300).tolist():
            assert abs(Fraction(pm.exp(x)) - Fraction(Decimal(x).exp())) <= Fraction(5e-324)


def test_power_within_its_stated_error():
    with localcontext() as context:
        context.prec = 60
        for base, exponent in zip(
            points(1e-6, 50.0, 400).tolist(), points(-8.0, 8.0, 400)[::-1].tolist(), strict=True
        ):
            exact = (Decimal(exponent) * Decimal(base).ln()).exp()
            bound = (2 + 2 * abs(exponent * math.log(base))) * 2.0**-53
            assert abs(Fraction(pm.power(base, exponent)) / Fraction(exact) - 1) < Fraction(bound)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (0.0, 0.0, 1.0),
        (0.0, 2.0, 0.0),
        (0.0, -1.0, math.inf),
        (1.0, math.inf, 1.0),
        (2.0, 0.0, 1.0),
        (4.0, 1.0, 4.0),
    ],
)
def test_power_at_the_edges(base, exponent, expected):
    assert pm.power(base, exponent) == pytest.approx(expected, rel=1e-15)
    assert pm.power(np.array([base]), exponent)[0] == pm.power(base, exponent)
    assert math.isnan(pm.power(-1.0, 2.0))
    assert math.isnan(pm.power(np.array([-1.0]), 2.0)[0])


def normal_tail(x: Decimal) -> Decimal:
    """Return Q(x), x >= 0: series below 6, continued fraction above (A&S 26.2.11 and 26.2.14)."""
    density = (-x * x / 2).exp() / (2 * PI).sqrt()
    if x < 6:
        term, total, k = x, Decimal(0), 1
        while abs(term) > Decimal(10) ** -70:
            total += term
            k += 2
            term = term * x * x / k
        return Decimal("0.5") - density * total
    fraction = x
    for k in range(400, 0, -1):
        fraction = x + k / fraction
    return density / fraction


PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798"
)


def test_normal_cdf_within_eight_ulp_in_the_lower_tail_too():
    with localcontext() as context:
        context.prec = 70
        for x in [*points(0.0, 5.9, 150).tolist(), *points(6.0, 37.0, 100).tolist()]:
            tail = normal_tail(Decimal(x))
            assert ulps(pm.normal_cdf(-x), tail) < 8.0
            assert ulps(pm.normal_cdf(x), 1 - tail) < 2.0


def test_normal_ppf_inverts_the_distribution_within_eight_ulp():
    probabilities = [2.0**-53, 1e-300, 1e-20, 1e-10, 1e-4, *points(0.001, 0.999, 400).tolist()]
    with localcontext() as context:
        context.prec = 70
        for p in probabilities:
            x = pm.normal_ppf(p)
            # Newton's step at x measures the error of x itself.
            tail = normal_tail(Decimal(abs(x)))
            below = tail if x < 0 else 1 - tail
            density = (-Decimal(x) * Decimal(x) / 2).exp() / (2 * PI).sqrt()
            error = abs((Decimal(p) - below) / density)
            assert error <= Decimal(8 * math.ulp(x)), p


def test_normal_ppf_agrees_with_the_standard_library():
    normal = NormalDist()
    for p in points(1e-12, 1 - 1e-12, 3000).tolist():
        assert pm.normal_ppf(p) == pytest.approx(normal.inv_cdf(p), rel=1e-14, abs=1e-15)


def test_special_values():
    nan = math.nan
    for function, value, expected in [
        (pm.exp, 0.0, 1.0), (pm.exp, 710.0, math.inf), (pm.exp, -746.0, 0.0),
        (pm.exp, math.inf, math.inf), (pm.exp, -math.inf, 0.0), (pm.exp, nan, nan),
        (pm.log, 1.0, 0.0), (pm.log, 0.0, -math.inf), (pm.log, -1.0, nan), (pm.log, math.inf, math.inf),
        (pm.log, nan, nan), (pm.log1p, -1.0, -math.inf), (pm.log1p, math.inf, math.inf),
        (pm.log1p, -2.0, nan), (pm.expm1, -math.inf, -1.0), (pm.normal_ppf, 0.0, -math.inf),
        (pm.normal_ppf, 1.0, math.inf), (pm.normal_ppf, 0.5, 0.0), (pm.normal_ppf, 1.5, nan),
        (pm.normal_ppf, nan, nan), (pm.normal_cdf, 0.0, 0.5), (pm.normal_cdf, -math.inf, 0.0),
        (pm.normal_cdf, math.inf, 1.0), (pm.normal_cdf, nan, nan), (pm.sqrt, -1.0, nan),
        (pm.logistic, 0.0, 0.5), (pm.logistic, -800.0, 0.0),
    ]:  # fmt: skip
        assert np.array_equal(function(value), expected, equal_nan=True), (function, value)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_scalars_and_arrays_have_the_same_bits(function):
    values = np.concatenate(
        [SPECIAL, points(0.0, 1.0), points(-40.0, 40.0), points(-800.0, 800.0), points(0, 1e6)]
    )
    together = function(values)
    alone = np.array([function(value) for value in values.tolist()])
    assert np.array_equal(together, alone, equal_nan=True)
    assert isinstance(function(0.25), float)
    strided = values[: values.size // 4 * 4].reshape(4, -1)[:, ::3]
    assert np.array_equal(function(strided), function(strided.ravel()).reshape(strided.shape), equal_nan=True)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_warning_and_the_input_is_left_alone(function):
    values = np.array(SPECIAL)
    before = values.copy()
    with np.errstate(all="raise", under="ignore"):
        function(values)
    assert np.array_equal(values, before, equal_nan=True)


@given(st.lists(st.floats(-1e12, 1e12), max_size=70))
def test_sums_are_close_to_the_exact_sum(values):
    array = np.array(values, dtype=np.float64)
    scale = math.fsum(map(abs, values))
    assert pm.exact_sum(array) == math.fsum(values)
    assert abs(pm.ordered_sum(array) - math.fsum(values)) <= 8 * 2.0**-53 * scale
    assert pm.exact_sum(array[::-1]) == pm.exact_sum(array)


def test_ordered_sum_has_the_documented_order():
    a, b, c, d, e = 1e16, 1.0, -1e16, 1.0, 0.5
    assert pm.ordered_sum(np.array([a, b, c, d, e])) == (((a + c) + e) + (b + d))
    assert pm.ordered_cumsum(np.array([a, b, c, d])).tolist() == [a, a + b, (a + b) + c, ((a + b) + c) + d]
    assert pm.ordered_dot(np.array([2.0, 3.0]), np.array([5.0, 7.0])) == 31.0
    assert pm.ordered_mean(np.array([1.0, 2.0])) == 1.5
    assert math.isnan(pm.ordered_mean(np.array([])))
    assert pm.ordered_sum(np.array([])) == 0.0


@given(st.integers(1, 4), st.integers(0, 40), st.integers(0, 10))
def test_sums_of_columns_are_those_of_each_alone(columns, length, seed):
    drawn = np.random.default_rng(seed).normal(size=(columns, length)) * 1e6
    assert pm.ordered_sums(*drawn) == [pm.ordered_sum(column) for column in drawn]


PROBE = """
import hashlib, numpy as np
from sim.core import portable_math as pm
from sim.core.rng import Streams
from numpy._core._multiarray_umath import __cpu_features__ as features, __cpu_dispatch__ as dispatch
grid = (np.arange(60_000) * 0.6180339887498949) % 1.0
h = hashlib.sha256()
wide = np.ldexp(grid, (40 * np.rint(grid * 20)).astype(np.int32))
for f, x in [(pm.exp, 1400 * grid - 700), (pm.expm1, 4 * grid - 2), (pm.log, wide),
             (pm.log1p, 3 * grid - 0.9), (pm.logistic, 60 * grid - 30), (pm.normal_ppf, grid),
             (pm.normal_cdf, 76 * grid - 38), (lambda x: pm.power(x, 1.7), 9 * grid), (pm.sqrt, grid),
             (pm.ordered_cumsum, grid)]:
    h.update(f(x).tobytes())
h.update(np.array([pm.ordered_sum(grid), pm.exact_sum(grid), pm.ordered_dot(grid, grid)]).tobytes())
s = Streams(1)
for step in range(40):
    d = s.draw("probe", step)
    h.update(d.normal(500).tobytes() + d.exponential(7).tobytes() + d.integers(0, 99, 500).tobytes())
    h.update(d.permutation(500).tobytes())
print(h.hexdigest(), " ".join(name for name in dispatch if features[name]) or "none")
"""


def _probe(disabled: str) -> list[str]:
    environment = dict(os.environ, PYTHONPATH=str(REPOSITORY))
    environment.pop("NPY_DISABLE_CPU_FEATURES", None)
    if disabled:
        environment["NPY_DISABLE_CPU_FEATURES"] = disabled
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    digest, *features = done.stdout.split()
    return [digest, " ".join(features)]


def test_bits_do_not_depend_on_the_processor():
    digest, features = _probe("")
    if features == "none":
        pytest.skip("numpy dispatches on no feature of this processor, so there is nothing to turn off")
    names = features.split()
    for kept in range(len(names)):  # turn them off from the newest down, one more each time
        lower_digest, lower_features = _probe(" ".join(names[kept:]))
        assert len(lower_features.split()) < len(names) or lower_features == "none"
        assert lower_digest == digest


def test_digest_of_a_known_grid_is_the_recorded_one():
    # The same value must come out on every machine and numpy; a change here changes every run's digest.
    assert _probe("")[0] == "ad31a7fa627415c3dbd0b84a8ba7563bd5c4433360dcf327b7bd041776dcd232"
