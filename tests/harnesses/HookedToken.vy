# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Hooked token
@license Apache-2.0
@author Seawall contributors
@notice A quote token that, once armed, calls a stranger in the middle of its next transfer, and
        remembers what became of it. The stranger's calls come from the token itself.
"""

from ...contracts.modules import token


initializes: token

exports: (
    token.name,
    token.symbol,
    token.decimals,
    token.totalSupply,
    token.balanceOf,
    token.allowance,
    token.approve,
)


target: address
data: Bytes[1024]
skipped: uint256

called: public(uint256)
succeeded: public(bool)
answer: public(Bytes[512])


@deploy
def __init__():
    token.__init__("Hooked", "HOOK", 6)


@external
def mint(receiver: address, amount: uint256):
    token._mint(receiver, amount)


@external
def allow(spender: address, amount: uint256):
    """
    @notice Lets a spender take the token's own tokens.
    """
    token.allowance[self][spender] = amount


@external
def arm(target: address, data: Bytes[1024], skipped: uint256):
    """
    @notice Calls a target in the transfer after as many as are skipped.
    """
    self.target = target
    self.data = data
    self.skipped = skipped


@external
def do(target: address, data: Bytes[1024]):
    """
    @notice Calls a target now, a revert goes through.
    """
    raw_call(target, data)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    token._move(msg.sender, receiver, amount)
    self._hook()
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    token._spend_allowance(sender, msg.sender, amount)
    token._move(sender, receiver, amount)
    self._hook()
    return True


@internal
def _hook():
    if self.target == empty(address):
        return
    if self.skipped != 0:
        self.skipped -= 1
        return
    target: address = self.target
    self.target = empty(address)
    self.called += 1
    self.succeeded, self.answer = raw_call(
        target, self.data, max_outsize=512, revert_on_failure=False
    )
