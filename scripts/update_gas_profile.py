"""Measure the gas of every entry point on the exact engine and rewrite ``sim/chain/gas_profile.json``.

A scripted life of the protocol in one market: deposits, trades, reports, a slow decline with partial
liquidations, a gap with full ones, an empty fund, auto-deleveraging, socialised loss, and every way to be
refused. What a run does before its first block, first deposits and first trades, is not metered. Then a life
in eight markets, where accounts of one, three and eight positions do the same thing: it gives the gas
of a further position, and how far from a straight line that is. Each call is metered with its intrinsic gas.
The file is keyed by the hash of the bytecode; run this whenever a contract changes.

    python scripts/update_gas_profile.py            rewrite the file
    python scripts/update_gas_profile.py --check    exit 1 if the file is not what a measurement gives
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.chain.chain import Chain, Transaction  # noqa: E402  (the path must be set first)
from sim.chain.gas import PROFILE_PATH, GasEntry, GasProfile, bytecode_hash  # noqa: E402
from sim.core.errors import RunError, SeawallError  # noqa: E402
from sim.core.units import TOKEN_UNIT, WAD  # noqa: E402
from sim.protocol import actions  # noqa: E402
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, EntryPoint, Fees  # noqa: E402
from sim.protocol.address_book import AddressBook  # noqa: E402
from sim.protocol.client import ProtocolClient  # noqa: E402
from sim.protocol.contracts import compile_protocol, contract_of  # noqa: E402
from sim.protocol.deployed import OWNER, Deployment  # noqa: E402
from sim.protocol.deployment import Deployer  # noqa: E402
from sim.protocol.parameters.collateral import ASSET  # noqa: E402
from sim.protocol.parameters.table import STRUCTS  # noqa: E402
from sim.protocol.parameters.values import (  # noqa: E402
    AssetParameters,
    MarketParameters,
    ProtocolParameters,
)

ENTRY_POINTS: Final = (
    "collateral_oracle.report",
    "insurance_fund.deposit",
    "insurance_fund.redeem",
    "insurance_fund.request_exit",
    "liquidation_engine.liquidate",
    "liquidity_pool.deposit",
    "liquidity_pool.redeem",
    "liquidity_pool.request_exit",
    "loss_waterfall.auto_deleverage",
    "loss_waterfall.sell_collateral",
    "loss_waterfall.socialize_loss",
    "market_registry.poke",
    "price_oracle.report",
    "spot_pool.swap",
    "trading_desk.decrease_position",
    "trading_desk.deposit",
    "trading_desk.increase_position",
    "trading_desk.withdraw",
    "volatility_oracle.report_implied",
    "volatility_oracle.update",
    "volatility_oracle.update_pair",
)
"""What the simulator may send; each needs a success and a revert among the measurements."""

FLAT: Final = (EntryPoint.DEPOSIT, EntryPoint.DECREASE_POSITION)
"""What checks no margin: gas by positions is measured to show that it does not rise."""

GENESIS: Final = 1_700_000_000
BLOCK_SECONDS: Final = 300  # long blocks: the limiter lets the risk price follow the index
PRICE: Final = 2_000
POSITIONS: Final = (1, 3, 8)  # of accounts by which the gas of a further position is measured
LONGS: Final = 20
SHORTS: Final = 40
KEEPERS: Final = 5
COLLATERAL: Final = 10_000  # quote per trader
FREE: Final = Fees(0, 0)

PARAMETERS: Final = ProtocolParameters(
    # Gas hardly depends on values; these are the table's defaults, but for what this world needs.
    fees=STRUCTS["fees"].defaults,
    risk={**STRUCTS["risk"].defaults, "upnl_cap": 10_000_000},
    registry={**STRUCTS["registry"].defaults, "min_position_notional": 100},
    liquidation={
        **STRUCTS["liquidation"].defaults,
        "min_bounty": 5,
        "throttle_share_per_hour": 100,  # on, and wide: the dearer path
        "backstop_ratio": 0.6667,
    },
    waterfall=STRUCTS["waterfall"].defaults,
    oracle=STRUCTS["oracle"].defaults,
    reporter=STRUCTS["reporter"].defaults,
    fund={**STRUCTS["fund"].defaults, "target_reserves": 1_000_000, "cooldown_seconds": 3_600},
    pool={**STRUCTS["pool"].defaults, "queue_seconds": 3_600},
    markets=(
        MarketParameters(
            name="ETH",
            initial_price=PRICE,
            initial_variance_fast=0.25,
            initial_variance_slow=0.25,
            pricing_terms={"skew_scale": 100_000, "max_premium": 0.02},  # what the initial ratio carries
            market={"open_interest_cap": 1_000_000},
            risk_model={
                "z": 4,
                "initial_horizon_seconds": 14_400,
                "maintenance_horizon_seconds": 3_600,
                "initial_floor": 0.02,
                "maintenance_floor": 0.01,
                "fast_weight": 1,
                "variance_floor": 0.16,
                "variance_stress": 1.44,
                "stress_weight": 0.25,
                "size_coefficient": 1,
                "size_root": 2,
                "liquidity_floor": 1_000_000,
                "open_interest_lower": 20_000_000,
                "open_interest_upper": 50_000_000,
                "confidence_coefficient": 2,
                "haircut": 0,
            },
            estimator=STRUCTS["estimator"].defaults,
            performance=STRUCTS["performance"].defaults,
        ),
    ),
)


ASSET_PARAMETERS: Final = AssetParameters(
    name="OTHER",
    decimals=18,
    initial_price=1,
    initial_variance_fast=0.25,
    initial_variance_slow=0.25,
    pool_fee_rate=0.003,
    pool_depth=10_000_000,
    terms={**ASSET.defaults, "deposit_cap": 10_000_000},
)


class Meter:
    """Sends batches and notes gas by entry point, outcome and number of items."""

    def __init__(self, engine: str, markets: int = 1) -> None:
        self.markets = range(markets)
        self.artifacts = compile_protocol("adaptive")
        self.book = AddressBook(
            [
                ("long", LONGS),
                ("short", SHORTS),
                ("keeper", KEEPERS),
                ("provider", 2),
                ("stranger", 1),
                ("pledger", 4),
            ]
        )
        self.chain = Chain.create(engine, GENESIS)
        self.successes: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.reverts: dict[str, list[int]] = defaultdict(list)
        self.reasons: dict[str, dict[str, int]] = defaultdict(dict)
        self.waited = 0
        self.next_block()
        self.client = ProtocolClient(self.chain, self._deploy(), self.book)

    def _deploy(self) -> Deployment:
        deployer = Deployer(self.chain, self.artifacts)
        keepers = [self.book.addresses[actor] for actor in self.group("keeper")]
        (market,) = PARAMETERS.markets
        markets = tuple(replace(market, name=f"{market.name}{number}") for number in self.markets)
        parameters = replace(PARAMETERS, markets=markets, assets=(ASSET_PARAMETERS,))
        return deployer.deploy(parameters, [keepers] * len(markets), [keepers])

    def group(self, name: str) -> list[int]:
        """Return the participants of a group."""
        group = self.book.groups[name]
        return list(range(group.start, group.stop))

    def next_block(self) -> None:
        """End the block, if one is open, and start the next."""
        number = self.chain.block_number
        if number:
            self.chain.end_block()
        self.chain.start_block(number + 1, GENESIS + (number + 1) * BLOCK_SECONDS + self.waited)

    def raw(self, key: str, function: str, *arguments: object, sender: str = OWNER) -> None:
        """Send one call that is not metered and must succeed."""
        deployment = self.client.deployment
        data = deployment.abis[contract_of(key)][function].encode(*arguments)
        receipt = self.chain.execute(Transaction(sender, deployment.addresses[key], data))
        if not receipt.status:
            raise RunError(f"{key}.{function} reverted: {receipt.revert_reason}")

    def send(self, batch: ActionBatch) -> list[bool]:
        """Send every call of a batch; return which succeeded."""
        outcomes = []
        for call in self.client.encode(batch):
            sender = self.book.addresses[call.actor]
            receipt = self.chain.execute(Transaction(sender, call.to, call.data))
            if receipt.status:
                self.successes[batch.kind].append((call.items, self.chain.exact_gas))
            else:
                self.reverts[batch.kind].append(self.chain.exact_gas)
                reasons = self.reasons[batch.kind]
                reasons[str(receipt.revert_reason)] = reasons.get(str(receipt.revert_reason), 0) + 1
            outcomes.append(receipt.status)
        return outcomes

    def set_up(self, batch: ActionBatch) -> None:
        """Send a batch that is not metered and must succeed."""
        for call in self.client.encode(batch):
            receipt = self.chain.execute(Transaction(self.book.addresses[call.actor], call.to, call.data))
            if not receipt.status:
                raise RunError(f"{batch.kind} reverted: {receipt.revert_reason}")

    def must(self, batch: ActionBatch) -> None:
        """Send a batch whose calls must all succeed."""
        if not all(self.send(batch)):
            raise RunError(f"{batch.kind} reverted: {self.reasons[batch.kind]}")

    def report(self, price: float) -> None:
        """Open a block and let all keepers report, the same price in every market."""
        self.next_block()
        keepers = self.group("keeper")
        prices = [int((price + 0.01 * k) * 10**6) * 10**12 for k in range(len(keepers))]
        now = self.chain.timestamp
        ages = [now - k for k in range(len(keepers))]
        for market in self.markets:
            self.must(actions.report("k", keepers, market, prices, WAD // 10, ages, FREE))
            # Not newer: refused.
            self.send(actions.report("k", keepers[:1], market, prices[:1], WAD, now, FREE))
            self.must(actions.report_implied("k", keepers[0], market, WAD // 4, FREE))
            self.send(actions.report_implied("k", keepers[1], market, WAD // 4, FREE))
            self.must(actions.update_estimator("k", keepers[0], market, FREE))
        self.send(actions.update_estimator("k", keepers[0], len(self.markets), FREE))
        self.must(actions.report_collateral("k", keepers, 0, WAD, WAD // 1_000, ages, FREE))
        self.send(actions.report_collateral("k", keepers[:1], 0, WAD, WAD // 1_000, now, FREE))

    def gas(self, batch: ActionBatch, *, success: bool) -> int:
        """Send one call and return its gas.

        Raises
        ------
        RunError
            Its outcome was the other one.
        """
        if self.send(batch) != [success]:
            raise RunError(f"{batch.kind}: success {not success}, {self.reasons[batch.kind]}")
        return self.chain.exact_gas

    def profile(self, lines: Mapping[str, Line]) -> GasProfile:
        """Return the gas table of everything sent so far; what a further position adds is given."""
        entries = {}
        missing = []
        for name in ENTRY_POINTS:
            if not self.successes[name]:
                missing.append(f"{name} never succeeded: {self.reasons[name]}")
            if not self.reverts[name]:
                missing.append(f"{name} never reverted")
            if not missing:
                entries[name] = fit(
                    self.successes[name],
                    self.reverts[name],
                    per_position=lines[name].slope if name in lines and name not in FLAT else 0,
                    revert_per_position=lines[refused(name)].slope if refused(name) in lines else 0,
                )
        if missing:
            raise RunError("\n".join(missing))
        return GasProfile(bytecode_hash(self.artifacts.values()), entries)


@dataclass(frozen=True, slots=True)
class Line:
    """Gas by the number of an account's positions, and the straight line through it."""

    gas: tuple[int, ...]
    """One figure for each of `POSITIONS`."""

    @property
    def slope(self) -> int:
        """Gas of a further position (least squares)."""
        return round(statistics.linear_regression(POSITIONS, self.gas).slope)

    @property
    def residual(self) -> int:
        """Farthest any figure is from the one for one position plus the slope for each further one."""
        first = self.gas[0]
        return max(
            abs(gas - first - self.slope * (count - POSITIONS[0]))
            for count, gas in zip(POSITIONS, self.gas, strict=True)
        )


