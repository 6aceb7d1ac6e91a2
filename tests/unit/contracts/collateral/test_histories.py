"""Long histories of accounts with assets of 6, 8 and 18 decimals: every law after every action."""

from __future__ import annotations

from typing import Any

import boa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.collateral import Asset, check_assets, value_of
from tests.support.protocol import ALL, Protocol, id_of, units

DECIMALS = (6, 8, 18)
OWNERS = ("first", "second", "third")

KNOWN = (
    "collateral_balances: balance too low",
    "collateral_balances: deposit cap",
    "collateral_balances: lien",
    "collateral_balances: zero amount",
    "forced_sales: nothing can be sold now",
    "forced_sales: owes nothing",
    "liquidation: far from average price",
    "liquidation: healthy",
    "liquidation: no position",
    "loss_waterfall: collateral left",
    "loss_waterfall: no deficit",
    "loss_waterfall: window open",
    "margin_checks: collateral too low",
    "margin_checks: margin too low",
    "margin_checks: owes quote",
    "spot_market: too little comes out",
    "trading: deficit pending",
    "trading: no position",
    "trading: opposite direction",
    "trading: position too small",
)
"""What an action may be told; anything else is a fault."""

who = st.integers(0, len(OWNERS) - 1)
which = st.integers(0, len(DECIMALS) - 1)


class Histories(RuleBasedStateMachine):
    """Deposits, trades, falls of prices, sales, swaps; tokens are worth what the oracle says or less."""

    def __init__(self) -> None:
        super().__init__()
        self._anchor = boa.env.anchor()
        self._anchor.__enter__()
        self.protocol = protocol = Protocol(fund=2_000, pool=5_000_000)
        self.assets = [
            Asset(
                protocol,
                decimals=decimals,
                liquidity=400_000,
                changes={"size_coefficient": WAD, "z": WAD, "deposit_cap": 500 * WAD},
            )
            for decimals in DECIMALS
        ]
        self.owners = [protocol.account(name, 500) for name in OWNERS]

    def teardown(self) -> None:
        self._anchor.__exit__(None, None, None)

    def tries(self, call: Any, *arguments: Any, **named: Any) -> bool:
        """Let somebody act; return whether it could."""
        try:
            call(*arguments, **named)
        except boa.BoaError as error:
            if not any(reason in str(error) for reason in KNOWN):
                raise
            return False
        return True

    @initialize()
    def everybody_has_something(self) -> None:
        for number, owner in enumerate(self.owners):
            self.assets[number].deposit(owner, 20 * self.assets[number].unit)

    @rule(owner=who, asset=which, thousandths=st.integers(1, 40_000))
    def deposit(self, owner: int, asset: int, thousandths: int) -> None:
        chosen = self.assets[asset]
        account = self.owners[owner]
        before = value_of(self.protocol, account)
        if self.tries(chosen.deposit, account, chosen.unit * thousandths // 1_000):
            after = value_of(self.protocol, account)
            assert after >= before - before // 10**12 - QUANTUM  # more never counts for less

    @rule(owner=who, asset=which, thousandths=st.integers(1, 40_000))
    def withdraw(self, owner: int, asset: int, thousandths: int) -> None:
        chosen = self.assets[asset]
        self.tries(chosen.withdraw, self.owners[owner], chosen.unit * thousandths // 1_000)

    @rule(owner=who, size=st.integers(-200, 200))
    def open(self, owner: int, size: int) -> None:
        self.tries(self.protocol.increase, self.owners[owner], size * WAD // 10 or WAD)

    @rule(owner=who)
    def close(self, owner: int) -> None:
        self.tries(self.protocol.decrease, self.owners[owner], ALL)

    @rule(percent=st.integers(88, 113))
    def market_moves(self, percent: int) -> None:
        price = self.protocol.oracle.asset_price(0).index_price
        self.protocol.set_price(price * percent // 100)

    @rule(asset=which, percent=st.integers(80, 110), follows=st.booleans())
    def asset_moves(self, asset: int, percent: int, follows: bool) -> None:
        chosen = self.assets[asset]
        price = int(chosen.oracle.asset_price(0).index_price) * percent // 100
        chosen.set_price(price)
        if follows:
            chosen.push_pool_to(price)

    @rule(asset=which, hundredths=st.integers(1, 300), is_sale=st.booleans())
    def somebody_swaps(self, asset: int, hundredths: int, is_sale: bool) -> None:
        chosen = self.assets[asset]
        reserves = chosen.pool.reserves()
        trader = boa.env.generate_address("swapper")
        if is_sale:
            self.tries(chosen.swap, trader, sold=reserves.asset * hundredths // 10_000)
        else:
            self.tries(chosen.swap, trader, spent=reserves.quote * hundredths // 10_000)

    @rule(owner=who)
    def liquidate(self, owner: int) -> None:
        self.tries(self.protocol.liquidate, self.owners[owner])

    @rule(owner=who)
    def sell(self, owner: int) -> None:
        protocol, account = self.protocol, id_of(self.owners[owner])
        before = {
            asset.id: (asset.balance(account), int(protocol.assets.holding_of(account, asset.id).price))
            for asset in self.assets
        }
        equity = self.protocol.state(account).equity
        if not self.tries(protocol.waterfall.sell_collateral, account, sender=protocol.liquidator):
            return
        for log in protocol.waterfall.get_logs():
            if type(log).__name__ == "AssetSold":
                units_before, price = before[log.asset]
                asset = self.assets[log.asset]
                worth = (units_before - asset.balance(account)) * price // asset.unit
                # No fill below the band, and no more than was wanted but for a unit of the token.
                assert log.proceeds * QUANTUM >= worth * 95 // 100 - QUANTUM
        assert self.protocol.state(account).equity >= equity - QUANTUM
        protocol.waterfall.refresh_secured(account)

    @rule(owner=who, is_cover=st.booleans())
    def resolve(self, owner: int, is_cover: bool) -> None:
        account = self.owners[owner]
        self.tries(self.protocol.cover if is_cover else self.protocol.socialize, account)

    @rule(owner=who, quote=st.integers(1, 800))
    def repay(self, owner: int, quote: int) -> None:
        self.protocol.deposit(self.owners[owner], units(quote))

    @rule(seconds=st.sampled_from([1, 12, 600, 4_000]))
    def wait(self, seconds: int) -> None:
        self.protocol.wait(seconds)

    @invariant()
    def everything_adds_up(self) -> None:
        self.protocol.check_books()
        check_assets(self.protocol, self.assets, self.owners)
        for asset in self.assets:
            reserves = asset.pool.reserves()
            assert asset.token.balanceOf(asset.pool.address) == reserves.asset
            assert self.protocol.token.balanceOf(asset.pool.address) == reserves.quote

    @invariant()
    def nobody_is_secured_for_more_than_it_owes(self) -> None:
        for owner in self.owners:
            account = id_of(owner)
            owed = int(self.protocol.ledger.pending_deficit_of(account))
            assert self.protocol.waterfall.secured_of(account) <= owed


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
