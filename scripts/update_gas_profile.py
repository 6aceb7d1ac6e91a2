"""Measure the gas of every entry point on the exact engine and rewrite ``sim/chain/gas_profile.json``.

A scripted life of the protocol, on py-evm: deposits, trades, reports, a slow decline with partial
liquidations, a gap with full ones, an empty fund, auto-deleveraging, socialised loss, and every way to be
refused. Each call is metered with its intrinsic gas. The file is keyed by the hash of the bytecode; run this
whenever a contract changes.

    python scripts/update_gas_profile.py            rewrite the file
    python scripts/update_gas_profile.py --check    exit 1 if the file is not what a measurement gives
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
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
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, Fees  # noqa: E402
from sim.protocol.address_book import AddressBook  # noqa: E402
from sim.protocol.client import ProtocolClient  # noqa: E402
from sim.protocol.contracts import compile_protocol  # noqa: E402
from sim.protocol.deployed import OWNER, Deployment  # noqa: E402
from sim.protocol.deployment import Deployer  # noqa: E402
from sim.protocol.parameters.table import STRUCTS  # noqa: E402
from sim.protocol.parameters.values import MarketParameters, ProtocolParameters  # noqa: E402

ENTRY_POINTS: Final = (
    "insurance_fund.deposit",
    "insurance_fund.redeem",
    "liquidation_engine.auto_deleverage",
    "liquidation_engine.liquidate",
    "liquidation_engine.socialize_loss",
    "liquidity_pool.deposit",
    "liquidity_pool.redeem",
    "margin_engine.decrease_position",
    "margin_engine.deposit",
    "margin_engine.increase_position",
    "margin_engine.poke",
    "margin_engine.withdraw",
    "price_oracle.report",
)
"""What the simulator may send; each needs a success and a revert among the measurements."""

GENESIS: Final = 1_700_000_000
BLOCK_SECONDS: Final = 300  # long blocks: the limiter lets the risk price follow the index
PRICE: Final = 2_000
MARKETS: Final = 1
LONGS: Final = 20
SHORTS: Final = 40
KEEPERS: Final = 5
COLLATERAL: Final = 10_000  # quote per trader
FREE: Final = Fees(0, 0)

PARAMETERS: Final = ProtocolParameters(
    # Gas hardly depends on values; these are the table's defaults, but for what this world needs.
    margin={**STRUCTS["margin"].defaults, "upnl_cap": 10_000_000, "min_position_notional": 100},
    liquidation={
        **STRUCTS["liquidation"].defaults,
        "min_bounty": 5,
        "throttle_share_per_hour": 100,  # on, and wide: the dearer path
        "backstop_ratio": 0.6667,
    },
    oracle=STRUCTS["oracle"].defaults,
    reporter=STRUCTS["reporter"].defaults,
    fund={"target_reserves": 1_000_000},
    markets=(
        MarketParameters(
            name="ETH",
            initial_price=PRICE,
            initial_variance_fast=0.25,
            initial_variance_slow=0.25,
            pricing_terms={"skew_scale": 100_000, "max_premium": 0.1},
            market={"open_interest_cap": 1_000_000},
            risk_model={
                "z": 4,
                "initial_horizon_seconds": 14_400,
                "maintenance_horizon_seconds": 3_600,
                "initial_floor": 0.02,
                "maintenance_floor": 0.01,
                "variance_floor": 0.16,
                "variance_stress": 1.44,
                "stress_weight": 0.25,
                "size_coefficient": 1,
                "liquidity_floor": 1_000_000,
                "open_interest_lower": 20_000_000,
                "open_interest_upper": 50_000_000,
                "confidence_coefficient": 2,
                "haircut": 0,
            },
        ),
    ),
)


class Meter:
    """Sends batches and notes gas by entry point, outcome and number of items."""

    def __init__(self) -> None:
        self.artifacts = compile_protocol("adaptive")
        self.book = AddressBook(
            [("long", LONGS), ("short", SHORTS), ("keeper", KEEPERS), ("provider", 2), ("stranger", 1)]
        )
        self.chain = Chain.create("pyevm", GENESIS)
        self.successes: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.reverts: dict[str, list[int]] = defaultdict(list)
        self.reasons: dict[str, dict[str, int]] = defaultdict(dict)
        self.next_block()
        self.client = ProtocolClient(self.chain, self._deploy(), self.book)

    def _deploy(self) -> Deployment:
        deployer = Deployer(self.chain, self.artifacts)
        keepers = [self.book.addresses[actor] for actor in self.group("keeper")]
        return deployer.deploy(PARAMETERS, [keepers] * MARKETS)

    def group(self, name: str) -> list[int]:
        """Return the participants of a group."""
        group = self.book.groups[name]
        return list(range(group.start, group.stop))

    def next_block(self) -> None:
        """End the block, if one is open, and start the next."""
        number = self.chain.block_number
        if number:
            self.chain.end_block()
        self.chain.start_block(number + 1, GENESIS + (number + 1) * BLOCK_SECONDS)

    def raw(self, key: str, function: str, *arguments: object, sender: str = OWNER) -> None:
        """Send one call that is not metered and must succeed."""
        deployment = self.client.deployment
        data = deployment.abis[key][function].encode(*arguments)
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

    def must(self, batch: ActionBatch) -> None:
        """Send a batch whose calls must all succeed."""
        if not all(self.send(batch)):
            raise RunError(f"{batch.kind} reverted: {self.reasons[batch.kind]}")

    def report(self, price: float) -> None:
        """Open a block and let all keepers report."""
        self.next_block()
        keepers = self.group("keeper")
        prices = [int((price + 0.01 * k) * 10**6) * 10**12 for k in range(len(keepers))]
        now = self.chain.timestamp
        batch = actions.report(
            "k", keepers, 0, prices, WAD // 10, [now - k for k in range(len(keepers))], FREE
        )
        self.must(batch)
        self.send(actions.report("k", keepers[:1], 0, prices[:1], WAD, now, FREE))  # not newer: refused

    def profile(self) -> GasProfile:
        """Return the gas table of everything sent so far."""
        entries = {}
        missing = []
        for name in ENTRY_POINTS:
            if not self.successes[name]:
                missing.append(f"{name} never succeeded: {self.reasons[name]}")
            if not self.reverts[name]:
                missing.append(f"{name} never reverted")
            if not missing:
                entries[name] = fit(self.successes[name], self.reverts[name])
        if missing:
            raise RunError("\n".join(missing))
        return GasProfile(bytecode_hash(self.artifacts.values()), entries)


def fit(successes: list[tuple[int, int]], reverts: list[int]) -> GasEntry:
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
        success=max(round(base), 0), per_item=max(round(slope), 0), revert=statistics.median_high(reverts)
    )


def live(meter: Meter) -> None:
    """Play the scripted life: each step leaves the state that the next one needs."""
    open_vaults(meter)
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
        for key in ("margin_engine", "liquidity_pool", "insurance_fund"):
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
    """First and later deposits and trades of both sides, withdrawals, and refusals of each."""
    longs, shorts = meter.group("long"), meter.group("short")
    stranger = meter.group("stranger")
    meter.must(actions.deposit("t", longs + shorts, longs + shorts, COLLATERAL * TOKEN_UNIT, FREE))
    meter.must(actions.deposit("t", longs, longs, COLLATERAL * TOKEN_UNIT // 10, FREE))
    meter.send(actions.deposit("t", stranger, stranger, 10**12 * TOKEN_UNIT, FREE))
    # Longs of 7.5 times their collateral, shorts small: one bankrupt long needs several of them.
    meter.must(actions.increase_position("t", longs, 0, 30 * WAD, NO_LIMIT, FREE))
    meter.must(actions.increase_position("t", shorts, 0, -3 * WAD, NO_LIMIT, FREE))
    meter.report(PRICE + 1)
    meter.must(actions.increase_position("t", longs, 0, 5 * WAD, NO_LIMIT, FREE))
    meter.must(actions.increase_position("t", shorts, 0, -WAD, NO_LIMIT, FREE))
    meter.send(actions.increase_position("t", longs[:4], 0, 500 * WAD, NO_LIMIT, FREE))  # margin too low
    meter.send(actions.increase_position("t", longs[:4], 0, WAD, 1, FREE))  # limit price
    meter.must(actions.decrease_position("t", longs[:8], 0, 2 * WAD, NO_LIMIT, FREE))
    meter.must(actions.decrease_position("t", longs[:2], 0, CLOSE_ALL, NO_LIMIT, FREE))
    meter.send(actions.decrease_position("t", stranger, 0, WAD, NO_LIMIT, FREE))  # no position
    meter.send(actions.decrease_position("t", longs[2:4], 0, WAD, 10**30, FREE))  # limit price
    meter.must(actions.withdraw("t", longs[:2] + shorts[:6], 100 * TOKEN_UNIT, FREE))
    meter.send(actions.withdraw("t", longs[2:6], COLLATERAL * TOKEN_UNIT, FREE))
    meter.report(PRICE)
    meter.must(actions.poke("k", stranger[0], 0, FREE))
    meter.send(actions.poke("k", stranger[0], 7, FREE))  # no such market
    meter.report(PRICE)


def liquidate_all(meter: Meter, longs: list[int]) -> int:
    """Try every one of these longs that is still open; return how many were liquidated."""
    stranger = meter.group("stranger")[0]
    states = meter.client.positions(0, longs)
    live_longs = [actor for actor, state in zip(longs, states, strict=True) if state.size]
    if not live_longs:
        return 0
    return sum(meter.send(actions.liquidate("l", [stranger] * len(live_longs), live_longs, 0, FREE)))


def decline(meter: Meter) -> None:
    """A slow decline: partial liquidations of half the longs, and refusals of the healthy."""
    longs = meter.group("long")[: LONGS // 2]
    price = float(PRICE)
    for step in range(11):
        price *= 0.985
        meter.report(price)
        liquidate_all(meter, longs if step > 7 else longs[2:4])
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
    """Return the best-ranked shorts: by falling score, ties by rising address."""
    scored = []
    for actor in meter.group("short"):
        score = meter.client.read("liquidation_engine", "deleverage_score", meter.book.addresses[actor], 0)
        if score:
            scored.append((-int(str(score)), int(meter.book.addresses[actor], 16), actor))
    return [actor for _, _, actor in sorted(scored)[:count]]


def leave(meter: Meter) -> None:
    """Everybody takes out what is left."""
    shorts, providers = meter.group("short"), meter.group("provider")
    meter.report(1_050.0)
    open_shorts = [
        actor for actor, state in zip(shorts, meter.client.positions(0, shorts), strict=True) if state.size
    ]
    meter.must(actions.decrease_position("t", open_shorts, 0, CLOSE_ALL, NO_LIMIT, FREE))
    for key, redeem, deposit in (
        ("liquidity_pool", actions.pool_redeem, actions.pool_deposit),
        ("insurance_fund", actions.fund_redeem, actions.fund_deposit),
    ):
        meter.send(deposit("lp", providers, 1_000 * TOKEN_UNIT, FREE))
        for provider in providers:
            shares = meter.client.read(key, "balanceOf", meter.book.addresses[provider])
            meter.must(redeem("lp", provider, int(str(shares)) // 4, FREE))
            meter.send(redeem("lp", provider, int(str(shares)), FREE))


def main() -> int:
    """Measure, then write or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    options = parser.parse_args()
    try:
        meter = Meter()
        live(meter)
        profile = meter.profile()
    except SeawallError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name, entry in profile.entries.items():
        counts = f"{len(meter.successes[name])} successes, {len(meter.reverts[name])} reverts"
        print(f"{name:40} {entry.success:>9} + {entry.per_item:>7}/item  revert {entry.revert:>8}   {counts}")
    if not options.check:
        profile.save()
        return 0
    stored = GasProfile.load()
    is_same = (stored.bytecode_hash, stored.entries) == (profile.bytecode_hash, profile.entries)
    print("unchanged" if is_same else f"{PROFILE_PATH} is stale")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())
