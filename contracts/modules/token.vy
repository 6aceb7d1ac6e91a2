# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Fungible token
@custom:contract-name token
@license Apache-2.0
@author Seawall contributors
@notice ERC-20 balances and allowances. Who may mint and burn is the root's affair.
@dev Balances belong to an epoch: when nothing is left behind a supply, the root may begin
     anew, and what was minted before counts no more.
"""

from ..interfaces import IERC20


event EpochOpened:
    epoch: uint256
    worthless: uint256  # supply that ended with the epoch before


name: public(reentrant(String[32]))
symbol: public(reentrant(String[16]))
decimals: public(reentrant(uint8))
totalSupply: public(reentrant(uint256))
# @dev Number of the supply that counts.
epoch: public(reentrant(uint256))
balances: HashMap[uint256, HashMap[address, uint256]]
allowance: public(reentrant(HashMap[address, HashMap[address, uint256]]))


@deploy
def __init__(name: String[32], symbol: String[16], decimals: uint8):
    """
    @notice Names the token; no supply yet.
    @param name Name.
    @param symbol Ticker.
    @param decimals Digits after the point of one whole token.
    """
    self.name = name
    self.symbol = symbol
    self.decimals = decimals


@view
@external
@reentrant
def balanceOf(owner: address) -> uint256:
    """
    @notice Tokens that someone has in the epoch that counts.
    @param owner Whose tokens.
    @return uint256 Token units.
    """
    return self._balance(owner)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens of the caller.
    @param receiver Who gets them; not the zero address.
    @param amount Token units.
    @return bool True.
    """
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens that the caller is allowed to move.
    @param sender Whose tokens.
    @param receiver Who gets them; not the zero address.
    @param amount Token units.
    @return bool True.
    """
    self._spend_allowance(sender, msg.sender, amount)
    self._move(sender, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Allows a spender to move tokens of the caller.
    @param spender Who may move them.
    @param amount Token units, max uint256 for any amount.
    @return bool True.
    """
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, amount=amount)
    return True


@internal
def _spend_allowance(owner: address, spender: address, amount: uint256):
    """
    @dev Takes an amount off an allowance; an unlimited one stays.
    @param owner Whose tokens.
    @param spender Who moves them.
    @param amount Token units.
    """
    allowed: uint256 = self.allowance[owner][spender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "token: allowance too low"
        self.allowance[owner][spender] = unsafe_sub(allowed, amount)


@internal
def _move(sender: address, receiver: address, amount: uint256):
    """
    @dev Moves tokens; the supply stays.
    @param sender Whose tokens.
    @param receiver Who gets them.
    @param amount Token units.
    """
    assert receiver != empty(address), "token: zero receiver"
    available: uint256 = self._balance(sender)
    assert available >= amount, "token: balance too low"
    self.balances[self.epoch][sender] = unsafe_sub(available, amount)
    self.balances[self.epoch][receiver] += amount
    log IERC20.Transfer(sender=sender, receiver=receiver, amount=amount)


@internal
def _mint(receiver: address, amount: uint256):
    """
    @dev Makes new tokens.
    @param receiver Who gets them.
    @param amount Token units.
    """
    assert receiver != empty(address), "token: zero receiver"
    self.totalSupply += amount
    self.balances[self.epoch][receiver] += amount
    log IERC20.Transfer(sender=empty(address), receiver=receiver, amount=amount)


@internal
def _burn(owner: address, amount: uint256):
    """
    @dev Destroys tokens.
    @param owner Whose tokens.
    @param amount Token units.
    """
    available: uint256 = self._balance(owner)
    assert available >= amount, "token: balance too low"
    self.balances[self.epoch][owner] = unsafe_sub(available, amount)
    self.totalSupply -= amount
    log IERC20.Transfer(sender=owner, receiver=empty(address), amount=amount)


@internal
def _open_epoch():
    """
    @dev Begins a supply of nothing; every balance before it becomes zero.
    """
    self.epoch += 1
    log EpochOpened(epoch=self.epoch, worthless=self.totalSupply)
    self.totalSupply = 0


@view
@internal
def _balance(owner: address) -> uint256:
    """
    @dev Tokens that someone has in the epoch that counts.
    @param owner Whose tokens.
    @return uint256 Token units.
    """
    return self.balances[self.epoch][owner]
