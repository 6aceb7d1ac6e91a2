"""Closer: the protocol's own, who closes accounts under water that nobody is paid to close."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sim.agents.base import Outcome
from sim.agents.fees import FeePolicy, raised
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.agents.liquidation_terms import what_closes
from sim.agents.waiting_bids import WaitingBids
from sim.core.arrays import FloatArray, IntArray, positions_in
from sim.core.documents.sections import Section, choice, number, table
from sim.core.rng import Streams
from sim.core.units import GWEI
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.state import State

KIND = EntryPoint.LIQUIDATE

_MEMBER = 0  # of its waiting bids: it is alone


class CloserSection(Section):
    """The closer run by the protocol, who liquidates accounts under water that nobody is paid to close."""

    enabled: bool = choice(
        default=True,
        description="Whether there is one; without it such accounts stay open, and the waterfall stalls.",
        source="assumption: a protocol that owes winners runs one",
    )
    latency_blocks: int = number(
        1, 0, 10_000, "blocks", "Age of the state it sees.", source="assumption: as the deleverager"
    )
    patience_blocks: int = number(
        100, 0, 10_000, "blocks",
        "How long it sees an account under water before it calls, so that it does not sell into the crash.",
        source="assumption: 20 minutes of 12 s blocks, in which a surge of gas passes",
    )  # fmt: skip
    max_per_block: int = number(
        20,
        1,
        10_000,
        "actions",
        "Accounts it closes a block, and has waiting.",
        source="assumption: as a liquidator",
    )
    bid_raise: float = number(
        0.125, 0.0, 10.0, "1", "Least rise of a bid that replaces one below the base fee.",
        source="clients refuse less than 10 %; as liquidators",
    )  # fmt: skip
    fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=2_000.0),
        "Bids.",
        sources={"max_fee_gwei": "assumption: as the deleverager, its gas is the fund's to bear"},
    )


class Closer:
    """Calls the liquidation that anybody may call on accounts whose equity is negative, for no profit.

    A liquidation of an account without equity pays nothing, as a tip would be for whoever makes such
    accounts: liquidators stay away, no deficit is booked, and neither deleveraging nor socialisation begins.
    It waits until an account has been under water for ``patience_blocks``, and again after a call that was
    refused, as then somebody else was first or the contract does not let it.

    Attributes
    ----------
    bids : WaitingBids
        What waits in the mempool.
    """

    def __init__(self, section: CloserSection, actor: int, *, max_status: int) -> None:
        self.section = section
        self.name = "closer"
        self.latency_blocks = section.latency_blocks
        self.actor = actor
        self.bids = WaitingBids()
        self._max_status = max_status
        self._accounts: IntArray = np.zeros(0, dtype=np.int64)  # under water, ascending
        self._since: IntArray = np.zeros(0, dtype=np.int64)  # block in which each was first seen there

    def describe(self) -> str:
        """Return one sentence for users."""
        blocks = self.section.patience_blocks
        return (
            f"A closer run by the protocol, who liquidates accounts that were under water for {blocks} "
            f"block{'' if blocks == 1 else 's'} and that nobody closed, whatever it is paid; its gas is a "
            "cost to the fund."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return calls on accounts it has waited for, deepest under water first, and raised bids."""
        accounts, equity = self._under_water(state)
        since = self._seen(accounts, state.block)
        waiting = self.bids.find(_MEMBER, accounts)
        is_due = (waiting < 0) & (state.block - since >= self.section.patience_blocks)
        batches: list[ActionBatch] = []
        for again, chosen in ((False, is_due), (True, waiting >= 0)):
            rows = np.flatnonzero(chosen)
            if len(rows):
                rows = rows[np.argsort(equity[rows], kind="stable")]
                closes = what_closes(state, accounts[rows], self._max_status)
                chosen_rows, markets = rows[closes.may_close], closes.markets[closes.may_close]
                batches += self._send(state, accounts[chosen_rows], markets, again=again)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Forget settled bids; after a refused call wait for the account as if it were new."""
        settled = [result for result in outcome.results if result.status != "replaced"]
        if not settled:
            return
        accounts = np.array([result.args[0] for result in settled], dtype=np.int64)
        self.bids.remove(np.full(len(accounts), _MEMBER, dtype=np.int64), accounts)
        refused = accounts[[result.status == "reverted" for result in settled]]
        places = positions_in(self._accounts, refused)
        self._since[places[places >= 0]] = outcome.block

    def _under_water(self, state: State) -> tuple[IntArray, FloatArray]:
        """Return accounts under water, ascending, and their equity."""
        under = state.under_maintenance()
        rows = np.flatnonzero(under.equity < 0.0)
        rows = rows[np.argsort(under.accounts[rows], kind="stable")]
        return under.accounts[rows], under.equity[rows]

    def _seen(self, accounts: IntArray, block: int) -> IntArray:
        """Return since when each account has been under water, and remember it."""
        places = positions_in(self._accounts, accounts)
        since = np.full(len(accounts), block, dtype=np.int64)
        since[places >= 0] = self._since[places[places >= 0]]
        self._accounts, self._since = accounts, since
        return since

    def _send(self, state: State, accounts: IntArray, markets: IntArray, *, again: bool) -> list[ActionBatch]:
        """Return calls within its room and gas money, or raises of bids below the base fee."""
        bids, gas, fees = self.bids, state.gas[KIND], self.section.fees
        max_fee, tip = fees.bid(state.base_fee_wei)
        max_fees, tips = np.full(len(accounts), max_fee), np.full(len(accounts), tip)
        money = state.native_balance_wei[self.actor] - bids.reserved_wei(_MEMBER)
        if again:
            at = bids.find(_MEMBER, accounts)
            max_fees = np.maximum(max_fees, raised(bids.max_fee_wei[at], self.section.bid_raise))
            tips = np.maximum(tips, raised(bids.priority_fee_wei[at], self.section.bid_raise))
            cap = int(fees.max_fee_gwei * GWEI)
            late = (bids.max_fee_wei[at] < state.base_fee_wei) & (max_fees <= cap)
            accounts, markets = accounts[late], markets[late]
            max_fees, tips = max_fees[late], np.minimum(tips, max_fees)[late]
            room = len(accounts)
        else:
            room = self.section.max_per_block - len(bids)
        dearest = int(max_fees.max(initial=1))
        count = max(min(room, len(accounts), money // (dearest * gas)), 0)
        if not count or dearest < state.base_fee_wei:
            return []
        accounts, markets, max_fees, tips = accounts[:count], markets[:count], max_fees[:count], tips[:count]
        bids.put(np.full(count, _MEMBER), accounts, max_fees, tips, gas, state.block)
        actors = np.full(count, self.actor)
        return [actions.liquidate(self.name, actors, accounts, markets, Fees(max_fees, tips), replace=again)]


class _Closer(AgentKind[CloserSection]):
    name = "closer"
    order = 75
    section = CloserSection

    def groups(self, section: CloserSection, setting: Setting) -> Iterable[Group]:
        del section, setting
        yield Group(name="closer", count=1, label="closer run by the protocol", gas_paid_by_fund=True)

    def agents(self, section: CloserSection, start: Start) -> Iterable[Closer]:
        if section.enabled:
            status = int(start.setting.protocol.oracle["liquidate_status"])
            yield Closer(section, int(start.members["closer"][0]), max_status=status)


CLOSER = _Closer()
AGENTS.add(CLOSER)
