# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Fixed-point arithmetic
@custom:contract-name fixed_point
@license Apache-2.0
@author Seawall contributors
@notice WAD multiplication and division with the rounding direction in the name, floor
        division of signed numbers, square root, natural logarithm and exponential.
@dev Products are checked: an intermediate beyond 256 bits reverts, nothing wraps.
     `sim/reference/fixed_point.py` is the bit-exact twin.

     `_ln_wad` and `_exp_wad` round to the nearest WAD unit (ulp = 10**-18).

     Logarithm: x = 2**k * m with m in [1/sqrt(2), sqrt(2)], z = (m - 1)/(m + 1), and
     ln(m) = 2*(z + z**3/3 + ... + z**27/27) in Q120. As |z| <= 3 - 2*sqrt(2) the tail is
     below 2*|z|**29/(29*(1 - z**2)) < 4.5e-24; rounding inside adds less than 2**-111.
     Error <= 0.5 ulp + 5e-6 ulp. Non-decreasing for x < 2**110 (1.2e15 units), because
     there consecutive x differ by more than the rounding noise; ln(WAD) = 0 exactly.

     Exponential: x = k*ln(2) + r with |r| <= ln(2)/2, and exp(r) is the [8/8] Pade
     approximant (P + r*Q)/(P - r*Q), P and Q polynomials of r**2 with the integer
     coefficients (16 - j)!/(j!*(8 - j)!). Its relative error is below
     |r|**17*(8!)**2/(16!*17!) < 3.4e-27; rounding in Q96 adds less than 2e-27 + 2.6e-30*|x|
     (x as a real number). Error <= 0.5 ulp + 6e-27 of the result. Non-decreasing
     everywhere, because one ulp of x moves the result by 1e-18 of itself; exp(0) = WAD.
"""

from . import constants


# Binary point of the logarithm and of the exponential.
ONE_Q120: constant(int256) = 2**120
ONE_Q96: constant(int256) = 2**96
# ln(2) and ln(10**18), rounded to nearest.
LN2_Q120: constant(int256) = 921350637599661305226344307672478455
LN2_Q96: constant(int256) = 54916777467707473351141471128
LN_WAD_Q120: constant(int256) = 55091890229124590634750362065086143195
# sqrt(2) in Q120; sqrt(1/2) and sqrt(2) in WAD. They only choose a branch.
SQRT2_Q120: constant(uint256) = 1879812259125035246445576347481445757
LN_NEAR_ONE_LOW: constant(uint256) = 707106781186547525
LN_NEAR_ONE_HIGH: constant(uint256) = 1414213562373095048
# Above, exp(x)*WAD nears 2**256. Below, exp(x) is less than half a WAD unit.
EXP_MAX: constant(int256) = 135 * 10**18
EXP_MIN: constant(int256) = -43 * 10**18
SIGNED_WAD: constant(int256) = 10**18
SIGNED_QUANTUM: constant(int256) = 10**12


# ---------------------------------------------------------------- unsigned, WAD


@pure
@internal
def _mul_wad_down(a: uint256, b: uint256) -> uint256:
    """
    @dev a*b/WAD.
    @param a Factor (WAD).
    @param b Factor (WAD).
    @return uint256 Product (WAD).
    """
    # NOTE: rounds down.
    return a * b // constants.WAD


@pure
@internal
def _mul_wad_up(a: uint256, b: uint256) -> uint256:
    """
    @dev a*b/WAD.
    @param a Factor (WAD).
    @param b Factor (WAD).
    @return uint256 Product (WAD).
    """
    # NOTE: rounds up.
    return self._ceil_div(a * b, constants.WAD)


@pure
@internal
def _div_wad_down(a: uint256, b: uint256) -> uint256:
    """
    @dev a*WAD/b. Reverts if b is zero.
    @param a Dividend.
    @param b Divisor, in the unit of a.
    @return uint256 Quotient (WAD).
    """
    # NOTE: rounds down.
    return a * constants.WAD // b


@pure
@internal
def _div_wad_up(a: uint256, b: uint256) -> uint256:
    """
    @dev a*WAD/b. Reverts if b is zero.
    @param a Dividend.
    @param b Divisor, in the unit of a.
    @return uint256 Quotient (WAD).
    """
    # NOTE: rounds up.
    return self._ceil_div(a * constants.WAD, b)


@pure
@internal
def _mul_div_down(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @dev a*b/c. Reverts if c is zero or a*b needs more than 256 bits.
    @param a Factor.
    @param b Factor.
    @param c Divisor.
    @return uint256 Quotient.
    """
    # NOTE: rounds down.
    return a * b // c