def refused(entry_point: str) -> str:
    """Return the name of the line of an entry point's refusals."""
    return f"{entry_point} refused"


def fit(
    successes: list[tuple[int, int]], reverts: list[int], *, per_position: int, revert_per_position: int
) -> GasEntry:
    """Return base, slope by items (least squares on the medians of each size) and median revert."""
    by_items: dict[int, list[int]] = defaultdict(list)
    for items, gas in successes:
        by_items[items].append(gas)
    sizes = sorted(by_items)
    medians = [statistics.median_high(by_items[size]) for size in sizes]
    base, slope = float(medians[0]), 0.0
    if len(sizes) > 1:
        slope, base = statistics.linear_regression(sizes, medians)
    return GasEntry(
        success=max(round(base), 0),
        per_item=max(round(slope), 0),
        per_position=per_position,
        revert=statistics.median_high(reverts),
        revert_per_position=revert_per_position,
    )


def live(meter: Meter) -> None:
    """Play the scripted life: each step leaves the state that the next one needs."""
    open_vaults(meter)
    pledge(meter)
    trade(meter)
    decline(meter)
    collapse(meter)
    leave(meter)


def open_vaults(meter: Meter) -> None:
    """Wallets, approvals, deposits into pool and fund, first prices."""
    everybody = range(len(meter.book))
    for actor in everybody:
        address = meter.book.addresses[actor]
        meter.raw("token", "mint", address, 100_000_000 * TOKEN_UNIT)
        for key in ("ledger", "liquidity_pool", "insurance_fund"):
            spender = meter.client.deployment.addresses[key]
            meter.raw("token", "approve", spender, 2**256 - 1, sender=address)
    providers = meter.group("provider")
    meter.must(actions.pool_deposit("lp", providers, 50_000_000 * TOKEN_UNIT, FREE))
    meter.must(actions.fund_deposit("lp", providers, 20_000 * TOKEN_UNIT, FREE))
    meter.send(actions.pool_deposit("lp", providers[:1], 0, FREE))
    meter.send(actions.fund_deposit("lp", providers[:1], 0, FREE))
    for _ in range(3):
        meter.report(PRICE)


