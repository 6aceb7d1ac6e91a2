from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core import units
from sim.core.errors import InputError
from sim.core.units import QUANTUM, WAD, from_wad, to_wad


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("1", WAD),
        (1, WAD),
        ("-2.5", -2_500_000_000_000_000_000),
        ("0.000000000000000001", 1),
        ("-0.000000000000000001", -1),
        (0.1, 100_000_000_000_000_000),
        (1e-19, 0),
        (5e-19, 0),  # a tie goes to the even neighbour
        (1.5e-18, 2),
        (-6e-19, -1),
        (5e-324, 0),
        (1e30, 10**48),
        (Decimal("1.000000000000000001"), WAD + 1),
        ("1e3", 1000 * WAD),
        (
            "123456789012345678901234567890.123456789012345678",
            123456789012345678901234567890123456789012345678,
        ),
    ],
)
def test_to_wad_known_values(value, expected):
    assert to_wad(value) == expected


@pytest.mark.parametrize(
    "value",
    ["", "abc", "nan", "inf", "-inf", float("nan"), float("inf"), "0.0000000000000000001", "1e-30", "1e50",
     "1e999999", "-1e999999", "1e-999999", 10**50, True, Decimal("NaN")],
)  # fmt: skip
def test_to_wad_refuses(value):
    with pytest.raises(InputError):
        to_wad(value)


@given(st.integers(-(10**60), 10**60))
def test_decimal_text_of_a_wad_reads_back_exactly(value):
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), WAD)
    assert to_wad(f"{sign}{whole}.{part:018d}") == value


@given(st.floats(-1e20, 1e20))
def test_a_float_goes_to_the_nearest_wad_of_its_decimal_form(value):
    assert abs(Fraction(to_wad(value)) - Fraction(Decimal(repr(value))) * WAD) <= Fraction(1, 2)


@given(st.floats(-1e20, 1e20))
def test_the_list_form_agrees_within_one_rounding_and_one_unit(value):
    (fast,) = units.to_wad_list(np.array([value]))
    assert abs(fast - to_wad(value)) <= abs(to_wad(value)) * 2**-52 + 1


@given(st.integers(-(10**40), 10**40))
def test_from_wad_is_the_nearest_float(value):
    assert from_wad(value) == float(Fraction(value, WAD))
    assert units.from_wad_list([value])[0] == from_wad(value)


@given(st.integers(-(10**30), 10**30))
def test_quantum_rounding_brackets_the_value(value):
    low, high = units.floor_quantum(value), units.ceil_quantum(value)
    assert low <= value <= high
    assert high - low in (0, QUANTUM)
    assert low % QUANTUM == high % QUANTUM == 0
    assert units.from_token_units(units.to_token_units(value)) == low
