"""Liquidators as they were written first, an object and a scalar loop a bid: what the columns must equal.

Kept for `tests/differential/test_liquidators.py` and the figures of decision 14; nothing in `sim` uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.agents.base import ActorIndex, Outcome, silent_members
from sim.agents.fees import gas_cost, raise_bid
from sim.agents.liquidation_terms import LiquidationTerms
from sim.agents.liquidator import LiquidatorsSection, Team
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD, YEAR_SECONDS, from_wad, from_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

KIND = EntryPoint.LIQUIDATE


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


class LiquidatorsByRow:
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

    def __init__(
        self,
        section: LiquidatorsSection,
        team: Team,
        actors: Sequence[int] | IntArray,
        *,
        terms: LiquidationTerms,
        max_status: int,
        inventory_share: float,
    ) -> None:
        self.section = section
        self.team = team
        self.name = team.name
        self.latency_blocks = team.latency_blocks
        self.fees = section.static_fees if team.is_static else section.fees
        self._terms = terms
        self._max_status = max_status
        self._inventory_share = inventory_share
        self._index = ActorIndex(actors)
        self._count = len(self._index)
        self.bid_shares: FloatArray | None = None
        self._first_shares: FloatArray = np.zeros(0)
        self.win_rates: FloatArray = np.ones(self._count)
        self._bids: list[dict[int, Bid]] = [{} for _ in range(self._count)]

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
                self.win_rates[member] += self.section.hope_rate * (1.0 - self.win_rates[member])
        return [
            self._batch(rows, replace=again) for rows, again in zip(sent, (False, True), strict=True) if rows
        ]

    def observe(self, outcome: Outcome) -> None:
        """Forget settled bids and learn from races: lost ones raise the share offered, won ones lower it."""
        section = self.section
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
                self.win_rates[member] += self.section.learning_rate * (won - self.win_rates[member])
            if result.status == "reverted":
                self.bid_shares[member] = min(
                    share * section.lost_race_factor + section.lost_race_step, section.bid_share_max
                )
            elif result.status == "success":
                self.bid_shares[member] = max(
                    share * section.won_race_factor, float(self._first_shares[member])
                )

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
        good = np.array([market.status <= self._max_status for market in state.markets])
        exposure = np.abs(state.sizes[:, accounts]) * (prices * good)[:, None]
        markets = np.argmax(exposure, axis=0)  # the first of equals
        exposed = exposure[markets, np.arange(len(rows))] > 0.0
        chosen = np.flatnonzero(exposed)
        if not len(chosen):
            return _NOTHING
        rows, accounts, markets = [rows[i] for i in chosen.tolist()], accounts[chosen], markets[chosen]
        variances = [max(market.variance_fast, market.variance_slow) for market in state.markets]
        volatility = np.sqrt(from_wad_list(variances))[markets]
        bounty, closed = self._terms.bounty(
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
        taken = self._inventory_share * closed
        depth = np.maximum(state.external_depth[markets], 1.0)
        seconds = float(state.seconds_per_block * (1 + self.latency_blocks))
        risk = self.section.risk_aversion * volatility * np.sqrt(seconds / YEAR_SECONDS)
        cost: FloatArray = taken * (0.01 * taken / depth + risk)
        return cost

    # --- who bids what ---

    def _shares(self, draws: Streams) -> FloatArray:
        if self.bid_shares is None:
            section = self.section
            uniform = draws.draw(f"agent:liquidator:{self.name}:bid_share", 0).uniform(self._count)
            self._first_shares = section.bid_share * (
                1.0 - section.bid_share_spread + section.bid_share_spread * uniform
            )
            self.bid_shares = self._first_shares.copy()
        return self.bid_shares

    def _active(self, state: State, draws: Streams) -> BoolArray:
        now = state.block + self.latency_blocks
        active = ~silent_members(self.team.outages, now, self._count)
        if self.section.alertness < 1.0:
            draw = draws.draw(f"agent:liquidator:{self.name}:alert", state.block)
            active &= draw.uniform(self._count) < self.section.alertness
        return active

    def _orders(self, state: State, draws: Streams, targets: _Targets) -> list[list[int]]:
        """Return each member's order of the targets; best first unless there are more than it may send."""
        count, room = len(targets.accounts), self._capacity(state)
        if count <= room:
            return [list(range(count))] * self._count
        draw = draws.draw(f"agent:liquidator:{self.name}:order", state.block)
        # The first of exponential clocks that run at the speed of the value rings with odds in proportion.
        clocks = draw.exponential(self._count * count).reshape(self._count, count)
        value = np.maximum(targets.bounty - targets.inventory_cost, 1e-9)
        return [order.tolist() for order in np.argsort(clocks / value, axis=1, kind="stable")]

    def _capacity(self, state: State) -> int:
        """Return how many calls one member has waiting at most: never more than a block holds."""
        return max(min(self.section.max_per_block, state.gas_limit // state.gas[KIND]), 1)

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
        capital = self.section.capital
        chance = float(self.win_rates[member])
        # A bid below the base fee waits for better days and takes nobody's place.
        room = self._capacity(state) - sum(bid.max_fee_wei >= state.base_fee_wei for bid in bids.values())
        count = 0
        for row in order:
            account = targets.accounts[row]
            if count >= self.section.max_per_block:
                break
            if room <= 0 and account not in bids:
                continue
            taken = self._inventory_share * float(targets.closed[row])
            if taken > capital:
                continue
            value = float(targets.bounty[row]) - float(targets.inventory_cost[row])
            offer = self._offer(value, share, gas, state, chance)
            if offer is None:
                continue
            max_fee, tip = offer
            old = bids.get(account)
            if old is not None:
                if self.fees.policy == "static" or state.block - old.block < self.section.rebid_blocks:
                    continue
                max_fee = max(max_fee, raise_bid(old.max_fee_wei, self.section.bid_raise))
                tip = max(tip, raise_bid(old.priority_fee_wei, self.section.bid_raise))
                if max_fee > self._ceiling(value, gas, state, chance):
                    continue
                native += old.max_fee_wei * old.gas
            affordable = max(native // gas, 0)
            if old is None and self.fees.policy == "adaptive" and affordable >= state.base_fee_wei:
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
        policy = self.fees
        expected = chance * value
        burned = self._expected_gas(gas, chance)
        fixed_max, fixed_tip = policy.bid(state.base_fee_wei)
        if policy.policy == "static":
            paid = min(fixed_max, state.base_fee_wei + fixed_tip)
            profit = expected - gas_cost(burned, paid, state.native_price)
            return (fixed_max, fixed_tip) if profit >= self.section.min_profit else None
        surplus = (
            expected - gas_cost(burned, state.base_fee_wei, state.native_price) - self.section.min_profit
        )
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
        return max(int(gas * (chance + (1.0 - chance) * self.section.losing_gas_share)), 1)

    def _ceiling(self, value: float, gas: int, state: State, chance: float) -> int:
        """Return the fee per gas at which nothing but the least profit is left, or the policy's cap."""
        spare = max(chance * value - self.section.min_profit, 0.0)
        break_even = int(spare / state.native_price / self._expected_gas(gas, chance) * float(WAD))
        return min(break_even, int(self.fees.max_fee_gwei * GWEI))

    def _batch(self, rows: list[_Row], *, replace: bool) -> ActionBatch:
        actors, accounts, markets, max_fees, tips = zip(*rows, strict=True)
        return actions.liquidate(self.name, actors, accounts, markets, Fees(max_fees, tips), replace=replace)
