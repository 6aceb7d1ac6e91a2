"""The whole protocol on titanoboa, with short words for what tests do to it.

The oracle's limiter is as loose as its bounds allow and prices are set five minutes apart, so that a test
says which price the contracts see; limits of the oracle have tests of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boa

from sim.reference.account_ids import account_id
from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.deployers import deploy, deploy_oracle, harness
from tests.support.risk_parameters import STATIC

NO_RAMP = 2**256 - 1
NOBODY = "0x" + "00" * 20
ALL = 2**256 - 1
START_PRICE = 2_000 * WAD
START_VARIANCE = 36 * WAD // 100  # 60 %: the fee's reference volatility
PRICE_INTERVAL_SECONDS = 300
OPEN_INTEREST_CAP = 10**6 * WAD

# What the owner may change about margin, by the contract that reads it, in the order of its struct; no fees
# and no ramp unless a test asks for them.
MARKET: dict[str, int] = {
    "ramp_per_hour": NO_RAMP,
    "funding_coefficient": 0,
    "funding_margin_coefficient": 75 * WAD // 100,
    "max_funding_rate_per_hour": 4 * WAD // 100,
    "min_position_notional": 100 * WAD,
}
RISK: dict[str, int] = {
    "upnl_weight": WAD,
    "upnl_cap": 10**7 * WAD,
    "withdraw_margin_ratio": WAD // 10,
    "depth_variance": 0,
    "depth_reserves": 0,
    "depth_share_min": WAD // 20,
}
FEES: dict[str, int] = {
    "trade_fee_rate": 0,
    "pool_fee_share": 6 * WAD // 10,
    "fund_fee_share": 2 * WAD // 10,
}
MARGIN = MARKET | RISK | FEES

# In the order of `ILiquidationEngine.LiquidationParameters`; no fee, tip or throttle unless asked for.
LIQUIDATION: dict[str, int] = {
    "buffer": 15 * WAD // 100,
    "fee_base": 0,
    "fee_volatility_coefficient": WAD // 2,
    "fee_shortfall_coefficient": WAD,
    "fee_max": 5 * WAD // 100,
    "fee_maintenance_share": 6 * WAD // 10,
    "fee_equity_share": 95 * WAD // 100,
    "volatility_reference": 6 * WAD // 10,
    "bounty_share_base": WAD // 2,
    "bounty_volatility_coefficient": WAD // 10,
    "bounty_adequacy_coefficient": 2 * WAD // 10,
    "bounty_share_min": 3 * WAD // 10,
    "bounty_share_max": 8 * WAD // 10,
    "min_bounty": 0,
    "throttle_share_per_hour": 0,
    "backstop_ratio": 2 * WAD // 3,
    "min_close_share": 0,
    "max_close_impact": 9 * WAD // 10_000,
    "backstop_close_impact": WAD // 10,
    "average_price_band": 2 * WAD // 10,
}
WATERFALL: dict[str, int] = {"adl_window_seconds": 60}

# In the order of `ILiquidityPool.PoolParameters` and, after the target, of `IInsuranceFund.FundParameters`.
POOL: dict[str, int] = {"queue_seconds": 3_600, "exit_window_seconds": 3_600}
FUND: dict[str, int] = {"cooldown_seconds": 13 * 86_400, "exit_window_seconds": 2 * 86_400}


# In the order of `ILedger.Order`: a trade in market 0 at the start price, without a fee.
ORDER: dict[str, Any] = {
    "account": 0,
    "market": 0,
    "cause": 0,
    "size_delta": 0,
    "index_price": START_PRICE,
    "funding_index": 0,
    "limit_price": 0,
    "entry_ratio": 0,
    "fee_rate": 0,
    "fund_fee_share": 0,
    "pool_fee_share": 0,
    "fee": 0,
    "bounty": 0,
    "liquidator": NOBODY,
    "bankrupt": 0,
    "haircut": 0,
}


def merged(defaults: Mapping[str, int], changes: Mapping[str, int]) -> tuple[int, ...]:
    """Return a parameter struct with some fields replaced; changes of other structs do not count."""
    return tuple(changes.get(name, value) for name, value in defaults.items())


def known(changes: Mapping[str, Any] | None, *structs: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes, all of which are fields of one of the structs."""
    unknown = (changes or {}).keys() - {name for struct in structs for name in struct}
    if unknown:
        raise KeyError(f"no such parameters: {sorted(unknown)}")
    return dict(changes or {})