@pure
@internal
def _mul_div_up(a: uint256, b: uint256, c: uint256) -> uint256:
    """
    @dev a*b/c. Reverts if c is zero or a*b needs more than 256 bits.
    @param a Factor.
    @param b Factor.
    @param c Divisor.
    @return uint256 Quotient.
    """
    # NOTE: rounds up.
    return self._ceil_div(a * b, c)


@pure
@internal
def _ceil_div(a: uint256, b: uint256) -> uint256:
    """
    @dev a/b. Reverts if b is zero; never overflows.
    @param a Dividend.
    @param b Divisor.
    @return uint256 Quotient.
    """
    assert b != 0, "fixed_point: division by zero"
    if a == 0:
        return 0
    # NOTE: rounds up.
    return unsafe_add(unsafe_div(unsafe_sub(a, 1), b), 1)


# ---------------------------------------------------------------- signed


@pure
@internal
def _floor_div_signed(a: int256, b: int256) -> int256:
    """
    @dev a/b. Vyper's `//` truncates toward zero; this one floors. Reverts if b is zero.
    @param a Dividend.
    @param b Divisor.
    @return int256 Quotient.
    """
    quotient: int256 = a // b
    # NOTE: rounds toward minus infinity.
    if a % b != 0 and (a < 0) != (b < 0):
        quotient = unsafe_sub(quotient, 1)
    return quotient


@pure
@internal
def _mul_wad_signed_floor(a: int256, b: int256) -> int256:
    """
    @dev a*b/WAD.
    @param a Factor (WAD).
    @param b Factor (WAD).
    @return int256 Product (WAD).
    """
    # NOTE: rounds toward minus infinity: a gain is less, a loss is more.
    return self._floor_div_signed(a * b, SIGNED_WAD)


@pure
@internal
def _mul_div_signed_floor(a: int256, b: int256, c: int256) -> int256:
    """
    @dev a*b/c. Reverts if c is zero or a*b needs more than 256 bits.
    @param a Factor.
    @param b Factor.
    @param c Divisor.
    @return int256 Quotient.
    """
    # NOTE: rounds toward minus infinity.
    return self._floor_div_signed(a * b, c)


@pure
@internal
def _quantize_down(amount: int256) -> int256:
    """
    @dev Largest multiple of the quantum (one token unit) that is not above the amount.
    @param amount Amount (WAD quote).
    @return int256 Multiple of 10**12.
    """
    # NOTE: rounds toward minus infinity.
    return self._floor_div_signed(amount, SIGNED_QUANTUM) * SIGNED_QUANTUM


@pure
@internal
def _quantize_up(amount: int256) -> int256:
    """
    @dev Smallest multiple of the quantum (one token unit) that is not below the amount.
    @param amount Amount (WAD quote).
    @return int256 Multiple of 10**12.
    """
    # NOTE: rounds toward plus infinity.
    return -self._quantize_down(-amount)


# ---------------------------------------------------------------- root, log, exp


@pure
@internal
def _sqrt_wad(x: uint256) -> uint256:
    """
    @dev Square root: volatility of a variance. Reverts above 1.1e41 units.
    @param x Variance (WAD).
    @return uint256 Volatility (WAD).
    """
    # NOTE: rounds down, by less than one WAD unit.
    return isqrt(x * constants.WAD)