def trade(meter: Meter) -> None:
    """Deposits and trades of both sides, withdrawals, and refusals of each."""
    longs, shorts = meter.group("long"), meter.group("short")
    stranger = meter.group("stranger")
    meter.set_up(actions.deposit("t", longs + shorts, longs + shorts, COLLATERAL * TOKEN_UNIT, FREE))
    meter.must(actions.deposit("t", longs, longs, COLLATERAL * TOKEN_UNIT // 10, FREE))
    meter.send(actions.deposit("t", longs[:1], longs[:1], 10**12 * TOKEN_UNIT, FREE))
    # Longs of 7.5 times their collateral, shorts small: one bankrupt long needs several of them.
    meter.set_up(actions.increase_position("t", longs, 0, 30 * WAD, NO_LIMIT, FREE))
    meter.set_up(actions.increase_position("t", shorts, 0, -3 * WAD, NO_LIMIT, FREE))
    meter.report(PRICE + 1)
    meter.must(actions.increase_position("t", longs, 0, 5 * WAD, NO_LIMIT, FREE))
    meter.must(actions.increase_position("t", shorts, 0, -WAD, NO_LIMIT, FREE))
    # Traders know their margin; what they do not know is the price.
    meter.send(actions.increase_position("t", longs[:2], 0, 500 * WAD, NO_LIMIT, FREE))  # margin too low
    meter.send(actions.increase_position("t", longs[:6], 0, WAD, 1, FREE))  # limit price
    meter.must(actions.withdraw("t", shorts[:6], 100 * TOKEN_UNIT, FREE))
    meter.send(actions.withdraw("t", longs[2:6], COLLATERAL * TOKEN_UNIT, FREE))
    meter.must(actions.decrease_position("t", longs[:8], 0, 2 * WAD, NO_LIMIT, FREE))
    meter.must(actions.decrease_position("t", longs[:2], 0, CLOSE_ALL, NO_LIMIT, FREE))
    meter.send(actions.decrease_position("t", stranger, 0, WAD, NO_LIMIT, FREE))  # no position
    meter.send(actions.decrease_position("t", longs[2:4], 0, WAD, 10**30, FREE))  # limit price
    meter.report(PRICE)
    meter.must(actions.poke("k", stranger[0], 0, FREE))
    meter.send(actions.poke("k", stranger[0], 7, FREE))  # no such market
    meter.report(PRICE)


def pledge(meter: Meter) -> None:
    """Accounts with hardly any quote: what trades cost is a debt, which assets are sold for; and swaps."""
    pledgers = meter.group("pledger")
    addresses = meter.client.deployment.addresses
    pool = addresses["spot_pool:0"]
    for actor in pledgers:
        owner = meter.book.addresses[actor]
        meter.raw("collateral_token:0", "mint", owner, 1_000_000 * WAD)
        meter.raw("collateral_token:0", "approve", addresses["collateral_registry"], 2**256 - 1, sender=owner)
        meter.raw("collateral_token:0", "approve", pool, 2**256 - 1, sender=owner)
        meter.raw("token", "approve", pool, 2**256 - 1, sender=owner)
    meter.set_up(actions.deposit_collateral("t", pledgers, pledgers, 0, 100_000 * WAD, FREE))
    meter.set_up(actions.deposit("t", pledgers, pledgers, 40 * TOKEN_UNIT, FREE))
    for actor in pledgers:  # one after the other: nobody gains by those who come later
        meter.set_up(actions.increase_position("t", actor, 0, 30 * WAD, NO_LIMIT, FREE))
        meter.set_up(actions.decrease_position("t", actor, 0, 29 * WAD, NO_LIMIT, FREE))
    meter.report(PRICE)
    stranger = meter.group("stranger")[0]
    meter.set_up(actions.sell_collateral("s", stranger, pledgers[0], FREE))  # the first of the pool's life
    for actor in pledgers[1:]:
        meter.report(PRICE)
        meter.must(actions.sell_collateral("s", stranger, actor, FREE))
        meter.send(actions.sell_collateral("s", stranger, actor, FREE))  # owes nothing
    for actor in pledgers:
        for is_sale, amount in ((True, 1_000 * WAD), (False, 1_000 * TOKEN_UNIT)):
            trade_in = partial(actions.swap, "a", actor, 0, is_sale=is_sale, amount_in=amount, fees=FREE)
            meter.must(trade_in(min_amount_out=1))
            meter.send(trade_in(min_amount_out=10**30))  # too little comes out
    meter.set_up(actions.decrease_position("t", pledgers, 0, CLOSE_ALL, NO_LIMIT, FREE))
    meter.report(PRICE)


def liquidate_all(meter: Meter, longs: list[int], market: int = 0) -> int:
    """Try every one of these longs that is still open in a market; return how many were liquidated."""
    stranger = meter.group("stranger")[0]
    states = meter.client.positions(market, longs)
    live_longs = [actor for actor, state in zip(longs, states, strict=True) if state.size]
    if not live_longs:
        return 0
    return sum(meter.send(actions.liquidate("l", [stranger] * len(live_longs), live_longs, market, FREE)))


def decline(meter: Meter) -> None:
    """A slow decline: partial liquidations of half the longs, and refusals of the healthy."""
    longs = meter.group("long")[: LONGS // 2]
    price = float(PRICE)
    for step in range(11):
        price *= 0.985
        meter.report(price)
        liquidate_all(meter, longs if step > 7 else longs[2:5])
    if len(meter.successes["liquidation_engine.liquidate"]) < 5:
        raise RunError("the decline liquidated too few accounts: the script no longer fits the contracts")


def collapse(meter: Meter) -> None:
    """A gap: full liquidations, an empty fund, deficits; winners close some, the pool bears the rest."""
    stranger = meter.group("stranger")[0]
    longs = meter.group("long")
    meter.send(actions.auto_deleverage("l", stranger, longs[0], 0, meter.group("short")[:2], FREE))
    meter.send(actions.socialize_loss("l", stranger, longs[0], FREE))
    for price in (1_150.0, 1_100.0):
        meter.report(price)
        liquidate_all(meter, longs)
    deficits = [actor for actor in longs if meter.client.account_states([actor])[0].collateral < 0]
    if len(deficits) < 6:
        raise RunError(f"only {len(deficits)} deficits: the script no longer fits the contracts")
    for actor, count in zip(deficits, (1, 2, 4, 8, 3), strict=False):
        meter.send(actions.auto_deleverage("l", stranger, actor, 0, ranked_winners(meter, count), FREE))
    meter.report(1_050.0)
    for actor in deficits[:5]:
        meter.send(actions.socialize_loss("l", stranger, actor, FREE))
    meter.report(1_050.0)
    for actor in deficits:
        if meter.client.account_states([actor])[0].collateral < 0:
            meter.send(actions.socialize_loss("l", stranger, actor, FREE))


def ranked_winners(meter: Meter, count: int) -> list[int]:
    """Return the best-ranked shorts: by falling score, ties by rising id."""
    scored = []
    for actor in meter.group("short"):
        account = meter.book.account_ids[actor]
        score = meter.client.read("loss_waterfall", "deleverage_score", account, 0)
        if score:
            scored.append((-int(str(score)), account, actor))
    return [actor for _, _, actor in sorted(scored)[:count]]


def leave(meter: Meter) -> None:
    """Everybody takes out what is left."""
    shorts, providers = meter.group("short"), meter.group("provider")
    meter.report(1_050.0)
    open_shorts = [
        actor for actor, state in zip(shorts, meter.client.positions(0, shorts), strict=True) if state.size
    ]
    meter.must(actions.decrease_position("t", open_shorts, 0, WAD // 2, NO_LIMIT, FREE))
    meter.set_up(actions.decrease_position("t", open_shorts[1:], 0, CLOSE_ALL, NO_LIMIT, FREE))
    meter.send(actions.pool_deposit("lp", providers, 1_000 * TOKEN_UNIT, FREE))  # a trader has a position
    meter.must(actions.fund_deposit("lp", providers, 1_000 * TOKEN_UNIT, FREE))
    for key, ask in (
        ("liquidity_pool", actions.pool_request_exit),
        ("insurance_fund", actions.fund_request_exit),
    ):
        for provider in providers:
            shares = int(str(meter.client.read(key, "balanceOf", meter.book.addresses[provider])))
            meter.must(ask("lp", provider, shares // 2, FREE))
            meter.send(ask("lp", provider, shares, FREE))  # more than is left
    meter.waited = 3_600
    meter.report(1_050.0)
    for key, redeem in (("liquidity_pool", actions.pool_redeem), ("insurance_fund", actions.fund_redeem)):
        for provider in providers:
            shares = meter.client.read(key, "exit_request", meter.book.addresses[provider])[0]
            meter.must(redeem("lp", provider, int(str(shares)) // 2, FREE))
            meter.send(redeem("lp", provider, int(str(shares)), FREE))  # more than waits


class Portfolios:
    """Accounts of `POSITIONS` positions that do the same thing, each in a block of its own.

    What they hold is alike in all but its number: a position in the first market and, in as many others as
    they have further ones, small ones of the same age, with collateral in proportion.
    """

    def __init__(self, engine: str) -> None:
        self.meter = meter = Meter(engine, max(POSITIONS))
        self.price = float(PRICE)
        self.longs, self.shorts = meter.group("long"), meter.group("short")
        self.stranger = meter.group("stranger")
        open_vaults(meter)
        for traders, size in ((self.longs, 30 * WAD), (self.shorts, -40 * WAD)):
            sizes = [size, *[size // 10] * (max(POSITIONS) - 1)]
            held = [abs(sum(sizes[: self.positions(trader)])) for trader in traders]
            amounts = [each * 400 * TOKEN_UNIT // WAD for each in held]
            meter.must(actions.deposit("t", traders, traders, amounts, FREE))
            for market in meter.markets:
                holders = [trader for trader in traders if self.positions(trader) > market]
                meter.must(actions.increase_position("t", holders, market, sizes[market], NO_LIMIT, FREE))

    def positions(self, trader: int) -> int:
        """Return how many positions a trader has: each side goes through `POSITIONS` again and again."""
        side = self.longs if trader in self.longs else self.shorts
        return POSITIONS[side.index(trader) % len(POSITIONS)]

    def line(self, call: Callable[[int], ActionBatch], traders: list[int], *, success: bool = True) -> Line:
        """Measure a call by one trader of each number of positions.

        Another does it first: what is written for the first time in a market's life is nobody's cost.
        """
        rehearsal, *measured = traders[len(POSITIONS)], *traders[: len(POSITIONS)]
        self.meter.report(self.price)
        self.meter.gas(call(rehearsal), success=success)
        found = []
        for trader in measured:
            self.meter.report(self.price)
            found.append(self.meter.gas(call(trader), success=success))
        return Line(tuple(found))

    def lines(self) -> dict[str, Line]:
        """Return the line of every entry point of an account, and of the refusals that value one."""
        return {**self.quiet(), **self.decline(), **self.collapse()}

    def quiet(self) -> dict[str, Line]:
        """Measure deposits, withdrawals, trades, and the refusals of those and of the healthy."""

        def withdraw_all(trader: int) -> ActionBatch:
            collateral = self.meter.client.account_states([trader])[0].collateral
            return actions.withdraw("t", [trader], collateral * TOKEN_UNIT // WAD, FREE)

        def increase(trader: int, limit_price: int = NO_LIMIT) -> ActionBatch:
            return actions.increase_position("t", [trader], 0, -WAD, limit_price, FREE)

        def decrease(trader: int, limit_price: int = NO_LIMIT) -> ActionBatch:
            return actions.decrease_position("t", [trader], 0, WAD, limit_price, FREE)

        point = EntryPoint
        return {
            point.DEPOSIT: self.line(
                lambda trader: actions.deposit("t", [trader], [trader], TOKEN_UNIT, FREE), self.shorts
            ),
            point.WITHDRAW: self.line(
                lambda trader: actions.withdraw("t", [trader], TOKEN_UNIT, FREE), self.shorts
            ),
            refused(point.WITHDRAW): self.line(withdraw_all, self.shorts, success=False),
            point.INCREASE_POSITION: self.line(increase, self.shorts),
            refused(point.INCREASE_POSITION): self.line(
                lambda trader: increase(trader, 10**30), self.shorts, success=False
            ),
            point.DECREASE_POSITION: self.line(decrease, self.shorts),
            refused(point.DECREASE_POSITION): self.line(
                lambda trader: decrease(trader, 1), self.shorts, success=False
            ),
            refused(point.LIQUIDATE): self.line(self.liquidate, self.longs, success=False),
        }

    def decline(self) -> dict[str, Line]:
        """Let prices fall until all longs are just under their requirement: liquidations in part."""
        while not self.all_unsafe():
            self.price *= 0.998
            self.meter.report(self.price)
        return {EntryPoint.LIQUIDATE: self.line(self.liquidate, self.longs)}

    def all_unsafe(self) -> bool:
        """Return whether every long is below its maintenance requirement."""
        states = self.meter.client.account_states(self.longs)
        return all(state.equity < state.maintenance_requirement for state in states)

    def collapse(self) -> dict[str, Line]:
        """Empty the fund by a gap, then close one short of each number of positions against a deficit."""
        self.price = 1_100.0
        for _ in range(12):
            self.meter.report(self.price)
        # Forced closes of one block move a price by so much only: what is left closes in later ones.
        closed = 1
        while closed:
            closed = 0
            for trader in sorted(self.longs, key=self.positions, reverse=True):  # those of one position last
                for market in self.meter.markets:
                    closed += liquidate_all(self.meter, [trader], market)
            self.meter.report(self.price)
        states = self.meter.client.account_states(self.longs)
        bankrupts = [trader for trader, state in zip(self.longs, states, strict=True) if state.collateral < 0]
        winners = dict(zip(self.shorts, bankrupts, strict=False))
        return {
            EntryPoint.AUTO_DELEVERAGE: self.line(
                lambda winner: actions.auto_deleverage(
                    "l", self.stranger[0], winners[winner], 0, [winner], FREE
                ),
                self.shorts,
            )
        }

    def liquidate(self, trader: int) -> ActionBatch:
        """Return the call that liquidates a trader in the first market."""
        return actions.liquidate("l", self.stranger, [trader], 0, FREE)


def sample_pairs(engine: str) -> Meter:
    """Let a pair of markets be sampled, each time in a block of its own, and refuse a second one in it."""
    meter = Meter(engine, 2)
    keeper = meter.group("keeper")[0]
    words = STRUCTS["correlation"].defaults
    for number in range(2 * int(words["least_sample_count"])):
        for _ in range(3):  # every market is heard in every period
            meter.waited += int(words["sample_seconds"]) // 3
            meter.report(PRICE + number % 3)
        sample = actions.update_pair("k", keeper, 0, 1, FREE)
        if meter.client.read("volatility_oracle", "correlation", 0, 1)[4]:
            meter.must(sample)  # as all are but the first ones
        else:
            meter.set_up(sample)
        meter.send(sample)
    return meter


def measure(engine: str = "native") -> tuple[Meter, dict[str, Line], GasProfile]:
    """Return what was metered in one market, the lines by positions, and the profile that follows."""
    lines = Portfolios(engine).lines()
    meter = Meter(engine)
    live(meter)
    pairs, point = sample_pairs(engine), EntryPoint.UPDATE_PAIR
    meter.successes[point], meter.reverts[point] = pairs.successes[point], pairs.reverts[point]
    return meter, lines, meter.profile(lines)


def main() -> int:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    options = parser.parse_args()
    try:
        meter, lines, profile = measure()
    except SeawallError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name, entry in profile.entries.items():
        counts = f"{len(meter.successes[name])} successes, {len(meter.reverts[name])} reverts"
        print(f"{name:40} {entry.success:>9} + {entry.per_item:>7}/item  revert {entry.revert:>8}   {counts}")
    for name, line in lines.items():
        print(f"{name:40} {line.gas} + {line.slope}/position, residual {line.residual}")
    if not options.check:
        profile.save()
        return 0
    stored = GasProfile.load()
    is_same = (stored.bytecode_hash, stored.entries) == (profile.bytecode_hash, profile.entries)
    print("unchanged" if is_same else f"{PROFILE_PATH} is stale")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
