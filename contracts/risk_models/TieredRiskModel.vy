# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Tiered risk model
@custom:contract-name TieredRiskModel
@license Apache-2.0
@author Seawall contributors
@notice Margin by tiers of size, as exchanges publish them: each part of a position pays the
        rate of its tier. Volatility, open interest and the oracle's confidence can ask for more.
@dev The deduction makes the requirement continuous where a tier begins. Formula in
     `lib/risk_math.vy`, `_tiered_ratios`.
@custom:kill Nothing to stop: no funds, no changing state. A change of parameters is a new
             instance that the market is pointed at.
@custom:invariants 0 < maintenance < initial <= WAD for every input; no input reverts. A larger
             position never needs less.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import IRiskModel
from ..lib import risk_math


implements: IRiskModel
implements: IBatchedRiskModel


OWNER: immutable(address)
PARAMETERS: immutable(risk_math.TieredParameters)


@deploy
def __init__(owner: address, parameters: risk_math.TieredParameters):
    """
    @notice Checks and fixes the parameters.
    @param owner Who answers for the parameters; has no power over them.
    @param parameters Parameters of the formula.
    """
    assert owner != empty(address), "risk_model: zero owner"
    risk_math._check_tiered(parameters)
    OWNER = owner
    PARAMETERS = parameters


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    """
    @notice Target margin ratios of a position.
    @param inputs The position and the market's state.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    return risk_math._tiered_ratios(inputs, PARAMETERS)


@view
@external
@reentrant
def margin_ratios_batch(
    inputs: IRiskModel.RiskInputs, positions: DynArray[IBatchedRiskModel.PositionInputs, 512]
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @notice Target margin ratios of many positions of one market.
    @param inputs The market's state.
    @param positions The positions.
    @return DynArray For each position exactly what `margin_ratios` says, in order.
    """
    return risk_math._tiered_batch(inputs, positions, PARAMETERS)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Fraction of the quote collateral that does not count as margin.
    @return uint256 Haircut in [0, WAD).
    """
    return PARAMETERS.haircut


@view
@external
@reentrant
def parameters() -> risk_math.TieredParameters:
    """
    @notice The model's parameters, fixed at deployment.
    @return TieredParameters Parameters of the formula.
    """
    return PARAMETERS


@view
@external
@reentrant
def owner() -> address:
    """
    @notice Who answers for the parameters; has no power over them.
    @return address Fixed at deployment.
    """
    return OWNER
