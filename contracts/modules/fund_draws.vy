# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Insurance fund draws
@custom:contract-name fund_draws
@license Apache-2.0
@author Seawall contributors
@notice Who may take from the fund, the level it should have, and how long those who back it
        are bound.
"""

from ..interfaces import IInsuranceFund
from ..lib import constants
from . import access
from . import erc4626_vault

uses: access
uses: erc4626_vault


# Bounds of the waits.
MIN_COOLDOWN_SECONDS: constant(uint256) = constants.HOUR_SECONDS
MAX_COOLDOWN_SECONDS: constant(uint256) = 90 * constants.DAY_SECONDS
MIN_WINDOW_SECONDS: constant(uint256) = constants.HOUR_SECONDS
MAX_WINDOW_SECONDS: constant(uint256) = 30 * constants.DAY_SECONDS


# @dev Contracts that may draw and contribute.
is_drawer: public(reentrant(HashMap[address, bool]))

parameters: public(reentrant(IInsuranceFund.FundParameters))


@deploy
def __init__(parameters: IInsuranceFund.FundParameters):
    """
    @notice Sets the first parameters.
    @param parameters Target of the reserves and waits.
    """
    self._set_parameters(parameters)


@external
def set_drawer(drawer: address, allowed: bool):
    """
    @notice Registers a contract that may draw. Owner only.
    @param drawer Contract.
    @param allowed Whether it may.
    """
    access._check_owner()
    self.is_drawer[drawer] = allowed
    log IInsuranceFund.DrawerSet(drawer=drawer, allowed=allowed)


@external
def set_parameters(parameters: IInsuranceFund.FundParameters):
    """
    @notice Sets target and waits; cool-downs that have begun keep theirs. Owner only.
    @param parameters New parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@external
def draw(amount: uint256, recipient: address) -> uint256:
    """
    @notice Pays up to an amount from the reserves. Registered drawers only.
    @param amount WAD quote, whole quanta.
    @param recipient Who gets the tokens.
    @return uint256 What was paid, min(amount, reserves).
    """
    assert self.is_drawer[msg.sender], "fund: not drawer"
    paid: uint256 = min(amount, erc4626_vault.reserves)
    log IInsuranceFund.Drawn(
        drawer=msg.sender,
        recipient=recipient,
        asked=amount,
        paid=paid,
        reserves=erc4626_vault.reserves - paid,
    )
    if paid != 0:
        erc4626_vault._send(recipient, paid)
    return paid


@view
@external
@reentrant
def target_reserves() -> uint256:
    """
    @notice Level at which the fund counts as adequate.
    @return uint256 WAD quote.
    """
    return self.parameters.target_reserves


@internal
def _set_parameters(parameters: IInsuranceFund.FundParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters New parameters.
    """
    assert parameters.target_reserves <= 10**36, "fund: target out of bounds"
    assert (
        parameters.cooldown_seconds >= MIN_COOLDOWN_SECONDS
        and parameters.cooldown_seconds <= MAX_COOLDOWN_SECONDS
    ), "fund: cool-down out of bounds"
    assert (
        parameters.exit_window_seconds >= MIN_WINDOW_SECONDS
        and parameters.exit_window_seconds <= MAX_WINDOW_SECONDS
    ), "fund: window out of bounds"
    self.parameters = parameters
    log IInsuranceFund.FundParametersSet(parameters=parameters)
