"""Calls about collateral in other tokens: part of what ``verbs`` knows, for worlds that have some."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sim.core.units import QUANTUM, WAD, to_wad
from sim.protocol.account_ids import OWN_INDEX
from sim.protocol.deployed import OWNER
from sim.reference.spot_math import most_forced

if TYPE_CHECKING:
    from tests.support.economic.verbs import Result, World

REGISTRY: Final = "collateral_registry"
DESK: Final = "trading_desk"
WATERFALL: Final = "loss_waterfall"
ALL: Final = 2**256 - 1


class Reserves(NamedTuple):
    """What a spot pool books, token units of either token."""

    asset: int
    quote: int


class OtherCollateral:
    """The assets of a world, by number; a world without any has an empty one.

    Attributes
    ----------
    prices
        [asset] what honest reporters say, WAD quote per whole token.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        drawn = world.draw.parameters().assets
        self.count = len(drawn)
        self.prices = [to_wad(asset.initial_price) for asset in drawn]
        self._scales = [10**18 // asset.unit for asset in drawn]
        self._bands = [to_wad(asset.terms["sale_band"]) for asset in drawn]
        self._fees = [to_wad(asset.pool_fee_rate) for asset in drawn]
        self._holdings = [
            asset.units(given["holding"]) for asset, given in zip(drawn, world.draw.assets, strict=True)
        ]
        self.pool_quote = sum(asset.pool_quote_units for asset in drawn)

    def open_wallets(self, members: Sequence[int]) -> None:
        """Give members their tokens, and let whoever takes them take them; honest reporters speak."""
        for asset in range(self.count):
            for member in members:
                address = self._address(member)
                self._must(OWNER, self._token(asset), "mint", address, self._holdings[asset])
                for token, spender in (
                    (self._token(asset), REGISTRY),
                    (self._token(asset), self._pool(asset)),
                    ("token", self._pool(asset)),
                    ("token", WATERFALL),
                ):
                    self._must(address, token, "approve", self._world.deployment.addresses[spender], ALL)
            self.honest_report(asset)

    # Calls

    def _token(self, asset: int) -> str:
        return f"collateral_token:{asset}"

    def _pool(self, asset: int) -> str:
        return f"spot_pool:{asset}"

    def _address(self, actor: int) -> str:
        return self._world.book.addresses[actor]

    def _id(self, actor: int) -> int:
        return self._world.book.account_ids[actor]

    def _must(self, sender: str, key: str, function: str, *arguments: Any) -> None:
        self._world._must(sender, key, function, *arguments)

    def _by(self, actor: int, key: str, function: str, *arguments: Any) -> Result:
        return self._world._by(actor, key, function, *arguments)

    def _read(self, key: str, function: str, *arguments: Any) -> Any:
        return self._world._read(key, function, *arguments)

    def deposit(self, actor: int, account: int, asset: int, units: int) -> Result:
        """Add an asset to an account."""
        return self._by(actor, DESK, "deposit_collateral", self._id(account), asset, units)

    def would_deposit(self, actor: int, account: int, asset: int, units: int) -> str | None:
        """Return why `deposit` would be refused."""
        arguments = (self._id(account), asset, units)
        return self._world._would(actor, DESK, "deposit_collateral", *arguments)

    def withdraw(self, actor: int, asset: int, units: int) -> Result:
        """Take an asset out."""
        return self._by(actor, DESK, "withdraw_collateral", OWN_INDEX, asset, units)

    def would_withdraw(self, actor: int, asset: int, units: int) -> str | None:
        """Return why `withdraw` would be refused."""
        return self._world._would(actor, DESK, "withdraw_collateral", OWN_INDEX, asset, units)

    def sell(self, actor: int, account: int) -> Result:
        """Sell what an account has, for what it owes."""
        return self._by(actor, WATERFALL, "sell_collateral", self._id(account))

    def would_sell(self, actor: int, account: int) -> str | None:
        """Return why `sell` would be refused."""
        return self._world._would(actor, WATERFALL, "sell_collateral", self._id(account))

    def repay_lien(self, actor: int, account: int, units: int) -> Result:
        """Pay back what others have paid for an account, quote token units."""
        return self._by(actor, WATERFALL, "repay_lien", self._id(account), units)

    def refresh(self, actor: int, account: int) -> Result:
        """Look again at what an account's assets are to cover."""
        return self._by(actor, WATERFALL, "refresh_secured", self._id(account))

    def swap(self, actor: int, asset: int, units: int, *, is_sale: bool) -> Result:
        """Sell units of an asset in its pool, or spend units of quote there."""
        return self._by(actor, self._pool(asset), "swap", is_sale, units, 0, self._address(actor))

    def report(self, actor: int, asset: int, price: int, confidence: int = 0) -> Result:
        """Report an asset's price."""
        oracle = "collateral_oracle"
        return self._by(actor, oracle, "report", asset, price, confidence, self._world.now)

    def honest_report(self, asset: int) -> list[Result]:
        """Let every honest reporter report an asset's price."""
        return [self.report(reporter, asset, self.prices[asset]) for reporter in self._world.honest]

    def forbidden(self, actor: int, asset: int) -> list[Result]:
        """Call the functions that are others' alone."""
        address, account = self._address(actor), self._id(actor)
        calls: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
            (REGISTRY, "deposit", (address, account, asset, 1)),
            (REGISTRY, "withdraw", (account, asset, 1, address)),
            (REGISTRY, "sell", (account, asset, 1, address)),
            (REGISTRY, "raise_lien", (account, QUANTUM)),
            (REGISTRY, "lower_lien", (account, QUANTUM)),
            (REGISTRY, "set_spot_pool", (asset, self._world.deployment.addresses[self._pool(asset)])),
            (REGISTRY, "set_parameters", (asset, tuple(self._read(REGISTRY, "parameters", asset)))),
            (self._pool(asset), "remove_liquidity", (1, 1, address)),
            (self._pool(asset), "add_liquidity", (1, 1)),
            ("risk_engine", "set_cluster", (account, 7)),
            ("collateral_oracle", "add_reporter", (asset, address, 1, 3_600)),
        )
        return [self._by(actor, key, function, *arguments) for key, function, arguments in calls]

    # What can be seen

    def balance(self, account: int, asset: int) -> int:
        """Return what an account has of an asset, its token units."""
        return int(self._read(REGISTRY, "balance_of", self._id(account), asset))

    def wallet(self, actor: int, asset: int) -> int:
        """Return what somebody has of an asset outside the protocol, its token units."""
        return int(self._read(self._token(asset), "balanceOf", self._address(actor)))

    def lien(self, account: int) -> int:
        """Return what others have paid of an account's debt, WAD quote."""
        return int(self._read(REGISTRY, "lien_of", self._id(account)))

    def counted(self, account: int, kind: int) -> int:
        """Return what an account's assets count for in a check of a kind, less its lien, WAD quote."""
        bits = self._read("ledger", "assets_of", self._id(account))
        return int(self._read(REGISTRY, "value_of", self._id(account), bits, kind))

    def secured(self, account: int) -> int:
        """Return what an account's assets are to cover of its deficit, WAD quote."""
        return int(self._read(WATERFALL, "secured_of", self._id(account)))

    def total_secured(self) -> int:
        """Return the sum of `secured`, WAD quote."""
        return int(self._read(WATERFALL, "total_secured"))

    def booked(self, asset: int) -> int:
        """Return what the registry books of an asset, its token units."""
        return int(self._read(REGISTRY, "asset_info", asset)[5])

    def held(self, asset: int) -> int:
        """Return what the registry holds of an asset, its token units."""
        address = self._world.deployment.addresses[REGISTRY]
        return int(self._read(self._token(asset), "balanceOf", address))

    def reserves(self, asset: int) -> Reserves:
        """Return what an asset's pool books."""
        return Reserves(*self._read(self._pool(asset), "reserves"))

    def at_one_time(self, asset: int) -> int:
        """Return the most of an asset that is sold by force at one time, its token units."""
        return most_forced(self.reserves(asset).asset, self._fees[asset], self._bands[asset])

    # Worth

    def worth(self, asset: int, units: int) -> int:
        """Return what units are worth at the price that honest reporters say, WAD quote, rounded down."""
        return units * self._scales[asset] * self.prices[asset] // WAD

    def to_fair(self, asset: int) -> tuple[bool, int]:
        """Return the swap that gains most at the honest price: whether a sale, and what goes in."""
        reserves, keep = self.reserves(asset), WAD - self._fees[asset]
        worth = self._scales[asset] * self.prices[asset]  # of a unit, over WAD * QUANTUM, quote units
        product = reserves.asset * reserves.quote
        quote = isqrt(product * worth * keep // (WAD * QUANTUM * WAD)) - reserves.quote
        if quote > 0:
            return False, quote * WAD // keep
        units = isqrt(product * WAD * QUANTUM * keep // (worth * WAD)) - reserves.asset
        return True, max(units, 0) * WAD // keep
