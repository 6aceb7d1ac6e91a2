# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Fixed-point harness
@license Apache-2.0
@author Seawall contributors
@notice Runs the library over arrays, so that one call compares hundreds of examples.
"""

from ...contracts.lib import fixed_point

MAX_EXAMPLES: constant(uint256) = 512


@pure
@external
def ln_wad(xs: DynArray[uint256, MAX_EXAMPLES]) -> DynArray[int256, MAX_EXAMPLES]:
    results: DynArray[int256, MAX_EXAMPLES] = []
    for x: uint256 in xs:
        results.append(fixed_point._ln_wad(x))
    return results


@pure
@external
def floor_log2(xs: DynArray[uint256, MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for x: uint256 in xs:
        results.append(fixed_point._floor_log2(x))
    return results


@pure
@external
def exp_wad(xs: DynArray[int256, MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for x: int256 in xs:
        results.append(fixed_point._exp_wad(x))
    return results


@pure
@external
def cube_roots(xs: DynArray[uint256, MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for x: uint256 in xs:
        results.append(fixed_point._cbrt_wad_up(x))
    return results


@pure
@external
def roots(xs: DynArray[uint256, MAX_EXAMPLES]) -> DynArray[uint256[2], MAX_EXAMPLES]:
    results: DynArray[uint256[2], MAX_EXAMPLES] = []
    for x: uint256 in xs:
        results.append([fixed_point._sqrt_wad(x), fixed_point._sqrt_wad_up(x)])
    return results


@pure
@external
def unsigned(rows: DynArray[uint256[3], MAX_EXAMPLES]) -> DynArray[uint256[7], MAX_EXAMPLES]:
    results: DynArray[uint256[7], MAX_EXAMPLES] = []
    for row: uint256[3] in rows:
        a: uint256 = row[0]
        b: uint256 = row[1]
        c: uint256 = row[2]
        results.append([
            fixed_point._mul_wad_down(a, b),
            fixed_point._mul_wad_up(a, b),
            fixed_point._div_wad_down(a, c),
            fixed_point._div_wad_up(a, c),
            fixed_point._mul_div_down(a, b, c),
            fixed_point._mul_div_up(a, b, c),
            fixed_point._ceil_div(a, c),
        ])
    return results


@pure
@external
def signed(rows: DynArray[int256[3], MAX_EXAMPLES]) -> DynArray[int256[5], MAX_EXAMPLES]:
    results: DynArray[int256[5], MAX_EXAMPLES] = []
    for row: int256[3] in rows:
        a: int256 = row[0]
        b: int256 = row[1]
        c: int256 = row[2]
        results.append([
            fixed_point._floor_div_signed(a, c),
            fixed_point._mul_wad_signed_floor(a, b),
            fixed_point._mul_div_signed_floor(a, b, c),
            fixed_point._quantize_down(a),
            fixed_point._quantize_up(a),
        ])
    return results
