# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Vault share arithmetic
@custom:contract-name vault_math
@license Apache-2.0
@author Seawall contributors
@notice ERC-4626 conversions with virtual shares, so that the first depositor cannot
        inflate the price of a share. Twin: `sim/reference/vault_math.py`.
"""

from . import fixed_point


# One virtual token unit backs this many virtual shares; shares have 6 decimals more.
VIRTUAL_SHARES: constant(uint256) = 10**6
VIRTUAL_ASSETS: constant(uint256) = 1
# A share whose price fell below this part of its first price is not minted any more.
LEAST_PRICE_PART: constant(uint256) = 10**6


@pure
@internal
def _to_shares_down(assets: uint256, supply: uint256, total_assets: uint256) -> uint256:
    """
    @dev Shares for assets: deposits and conversions.
    @param assets Token units.
    @param supply Shares outstanding.
    @param total_assets Token units behind them.
    @return uint256 Shares.
    """
    # NOTE: rounds down, for the vault.
    return fixed_point._mul_div_down(assets, supply + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


@pure
@internal
def _to_shares_up(assets: uint256, supply: uint256, total_assets: uint256) -> uint256:
    """
    @dev Shares to burn for assets: withdrawals.
    @param assets Token units.
    @param supply Shares outstanding.
    @param total_assets Token units behind them.
    @return uint256 Shares.
    """
    # NOTE: rounds up, for the vault.
    return fixed_point._mul_div_up(assets, supply + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


@pure
@internal
def _to_assets_down(shares: uint256, supply: uint256, total_assets: uint256) -> uint256:
    """
    @dev Assets for shares: redemptions and conversions.
    @param shares Shares.
    @param supply Shares outstanding.
    @param total_assets Token units behind them.
    @return uint256 Token units.
    """
    # NOTE: rounds down, for the vault.
    return fixed_point._mul_div_down(shares, total_assets + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES)


@pure
@internal
def _to_assets_up(shares: uint256, supply: uint256, total_assets: uint256) -> uint256:
    """
    @dev Assets to pay for shares: mints.
    @param shares Shares.
    @param supply Shares outstanding.
    @param total_assets Token units behind them.
    @return uint256 Token units.
    """
    # NOTE: rounds up, for the vault.
    return fixed_point._mul_div_up(shares, total_assets + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES)


@pure
@internal
def _is_mintable(supply: uint256, total_assets: uint256) -> bool:
    """
    @dev Whether shares have kept enough of their first price to be minted: below, a token unit
         buys more than all shares there are, and supplies would outgrow 256 bits in a few
         losses.
    @param supply Shares outstanding.
    @param total_assets Token units behind them.
    @return bool True for a price of at least a millionth of the first.
    """
    return total_assets * VIRTUAL_SHARES * LEAST_PRICE_PART >= supply
