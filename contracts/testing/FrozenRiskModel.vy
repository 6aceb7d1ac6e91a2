# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Frozen risk model
@custom:contract-name FrozenRiskModel
@license Apache-2.0
@author Seawall contributors
@notice The simulator's instrument for the world without margin feedback, and for accounts that
        open at prices of their own a time-lock after the listing: stands in front of a margin
        formula and passes every question on, until its inputs are frozen. Until they thaw the
        formula is asked about the market as it stood, and the position alone is live.
@dev Never part of a deployment that means to manage risk. A formula that reads the time or
     another contract is not held by this: the simulator compares its answers and refuses.
@custom:kill Nothing to stop: no funds.
@custom:invariants Unless frozen the answers are the formula's; frozen they depend on the
                   position alone. The haircut is the formula's own at all times.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskModel
from ..lib import risk_inputs


implements: IRiskModel
implements: IBatchedRiskModel


FORMULA: immutable(address)
OWNER: immutable(address)

frozen: IRiskModel.RiskInputs
is_frozen: bool


@deploy
def __init__(owner: address, formula: address):
    """
    @notice Stands in front of a formula.
    @param owner Who may freeze.
    @param formula The margin formula that answers.
    """
    OWNER = owner
    FORMULA = formula


@external
def freeze(market_registry: address, market: uint256):
    """
    @notice Holds the inputs of one market as they are now.
    @param market_registry Market registry that has them.
    @param market Market that asks this model.
    """
    assert msg.sender == OWNER, "frozen_risk_model: not the owner"
    assert not self.is_frozen, "frozen_risk_model: frozen already"
    self.frozen = risk_inputs._market_inputs(
        staticcall IMarketRegistry(market_registry).market_snapshot(market)
    )
    self.is_frozen = True


@external
def thaw():
    """
    @notice Lets the market's own inputs count again.
    """
    assert msg.sender == OWNER, "frozen_risk_model: not the owner"
    assert self.is_frozen, "frozen_risk_model: not frozen"
    self.is_frozen = False


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    """
    @notice Target margin ratios of a position.
    @param inputs The position and the market's state.
    @return MarginRatios The formula's, of these inputs or of the frozen ones.
    """
    asked: IRiskModel.RiskInputs = inputs
    if self.is_frozen:
        asked = self.frozen
        asked.notional = inputs.notional
        asked.side = inputs.side
        asked.account_notional = inputs.account_notional
    return staticcall IRiskModel(FORMULA).margin_ratios(asked)


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
    @return DynArray The formula's, of this market or of the frozen one.
    """
    asked: IRiskModel.RiskInputs = inputs
    if self.is_frozen:
        asked = self.frozen
    return staticcall IBatchedRiskModel(FORMULA).margin_ratios_batch(asked, positions)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Fraction of the quote collateral that does not count as margin.
    @return uint256 The formula's haircut.
    """
    return staticcall IRiskModel(FORMULA).collateral_haircut()
