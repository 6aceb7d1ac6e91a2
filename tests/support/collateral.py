"""Collateral in other tokens, for tests of the whole protocol on titanoboa."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any

import boa

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy, deploy_oracle
from tests.support.protocol import PRICE_INTERVAL_SECONDS, Protocol, id_of, merged

ASSET_PRICE = 100 * WAD
ASSET_VARIANCE = WAD // 4  # 50 % a year
POOL_FEE = 3 * WAD // 1_000  # 0.3 %, Uniswap v2

# In the order of `ICollateralRegistry.AssetParameters`: a haircut of 10 % unless asked for more.
ASSET: dict[str, int] = {
    "deposit_cap": 10**9 * WAD,
    "haircut_min": WAD // 10,
    "z": 0,
    "horizon_seconds": 3_600,
    "size_coefficient": 0,
    "depth": 10**6 * WAD,
    "confidence_coefficient": 0,
    "sale_band": 5 * WAD // 100,
    "sale_fee_rate": WAD // 100,
    "sale_window_seconds": 3_600,
    "min_sale": 10 * WAD,
}


class Asset:
    """One asset of a protocol's registry: token, price and pool.

    Parameters
    ----------
    decimals
        Of the token, unless it is given.
    liquidity
        Of the pool, in quote; as much of either token at ``ASSET_PRICE``.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        decimals: int = 18,
        liquidity: int = 10_000_000,
        token: Any = None,
        heartbeat_seconds: int = 86_400,
        changes: Mapping[str, int] | None = None,
    ) -> None:
        self.protocol = protocol
        self.changes = dict(changes or {})
        self.token = token or deploy("testing/ERC20Mock", "Other", "OTH", decimals)
        self.unit = 10**decimals
        self.oracle = deploy_oracle(protocol.owner, limiter_minimum=WAD, limiter_coefficient=100 * WAD)
        self.pool = deploy("SpotPool", protocol.owner, self.token.address, protocol.token.address, POOL_FEE)
        with boa.env.prank(protocol.owner):
            self.oracle.add_asset(ASSET_PRICE, ASSET_VARIANCE, ASSET_VARIANCE)
            for reporter in protocol.reporters:
                self.oracle.add_reporter(0, reporter, 1, heartbeat_seconds)
        self.set_price(ASSET_PRICE, wait=0)
        self.id = int(
            protocol.assets.add_asset(
                self.token.address,
                self.oracle.address,
                0,
                self.pool.address,
                merged(ASSET, self.changes),
                sender=protocol.owner,
            )
        )
        if liquidity:
            self.supply(liquidity // 100 * self.unit, liquidity * 10**6)

    def supply(self, units: int, quote_units: int) -> None:
        """Add liquidity to the pool."""
        owner, protocol = self.protocol.owner, self.protocol
        self.token.mint(owner, units)
        protocol.token.mint(owner, quote_units)
        for token, amount in ((self.token, units), (protocol.token, quote_units)):
            token.approve(self.pool.address, amount, sender=owner)
        self.pool.add_liquidity(units, quote_units, sender=owner)

    def set_price(self, price: int, *, confidence: int = 0, wait: int = PRICE_INTERVAL_SECONDS) -> None:
        """Let all reporters report a price (WAD) after a while."""
        self.protocol.wait(wait)
        for reporter in self.protocol.reporters:
            self.oracle.report(0, price, confidence, boa.env.timestamp, sender=reporter)

    def change(self, **changes: int) -> None:
        """Change parameters."""
        self.changes |= changes
        self.protocol.assets.set_parameters(self.id, merged(ASSET, self.changes), sender=self.protocol.owner)

    def deposit(self, account: Any, units: int, *, payer: Any = None) -> None:
        """Mint and deposit."""
        payer = payer or account
        self.token.mint(payer, units)
        self.token.approve(self.protocol.assets.address, units, sender=payer)
        self.protocol.desk.deposit_collateral(id_of(account), self.id, units, sender=payer)

    def withdraw(self, account: Any, units: int) -> None:
        """Take out."""
        self.protocol.desk.withdraw_collateral(0, self.id, units, sender=account)

    def balance(self, account: Any) -> int:
        """Return what an account has (token units)."""
        return int(self.protocol.assets.balance_of(id_of(account), self.id))

    def swap(self, trader: str, *, sold: int = 0, spent: int = 0) -> int:
        """Let somebody sell the asset or spend quote in the pool; return what came out."""
        token, amount = (self.token, sold) if sold else (self.protocol.token, spent)
        token.mint(trader, amount)
        token.approve(self.pool.address, amount, sender=trader)
        return int(self.pool.swap(bool(sold), amount, 0, trader, sender=trader))

    def push_pool_to(self, price: int) -> None:
        """Let an arbitrageur bring the pool near a price (WAD)."""
        somebody = boa.env.generate_address("arbitrageur")
        reserves, now = self.pool.reserves(), int(self.pool.spot_price())
        if now == price:
            return
        if now > price:
            self.swap(somebody, sold=reserves.asset * isqrt(now * WAD // price) // 10**9 - reserves.asset)
        else:
            self.swap(somebody, spent=reserves.quote * isqrt(price * WAD // now) // 10**9 - reserves.quote)
        assert abs(int(self.pool.spot_price()) - price) * 1_000 <= price


def value_of(protocol: Protocol, account: Any, kind: int = 1) -> int:
    """Return what an account's assets count for in a check."""
    account = id_of(account)
    return int(protocol.assets.value_of(account, protocol.ledger.assets_of(account), kind))


def check_assets(protocol: Protocol, assets: list[Asset], accounts: list[Any]) -> None:
    """Assert that balances sum up, tokens are held, bits are right and what is secured adds up."""
    for asset in assets:
        balances = [asset.balance(account) for account in accounts]
        info = protocol.assets.asset_info(asset.id)
        assert info.total == sum(balances)
        assert asset.token.balanceOf(protocol.assets.address) >= info.total
        for account, balance in zip(accounts, balances, strict=True):
            assert (protocol.ledger.assets_of(id_of(account)) >> asset.id) & 1 == (balance != 0)
    secured = [int(protocol.waterfall.secured_of(id_of(account))) for account in accounts]
    assert protocol.waterfall.total_secured() == sum(secured)
    for account in accounts:
        if protocol.assets.lien_of(id_of(account)):
            assert protocol.ledger.assets_of(id_of(account)) != 0
    assert protocol.token.balanceOf(protocol.waterfall.address) == 0
    assert protocol.token.balanceOf(protocol.assets.address) == 0
