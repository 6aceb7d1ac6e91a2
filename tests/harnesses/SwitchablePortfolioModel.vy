# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Switchable portfolio model
@license Apache-2.0
@author Seawall contributors
@notice A portfolio model that answers what another one does, reverts or does not end, as a test likes.
"""

from contracts.interfaces import IPortfolioRiskModel


implements: IPortfolioRiskModel


REVERTS: constant(uint256) = 1
ENDLESS: constant(uint256) = 2

MODEL: immutable(IPortfolioRiskModel)

fault: public(uint256)


@deploy
def __init__(model: address):
    """
    @notice Fixes who answers while nothing is broken.
    @param model Portfolio model.
    """
    MODEL = IPortfolioRiskModel(model)


@external
def set_fault(fault: uint256):
    """
    @notice Chooses how it fails, 0 for not at all.
    @param fault 1 reverts, 2 does not end.
    """
    self.fault = fault


@view
@external
@reentrant
def portfolio_margin(
    legs: IPortfolioRiskModel.PortfolioLeg[8]
) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @notice What the other model answers, or a fault.
    @param legs By market id, empty without a position.
    @return PortfolioMargin Margin.
    """
    assert self.fault != REVERTS, "off the table"
    if self.fault == ENDLESS:
        for i: uint256 in range(10**12):
            pass
    return staticcall MODEL.portfolio_margin(legs)
