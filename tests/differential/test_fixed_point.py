"""`contracts/lib/fixed_point.vy` against its Python twin, and both against exact arithmetic."""

from __future__ import annotations

import random
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference import fixed_point as twin
from sim.reference.fixed_point import INT_MAX, INT_MIN, QUANTUM, UINT_MAX, WAD
from tests.support.deployers import harness


@pytest.fixture(scope="module")
def library():
    return harness("FixedPointHarness")


def sized(bits: int):
    """Unsigned integers spread evenly over their number of bits."""
    return st.integers(0, bits).flatmap(lambda n: st.integers(0, 2**n - 1 if n else 0))


def signed(bits: int):
    return st.tuples(sized(bits), st.booleans()).map(lambda pair: -pair[0] if pair[1] else pair[0])


BATCHES = settings(max_examples=20, deadline=None)


@BATCHES
@given(
    rows=st.lists(
        st.tuples(sized(128), sized(127), sized(120).map(lambda c: c + 1)), min_size=40, max_size=80
    )
)
def test_unsigned_operations_match_twin(library, rows):
    expected = [
        [
            twin.mul_wad_down(a, b),
            twin.mul_wad_up(a, b),
            twin.div_wad_down(a, c),
            twin.div_wad_up(a, c),
            twin.mul_div_down(a, b, c),
            twin.mul_div_up(a, b, c),
            twin.ceil_div(a, c),
        ]
        for a, b, c in rows
    ]
    assert library.unsigned(rows) == expected


@BATCHES
@given(rows=st.lists(st.tuples(signed(127), signed(127), signed(100).filter(bool)), min_size=40, max_size=80))
def test_signed_operations_match_twin_and_floor(library, rows):
    results = library.signed(rows)
    for (a, b, c), row in zip(rows, results, strict=True):
        assert row == [
            twin.floor_div_signed(a, c),
            twin.mul_wad_signed_floor(a, b),
            twin.mul_div_signed_floor(a, b, c),
            twin.quantize_down(a),
            twin.quantize_up(a),
        ]
        assert row[0] == floor(Fraction(a, c))
        assert row[1] == floor(Fraction(a * b, WAD))
        assert row[2] == floor(Fraction(a * b, c))
        assert row[3] % QUANTUM == 0
        assert row[4] % QUANTUM == 0
        assert row[3] <= a <= row[4] < row[3] + 2 * QUANTUM
        assert row[4] - row[3] in (0, QUANTUM)


@BATCHES
@given(
    xs=st.lists(st.one_of(sized(136), st.integers(0, 5_000).map(lambda n: n**3)), min_size=40, max_size=80)
)
def test_cube_roots_match_twin_and_are_the_least_not_below(library, xs):
    results = library.cube_roots(xs)
    for x, root in zip(xs, results, strict=True):
        assert root == twin.cbrt_wad_up(x)
        assert root**3 >= x * 10**36 > (root - 1) ** 3 or root == x == 0


