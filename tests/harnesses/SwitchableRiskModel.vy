# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Switchable risk model
@license Apache-2.0
@author Seawall contributors
@notice A formula that answers, reverts, leaves its range or does not end, as a test likes.
"""

from contracts.interfaces import IRiskModel


implements: IRiskModel


REVERTS: constant(uint256) = 1
OUT_OF_RANGE: constant(uint256) = 2
ENDLESS: constant(uint256) = 3

fault: public(uint256)
# Notional from which on it has the fault (WAD quote).
least_notional: public(uint256)


@external
def set_fault(fault: uint256, least_notional: uint256):
    """
    @notice Chooses how it fails, 0 for not at all.
    @param fault 1 reverts, 2 leaves its range, 3 does not end.
    @param least_notional Notional from which on it fails.
    """
    self.fault = fault
    self.least_notional = least_notional


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    """
    @notice Five and two and a half percent, or a fault.
    @param inputs Only the notional counts.
    @return MarginRatios Ratios.
    """
    if self.fault != 0 and inputs.notional >= self.least_notional:
        assert self.fault != REVERTS, "off the table"
        if self.fault == OUT_OF_RANGE:
            return IRiskModel.MarginRatios(initial=2 * 10**18, maintenance=10**17)
        for i: uint256 in range(10**12):
            pass
    return IRiskModel.MarginRatios(initial=5 * 10**16, maintenance=25 * 10**15)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Nothing is cut.
    @return uint256 Zero.
    """
    return 0
