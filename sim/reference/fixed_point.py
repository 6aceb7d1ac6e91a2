"""Fixed-point arithmetic, bit-exact twin of ``contracts/lib/fixed_point.vy``.

Same names without the leading underscore, same integers out. Where the contract would
revert because a product needs more than 256 bits, these functions raise ``OverflowError``;
where it divides by zero, ``ZeroDivisionError``; where it asserts, ``ValueError``. The error
bounds of ``ln_wad`` and ``exp_wad`` are derived in the contract's header.
"""

from math import isqrt

WAD = 10**18
QUANTUM = 10**12

UINT_MAX = 2**256 - 1
INT_MAX = 2**255 - 1
INT_MIN = -(2**255)

ONE_Q120 = 2**120
ONE_Q96 = 2**96
LN2_Q120 = 921350637599661305226344307672478455
LN2_Q96 = 54916777467707473351141471128
LN_WAD_Q120 = 55091890229124590634750362065086143195
SQRT2_Q120 = 1879812259125035246445576347481445757
LN_NEAR_ONE_LOW = 707106781186547525
LN_NEAR_ONE_HIGH = 1414213562373095048
EXP_MAX = 135 * WAD
EXP_MIN = -43 * WAD

# 2**120/(2*j + 1) to nearest for j = 13 .. 0, the order Horner's rule takes them in.
LN_COEFFICIENTS = tuple((2 * ONE_Q120 + 2 * j + 1) // (2 * (2 * j + 1)) for j in range(13, -1, -1))


def checked_uint(value: int) -> int:
    """Return ``value`` if a ``uint256`` can hold it, else raise ``OverflowError``."""
    if not 0 <= value <= UINT_MAX:
        raise OverflowError(f"{value} does not fit uint256")
    return value


def checked_int(value: int) -> int:
    """Return ``value`` if an ``int256`` can hold it, else raise ``OverflowError``."""
    if not INT_MIN <= value <= INT_MAX:
        raise OverflowError(f"{value} does not fit int256")
    return value


def truncating_div(a: int, b: int) -> int:
    """Divide as the EVM's SDIV does: toward zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def ceil_div(a: int, b: int) -> int:
    """Unsigned a/b rounded up."""
    return -(-a // b)


def mul_wad_down(a: int, b: int) -> int:
    """Unsigned a*b/WAD rounded down."""
    return checked_uint(a * b) // WAD


def mul_wad_up(a: int, b: int) -> int:
    """Unsigned a*b/WAD rounded up."""
    return ceil_div(checked_uint(a * b), WAD)


def div_wad_down(a: int, b: int) -> int:
    """Unsigned a*WAD/b rounded down."""
    return checked_uint(a * WAD) // b


def div_wad_up(a: int, b: int) -> int:
    """Unsigned a*WAD/b rounded up."""
    return ceil_div(checked_uint(a * WAD), b)


def mul_div_down(a: int, b: int, c: int) -> int:
    """Unsigned a*b/c rounded down."""
    return checked_uint(a * b) // c


def mul_div_up(a: int, b: int, c: int) -> int:
    """Unsigned a*b/c rounded up."""
    return ceil_div(checked_uint(a * b), c)


def floor_div_signed(a: int, b: int) -> int:
    """Signed a/b rounded toward minus infinity."""
    return checked_int(a // b)


def mul_wad_signed_floor(a: int, b: int) -> int:
    """Signed a*b/WAD rounded toward minus infinity."""
    return checked_int(a * b) // WAD


def mul_div_signed_floor(a: int, b: int, c: int) -> int:
    """Signed a*b/c rounded toward minus infinity."""
    return checked_int(checked_int(a * b) // c)


def quantize_down(amount: int) -> int:
    """Largest multiple of the quantum (one token unit, 10**12 WAD) not above ``amount``."""
    return checked_int(amount // QUANTUM * QUANTUM)


def quantize_up(amount: int) -> int:
    """Smallest multiple of the quantum (one token unit, 10**12 WAD) not below ``amount``."""
    return checked_int(-quantize_down(checked_int(-amount)))


def sqrt_wad(x: int) -> int:
    """Square root of a WAD number, rounded down."""
    return isqrt(checked_uint(x * WAD))


def sqrt_wad_up(x: int) -> int:
    """Square root of a WAD number, rounded up."""
    square = checked_uint(x * WAD)
    root = isqrt(square)
    return root + (root * root < square)


def cbrt_wad_up(x: int) -> int:
    """Cube root of a WAD number, rounded up."""
    cube = checked_uint(x * 10**36)
    low, high = 0, 1 << (cube.bit_length() // 3 + 1)
    while low < high:  # the least root whose cube is not below: found otherwise than the contract finds it
        middle = (low + high) // 2
        if middle**3 < cube:
            low = middle + 1
        else:
            high = middle
    return low


def ln_wad(x: int) -> int:
    """Natural logarithm of a WAD number to the nearest WAD unit; x must be positive."""
    if x == 0:
        raise ValueError("fixed_point: log of zero")
    if LN_NEAR_ONE_LOW <= x <= LN_NEAR_ONE_HIGH:
        z = truncating_div((x - WAD) * ONE_Q120, x + WAD)
        offset = 0
    else:
        exponent = checked_uint(x).bit_length() - 1
        mantissa = x << (120 - exponent) if exponent <= 120 else x >> (exponent - 120)
        center = ONE_Q120
        if mantissa > SQRT2_Q120:
            center = 2 * ONE_Q120
            exponent += 1
        z = truncating_div((mantissa - center) * ONE_Q120, mantissa + center)
        offset = exponent * LN2_Q120 - LN_WAD_Q120
    w = z * z >> 120
    series = 0
    for coefficient in LN_COEFFICIENTS:
        series = coefficient + (series * w >> 120)
    logarithm = offset + (z * series >> 119)
    return (logarithm * WAD + ONE_Q120 // 2) >> 120


def exp_wad(x: int) -> int:
    """Exponential of a WAD number to the nearest WAD unit; 0 below -43, x at most 135."""
    if x <= EXP_MIN:
        return 0
    if x > EXP_MAX:
        raise ValueError("fixed_point: exp overflow")
    scaled = truncating_div(x * ONE_Q96, WAD)
    half = -LN2_Q96 if x < 0 else LN2_Q96
    k = truncating_div(scaled * 2 + half, 2 * LN2_Q96)
    r = scaled - k * LN2_Q96
    t = r * r >> 96
    p = 2520 * ONE_Q96 + t
    p = 831600 * ONE_Q96 + (p * t >> 96)
    p = 60540480 * ONE_Q96 + (p * t >> 96)
    p = 518918400 * ONE_Q96 + (p * t >> 96)
    q = 55440 * ONE_Q96 + 72 * t
    q = 8648640 * ONE_Q96 + (q * t >> 96)
    q = 259459200 * ONE_Q96 + (q * t >> 96)
    q = q * r >> 96
    v = ((p + q) << 128) // (p - q) * WAD
    shift = 128 - k
    if shift <= 0:
        return v << -shift
    return (v + (1 << (shift - 1))) >> shift
