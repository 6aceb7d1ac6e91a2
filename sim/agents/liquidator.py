"""Competing liquidators: find accounts under maintenance, test the profit, bid for inclusion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sim.agents.base import ActorIndex, Outage, Outcome, silent_members
from sim.agents.fees import FeePolicy, gas_cost, never_raised, raised
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.agents.liquidation_terms import LiquidationTerms, what_closes
from sim.agents.waiting_bids import WaitingBids
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import Problem, Section, number, table
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD, YEAR_SECONDS, from_wad, from_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

KIND = EntryPoint.LIQUIDATE


class LiquidatorsSection(Section):
    """Competing liquidators, who find accounts under maintenance, test the profit and bid for inclusion."""

    count: int = number(
        6, 0, 1_000, "accounts", "Liquidators.", source="assumption: a handful won all in March 2020"
    )
    capital: float = number(
        2_000_000.0,
        0.0,
        1e15,
        "quote",
        "Inventory each can carry.",
        source="assumption: on Maker four addresses took 63k ETH",
    )
    latency_blocks_max: int = number(
        2,
        0,
        1_000,
        "blocks",
        "Latency of the slowest; they are spread from 0.",
        source="quant 5.4: 70 % in the same block",
    )
    min_profit: float = number(5.0, 0.0, 1e12, "quote", "Least expected profit to act.", source="assumption")
    bid_share: float = number(
        0.3,
        0.0,
        1.0,
        "1",
        "Share of the expected profit the best-informed bids as tip.",
        source="(n-1)/n v in theory (6)",
    )
    risk_aversion: float = number(
        1.0,
        0.0,
        100.0,
        "1",
        "Standard deviations of price over its latency it wants covered.",
        source="9.7, keeper check",
    )
    unwind_half_life_seconds: int = number(
        300, 0, 604_800, "s", "Half-life with which it sells what it took over.", source="assumption"
    )
    max_per_block: int = number(
        20, 1, 10_000, "actions", "Liquidations each sends a block, and has waiting.", source="assumption"
    )
    static_fee_share: float = number(
        0.0, 0.0, 1.0, "1", "Share of the liquidators, the slowest, that never raise their fee.",
        source="Maker's keepers on 12 March 2020",
    )  # fmt: skip
    static_fee_gwei: float = number(
        40.0, 1e-9, 1e6, "gwei", "What those pay at most.",
        source="DeFi Saver users' cap in March 2020, 40 gwei",
    )  # fmt: skip
    bid_share_spread: float = number(
        0.5, 0.0, 1.0, "1", "Width of the range of first bid shares: from 1 less this to 1 times bid_share.",
        source="assumption",
    )  # fmt: skip
    bid_share_max: float = number(
        0.9, 0.0, 1.0, "1", "Highest share of the expected profit offered.",
        source="assumption: priority gas auctions went near the whole of it",
    )  # fmt: skip
    lost_race_factor: float = number(
        1.125, 1.0, 10.0, "1", "Factor of the share offered after a lost race.", source="assumption"
    )
    lost_race_step: float = number(
        0.01, 0.0, 1.0, "1", "Rise of the share offered after a lost race, on top of the factor.",
        source="assumption",
    )  # fmt: skip
    won_race_factor: float = number(
        0.98, 0.0, 1.0, "1", "Factor of the share offered after a won race, never below the first share.",
        source="assumption",
    )  # fmt: skip
    losing_gas_share: float = number(
        0.4, 0.0, 1.0, "1", "Gas it expects of a lost race over that of a won one.",
        source="gas profile: a refused call costs 163k of 394k",
    )  # fmt: skip
    learning_rate: float = number(
        0.2, 0.0, 1.0, "1", "Weight of the last race in the chance it gives itself to win the next.",
        source="assumption: half forgotten in three",
    )  # fmt: skip
    hope_rate: float = number(
        0.01, 0.0, 1.0, "1", "Share of the way back to certainty its chance goes in a block it stood aside.",
        source="assumption",
    )  # fmt: skip
    alertness: float = number(
        1.0, 0.0, 1.0, "1", "Probability that it looks at a block at all.",
        source="assumption; Qin et al. (2021): 70 % within the same block, as mixed latencies give too",
    )  # fmt: skip
    rebid_blocks: int = number(
        1, 1, 10_000, "blocks", "How long a bid waits before it is raised.", source="assumption: at once"
    )
    bid_raise: float = number(
        0.125, 0.0, 10.0, "1", "Least rise of a bid that replaces an earlier one.",
        source="Flash Boys 2.0: priority gas auctions rose by about 12.5 %; clients refuse less than 10 %",
    )  # fmt: skip
    fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=2_000.0),
        "Bids.",
        sources={"max_fee_gwei": "assumption: who lives by being included pays what it takes"},
    )

    @property
    def static_fees(self) -> FeePolicy:
        """Bids of those that never raise theirs."""
        return never_raised(self.fees, self.static_fee_gwei)

    def problems(self) -> Iterator[Problem]:
        """Yield a first bid above the highest."""
        if self.bid_share > self.bid_share_max:
            yield (
                ("bid_share",),
                f"must be at most bid_share_max {self.bid_share_max:g}, was {self.bid_share:g}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Liquidators of equal latency and fee policy."""

    name: str
    count: int
    latency_blocks: int
    """Age of the state they see."""
    is_static: bool
    """Whether they never raise their fee."""
    outages: tuple[Outage, ...] = ()

    @property
    def label(self) -> str:
        """Words for reports."""
        late = self.latency_blocks
        when = "same block" if not late else f"{late} block{'s' if late > 1 else ''} late"
        spread = self.name.removesuffix("_static") != "liquidators"
        return "liquidators" + (f", {when}" if spread else "") + (", fixed fee" if self.is_static else "")


