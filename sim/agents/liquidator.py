"""Competing liquidators: find accounts under maintenance, test the profit, bid for inclusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from sim.agents.base import (
    ActorIndex,
    FeePolicy,
    Outage,
    Outcome,
    bounded,
    gas_cost,
    raise_bid,
    require,
    silent_members,
)
from sim.agents.liquidation_terms import LiquidationTerms
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD, YEAR_SECONDS, from_wad, from_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import State

KIND = "liquidation_engine.liquidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidatorConfig:
    """A group of liquidators of equal latency."""

    name: str = "liquidators"
    count: int = 6
    """Accounts. Assumption; a handful won nearly all of Maker's auctions in March 2020."""
    latency_blocks: int = 0
    """Age of the state they see."""
    alertness: float = 1.0
    """Probability that a liquidator looks at a block at all. Assumption; Qin et al. (2021) saw 70 % of
    liquidations within the block that allowed them, which 1.0 with mixed latencies gives too."""
    min_profit: float = 5.0
    """Quote, after gas. Assumption."""
    capital: float = 2_000_000.0
    """Quote of inventory each can take over in a block; binds only with ``inventory_share``. Assumption."""
    inventory_share: float = 0.0
    """Share of what is closed that the liquidator must sell outside; 0: closes go against the pool."""
    risk_aversion: float = 1.0
    """Deviations of price over one block plus latency that inventory must earn (keeper check of 9.7)."""
    bid_share: float = 0.3
    """Share of the expected surplus the boldest offers as tip at first. Assumption; the first-price
    equilibrium with uniform values is (n - 1) / n, and losing raises it towards that."""
    bid_share_max: float = 0.9
    """Highest share offered. Assumption; priority gas auctions went near the whole surplus."""
    losing_gas_share: float = 0.4
    """Gas of a lost race over that of a won one. Gas profile: a refused call costs 163k of 394k."""
    learning_rate: float = 0.2
    """Weight of the last race in a member's chance to win the next. Assumption: half forgotten in three."""
    hope_rate: float = 0.01
    """Share of the way back to certainty that chance recovers in a block it stood aside. Assumption."""
    max_per_block: int = 20
    """Liquidations each sends in a block, and has waiting at most. Assumption."""
    rebid_blocks: int = 1
    """Blocks without inclusion after which the bid is raised. Assumption: at once."""
    max_status: int = 2
    """Worst oracle status at which the protocol liquidates (INSUFFICIENT)."""
    terms: LiquidationTerms = field(default_factory=LiquidationTerms)
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=2_000.0, priority_fee_gwei=2.0))
    """Adaptive: ``max_fee_gwei`` caps the auction. Static: this bid always, never raised."""
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse contradictory bids."""
        require(
            [
                bounded("bid_share_max", self.bid_share_max, 0.0, 1.0),
                bounded("bid_share", self.bid_share, 0.0, self.bid_share_max),
                bounded("alertness", self.alertness, 0.0, 1.0),
                bounded("losing_gas_share", self.losing_gas_share, 0.0, 1.0),
                bounded("learning_rate", self.learning_rate, 0.0, 1.0),
                bounded("hope_rate", self.hope_rate, 0.0, 1.0),
                bounded("max_per_block", self.max_per_block, 1),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        if self.fees.policy == "static":
            bidding = f"paying {self.fees.describe()}"
        else:
            bidding = (
                f"bidding {self.bid_share:.0%} to {self.bid_share_max:.0%} of the surplus, "
                f"at most {self.fees.max_fee_gwei:g} gwei"
            )
        late = "in the same block"
        if self.latency_blocks:
            late = f"{self.latency_blocks} block{'s' if self.latency_blocks > 1 else ''} late"
        one = self.count == 1
        return (
            f"{self.count} liquidator{' who sees' if one else 's who see'} the chain {late} and "
            f"act{'s' if one else ''} for at least {self.min_profit:g} of profit on average, {bidding}."
        )


class Bid(NamedTuple):
    """A liquidation that waits in the mempool."""

    max_fee_wei: int
    priority_fee_wei: int
    gas: int
    block: int
    """State block in which it was last raised."""


class _Targets(NamedTuple):
    """Accounts under maintenance, best bounty first."""

    accounts: list[int]
    markets: list[int]
    bounty: FloatArray
    closed: FloatArray
    inventory_cost: FloatArray


_NOTHING = _Targets([], [], np.zeros(0), np.zeros(0), np.zeros(0))

_Row = tuple[int, int, int, int, int]
"""Sender, account, market, maximum fee and tip of one call."""


class Liquidators:
    """Liquidators who compete for the same accounts without talking to each other.

    Whoever bids most is first; the others' calls revert with "liquidation: healthy" and cost them
    gas. That is data, not an error. Each learns how often it wins, bids only where it gains on
    average, and picks among many accounts at random, with probability in proportion to the bounty:
    if all went for the same best ones, the rest would wait while blocks fill with refused calls.

    Attributes
    ----------
    bid_shares : float64 [members]
        Share of the surplus each offers now: raised by lost races, lowered by won ones.
    win_rates : float64 [members]
        Chance each gives itself to win a race: 1 at first, then an average of what it saw.
    """

    def __init__(self, config: LiquidatorConfig, actors: Sequence[int] | IntArray) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self._index = ActorIndex(actors)
        require([(config.count == len(self._index), "liquidators need one participant each")])
        self.bid_shares: FloatArray | None = None
        self._first_shares: FloatArray = np.zeros(0)
        self.win_rates: FloatArray = np.ones(config.count)
        self._bids: list[dict[int, Bid]] = [{} for _ in range(config.count)]

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return new liquidations and raised bids."""
        targets = self._targets(state)
        if not targets.accounts:
            return []
        shares = self._shares(draws)
        active = self._active(state, draws)
        sent: tuple[list[_Row], list[_Row]] = ([], [])
        members = np.flatnonzero(active).tolist()
        orders = self._orders(state, draws, targets)
        for member in members:
            before = len(sent[0]) + len(sent[1])
            self._bid_as(member, float(shares[member]), state, targets, orders[member], sent)
            if len(sent[0]) + len(sent[1]) == before and not self._bids[member]:
                self.win_rates[member] += self.config.hope_rate * (1.0 - self.win_rates[member])
        return [
            self._batch(rows, replace=again) for rows, again in zip(sent, (False, True), strict=True) if rows
        ]

    def observe(self, outcome: Outcome) -> None:
        """Forget settled bids and learn from races: lost ones raise the share offered, won ones lower it."""
        for result in outcome.results:
            member = self._index.local(result.actor)
            if member < 0 or result.kind != KIND or result.status == "replaced":
                continue
            self._bids[member].pop(result.args[0], None)
            if self.bid_shares is None:
                continue
            share = float(self.bid_shares[member])
            if result.status in ("reverted", "success"):
                won = 1.0 if result.status == "success" else 0.0
                self.win_rates[member] += self.config.learning_rate * (won - self.win_rates[member])
            if result.status == "reverted":
                self.bid_shares[member] = min(share * 1.125 + 0.01, self.config.bid_share_max)
            elif result.status == "success":
                self.bid_shares[member] = max(share * 0.98, float(self._first_shares[member]))

    # --- what there is to win ---

    def _targets(self, state: State) -> _Targets:
        rows = [
            row
            for row, (equity, required) in enumerate(
                zip(state.exact_equity, state.exact_maintenance, strict=True)
            )
            if equity < required
        ]
        if not rows:
            return _NOTHING
        accounts = state.exact_accounts[rows]
        prices = np.array([from_wad(market.risk_price) for market in state.markets])
        exposure = np.abs(state.sizes[:, accounts]) * prices[:, None]
        markets = np.argmax(exposure, axis=0)  # the first of equals
        statuses = np.array([market.status for market in state.markets])
        exposed = exposure[markets, np.arange(len(rows))] > 0.0
        chosen = np.flatnonzero(exposed & (statuses[markets] <= self.config.max_status))
        if not len(chosen):
            return _NOTHING
        rows, accounts, markets = [rows[i] for i in chosen.tolist()], accounts[chosen], markets[chosen]
        variances = [max(market.variance_fast, market.variance_slow) for market in state.markets]
        volatility = np.sqrt(from_wad_list(variances))[markets]
        bounty, closed = self.config.terms.bounty(
            from_wad_list(state.exact_equity[row] for row in rows),
            np.maximum(from_wad_list(state.exact_maintenance[row] for row in rows), 1e-12),
            np.maximum(from_wad_list(state.exact_notional[row] for row in rows), 1e-12),
            volatility,
            from_wad(state.protocol.fund_reserves),
        )
        cost = self._inventory_cost(state, markets, closed, volatility)
        order = np.lexsort((accounts, cost - bounty))
        return _Targets(
            accounts[order].tolist(), markets[order].tolist(), bounty[order], closed[order], cost[order]
        )

    def _inventory_cost(
        self, state: State, markets: IntArray, closed: FloatArray, volatility: FloatArray
    ) -> FloatArray:
        """Return what selling the share taken over costs: linear impact plus price risk while waiting."""
        taken = self.config.inventory_share * closed
        depth = np.maximum(state.external_depth[markets], 1.0)
        seconds = float(state.seconds_per_block * (1 + self.latency_blocks))
        risk = self.config.risk_aversion * volatility * np.sqrt(seconds / YEAR_SECONDS)
        cost: FloatArray = taken * (0.01 * taken / depth + risk)
        return cost

    # --- who bids what ---

    def _shares(self, draws: Streams) -> FloatArray:
        if self.bid_shares is None:
            uniform = draws.draw(f"agent:liquidator:{self.name}:bid_share", 0).uniform(self.config.count)
            self._first_shares = self.config.bid_share * (0.5 + 0.5 * uniform)
            self.bid_shares = self._first_shares.copy()
        return self.bid_shares

    def _active(self, state: State, draws: Streams) -> BoolArray:
        now = state.block + self.latency_blocks
        active = ~silent_members(self.config.outages, now, self.config.count)
        if self.config.alertness < 1.0:
            draw = draws.draw(f"agent:liquidator:{self.name}:alert", state.block)
            active &= draw.uniform(self.config.count) < self.config.alertness
        return active

    def _orders(self, state: State, draws: Streams, targets: _Targets) -> list[list[int]]:
        """Return each member's order of the targets; best first unless there are more than it may send."""
        count, room = len(targets.accounts), self._capacity(state)
        if count <= room:
            return [list(range(count))] * self.config.count
        draw = draws.draw(f"agent:liquidator:{self.name}:order", state.block)
        # The first of exponential clocks that run at the speed of the value rings with odds in proportion.
        clocks = draw.exponential(self.config.count * count).reshape(self.config.count, count)
        value = np.maximum(targets.bounty - targets.inventory_cost, 1e-9)
        return [order.tolist() for order in np.argsort(clocks / value, axis=1, kind="stable")]

    def _capacity(self, state: State) -> int:
        """Return how many calls one member has waiting at most: never more than a block holds."""
        return max(min(self.config.max_per_block, state.gas_limit // state.gas[KIND]), 1)

    def _bid_as(
        self,
        member: int,
        share: float,
        state: State,
        targets: _Targets,
        order: list[int],
        sent: tuple[list[_Row], list[_Row]],
    ) -> None:
        """Append one member's new and raised bids to ``sent``."""
        bids = self._bids[member]
        actor = int(self._index.actors[member])
        gas = state.gas[KIND]
        native = state.native_balance_wei[actor] - sum(bid.max_fee_wei * bid.gas for bid in bids.values())
        capital = self.config.capital
        chance = float(self.win_rates[member])
        # A bid below the base fee waits for better days and takes nobody's place.
        room = self._capacity(state) - sum(bid.max_fee_wei >= state.base_fee_wei for bid in bids.values())
        count = 0
        for row in order:
            account = targets.accounts[row]
            if count >= self.config.max_per_block:
                break
            if room <= 0 and account not in bids:
                continue
            taken = self.config.inventory_share * float(targets.closed[row])
            if taken > capital:
                continue
            value = float(targets.bounty[row]) - float(targets.inventory_cost[row])
            offer = self._offer(value, share, gas, state, chance)
            if offer is None:
                continue
            max_fee, tip = offer
            old = bids.get(account)
            if old is not None:
                if self.config.fees.policy == "static" or state.block - old.block < self.config.rebid_blocks:
                    continue
                max_fee = max(max_fee, raise_bid(old.max_fee_wei))
                tip = max(tip, raise_bid(old.priority_fee_wei))
                if max_fee > self._ceiling(value, gas, state, chance):
                    continue
                native += old.max_fee_wei * old.gas
            affordable = max(native // gas, 0)
            if old is None and self.config.fees.policy == "adaptive" and affordable >= state.base_fee_wei:
                max_fee = min(max_fee, affordable)  # a poor liquidator bids what it has
            if max_fee > affordable:
                if old is not None:
                    native -= old.max_fee_wei * old.gas
                continue
            native -= max_fee * gas
            capital -= taken
            bids[account] = Bid(max_fee, min(tip, max_fee), gas, state.block)
            count += 1
            room -= old is None
            sent[old is not None].append((actor, account, targets.markets[row], max_fee, min(tip, max_fee)))

    def _offer(
        self, value: float, share: float, gas: int, state: State, chance: float
    ) -> tuple[int, int] | None:
        """Return the bid for a call worth ``value`` before gas if won, or None if it loses on average."""
        policy = self.config.fees
        expected = chance * value
        burned = self._expected_gas(gas, chance)
        fixed_max, fixed_tip = policy.bid(state.base_fee_wei)
        if policy.policy == "static":
            paid = min(fixed_max, state.base_fee_wei + fixed_tip)
            profit = expected - gas_cost(burned, paid, state.native_price)
            return (fixed_max, fixed_tip) if profit >= self.config.min_profit else None
        surplus = expected - gas_cost(burned, state.base_fee_wei, state.native_price) - self.config.min_profit
        if surplus < 0.0:
            return None
        tip = int(share * surplus / state.native_price / burned * float(WAD))
        ceiling = self._ceiling(value, gas, state, chance)
        wanted = int(policy.base_fee_multiple * 1000) * state.base_fee_wei // 1000 + tip
        max_fee = min(wanted, ceiling)
        if max_fee < state.base_fee_wei:
            return None
        return max_fee, min(tip, max_fee)

    def _expected_gas(self, gas: int, chance: float) -> int:
        """Return the gas a bid burns on average: all of it when won, less when lost."""
        return max(int(gas * (chance + (1.0 - chance) * self.config.losing_gas_share)), 1)

    def _ceiling(self, value: float, gas: int, state: State, chance: float) -> int:
        """Return the fee per gas at which nothing but the least profit is left, or the policy's cap."""
        spare = max(chance * value - self.config.min_profit, 0.0)
        break_even = int(spare / state.native_price / self._expected_gas(gas, chance) * float(WAD))
        return min(break_even, int(self.config.fees.max_fee_gwei * GWEI))

    def _batch(self, rows: list[_Row], *, replace: bool) -> ActionBatch:
        actors, accounts, markets, max_fees, tips = zip(*rows, strict=True)
        return actions.liquidate(self.name, actors, accounts, markets, Fees(max_fees, tips), replace=replace)


def spread_latencies(
    config: LiquidatorConfig,
    latency_blocks_max: int,
    static_share: float = 0.0,
    static_fees: FeePolicy | None = None,
) -> list[LiquidatorConfig]:
    """Return one group for each latency and fee policy, together ``count`` strong.

    Member i of n has latency ``low + i * (high - low) // (n - 1)``; the slowest ``static_share`` of
    them pay ``static_fees``, whatever the base fee. Names get both as suffixes.
    """
    low, count = config.latency_blocks, config.count
    span = max(latency_blocks_max - low, 0)
    static_from = count - round(static_share * count) if static_fees is not None else count
    members = [(low + (i * span // (count - 1) if count > 1 else 0), i >= static_from) for i in range(count)]
    return [
        replace(
            config,
            name="_".join(
                [config.name] + ([str(latency)] if span else []) + (["static"] if is_static else [])
            ),
            count=members.count((latency, is_static)),
            latency_blocks=latency,
            fees=static_fees if is_static and static_fees is not None else config.fees,
            outages=tuple(
                _outage_of(outage, [i for i in range(count) if members[i] == (latency, is_static)], count)
                for outage in config.outages
            ),
        )
        for latency, is_static in sorted(set(members))
    ]


def _outage_of(outage: Outage, group: list[int], count: int) -> Outage:
    """Return the part of an outage of all ``count`` liquidators that falls on the members of one group.

    The silent ones are spread evenly over all, fast and slow; a share of each group, rounded up, would
    silence everybody where groups are single liquidators.
    """
    silent_in_all = math.ceil(outage.share * count)
    # Member i is silent where the running total i * silent / count passes a whole number.
    silent = sum((i + 1) * silent_in_all // count > i * silent_in_all // count for i in group)
    return replace(outage, share=max(silent - 0.5, 0.0) / len(group))  # half: safe against rounding up
