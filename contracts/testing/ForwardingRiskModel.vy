# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Forwarding risk model
@custom:contract-name ForwardingRiskModel
@license Apache-2.0
@author Seawall contributors
@notice The simulator's instrument for enacting a margin formula that the governor has no
        blueprint of, a designer's own: passes every question on to the formula, which is
        deployed already. The governor's words are its address, in two halves.
@dev Never part of a deployment that means to manage risk. There a designer's formula is
     admitted by `register_model` with a blueprint of its own.
@custom:kill Nothing to stop: no funds, no state.
@custom:invariants The answers are the formula's at all times.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import IRiskModel


implements: IRiskModel
implements: IBatchedRiskModel


HALF_BITS: constant(uint256) = 80


FORMULA: immutable(address)


@deploy
def __init__(owner: address, high: uint256, low: uint256):
    """
    @notice Stands in front of a formula.
    @param owner Not used: every formula's constructor begins with it.
    @param high Upper 80 bits of the formula's address.
    @param low Lower 80 bits of it.
    """
    assert max(high, low) < 2**HALF_BITS, "forwarding_risk_model: no half of an address"
    FORMULA = convert((high << HALF_BITS) | low, address)


@view
@external
@reentrant
def parameters() -> (uint256, uint256):
    """
    @notice The words it was made with, which the governor compares.
    @return uint256 Upper 80 bits of the formula's address.
    @return uint256 Lower 80 bits of it.
    """
    word: uint256 = convert(FORMULA, uint256)
    return word >> HALF_BITS, word & (2**HALF_BITS - 1)


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    """
    @notice Target margin ratios of a position.
    @param inputs The position and the market's state.
    @return MarginRatios The formula's.
    """
    return staticcall IRiskModel(FORMULA).margin_ratios(inputs)


@view
@external
@reentrant
def margin_ratios_batch(
    inputs: IRiskModel.RiskInputs, positions: DynArray[IBatchedRiskModel.PositionInputs, 512]
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @notice Target margin ratios of many positions; reverts if the formula has no batch.
    @param inputs The market's state.
    @param positions The positions.
    @return DynArray The formula's.
    """
    return staticcall IBatchedRiskModel(FORMULA).margin_ratios_batch(inputs, positions)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Fraction of the quote collateral that does not count as margin.
    @return uint256 The formula's haircut.
    """
    return staticcall IRiskModel(FORMULA).collateral_haircut()
