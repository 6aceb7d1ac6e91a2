# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin formulas harness
@license Apache-2.0
@author Seawall contributors
@notice Runs the library over arrays, so that one call compares hundreds of examples.
"""

from ...contracts.interfaces import IBatchedRiskModel
from ...contracts.interfaces import IRiskModel
from ...contracts.lib import risk_math

MAX_EXAMPLES: constant(uint256) = 128


@pure
@external
def terms(rows: DynArray[uint256[5], MAX_EXAMPLES]) -> DynArray[uint256[5], MAX_EXAMPLES]:
    """
    @notice Every term takes its own arguments from the row, in order.
    """
    results: DynArray[uint256[5], MAX_EXAMPLES] = []
    for row: uint256[5] in rows:
        results.append([
            risk_math._volatility_margin(row[0], row[1], row[2]),
            risk_math._liquidity_margin(row[3], row[4], row[0], row[1]),
            risk_math._open_interest_margin(row[3], row[4], row[4] + row[1] + 1, row[1] // 1_000),
            risk_math._confidence_margin(row[3], row[4], row[1]),
            risk_math._effective_variance(
                row[0], row[3], 10**18 - row[1] // 1_000, row[2], row[1], row[1] // 1_000
            ),
        ])
    return results


@pure
@external
def adaptive(
    inputs: DynArray[IRiskModel.RiskInputs, MAX_EXAMPLES],
    parameters: risk_math.AdaptiveParameters,
) -> DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES]:
    risk_math._check_adaptive(parameters)
    results: DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES] = []
    for row: IRiskModel.RiskInputs in inputs:
        results.append(risk_math._adaptive_ratios(row, parameters))
    return results


@pure
@external
def volatility(
    inputs: DynArray[IRiskModel.RiskInputs, MAX_EXAMPLES],
    parameters: risk_math.VolatilityParameters,
) -> DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES]:
    risk_math._check_volatility(parameters)
    results: DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES] = []
    for row: IRiskModel.RiskInputs in inputs:
        results.append(risk_math._volatility_ratios(row, parameters))
    return results


@pure
@external
def adaptive_batch(
    inputs: IRiskModel.RiskInputs,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
    parameters: risk_math.AdaptiveParameters,
) -> DynArray[IRiskModel.MarginRatios, 512]:
    risk_math._check_adaptive(parameters)
    return risk_math._adaptive_batch(inputs, positions, parameters)


@pure
@external
def sizes(rows: DynArray[uint256[5], MAX_EXAMPLES]) -> DynArray[uint256, MAX_EXAMPLES]:
    results: DynArray[uint256, MAX_EXAMPLES] = []
    for row: uint256[5] in rows:
        results.append(risk_math._size_margin(row[0], row[1], row[2], row[3], row[4]))
    return results


@pure
@external
def tiered(
    inputs: DynArray[IRiskModel.RiskInputs, MAX_EXAMPLES],
    parameters: risk_math.TieredParameters,
) -> DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES]:
    risk_math._check_tiered(parameters)
    results: DynArray[IRiskModel.MarginRatios, MAX_EXAMPLES] = []
    for row: IRiskModel.RiskInputs in inputs:
        results.append(risk_math._tiered_ratios(row, parameters))
    return results


@pure
@external
def tiered_batch(
    inputs: IRiskModel.RiskInputs,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
    parameters: risk_math.TieredParameters,
) -> DynArray[IRiskModel.MarginRatios, 512]:
    risk_math._check_tiered(parameters)
    return risk_math._tiered_batch(inputs, positions, parameters)