class _Targets(NamedTuple):
    """Accounts under maintenance, best bounty first."""

    accounts: IntArray
    markets: IntArray
    value: FloatArray
    """Bounty less the cost of the inventory, quote."""
    taken: FloatArray
    """Notional taken over, quote."""


class _Offers(NamedTuple):
    """What members would bid for targets, int64 [members, targets], wei per gas."""

    max_fee_wei: IntArray
    priority_fee_wei: IntArray
    ceiling_wei: IntArray
    """Fee at which nothing but the least profit is left, or the policy's cap."""
    is_worth: BoolArray
    """False where a bid loses on average or is below the base fee."""


class _Sent(NamedTuple):
    """Bids of one member in a block, as columns; rows that raise one apart."""

    targets: IntArray
    max_fee_wei: IntArray
    priority_fee_wei: IntArray
    is_raise: BoolArray


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
    bids : WaitingBids
        What waits in the mempool.
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
        self.bids = WaitingBids()

    def describe(self) -> str:
        """Return one sentence for users."""
        section, fees = self.section, self.fees
        if fees.policy == "static":
            bidding = f"paying {fees.describe()}"
        else:
            bidding = (
                f"bidding {section.bid_share:.0%} to {section.bid_share_max:.0%} of the surplus, "
                f"at most {fees.max_fee_gwei:g} gwei"
            )
        late = "in the same block"
        if self.latency_blocks:
            late = f"{self.latency_blocks} block{'s' if self.latency_blocks > 1 else ''} late"
        one = self._count == 1
        return (
            f"{self._count} liquidator{' who sees' if one else 's who see'} the chain {late} and "
            f"act{'s' if one else ''} for at least {section.min_profit:g} of profit on average, {bidding}."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return new liquidations and raised bids."""
        targets = self._targets(state)
        if targets is None:
            return []
        shares = self._shares(draws)
        members = np.flatnonzero(self._active(state, draws))
        offers = self._offers(state, targets.value, shares[members], self.win_rates[members])
        is_bidder: list[bool] = np.any(offers.is_worth, axis=1).tolist()
        orders = self._orders(state, draws, targets) if any(is_bidder) else None
        found: list[tuple[int, _Sent]] = []
        for place, member in enumerate(members.tolist()):
            if is_bidder[place]:
                offer = _Offers(*(column[place] for column in offers))
                order = orders[member] if orders is not None else None
                sent = self._bid_as(member, state, targets, offer, order)
                if len(sent.targets):
                    found.append((member, sent))
                    continue
            if not self._has_bids(member):
                self.win_rates[member] += self.section.hope_rate * (1.0 - self.win_rates[member])
        return self._send(state, targets, found)

    def observe(self, outcome: Outcome) -> None:
        """Forget settled bids and learn from races: lost ones raise the share offered, won ones lower it."""
        section = self.section
        settled: list[tuple[int, int]] = []
        for result in outcome.results:
            member = self._index.local(result.actor)
            if member < 0 or result.kind != KIND or result.status == "replaced":
                continue
            settled.append((member, result.args[0]))
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
        if settled and len(self.bids):
            members, accounts = np.array(settled, dtype=np.int64).T
            self.bids.remove(members, accounts)

    # --- what there is to win ---

    def _targets(self, state: State) -> _Targets | None:
        under = state.under_maintenance()
        if not len(under.accounts):
            return None
        closes = what_closes(state, under.accounts, self._max_status)
        chosen = np.flatnonzero(closes.may_close)
        if not len(chosen):
            return None
        closes = closes.of(chosen)
        accounts, markets = under.accounts[chosen], closes.markets
        variances = [max(market.variance_fast, market.variance_slow) for market in state.markets]
        volatilities = np.sqrt(from_wad_list(variances))
        volatility = volatilities[markets]
        bounty, closed = self._terms.bounty(
            under.equity[chosen],
            np.maximum(under.maintenance[chosen], 1e-12),
            np.maximum(under.notional[chosen], 1e-12),
            volatility,
            from_wad(state.protocol.fund_reserves),
            closes.most,
        )
        hedged = np.maximum(closed - closes.alone, 0.0) / 2.0  # of what closes with a hedge half is the hedge
        value = bounty - self._inventory_cost(state, markets, closed - hedged, volatility)
        if bool(hedged.any()):
            value = value - self._inventory_cost(state, closes.hedges, hedged, volatilities[closes.hedges])
        order = np.lexsort((accounts, -value))
        taken = self._inventory_share * closed
        return _Targets(accounts[order], markets[order], value[order], taken[order])

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

    def _orders(self, state: State, draws: Streams, targets: _Targets) -> IntArray | None:
        """Return each member's order of the targets; None (best first) if it may send them all."""
        count, room = len(targets.accounts), self._capacity(state)
        if count <= room:
            return None
        draw = draws.draw(f"agent:liquidator:{self.name}:order", state.block)
        # The first of exponential clocks that run at the speed of the value rings with odds in proportion.
        clocks = draw.exponential(self._count * count).reshape(self._count, count)
        value = np.maximum(targets.value, 1e-9)
        order: IntArray = np.argsort(clocks / value, axis=1, kind="stable")
        return order

    def _capacity(self, state: State) -> int:
        """Return how many calls one member has waiting at most: never more than a block holds."""
        return max(min(self.section.max_per_block, state.gas_limit // state.gas[KIND]), 1)

    def _has_bids(self, member: int) -> bool:
        rows = self.bids.of(member)
        return bool(rows.start < rows.stop)

    def _offers(self, state: State, value: FloatArray, shares: FloatArray, chances: FloatArray) -> _Offers:
        """Return what members bid for calls worth ``value`` before gas if won.

        Parameters
        ----------
        value : float64 [targets]
            Quote.
        shares, chances : float64 [members]
            Share of the surplus offered; chance to win.
        """
        section, policy, native = self.section, self.fees, state.native_price
        base_fee = state.base_fee_wei
        cap = int(policy.max_fee_gwei * GWEI)
        expected = chances[:, None] * value
        # The gas a bid burns on average: all of it when won, less when lost.
        burned = (state.gas[KIND] * (chances + (1.0 - chances) * section.losing_gas_share)).astype(np.int64)
        burned = np.maximum(burned, 1)
        spare = np.maximum(expected - section.min_profit, 0.0)
        ceiling = _whole_wei(spare / native / burned[:, None] * float(WAD), cap)
        fixed_max, fixed_tip = policy.bid(base_fee)
        if policy.policy == "static":
            profit = expected - _gas_costs(burned, min(fixed_max, base_fee + fixed_tip), native)
            shape = ceiling.shape
            return _Offers(
                np.full(shape, fixed_max), np.full(shape, fixed_tip), ceiling, profit >= section.min_profit
            )
        surplus = expected - _gas_costs(burned, base_fee, native) - section.min_profit
        tip = _whole_wei(shares[:, None] * surplus / native / burned[:, None] * float(WAD), cap)
        # Both parts are cut at the cap, which nothing exceeds: their sum stays far inside int64.
        follows = min(int(policy.base_fee_multiple * 1000) * base_fee // 1000, cap)
        max_fee = np.minimum(follows + tip, ceiling)
        return _Offers(max_fee, np.minimum(tip, max_fee), ceiling, (surplus >= 0.0) & (max_fee >= base_fee))

    def _bid_as(
        self, member: int, state: State, targets: _Targets, offer: _Offers, order: IntArray | None
    ) -> _Sent:
        """Return one member's new and raised bids, in its order of the targets."""
        section, bids = self.section, self.bids
        rows = np.flatnonzero(offer.is_worth) if order is None else order[offer.is_worth[order]]
        waiting = bids.find(member, targets.accounts[rows])
        own = bids.of(member)
        # A bid below the base fee waits for better days and takes nobody's place.
        room = self._capacity(state) - int(np.count_nonzero(bids.max_fee_wei[own] >= state.base_fee_wei))
        max_fee, tip = offer.max_fee_wei[rows], offer.priority_fee_wei[rows]
        is_raise = waiting >= 0
        possible = is_raise | (room > 0)
        old_fee = np.zeros(len(rows), dtype=np.int64)
        if bool(is_raise.any()):
            at = waiting[is_raise]
            old_fee[is_raise] = bids.max_fee_wei[at]
            max_fee[is_raise] = np.maximum(max_fee[is_raise], raised(old_fee[is_raise], section.bid_raise))
            tip[is_raise] = np.maximum(tip[is_raise], raised(bids.priority_fee_wei[at], section.bid_raise))
            # Who never raises bids the cap at once: what is more exceeds the ceiling.
            waited = state.block - bids.block[at] >= section.rebid_blocks
            possible[is_raise] = waited & (max_fee[is_raise] <= offer.ceiling_wei[rows[is_raise]])
        chosen = np.flatnonzero(possible)
        freed = [0] * len(chosen)
        if bool(is_raise.any()):
            gas = bids.gas[waiting[chosen]].tolist()  # the last one's where none waits, times nothing
            freed = [fee * units for fee, units in zip(old_fee[chosen].tolist(), gas, strict=True)]
        kept, fees = self._within_means(
            member, state, room, targets.taken[rows[chosen]], max_fee[chosen], is_raise[chosen], freed
        )
        places = chosen[kept]
        paid = np.array(fees, dtype=np.int64)
        return _Sent(rows[places], paid, np.minimum(tip[places], paid), is_raise[places])

    def _within_means(
        self,
        member: int,
        state: State,
        room: int,
        taken: FloatArray,
        max_fee: IntArray,
        is_raise: BoolArray,
        freed: list[int],
    ) -> tuple[list[int], list[int]]:
        """Return which bids are within a member's room, capital and gas money, and what each offers.

        Parameters
        ----------
        freed
            Wei that is free again if the bid replaces an earlier one, 0 if there is none.
        """
        bids, gas, section = self.bids, state.gas[KIND], self.section
        native = state.native_balance_wei[int(self._index.actors[member])] - bids.reserved_wei(member)
        capital, raises = section.capital, int(np.count_nonzero(is_raise))
        bids_what_it_has = self.fees.policy == "adaptive"
        kept: list[int] = []
        fees: list[int] = []
        columns = (taken.tolist(), max_fee.tolist(), is_raise.tolist(), freed)
        for row, (take, fee, again, back) in enumerate(zip(*columns, strict=True)):
            if len(kept) >= section.max_per_block or (room <= 0 and not raises):
                break
            raises -= again
            if take > capital or (room <= 0 and not again):
                continue
            affordable = max((native + back) // gas, 0)
            if not again and bids_what_it_has and affordable >= state.base_fee_wei:
                fee = min(fee, affordable)  # noqa: PLW2901  (a poor liquidator bids what it has)
            if fee > affordable:
                continue
            native += back - fee * gas
            capital -= take
            room -= not again
            kept.append(row)
            fees.append(fee)
        return kept, fees

    def _send(self, state: State, targets: _Targets, found: list[tuple[int, _Sent]]) -> list[ActionBatch]:
        """Note what is sent as waiting, and return it: new bids in one batch, raised ones in another."""
        if not found:
            return []
        members = np.repeat([member for member, _ in found], [len(sent.targets) for _, sent in found])
        sent = _Sent(*(np.concatenate(columns) for columns in zip(*(sent for _, sent in found), strict=True)))
        accounts, markets = targets.accounts[sent.targets], targets.markets[sent.targets]
        self.bids.put(
            members, accounts, sent.max_fee_wei, sent.priority_fee_wei, state.gas[KIND], state.block
        )
        actors = self._index.actors[members]
        batches = []
        for again in (False, True):
            rows = np.flatnonzero(sent.is_raise == again)
            if len(rows):
                fees = Fees(sent.max_fee_wei[rows], sent.priority_fee_wei[rows])
                batches.append(
                    actions.liquidate(
                        self.name, actors[rows], accounts[rows], markets[rows], fees, replace=again
                    )
                )
        return batches


def _whole_wei(amounts: FloatArray, cap: int) -> IntArray:
    """Return amounts as whole wei, rounded down, between 0 and ``cap``."""
    whole: IntArray = np.clip(amounts, 0.0, float(cap)).astype(np.int64)
    return whole


def _gas_costs(gas: IntArray, fee_wei: int, native_price: float) -> FloatArray:
    """Return what each amount of gas costs, quote [members, 1]."""
    return np.array([[gas_cost(units, fee_wei, native_price)] for units in gas.tolist()]).reshape(-1, 1)


def teams(section: LiquidatorsSection, outages: Sequence[Outage] = ()) -> list[Team]:
    """Return one team for each latency and fee policy, together ``count`` strong.

    Member i of n has latency ``i * latency_blocks_max // (n - 1)``; the slowest ``static_fee_share`` of them
    never raise their fee. Names get both as suffixes.
    """
    count, slowest = section.count, section.latency_blocks_max
    static_from = count - round(section.static_fee_share * count)
    members = [(i * slowest // (count - 1) if count > 1 else 0, i >= static_from) for i in range(count)]
    return [
        Team(
            name="_".join(
                ["liquidators"] + ([str(latency)] if slowest else []) + (["static"] if is_static else [])
            ),
            count=members.count((latency, is_static)),
            latency_blocks=latency,
            is_static=is_static,
            outages=tuple(
                _outage_of(outage, [i for i in range(count) if members[i] == (latency, is_static)], count)
                for outage in outages
            ),
        )
        for latency, is_static in sorted(set(members))
    ]


def _outage_of(outage: Outage, group: list[int], count: int) -> Outage:
    """Return the part of an outage of all ``count`` liquidators that falls on the members of one team.

    The silent ones are spread evenly over all, fast and slow; a share of each group, rounded up, would
    silence everybody where groups are single liquidators.
    """
    silent_in_all = math.ceil(outage.share * count)
    # Member i is silent where the running total i * silent / count passes a whole number.
    silent = sum((i + 1) * silent_in_all // count > i * silent_in_all // count for i in group)
    return replace(outage, share=max(silent - 0.5, 0.0) / len(group))  # half: safe against rounding up


class _Liquidators(AgentKind[LiquidatorsSection]):
    name = "liquidators"
    order = 40
    can_fail = True
    section = LiquidatorsSection

    def groups(self, section: LiquidatorsSection, setting: Setting) -> Iterable[Group]:
        for team in teams(section, setting.outages_of(self.name)):
            yield Group(name=f"liquidators:{team.name}", count=team.count, label=team.label)

    def agents(self, section: LiquidatorsSection, start: Start) -> Iterable[Liquidators]:
        protocol = start.setting.protocol
        for team in teams(section, start.setting.outages_of(self.name)):
            yield Liquidators(
                section,
                team,
                start.members[f"liquidators:{team.name}"],
                terms=LiquidationTerms.of(protocol),
                max_status=int(protocol.oracle["liquidate_status"]),
                inventory_share=start.setting.liquidator_share,
            )


LIQUIDATORS = _Liquidators()
AGENTS.add(LIQUIDATORS)