@pure
@internal
def _sqrt_wad_up(x: uint256) -> uint256:
    """
    @dev Square root, not below the true one. Reverts above 1.1e41 units.
    @param x Variance (WAD).
    @return uint256 Volatility (WAD).
    """
    square: uint256 = x * constants.WAD
    root: uint256 = isqrt(square)
    # NOTE: rounds up.
    if unsafe_mul(root, root) < square:
        root = unsafe_add(root, 1)
    return root


@pure
@internal
def _cbrt_wad_up(x: uint256) -> uint256:
    """
    @dev Cube root, not below the true one. Reverts above 1.1e23 units.
    @param x Number (WAD).
    @return uint256 Root (WAD).
    """
    if x == 0:
        return 0
    cube: uint256 = x * 10**36
    # Newton's steps in whole numbers, from a power of two above the root: each falls, until one
    # does not, which stands on the root rounded down. Eight reach every root (tests).
    root: uint256 = 1 << (self._floor_log2(cube) // 3 + 1)
    for i: uint256 in range(16):
        lower: uint256 = (2 * root + cube // (root * root)) // 3
        if lower >= root:
            break
        root = lower
    # NOTE: rounds up, against the account.
    return root if root * root * root == cube else root + 1


@pure
@internal
def _ln_wad(x: uint256) -> int256:
    """
    @dev Natural logarithm, error bound in the header. Reverts if x is zero.
    @param x Argument (WAD).
    @return int256 ln(x) (WAD), rounded to nearest.
    """
    assert x != 0, "fixed_point: log of zero"

    z: int256 = 0
    offset: int256 = 0
    if LN_NEAR_ONE_LOW <= x and x <= LN_NEAR_ONE_HIGH:
        # A price ratio is nearly always here: no range reduction, no cancellation.
        z = unsafe_div(
            unsafe_sub(convert(x, int256), SIGNED_WAD) * ONE_Q120,
            unsafe_add(convert(x, int256), SIGNED_WAD),
        )
    else:
        exponent: uint256 = self._floor_log2(x)
        mantissa: uint256 = 0
        if exponent <= 120:
            mantissa = x << unsafe_sub(120, exponent)
        else:
            mantissa = x >> unsafe_sub(exponent, 120)
        center: int256 = ONE_Q120
        if mantissa > SQRT2_Q120:
            center = 2 * ONE_Q120
            exponent = unsafe_add(exponent, 1)
        z = unsafe_div(
            unsafe_sub(convert(mantissa, int256), center) * ONE_Q120,
            unsafe_add(convert(mantissa, int256), center),
        )
        offset = unsafe_sub(unsafe_mul(convert(exponent, int256), LN2_Q120), LN_WAD_Q120)

    # Horner's rule; the coefficients are 2**120/(2*j + 1) to nearest. No product exceeds
    # 2**241, so unchecked arithmetic is exact.
    w: int256 = unsafe_mul(z, z) >> 120
    s: int256 = 49230666510552439737178039269642392
    s = unsafe_add(53169119831396634916152282411213783, unsafe_mul(s, w) >> 120)
    s = unsafe_add(57792521555865907516557828707841069, unsafe_mul(s, w) >> 120)
    s = unsafe_add(63296571227853136804943193346683075, unsafe_mul(s, w) >> 120)
    s = unsafe_add(69959368199206098573884582120018136, unsafe_mul(s, w) >> 120)
    s = unsafe_add(78189882104995051347282768251784975, unsafe_mul(s, w) >> 120)
    s = unsafe_add(88615199718994391526920470685356305, unsafe_mul(s, w) >> 120)
    s = unsafe_add(102248307368070451761831312329257275, unsafe_mul(s, w) >> 120)
    s = unsafe_add(120838908707719624809437005480031325, unsafe_mul(s, w) >> 120)
    s = unsafe_add(147691999531657319211534117808927175, unsafe_mul(s, w) >> 120)
    s = unsafe_add(189889713683559410414829580040049225, unsafe_mul(s, w) >> 120)
    s = unsafe_add(265845599156983174580761412056068915, unsafe_mul(s, w) >> 120)
    s = unsafe_add(443075998594971957634602353426781525, unsafe_mul(s, w) >> 120)
    s = unsafe_add(ONE_Q120, unsafe_mul(s, w) >> 120)
    logarithm: int256 = unsafe_add(offset, unsafe_mul(z, s) >> 119)

    # NOTE: rounds to nearest.
    return unsafe_add(unsafe_mul(logarithm, SIGNED_WAD), ONE_Q120 // 2) >> 120


@pure
@internal
def _exp_wad(x: int256) -> uint256:
    """
    @dev Exponential, error bound in the header. Zero below -43; reverts above 135.
    @param x Argument (WAD).
    @return uint256 exp(x) (WAD), rounded to nearest.
    """
    if x <= EXP_MIN:
        return 0
    assert x <= EXP_MAX, "fixed_point: exp overflow"

    scaled: int256 = unsafe_div(unsafe_mul(x, ONE_Q96), SIGNED_WAD)
    half: int256 = LN2_Q96
    if x < 0:
        half = -LN2_Q96
    k: int256 = unsafe_div(unsafe_add(unsafe_mul(scaled, 2), half), 2 * LN2_Q96)
    r: int256 = unsafe_sub(scaled, unsafe_mul(k, LN2_Q96))

    # No product exceeds 2**219, so unchecked arithmetic is exact.
    t: int256 = unsafe_mul(r, r) >> 96
    p: int256 = unsafe_add(2520 * ONE_Q96, t)
    p = unsafe_add(831600 * ONE_Q96, unsafe_mul(p, t) >> 96)
    p = unsafe_add(60540480 * ONE_Q96, unsafe_mul(p, t) >> 96)
    p = unsafe_add(518918400 * ONE_Q96, unsafe_mul(p, t) >> 96)
    q: int256 = unsafe_add(55440 * ONE_Q96, unsafe_mul(72, t))
    q = unsafe_add(8648640 * ONE_Q96, unsafe_mul(q, t) >> 96)
    q = unsafe_add(259459200 * ONE_Q96, unsafe_mul(q, t) >> 96)
    q = unsafe_mul(q, r) >> 96
    # exp(r) in Q128, within [0.70, 1.42].
    v: uint256 = unsafe_div(convert(unsafe_add(p, q), uint256) << 128, convert(unsafe_sub(p, q), uint256))
    v = unsafe_mul(v, constants.WAD)

    places: int256 = unsafe_sub(128, k)
    if places <= 0:
        return v << convert(-places, uint256)
    right: uint256 = convert(places, uint256)
    # NOTE: rounds to nearest.
    return unsafe_add(v, 1 << unsafe_sub(right, 1)) >> right


@pure
@internal
def _floor_log2(x: uint256) -> uint256:
    """
    @dev Position of the highest set bit, by bisection. Zero for x = 0.
    @param x Any number.
    @return uint256 floor(log2(x)).
    """
    rest: uint256 = x
    exponent: uint256 = 0
    if rest >= 2**128:
        rest = rest >> 128
        exponent = 128
    if rest >= 2**64:
        rest = rest >> 64
        exponent = unsafe_add(exponent, 64)
    if rest >= 2**32:
        rest = rest >> 32
        exponent = unsafe_add(exponent, 32)
    if rest >= 2**16:
        rest = rest >> 16
        exponent = unsafe_add(exponent, 16)
    if rest >= 2**8:
        rest = rest >> 8
        exponent = unsafe_add(exponent, 8)
    if rest >= 2**4:
        rest = rest >> 4
        exponent = unsafe_add(exponent, 4)
    if rest >= 2**2:
        rest = rest >> 2
        exponent = unsafe_add(exponent, 2)
    if rest >= 2:
        exponent = unsafe_add(exponent, 1)
    return exponent
