# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Exit queue of a vault
@custom:contract-name exit_queue
@license Apache-2.0
@author Seawall contributors
@notice Shares that are to leave wait here, out of their owner's hands, and bear every loss
        until they are redeemed. What they are worth is found when they are redeemed; that is
        possible for a while only, so that nobody keeps the right to leave at a moment of
        his choice.
@dev One request an account and no list: nobody's requests are in anybody's way.
"""

from . import token

uses: token


# Shares that wait.
struct ExitRequest:
    shares: uint256
    ready_at: uint256  # timestamp from which they may be redeemed
    epoch: uint256  # of the shares; those of an epoch that ended are worth nothing


event ExitRequested:
    owner: indexed(address)
    shares: uint256  # all that wait now
    ready_at: uint256


event ExitCancelled:
    owner: indexed(address)
    shares: uint256


requests: HashMap[address, ExitRequest]


@external
def cancel_exit() -> uint256:
    """
    @notice Takes the caller's waiting shares back.
    @return uint256 Shares.
    """
    shares: uint256 = self._request_of(msg.sender).shares
    assert shares != 0, "vault: nothing waits"
    self.requests[msg.sender] = empty(ExitRequest)
    log ExitCancelled(owner=msg.sender, shares=shares)
    token._move(self, msg.sender, shares)
    return shares


@view
@external
@reentrant
def exit_request(owner: address) -> ExitRequest:
    """
    @notice What waits of an owner's shares.
    @param owner Whose shares.
    @return ExitRequest Request, empty if nothing waits.
    """
    return self._request_of(owner)


@internal
def _request(shares: uint256, delay: uint256):
    """
    @dev Takes shares of the caller into the queue; all that waits begins to wait anew.
    @param shares Shares, none if only the wait is to begin anew.
    @param delay Seconds until they may be redeemed.
    """
    request: ExitRequest = self._request_of(msg.sender)
    request.shares += shares
    assert request.shares != 0, "vault: zero shares"
    request.ready_at = block.timestamp + delay
    request.epoch = token.epoch
    self.requests[msg.sender] = request
    log ExitRequested(owner=msg.sender, shares=request.shares, ready_at=request.ready_at)
    token._move(msg.sender, self, shares)


@internal
def _take(owner: address, shares: uint256):
    """
    @dev Strikes shares that are being redeemed off a request.
    @param owner Whose shares.
    @param shares Shares, at most those that wait.
    """
    request: ExitRequest = self._request_of(owner)
    request.shares -= shares
    if request.shares == 0:
        request = empty(ExitRequest)
    self.requests[owner] = request


@view
@internal
def _claimable(owner: address, window: uint256, patience: uint256) -> uint256:
    """
    @dev Shares that an owner may redeem now.
    @param owner Whose shares.
    @param window Seconds from ready in which they may be redeemed.
    @param patience Seconds from ready before which they may not, for want of a good price.
    @return uint256 Shares.
    """
    request: ExitRequest = self._request_of(owner)
    if block.timestamp < request.ready_at + patience:
        return 0
    if block.timestamp > request.ready_at + window:
        return 0
    return request.shares


@view
@internal
def _request_of(owner: address) -> ExitRequest:
    """
    @dev What waits of an owner's shares in the epoch that counts.
    @param owner Whose shares.
    @return ExitRequest Request, empty if nothing waits.
    """
    request: ExitRequest = self.requests[owner]
    if request.epoch != token.epoch:
        return empty(ExitRequest)
    return request
