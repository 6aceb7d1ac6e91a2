# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Governance roles
@custom:contract-name governance_roles
@license Apache-2.0
@author Seawall contributors
@notice Who may do what, and after which delay. Until `seal` the owner sets the rules
        directly; from then on only an executed proposal does, by calling the governor itself.
@dev Functions that change a setting are open during a transaction, since the transaction that
     executes a proposal calls them; they make no call.
"""

from ..interfaces import IRiskGovernor
from ..lib import constants
from . import access

uses: access


# Bounds and grace period of Compound's Timelock.
MINIMUM_DELAY_SECONDS: constant(uint256) = 2 * constants.DAY_SECONDS
MAXIMUM_DELAY_SECONDS: constant(uint256) = 30 * constants.DAY_SECONDS
GRACE_SECONDS: constant(uint256) = 14 * constants.DAY_SECONDS


# @dev May pause, cancel and tighten; zero: nobody may.
guardian: public(reentrant(address))
# @dev Time from a proposal to its first possible execution: parameters, models, short calls.
delay_seconds: public(reentrant(uint256))
# @dev The same for rules, roles, delays, ownership and calls registered as long.
long_delay_seconds: public(reentrant(uint256))
# @dev Whether the rules are fixed except by proposals.
sealed: public(reentrant(bool))


@deploy
def __init__(guardian: address, delay_seconds: uint256, long_delay_seconds: uint256):
    """
    @notice Sets guardian and delays.
    @param guardian Guardian.
    @param delay_seconds Delay of parameters.
    @param long_delay_seconds Delay of rules.
    """
    self._set_guardian(guardian)
    self._set_delays(delay_seconds, long_delay_seconds)


@external
def seal():
    """
    @notice Ends the owner's power to set rules without a proposal. Owner only, once.
    """
    access._check_owner()
    assert not self.sealed, "governor: sealed"
    self.sealed = True
    log IRiskGovernor.Sealed(owner=msg.sender)


@external
@reentrant
def set_guardian(guardian: address):
    """
    @notice Replaces the guardian. By proposal, with the long delay.
    @param guardian New guardian, zero for none.
    """
    self._check_administration()
    self._set_guardian(guardian)


@external
@reentrant
def set_delays(delay_seconds: uint256, long_delay_seconds: uint256):
    """
    @notice Changes both delays; what is queued keeps its window. By proposal, with the long
            delay.
    @param delay_seconds Delay of parameters, 2 to 30 days.
    @param long_delay_seconds Delay of rules, from that to 30 days.
    """
    self._check_administration()
    self._set_delays(delay_seconds, long_delay_seconds)


@internal
def _set_guardian(guardian: address):
    """
    @dev Sets.
    @param guardian New guardian.
    """
    self.guardian = guardian
    log IRiskGovernor.GuardianSet(guardian=guardian)


@internal
def _set_delays(delay_seconds: uint256, long_delay_seconds: uint256):
    """
    @dev Checks the bounds, then sets.
    @param delay_seconds Delay of parameters.
    @param long_delay_seconds Delay of rules.
    """
    assert delay_seconds >= MINIMUM_DELAY_SECONDS, "governor: delay too short"
    assert long_delay_seconds >= delay_seconds, "governor: long delay below delay"
    assert long_delay_seconds <= MAXIMUM_DELAY_SECONDS, "governor: delay too long"
    self.delay_seconds = delay_seconds
    self.long_delay_seconds = long_delay_seconds
    log IRiskGovernor.DelaysSet(
        delay_seconds=delay_seconds, long_delay_seconds=long_delay_seconds
    )


@view
@internal
def _check_administration():
    """
    @dev Guarantees that the caller is an executed proposal, or the owner before `seal`.
    """
    if self.sealed:
        assert msg.sender == self, "governor: not by proposal"
    else:
        access._check_owner()


@view
@internal
def _check_guardian():
    """
    @dev Guarantees that the caller is the guardian.
    """
    assert msg.sender == self.guardian, "governor: not guardian"