def test_cube_roots_of_every_length_are_found(library):
    """Powers of two and their neighbours, where the first step starts farthest from the root."""
    xs = [x for bit in range(136) for x in ((1 << bit) - 1, 1 << bit, (1 << bit) + 1)]
    xs.append(UINT_MAX // 10**36)
    found = [root for at in range(0, len(xs), 64) for root in library.cube_roots(xs[at : at + 64])]
    assert found == [twin.cbrt_wad_up(x) for x in xs]
    assert twin.cbrt_wad_up(8 * WAD) == 2 * WAD
    with boa.reverts():
        library.cube_roots([UINT_MAX // 10**36 + 1])
    with pytest.raises(OverflowError):
        twin.cbrt_wad_up(UINT_MAX // 10**36 + 1)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ([UINT_MAX, 2, 1], OverflowError),
        ([UINT_MAX // WAD + 1, 1, 1], OverflowError),
        ([1, 1, 0], ZeroDivisionError),
    ],
)
def test_unsigned_operations_out_of_range_revert(library, row, error):
    with boa.reverts():
        library.unsigned([row])
    a, b, c = row
    with pytest.raises(error):
        (twin.mul_wad_down(a, b), twin.div_wad_up(a, c), twin.mul_div_up(a, b, c))


@pytest.mark.parametrize("row", [[INT_MIN, 1, -1], [INT_MIN, 1, 1], [INT_MAX, 2, 1]])
def test_signed_operations_out_of_range_revert(library, row):
    with boa.reverts():
        library.signed([row])
    a, b, c = row
    with pytest.raises(OverflowError):
        (
            twin.floor_div_signed(a, c),
            twin.mul_wad_signed_floor(a, b),
            twin.quantize_down(a),
            twin.quantize_up(a),
        )


@BATCHES
@given(xs=st.lists(sized(196), min_size=40, max_size=100))
def test_roots_match_twin_and_bracket_the_true_root(library, xs):
    for x, (down, up) in zip(xs, library.roots(xs), strict=True):
        assert [down, up] == [twin.sqrt_wad(x), twin.sqrt_wad_up(x)]
        assert down * down <= x * WAD <= up * up
        assert up - down in (0, 1)


LN_ARGUMENTS = st.one_of(
    sized(256).map(lambda x: max(x, 1)),
    st.integers(WAD // 2, 2 * WAD),
    st.sampled_from(
        [1, WAD - 1, WAD, WAD + 1, UINT_MAX]
        + [twin.LN_NEAR_ONE_LOW + d for d in (-1, 0, 1)]
        + [twin.LN_NEAR_ONE_HIGH + d for d in (-1, 0, 1)]
        + [2**n + d for n in (59, 60, 119, 120, 121, 255) for d in (-1, 0, 1)]
    ),
)


@BATCHES
@given(xs=st.lists(LN_ARGUMENTS, min_size=60, max_size=120))
def test_ln_matches_twin(library, xs):
    assert library.ln_wad(xs) == [twin.ln_wad(x) for x in xs]


EXP_ARGUMENTS = st.one_of(
    st.integers(-43 * WAD, 135 * WAD),
    st.integers(-WAD, WAD),
    st.integers(INT_MIN, -42 * WAD),
    st.sampled_from(
        [-43 * WAD, -43 * WAD + 1, -1, 0, 1, 135 * WAD, -42139678854452767622, -42139678854452767621]
    ),
)


@BATCHES
@given(xs=st.lists(EXP_ARGUMENTS, min_size=60, max_size=120))
def test_exp_matches_twin(library, xs):
    assert library.exp_wad(xs) == [twin.exp_wad(x) for x in xs]


def test_ln_and_exp_outside_their_domain_revert(library):
    with boa.reverts("fixed_point: log of zero"):
        library.ln_wad([0])
    with boa.reverts("fixed_point: exp overflow"):
        library.exp_wad([135 * WAD + 1])
    with pytest.raises(ValueError, match="log of zero"):
        twin.ln_wad(0)
    with pytest.raises(ValueError, match="exp overflow"):
        twin.exp_wad(135 * WAD + 1)


def test_constants_are_the_nearest_integers():
    with localcontext() as context:
        context.prec = 80
        ln2 = Decimal(2).ln()
        assert round(ln2 * 2**120) == twin.LN2_Q120
        assert round(ln2 * 2**96) == twin.LN2_Q96
        assert round(Decimal(WAD).ln() * 2**120) == twin.LN_WAD_Q120
        assert int(Decimal(2).sqrt() * 2**120) == twin.SQRT2_Q120


def test_ln_error_stays_within_stated_bound():
    source = random.Random(20260101)
    xs = [source.getrandbits(source.randint(1, 256)) or 1 for _ in range(3_000)]
    xs += [source.randint(WAD // 2, 2 * WAD) for _ in range(3_000)]
    with localcontext() as context:
        context.prec = 110
        bound = Decimal("0.5") + Decimal("5e-6")
        worst = max(abs(twin.ln_wad(x) - (Decimal(x) / WAD).ln() * WAD) for x in xs)
    assert Decimal("0.4") < worst <= bound  # rounding to nearest does come close to half a unit


def test_exp_error_stays_within_stated_bound():
    source = random.Random(20260102)
    xs = [source.randint(-43 * WAD, 135 * WAD) for _ in range(3_000)]
    xs += [source.randint(-5 * WAD, WAD) for _ in range(3_000)]
    with localcontext() as context:
        context.prec = 110
        for x in xs:
            exact = (Decimal(x) / WAD).exp() * WAD
            assert abs(twin.exp_wad(x) - exact) <= Decimal("0.5") + exact * Decimal("6e-27")


@settings(max_examples=1_500, deadline=None)
@given(x=st.integers(1, 2**110), step=sized(70))
def test_ln_is_monotone(x, step):
    assert twin.ln_wad(x) <= twin.ln_wad(x + step)


@pytest.mark.parametrize(
    "seam", [twin.LN_NEAR_ONE_LOW, twin.LN_NEAR_ONE_HIGH, *(2**n for n in range(1, 110, 7))]
)
def test_ln_is_monotone_across_seams(seam):
    around = [twin.ln_wad(x) for x in range(max(seam - 50, 1), seam + 50)]
    # The other seam of each octave is at sqrt(2) times a power of two.
    middle = seam * 14142135623730950488 // 10**19
    around_middle = [twin.ln_wad(x) for x in range(max(middle - 50, 1), middle + 50)]
    assert around == sorted(around)
    assert around_middle == sorted(around_middle)


@settings(max_examples=1_500, deadline=None)
@given(x=st.integers(-45 * WAD, 134 * WAD), step=sized(59))
def test_exp_is_monotone(x, step):
    assert twin.exp_wad(x) <= twin.exp_wad(x + step)


@pytest.mark.parametrize("k", range(-60, 190, 10))
def test_exp_is_monotone_across_seams(k):
    # Range reduction changes octave at (k + 1/2)*ln(2).
    seam = (2 * k + 1) * twin.LN2_Q96 * WAD // 2**97
    around = [twin.exp_wad(x) for x in range(seam - 100, seam + 100)]
    assert around == sorted(around)


@settings(max_examples=500, deadline=None)
@given(x=st.integers(-20 * WAD, 40 * WAD))
def test_ln_undoes_exp(x):
    # One unit of exp(x) is worth exp(-x) units of x; half of it is lost in rounding.
    tolerance = 2 + WAD // twin.exp_wad(x)
    assert abs(twin.ln_wad(twin.exp_wad(x)) - x) <= tolerance


def test_landmarks_are_exact():
    assert twin.ln_wad(WAD) == 0
    assert twin.exp_wad(0) == WAD
    assert twin.exp_wad(WAD) == 2718281828459045235
    assert twin.exp_wad(-WAD) == 367879441171442322
    assert twin.ln_wad(2 * WAD) == 693147180559945309
    assert twin.ln_wad(WAD // 2) == -693147180559945309


def test_the_highest_bit_is_found_on_both_sides_of_every_power_of_two(library):
    xs = [2**power + offset for power in range(1, 256) for offset in (-1, 0)]
    assert library.floor_log2(xs) == [x.bit_length() - 1 for x in xs]
    assert library.floor_log2([0, UINT_MAX]) == [0, 255]
