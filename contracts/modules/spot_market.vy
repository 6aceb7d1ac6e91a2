# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Spot market
@custom:contract-name spot_market
@license Apache-2.0
@author Seawall contributors
@notice Reserves of an asset and of the quote token. Anyone swaps; the owner alone adds and
        removes, so that there are no shares and nobody else's money in it.
@dev What goes in is what arrives: a token that takes a fee of its own costs its sender. The
     compiler's lock holds during a swap, so that a token's hook finds the reserves whole.
@custom:invariants asset * quote never falls in a swap; tokens held >= reserves.
"""

from ..interfaces import IERC20
from ..interfaces import ISpotPool
from ..lib import constants
from ..lib import fixed_point
from ..lib import spot_math
from . import access

uses: access


# What this module asks of a token besides ERC-20's transfers.
interface ITokenDecimals:
    def decimals() -> uint8: view


MAX_DECIMALS: constant(uint256) = 18
MAX_FEE_RATE: constant(uint256) = constants.WAD // 10
# Above, products of reserves and prices could leave 256 bits.
MAX_RESERVE: constant(uint256) = 2**112

ASSET: immutable(IERC20)
QUOTE_TOKEN: immutable(IERC20)
FEE_RATE: immutable(uint256)
ASSET_SCALE: immutable(uint256)
QUOTE_SCALE: immutable(uint256)

reserves: public(reentrant(ISpotPool.Reserves))


@deploy
def __init__(asset: address, quote_token: address, fee_rate: uint256):
    """
    @notice Fixes tokens and fee.
    @param asset Token that is exchanged.
    @param quote_token Token that it is exchanged for.
    @param fee_rate Share of what goes in that buys nothing (WAD), above 0, at most 10 %.
    """
    assert asset != quote_token, "spot_market: one token"
    assert fee_rate != 0 and fee_rate <= MAX_FEE_RATE, "spot_market: fee out of bounds"
    ASSET = IERC20(asset)
    QUOTE_TOKEN = IERC20(quote_token)
    FEE_RATE = fee_rate
    ASSET_SCALE = self._scale(asset)
    QUOTE_SCALE = self._scale(quote_token)


@external
def swap(is_sale: bool, amount_in: uint256, min_amount_out: uint256, receiver: address) -> uint256:
    """
    @notice Exchanges tokens of the caller, who has allowed the pool to take them.
    @param is_sale Whether the asset is sold for quote, else bought.
    @param amount_in What goes in; what arrives counts.
    @param min_amount_out Least that must come out.
    @param receiver Who gets it.
    @return uint256 What came out.
    """
    token_in: IERC20 = ASSET if is_sale else QUOTE_TOKEN
    token_out: IERC20 = QUOTE_TOKEN if is_sale else ASSET
    received: uint256 = self._take(token_in, amount_in)
    amount_out: uint256 = self._amount_out(is_sale, received)
    assert amount_out != 0 and amount_out >= min_amount_out, "spot_market: too little comes out"
    if is_sale:
        self._book(self.reserves.asset + received, self.reserves.quote - amount_out)
    else:
        self._book(self.reserves.asset - amount_out, self.reserves.quote + received)
    log ISpotPool.Swapped(
        caller=msg.sender,
        receiver=receiver,
        is_sale=is_sale,
        amount_in=received,
        amount_out=amount_out,
        reserves=self.reserves,
    )
    self._send(token_out, receiver, amount_out)
    return amount_out


@external
def add_liquidity(asset_amount: uint256, quote_amount: uint256):
    """
    @notice Adds to the reserves. Owner only.
    @param asset_amount Taken from the caller; what arrives counts.
    @param quote_amount The same of the quote token.
    """
    access._check_owner()
    asset_received: uint256 = self._take(ASSET, asset_amount)
    quote_received: uint256 = self._take(QUOTE_TOKEN, quote_amount)
    self._book(self.reserves.asset + asset_received, self.reserves.quote + quote_received)
    log ISpotPool.LiquidityAdded(asset_amount=asset_received, quote_amount=quote_received)


@external
def remove_liquidity(asset_amount: uint256, quote_amount: uint256, receiver: address):
    """
    @notice Takes out of the reserves. Owner only.
    @param asset_amount At most the reserve.
    @param quote_amount At most the reserve.
    @param receiver Who gets the tokens.
    """
    access._check_owner()
    assert (
        asset_amount <= self.reserves.asset and quote_amount <= self.reserves.quote
    ), "spot_market: more than the reserves"
    self._book(self.reserves.asset - asset_amount, self.reserves.quote - quote_amount)
    log ISpotPool.LiquidityRemoved(
        receiver=receiver, asset_amount=asset_amount, quote_amount=quote_amount
    )
    self._send(ASSET, receiver, asset_amount)
    self._send(QUOTE_TOKEN, receiver, quote_amount)


@view
@external
@reentrant
def asset() -> address:
    """
    @notice Token that is exchanged for the quote token.
    @return address Token.
    """
    return ASSET.address


@view
@external
@reentrant
def quote_token() -> address:
    """
    @notice The quote token.
    @return address Token.
    """
    return QUOTE_TOKEN.address


@view
@external
@reentrant
def fee_rate() -> uint256:
    """
    @notice Share of what goes in that buys nothing.
    @return uint256 Share (WAD), fixed at deployment.
    """
    return FEE_RATE


@view
@external
@reentrant
def spot_price() -> uint256:
    """
    @notice Price of the asset at the margin. Whoever swaps sets it: no margin hangs on it but by
            reporters that report it.
    @return uint256 WAD quote per whole token, 0 for an empty pool.
    """
    if self.reserves.asset == 0:
        return 0
    return fixed_point._div_wad_down(
        self.reserves.quote * QUOTE_SCALE, self.reserves.asset * ASSET_SCALE
    )


@view
@external
@reentrant
def quote(is_sale: bool, amount_in: uint256) -> uint256:
    """
    @notice What a swap would give now.
    @param is_sale Whether the asset is sold for quote, else bought.
    @param amount_in What goes in.
    @return uint256 What comes out.
    """
    return self._amount_out(is_sale, amount_in)


@view
@internal
def _amount_out(is_sale: bool, amount_in: uint256) -> uint256:
    """
    @dev What a swap gives.
    @param is_sale Whether the asset is sold for quote, else bought.
    @param amount_in What goes in.
    @return uint256 What comes out, nothing from an empty pool.
    """
    reserve_in: uint256 = self.reserves.asset if is_sale else self.reserves.quote
    reserve_out: uint256 = self.reserves.quote if is_sale else self.reserves.asset
    if reserve_in == 0:
        return 0
    return spot_math._amount_out(amount_in, reserve_in, reserve_out, FEE_RATE)


@internal
def _book(asset_reserve: uint256, quote_reserve: uint256):
    """
    @dev Sets the reserves.
    @param asset_reserve Token units.
    @param quote_reserve Token units.
    """
    assert max(asset_reserve, quote_reserve) < MAX_RESERVE, "spot_market: reserve too large"
    self.reserves = ISpotPool.Reserves(asset=asset_reserve, quote=quote_reserve)


@internal
def _take(token: IERC20, amount: uint256) -> uint256:
    """
    @dev Takes tokens from the caller.
    @param token Token.
    @param amount Token units.
    @return uint256 What arrived.
    """
    if amount == 0:
        return 0
    before: uint256 = staticcall token.balanceOf(self)
    assert extcall token.transferFrom(
        msg.sender, self, amount, default_return_value=True
    ), "spot_market: transfer failed"
    return staticcall token.balanceOf(self) - before


@internal
def _send(token: IERC20, receiver: address, amount: uint256):
    """
    @dev Sends tokens.
    @param token Token.
    @param receiver Who gets them.
    @param amount Token units.
    """
    if amount == 0:
        return
    assert extcall token.transfer(
        receiver, amount, default_return_value=True
    ), "spot_market: transfer failed"


@view
@internal
def _scale(token: address) -> uint256:
    """
    @dev WAD of one unit of a token.
    @param token Token.
    @return uint256 10**(18 - decimals).
    """
    decimals: uint256 = convert(staticcall ITokenDecimals(token).decimals(), uint256)
    assert decimals <= MAX_DECIMALS, "spot_market: too many decimals"
    return pow_mod256(10, MAX_DECIMALS - decimals)