def id_of(account: Any, index: int = 0) -> int:
    """Return the account of an owner's address; of an account, itself."""
    return account if isinstance(account, int) else account_id(int(str(account), 16), index)


def units(quote: int) -> int:
    """Token units of a whole number of quote."""
    return quote * 10**6


class Protocol:
    """A deployed protocol with one or more markets, liquidity and an insurance fund.

    Parameters
    ----------
    margin, liquidation
        Fields that differ from ``MARGIN``, and from ``LIQUIDATION`` and ``WATERFALL``.
    skew_scale
        Base units (WAD); the default is so large that fills are at the index price to 1e-18.
    pool, fund
        Deposits in quote.
    token
        Quote token instead of the mock.
    estimators
        Whether the registry asks a volatility oracle, which has no markets yet.
    """

    def __init__(
        self,
        *,
        margin: dict[str, int] | None = None,
        liquidation: dict[str, int] | None = None,
        markets: int = 1,
        skew_scale: int = 10**22 * WAD,
        max_premium: int = WAD // 100,
        risk_model: Any = None,
        policy: Any = None,
        open_interest_cap: int = OPEN_INTEREST_CAP,
        pool: int = 10_000_000,
        fund: int = 1_000_000,
        fund_target: int = 1_000_000,
        token: Any = None,
        estimators: bool = False,
    ) -> None:
        self.owner = boa.env.generate_address("owner")
        self.reporters = [boa.env.generate_address(f"reporter {i}") for i in range(3)]
        self.liquidity_provider = boa.env.generate_address("liquidity provider")
        self.fund_backer = boa.env.generate_address("fund backer")
        self.liquidator = boa.env.generate_address("liquidator")
        self.margin_changes = known(margin, MARGIN)
        self.liquidation_changes = known(liquidation, LIQUIDATION, WATERFALL)
        self.token = token or deploy("testing/ERC20Mock", "USD Coin", "USDC", 6)
        self.oracle = deploy_oracle(self.owner, limiter_minimum=WAD, limiter_coefficient=100 * WAD)
        oracle, quote = self.oracle.address, self.token.address
        self.volatility: Any = None
        self.ledger = deploy("Ledger", self.owner, quote)
        ledger = self.ledger.address
        if estimators:
            self.volatility = deploy("VolatilityOracle", self.owner, oracle, ledger)
        self.assets = deploy("CollateralRegistry", self.owner, ledger)
        assets = self.assets.address
        beside = (self.owner, quote, ledger, assets)
        self.pool = deploy("LiquidityPool", *beside, tuple(POOL.values()))
        self.fund = deploy("InsuranceFund", *beside, (fund_target * WAD, *FUND.values()))
        pool_address, fund_address = self.pool.address, self.fund.address
        self.registry = deploy(
            "MarketRegistry",
            self.owner,
            oracle,
            self.volatility.address if self.volatility else NOBODY,
            ledger,
            pool_address,
            merged(MARKET, self.margin_changes),
        )
        registry = self.registry.address
        self.risk = deploy(
            "RiskEngine",
            self.owner,
            oracle,
            ledger,
            registry,
            pool_address,
            assets,
            merged(RISK, self.margin_changes),
        )
        risk = self.risk.address
        self.waterfall = deploy(
            "LossWaterfall",
            self.owner,
            ledger,
            registry,
            risk,
            fund_address,
            assets,
            (policy or deploy("deleverage_policies/QueuePolicy")).address,
            merged(WATERFALL, self.liquidation_changes),
        )
        waterfall = self.waterfall.address
        self.desk = deploy(
            "TradingDesk",
            self.owner,
            ledger,
            registry,
            risk,
            waterfall,
            assets,
            merged(FEES, self.margin_changes),
        )
        self.liquidation = deploy(
            "LiquidationEngine",
            self.owner,
            ledger,
            registry,
            risk,
            waterfall,
            pool_address,
            fund_address,
            self.desk.address,
            merged(LIQUIDATION, self.liquidation_changes),
        )
        self.lens = deploy(
            "Lens",
            ledger,
            registry,
            risk,
            pool_address,
            fund_address,
            self.liquidation.address,
            oracle,
            quote,
        )
        self.operators = (self.desk, self.liquidation, self.waterfall, self.assets)
        self.accounts: list[str] = []
        self.held_dust = 0  # quanta that rounding may have left with the pool, beside one per claim
        self.risk_models: list[Any] = []
        with boa.env.prank(self.owner):
            self.ledger.connect(pool_address, fund_address)
            self.pool.connect(registry)
            self.fund.set_drawer(ledger, True)
            for operator in self.operators:
                self.ledger.set_operator(operator.address, True)
            for market in range(markets):
                model = risk_model or deploy("risk_models/StaticRiskModel", self.owner, STATIC)
                self.risk_models.append(model)
                self.oracle.add_asset(START_PRICE, START_VARIANCE, START_VARIANCE)
                for reporter in self.reporters:
                    self.oracle.add_reporter(market, reporter, 1, 86_400)
                self.pool.add_market(skew_scale, max_premium)
                self.registry.add_market(model.address, open_interest_cap)
        for market in range(markets):
            self.set_price(START_PRICE, market=market)
        self.supply(self.pool, self.liquidity_provider, pool)
        self.supply(self.fund, self.fund_backer, fund)

    # What the world does

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        boa.env.time_travel(seconds=seconds)

    def set_price(self, price: int, *, market: int = 0, wait: int = PRICE_INTERVAL_SECONDS) -> None:
        """Let all reporters report a price (WAD) after a while."""
        self.wait(wait)
        for reporter in self.reporters:
            self.oracle.report(market, price, 0, boa.env.timestamp, sender=reporter)

    def supply(self, vault: Any, provider: str, quote: int) -> None:
        """Deposit quote into a vault."""
        if quote:
            self.token.mint(provider, units(quote))
            self.token.approve(vault.address, units(quote), sender=provider)
            vault.deposit(units(quote), provider, sender=provider)

    def request(self, vault: Any, provider: str, shares: int | None = None) -> int:
        """Put shares, all of them unless said, into a vault's exit queue; return how many."""
        shares = vault.balanceOf(provider) if shares is None else shares
        vault.request_exit(shares, sender=provider)
        return shares

    def leave(self, vault: Any, provider: str, shares: int | None = None) -> int:
        """Let a provider request, wait and redeem at the price reported last; return token units."""
        shares = self.request(vault, provider, shares)
        self.wait(vault.exit_request(provider).ready_at - boa.env.timestamp)
        self.report_again()
        return int(vault.redeem(shares, provider, provider, sender=provider))

    def report_again(self) -> None:
        """Let every market's price be reported once more, unchanged and right now."""
        for market in range(self.registry.market_count()):
            self.set_price(self.oracle.asset_price(market).index_price, market=market, wait=0)

    # What traders do

    def account(self, name: str, quote: int = 0) -> str:
        """Return the owner of a new account with collateral: its account of index 0."""
        account: str = boa.env.generate_address(name)
        self.accounts.append(account)
        if quote:
            self.deposit(account, units(quote))
        return account

    def deposit(self, account: Any, token_units: int, *, payer: str | None = None) -> None:
        """Mint and deposit collateral."""
        payer = payer or account
        self.token.mint(payer, token_units)
        self.token.approve(self.ledger.address, token_units, sender=payer)
        self.desk.deposit(id_of(account), token_units, sender=payer)

    def withdraw(self, account: str, token_units: int, *, index: int = 0) -> None:
        """Take collateral out."""
        self.desk.withdraw(index, token_units, sender=account)

    def increase(self, account: str, size: int, *, market: int = 0, limit: int = 0, index: int = 0) -> None:
        """Open or add to a position; size in WAD base, signed."""
        self.desk.increase_position(index, market, size, limit, sender=account)

    def decrease(
        self, account: str, size: int = ALL, *, market: int = 0, limit: int = 0, index: int = 0
    ) -> None:
        """Close part or all of a position."""
        self.desk.decrease_position(index, market, size, limit, sender=account)

    def liquidate(self, account: Any, *, market: int = 0) -> None:
        """Liquidate as the liquidator."""
        self.liquidation.liquidate(id_of(account), market, sender=self.liquidator)

    def preview(self, account: Any) -> Any:
        """Return what a liquidation would do now, and in which market."""
        return self.liquidation.preview_liquidation(id_of(account))

    def deleverage(self, bankrupt: Any, winners: Iterable[Any], *, market: int = 0) -> None:
        """Deleverage winners against a bankrupt account."""
        self.waterfall.auto_deleverage(id_of(bankrupt), market, [id_of(winner) for winner in winners])

    def socialize(self, bankrupt: Any) -> None:
        """Write the rest of a deficit off."""
        self.waterfall.socialize_loss(id_of(bankrupt))

    def cover(self, bankrupt: Any) -> int:
        """Draw the fund against a deficit; return what still pends."""
        return int(self.waterfall.cover_deficit(id_of(bankrupt)))

    # What an operator does that is not ours

    def operator(self) -> Any:
        """Return a registered operator that does what it is told (``OperatorHarness.vy``)."""
        operator = harness("OperatorHarness", self.ledger.address)
        self.ledger.set_operator(operator.address, True, sender=self.owner)
        return operator

    def settle(self, account: Any, size_delta: int, **fields: Any) -> Any:
        """Let an operator order a change of a position at the ledger."""
        order = known(fields, ORDER)
        return self.operator().settle(
            tuple((ORDER | {"account": id_of(account), "size_delta": size_delta} | order).values())
        )

    # What the owner does

    def set_margin(self, **changes: int) -> None:
        """Change margin parameters, in the contracts that have them."""
        self.margin_changes |= known(changes, MARGIN)
        for contract, struct in ((self.registry, MARKET), (self.risk, RISK), (self.desk, FEES)):
            if changes.keys() & struct.keys():
                contract.set_parameters(merged(struct, self.margin_changes), sender=self.owner)

    def set_liquidation(self, **changes: int) -> None:
        """Change liquidation parameters, in the contracts that have them."""
        self.liquidation_changes |= known(changes, LIQUIDATION, WATERFALL)
        for contract, struct in ((self.liquidation, LIQUIDATION), (self.waterfall, WATERFALL)):
            if changes.keys() & struct.keys():
                contract.set_parameters(merged(struct, self.liquidation_changes), sender=self.owner)

    def set_ratios(self, initial: int, maintenance: int, *, haircut: int = 0, market: int = 0) -> None:
        """Swap a market's model for a static one with these ratios."""
        model = deploy("risk_models/StaticRiskModel", self.owner, (initial, maintenance, haircut))
        cap = self.registry.market_info(market).open_interest_cap
        self.registry.set_market(market, model.address, cap, sender=self.owner)

    # What can be seen

    def state(self, account: Any) -> Any:
        """Return the account as the maintenance check sees it."""
        return self.risk.account_states([id_of(account)])[0]

    def position(self, account: Any, market: int = 0) -> Any:
        """Return a stored position."""
        return self.ledger.position_of(id_of(account), market)

    def collateral(self, account: Any) -> int:
        """Return an account's collateral."""
        return int(self.ledger.collateral_of(id_of(account)))

    def open_markets(self, account: Any) -> int:
        """Return the markets in which an account has a position, as bits."""
        return int(self.ledger.open_markets_of(id_of(account)))

    def deficit(self, account: Any) -> Any:
        """Return the record of an account's pending deficit."""
        return self.ledger.deficit_of(id_of(account))

    def held(self, account: Any, market: int = 0, side: int = 1) -> Any:
        """Return what is held of an account's gains against losers of a side."""
        return self.ledger.held_gain_of(id_of(account), market, side)

    def release(self, account: Any, market: int = 0) -> None:
        """Credit an account with what was held and is freed."""
        self.waterfall.release_held(id_of(account), market)
        self.held_dust += 1

    def share(self, bankrupt: Any, market: int = 0) -> Any:
        """Return a market's share of a pending deficit."""
        return self.ledger.deficit_share_of(id_of(bankrupt), market)

    def score(self, account: Any, market: int = 0) -> int:
        """Return an account's rank for deleveraging."""
        return int(self.waterfall.deleverage_score(id_of(account), market))

    def exceptions(self, market: int = 0) -> int:
        """Return how many liquidations of a market ended in a deficit."""
        return int(self.ledger.aggregates_of(market).exceptions)

    def wallet(self, holder: Any) -> int:
        """Return a token balance in WAD."""
        return int(self.token.balanceOf(getattr(holder, "address", holder))) * QUANTUM

    def check_books(self, others: Iterable[Any] = ()) -> None:
        """Assert every conservation law that holds at all times, to the wei."""
        accounts = list(dict.fromkeys(id_of(account) for account in (*self.accounts, *others)))
        totals = self.ledger.totals()
        collaterals = [self.collateral(account) for account in accounts]
        assert totals.total_collateral == sum(max(c, 0) for c in collaterals)
        assert totals.total_debt == sum(max(-c, 0) for c in collaterals)
        assert totals.pending_deficit == sum(
            max(-c, 0)
            for account, c in zip(accounts, collaterals, strict=True)
            if self.open_markets(account) == 0
        )
        assert all(c % QUANTUM == 0 for c in collaterals)
        for account, collateral in zip(accounts, collaterals, strict=True):
            owes = collateral < 0 and self.open_markets(account) == 0
            assert (self.deficit(account).recorded_at != 0) == owes
        self._check_held_gains(accounts)
        assert self.wallet(self.ledger) == totals.total_collateral + totals.accrued_fees
        assert self.wallet(self.pool) == self.pool.reserves()
        assert self.wallet(self.fund) == self.fund.reserves()
        assert totals.bad_debt == totals.fund_draws + totals.haircuts + totals.socialized_loss
        for market in range(self.registry.market_count()):
            positions = [self.position(account, market) for account in accounts]
            info = self.ledger.aggregates_of(market)
            sizes = [position.size for position in positions]
            assert info.long_open_interest == sum(max(size, 0) for size in sizes)
            assert info.short_open_interest == sum(max(-size, 0) for size in sizes)
            assert self.pool.position(market) == -sum(sizes)
            assert info.net_entry_notional == sum(p.entry_notional for p in positions)
            assert info.net_funding_index == sum(p.size * p.funding_index for p in positions)

    def _check_held_gains(self, accounts: Iterable[Any]) -> None:
        """Assert that held gains are what holders have a claim to, but for rounding in the pool's favour."""
        claims = [
            held
            for account in accounts
            for market in range(self.registry.market_count())
            for side in (1, -1)
            if (held := self.held(account, market, side)).amount or held.freed
        ]
        total = sum(held.amount + held.freed for held in claims)
        left = self.ledger.totals().held_gains - total
        assert 0 <= left <= QUANTUM * (len(claims) + self.held_dust)


@contextmanager
def isolated() -> Iterator[None]:
    """Undo everything that happens inside."""
    with boa.env.anchor():
        yield


@contextmanager
def rewound(protocol: Protocol) -> Iterator[None]:
    """Let a protocol forget, after a test, the accounts and changes of the test."""
    accounts = list(protocol.accounts)
    margin, liquidation = dict(protocol.margin_changes), dict(protocol.liquidation_changes)
    yield
    protocol.accounts = accounts
    protocol.margin_changes, protocol.liquidation_changes = margin, liquidation


def logs_of(contract: Any, name: str) -> list[Any]:
    """Return the events of one name that the contract's last call emitted."""
    return [log for log in contract.get_logs() if type(log).__name__ == name]
