"""ERC-4626 share arithmetic with virtual shares, twin of ``contracts/lib/vault_math.vy``."""

from sim.reference.fixed_point import mul_div_down, mul_div_up

VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1
LEAST_PRICE_PART = 10**6


def to_shares_down(assets: int, supply: int, total_assets: int) -> int:
    """Return shares for a deposit, rounded down."""
    return mul_div_down(assets, supply + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def to_shares_up(assets: int, supply: int, total_assets: int) -> int:
    """Return shares to burn for a withdrawal, rounded up."""
    return mul_div_up(assets, supply + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def to_assets_down(shares: int, supply: int, total_assets: int) -> int:
    """Return assets for a redemption, rounded down."""
    return mul_div_down(shares, total_assets + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES)


def to_assets_up(shares: int, supply: int, total_assets: int) -> int:
    """Return assets to pay for minted shares, rounded up."""
    return mul_div_up(shares, total_assets + VIRTUAL_ASSETS, supply + VIRTUAL_SHARES)


def is_mintable(supply: int, total_assets: int) -> bool:
    """Return whether shares have kept at least a millionth of their first price."""
    return total_assets * VIRTUAL_SHARES * LEAST_PRICE_PART >= supply
