"""Conversions between what people write, WAD integers and token units.

On chain every price, size, ratio and quote amount is an integer in units of 10**-18 (WAD). Quote money is
USDC with 6 decimals, so booked quote amounts are multiples of `QUANTUM` and convert to token units without
remainder. This is the only module that knows the powers of ten.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Final

import numpy as np

from sim.core.arrays import FloatArray
from sim.core.errors import InputError

WAD_DECIMALS: Final = 18
TOKEN_DECIMALS: Final = 6
WAD: Final = 10**WAD_DECIMALS
TOKEN_UNIT: Final = 10**TOKEN_DECIMALS
QUANTUM: Final = 10 ** (WAD_DECIMALS - TOKEN_DECIMALS)
YEAR_SECONDS: Final = 31_536_000
GWEI: Final = 10**9
MAX_UINT256: Final = 2**256 - 1
MAX_INT256: Final = 2**255 - 1
MIN_INT256: Final = -(2**255)

_LARGEST_DIGITS = 50  # 10**50 in WAD still fits an int256; larger input is a mistake or an attack on memory


def to_wad(value: str | float | Decimal) -> int:
    """Return `value` in WAD.

    Strings, integers and decimals must be representable exactly (at most 18 decimals). A float is read
    through its shortest decimal form and rounded to the nearest WAD, ties to even: a float has no more to say
    than that.

    Raises
    ------
    InputError
        Not a finite number, magnitude of 10**50 or more, or more than 18 decimals in an exact type.
    """
    if isinstance(value, bool):
        raise InputError(f"{value!r} is not a number")
    if isinstance(value, int):
        if abs(value) >= 10**_LARGEST_DIGITS:
            raise InputError("number is too large, magnitude must be below 1e50")
        return value * WAD
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InputError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise InputError(f"{value!r} is not a finite number")
    if number and number.adjusted() >= _LARGEST_DIGITS:
        raise InputError(f"{value!r} is too large, magnitude must be below 1e50")
    sign, digits, exponent = number.as_tuple()
    shift = int(exponent) + WAD_DECIMALS
    magnitude = int("".join(map(str, digits)))
    if magnitude == 0:
        return 0
    if shift >= 0:
        magnitude *= 10**shift
    elif -shift > len(digits) + 1:
        # Below half a unit whatever the digits are; also keeps 1e-999999 from building a huge power of ten.
        if not isinstance(value, float):
            raise InputError(f"{value!r} has more than {WAD_DECIMALS} decimals")
        magnitude = 0
    else:
        magnitude, rest = divmod(magnitude, 10**-shift)
        if rest and not isinstance(value, float):
            raise InputError(f"{value!r} has more than {WAD_DECIMALS} decimals")
        twice = 2 * rest
        if twice > 10**-shift or (twice == 10**-shift and magnitude % 2 == 1):
            magnitude += 1
    return -magnitude if sign else magnitude


def from_wad(value: int) -> float:
    """Return the float nearest to `value` WAD (Python's integer division rounds correctly)."""
    return value / WAD


def to_wad_list(values: FloatArray) -> list[int]:
    """Return `values` in WAD, for the hot path: value * 10**18 as a double, truncated to an integer.

    Relative error up to 2**-53 against `to_wad`; both are the same on every machine. Values must be finite.
    """
    return [int(value) for value in (np.asarray(values, dtype=np.float64) * float(WAD)).tolist()]


def from_wad_list(values: Iterable[int]) -> FloatArray:
    """Return WAD integers as float64[n]."""
    return np.array([value / WAD for value in values], dtype=np.float64)


def to_token_units(value: int) -> int:
    """Return a WAD quote amount in token units (6 decimals), rounded toward minus infinity."""
    return value // QUANTUM


def from_token_units(value: int) -> int:
    """Return token units (6 decimals) as a WAD quote amount; exact."""
    return value * QUANTUM


def floor_quantum(value: int) -> int:
    """Return the largest multiple of `QUANTUM` not above the WAD amount `value`."""
    return value // QUANTUM * QUANTUM


def ceil_quantum(value: int) -> int:
    """Return the smallest multiple of `QUANTUM` not below the WAD amount `value`."""
    return -(-value // QUANTUM) * QUANTUM
