# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle formulas harness
@license Apache-2.0
@author Seawall contributors
@notice Runs the library over arrays, so that one call compares hundreds of examples.
"""

from ...contracts.lib import oracle_math

MAX_EXAMPLES: constant(uint256) = 256


struct AggregateRow:
    prices: uint256[7]
    weights: uint256[7]
    confidences: uint256[7]
    count: uint256
    previous_price: uint256


@pure
@external
def aggregate(rows: DynArray[AggregateRow, MAX_EXAMPLES]) -> DynArray[uint256[2], MAX_EXAMPLES]:
    results: DynArray[uint256[2], MAX_EXAMPLES] = []
    for row: AggregateRow in rows:
        index_price: uint256 = 0
        confidence: uint256 = 0
        index_price, confidence = oracle_math._aggregate(
            row.prices, row.weights, row.confidences, row.count, row.previous_price
        )
        results.append([index_price, confidence])
    return results


@pure
@external
def unit_jump(rows: DynArray[uint256[2], MAX_EXAMPLES]) -> DynArray[int256, MAX_EXAMPLES]:
    results: DynArray[int256, MAX_EXAMPLES] = []
    for row: uint256[2] in rows:
        results.append(oracle_math._unit_jump(row[0], row[1]))
    return results


@pure
@external
def settlement_prices(
    rows: DynArray[uint256[10], MAX_EXAMPLES]
) -> DynArray[uint256[2], MAX_EXAMPLES]:
    """
    @notice Row: index, last good index, confidence, elapsed, variance, horizon, minimum,
            coefficient, least and largest price.
    """
    results: DynArray[uint256[2], MAX_EXAMPLES] = []
    for row: uint256[10] in rows:
        low: uint256 = 0
        high: uint256 = 0
        low, high = oracle_math._settlement_prices(
            row[0],
            row[1],
            row[2],
            oracle_math._bound_squared(row[3], row[4], row[5], row[6], row[7]),
            row[8],
            row[9],
        )
        results.append([low, high])
    return results


@pure
@external
def variance(rows: DynArray[uint256[6], MAX_EXAMPLES]) -> DynArray[uint256[4], MAX_EXAMPLES]:
    """
    @notice Row: price, previous price, elapsed, cap, tau, old estimate.
    """
    results: DynArray[uint256[4], MAX_EXAMPLES] = []
    for row: uint256[6] in rows:
        decay: uint256 = oracle_math._decay(row[2], row[4])
        observed: uint256 = oracle_math._observed_variance(row[0], row[1], row[2], row[3])
        results.append([
            decay,
            observed,
            oracle_math._blend_up(row[5], observed, decay),
            oracle_math._blend_down(row[5], observed, decay),
        ])
    return results


@pure
@external
def limit_price(rows: DynArray[uint256[7], MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for row: uint256[7] in rows:
        results.append(
            oracle_math._limit_price(row[0], row[1], row[2], row[3], row[4], row[5], row[6])
        )
    return results


@pure
@external
def status(rows: DynArray[uint256[7], MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for row: uint256[7] in rows:
        results.append(
            oracle_math._status(row[0], row[1], row[2], row[3] != 0, row[4] != 0, row[5], row[6])
        )
    return results
