"""The block loop: market, observe, decide, order, execute, check, record (docs/model.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from sim.agents.base import ActionResult, Outcome, Status
from sim.agents.decided import checked, plugin_of
from sim.chain.mempool import Dropped, Pending, Submission
from sim.chain.transaction import Receipt, Transaction
from sim.core.units import GWEI, WAD
from sim.engine.blocks.formula_watch import UNANSWERED, FormulaWatch, Refused
from sim.engine.blocks.observation import DeficitBook, Reading, StateHistory, observe, read_protocol
from sim.engine.blocks.recorder import ETHER, FeeFacts, MarketFacts, Recorder
from sim.engine.blocks.rows import TransactionRow
from sim.engine.blocks.skew import SkewBook, Trade, TradeKind
from sim.engine.blocks.standing import standing_at_start
from sim.engine.worlds.world import World
from sim.protocol.actions import ActionBatch, EntryPoint
from sim.protocol.codes import PositionCause
from sim.protocol.events import ProtocolEvent
from sim.protocol.further_positions import further_positions
from sim.protocol.invariants import BlockFacts, InvariantChecker
from sim.protocol.reconcile import reconcile

RECONCILE_EVERY_BLOCKS = 50
RECONCILE_ACCOUNTS = 256
"""The mirror is compared with the chain, account by account: at this interval the next so many accounts
in turn, at the end all of them. Their sums are compared after every block."""


class Progress(NamedTuple):
    """What a progress bar shows."""

    block: int
    price: float
    liquidations: int
    insurance_fund: float


class _Tag(NamedTuple):
    """What comes back with a transaction."""

    agent: int
    kind: str
    actor: int
    args: tuple[int, ...]
    group: tuple[int, ...]


class _BlockLiquidations(NamedTuple):
    """The liquidations of one block."""

    ids: dict[tuple[int, int], int]
    """(position of the transaction in the block, market) -> liquidation id: a hedge closes with its leg."""
    counts: list[int]
    """[market]"""
    notionals: list[float]
    """[market] quote."""


class Included(NamedTuple):
    """One included transaction with what became of it."""

    tag: _Tag
    pending: Pending
    receipt: Receipt


@dataclass(slots=True)
class Phases:
    """Seconds spent in each step: wall-clock facts, outside the digest."""

    market: float = 0.0
    observe: float = 0.0
    decide: float = 0.0
    order: float = 0.0
    execute: float = 0.0
    check: float = 0.0
    record: float = 0.0


class BlockLoop:
    """Runs the blocks of one world."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self.world = world
        self.recorder = recorder
        self.checker = InvariantChecker()
        self.phases = Phases()
        self.deficits = DeficitBook()
        self.formulas = FormulaWatch(world.client, world.mirror)
        self.last_events: list[ProtocolEvent] = []
        latency = max((agent.latency_blocks for agent in world.agents), default=0)
        self._states = StateHistory(latency)
        self._flows: list[list[tuple[int, float]]] = [[] for _ in world.external]
        self.reading = read_protocol(world)
        self.first = self.reading
        self.standing = standing_at_start(world, self.first)
        self.skew = SkewBook(
            (market.long_open_interest - market.short_open_interest for market in self.reading.markets),
            world.hedged,
        )
        self._plugins = [plugin_of(agent) for agent in world.agents]
        self.first_wallets = list(world.mirror.exact_wallet)
        self.first_collateral: list[float] = world.mirror.collateral.tolist()
        self.first_shares: dict[int, float] = {}

    def run(self, blocks: int, progress: Callable[[Progress], None] | None = None) -> None:
        """Run blocks 1 to ``blocks``.

        Raises
        ------
        InvariantViolation
            At the end of the block that broke it.
        """
        for block in range(1, blocks + 1):
            self.advance(block, blocks)
            if progress is not None:
                totals = self.reading.totals
                progress(
                    Progress(
                        block,
                        self.world.external[0].state.price,
                        len(self.recorder.closes),
                        totals.fund_reserves / WAD,
                    )
                )

    def settle(self, last: int, most: int) -> int:
        """Go on after block ``last`` until nobody is under water, ``most`` blocks at most; return how many.

        Raises
        ------
        InvariantViolation
            At the end of the block that broke it.
        """
        self.recorder.is_settling = True
        block = last
        while block < last + most and self._owes():
            block += 1
            self._step(block)
            if block % RECONCILE_EVERY_BLOCKS == 0:
                self._reconcile(block, is_last=False)
        if block > last:
            self._reconcile(block, is_last=True)
        return block - last

    def _owes(self) -> bool:
        reading = self.reading
        return reading.totals.pending_deficit > 0 or reading.valuation.negative_equity() > 0.0

    def advance(self, block: int, blocks: int) -> None:
        """Run the next block, number ``block`` of ``blocks``.

        Raises
        ------
        InvariantViolation
            At its end.
        """
        self._step(block)
        if block % RECONCILE_EVERY_BLOCKS == 0 or block == blocks:
            self._reconcile(block, is_last=block == blocks)

    def _step(self, block: int) -> None:
        world = self.world
        now = world.timestamp(block)
        clock = perf_counter()

        # 1 MARKET
        for market, external in enumerate(world.external):
            external.advance(flow for _, flow in self._flows[market])
        for asset in world.assets:
            asset.advance()
        if world.assets:
            self.recorder.collateral_prices([asset.state.price for asset in world.assets])
        clock = self._lap("market", clock)

        # 2 OBSERVE
        self._states.push(observe(world, block, self.reading, self.deficits))
        clock = self._lap("observe", clock)

        # 3 DECIDE
        submissions = self._decide()
        clock = self._lap("decide", clock)

        # 4 ORDER
        demand, fee = self._gas_multipliers(block)
        world.fee_market.open_block(block, demand_multiplier=demand, fee_multiplier=fee)
        world.mempool.submit(submissions, block)
        base_fee = world.fee_market.base_fee_wei
        selection = world.mempool.select(block, world.fee_market, world.ledger)
        clock = self._lap("order", clock)

        # 5 EXECUTE
        world.chain.start_block(world.first_block_number + block, world.timestamp(block), base_fee)
        receipts: list[Receipt] = []
        events: list[ProtocolEvent] = []
        own_gas = reverted = 0
        for position, pending in enumerate(selection.included):
            receipt = world.chain.execute(pending.transaction, self._further_positions(pending.tag))
            receipts.append(receipt)
            actor = pending.tag.actor
            sender = pending.transaction.sender
            world.ledger.pay(sender, receipt.gas_used, receipt.gas_price_wei, base_fee)
            world.balances[actor] = world.ledger.balance(sender)
            own_gas += receipt.gas_used
            reverted += not receipt.status
            if receipt.logs:
                emitted = world.client.events(receipt.logs, position)
                events.extend(emitted)
                for event in emitted:  # at once: the next call is charged for the positions there are then
                    world.mirror.apply(event)
                    self.deficits.apply(event, now)
        world.chain.end_block()
        self.last_events = events
        closed = world.fee_market.close_block(own_gas)
        trades = self.skew.book(events)
        clock = self._lap("execute", clock)

        # 6 CHECK
        before = self.reading
        self.reading = read_protocol(world)
        self._check(block, before, events)
        clock = self._lap("check", clock)

        # 7 RECORD
        rows = [
            Included(pending.tag, pending, receipt)
            for pending, receipt in zip(selection.included, receipts, strict=True)
        ]
        self.formulas.observe(block, now, self.reading, events, self._unanswered(rows))
        transactions = self._record_transactions(block, rows, base_fee)
        liquidated = self._record_liquidations(block, events)
        fees = FeeFacts(
            base_fee_wei=base_fee,
            gas_used=closed.gas_used,
            gas_demanded=closed.gas_demanded,
            mempool_size=len(world.mempool),
            included=len(receipts),
            reverted=reverted,
            evicted=sum(drop.status in ("evicted", "expired") for drop in selection.dropped),
        )
        self._route(trades, liquidated)
        self._record_block(block, transactions, fees, events, liquidated)
        self._tell(block, rows, selection.dropped)
        self._lap("record", clock)

    def remembered(self) -> Iterator[object]:
        """Yield what the loop keeps of earlier blocks for readers only: nobody changes it afterwards."""
        yield from self._states.states()

    def _lap(self, phase: str, since: float) -> float:
        now = perf_counter()
        setattr(self.phases, phase, getattr(self.phases, phase) + now - since)
        return now

    # --- decide and order ---

    def _decide(self) -> list[Submission]:
        world = self.world
        submissions: list[Submission] = []
        for index, agent in enumerate(world.agents):
            decided = agent.decide(self._states.seen(agent.latency_blocks), world.streams)
            if (plugin := self._plugins[index]) is not None:
                block = self._states.seen(0).block
                decided = checked(decided, agent, plugin, world.client, block=block)
            for batch in decided:
                self._submit(index, batch, submissions)
        return submissions

    def _submit(self, agent: int, batch: ActionBatch, out: list[Submission]) -> None:
        world = self.world
        for row, call in enumerate(world.client.encode(batch)):
            args = tuple(column[row] for column in batch.args)
            tag = _Tag(agent, batch.kind, call.actor, args, batch.groups[row] if batch.groups else ())
            transaction = Transaction(
                sender=world.book.addresses[call.actor],
                to=call.to,
                data=call.data,
                entry_point=batch.kind,
                gas_limit=world.gas_profile.gas(
                    batch.kind, items=call.items, further_positions=self._further_positions(tag)
                ),
                max_fee_wei=batch.max_fee_wei[row],
                priority_fee_wei=batch.priority_fee_wei[row],
                items=call.items,
            )
            out.append(Submission(transaction, tag, (batch.kind, call.key), batch.replace))

    def _further_positions(self, tag: _Tag) -> int:
        """Return how many positions a call values beside the one of each account that it costs gas for."""
        return further_positions(self.world.mirror, tag.kind, tag.actor, tag.args, tag.group)

    def _gas_multipliers(self, block: int) -> tuple[float, float]:
        demand = fee = 1.0
        for surge in self.world.gas_surges:
            if surge.at_block <= block < surge.end_block:
                demand *= surge.demand
                fee *= surge.fee
        return demand, fee

    # --- check ---

    def _check(self, block: int, before: Reading, events: list[ProtocolEvent]) -> None:
        world = self.world
        self.checker.check(
            BlockFacts(
                block=block,
                before=before.totals,
                after=self.reading.totals,
                markets=self.reading.markets,
                mirror=world.mirror,
                events=events,
                token_supply=world.token_supply,
                wallet_token_units=world.mirror.total_wallet,
                skew_by_origin=self.skew.nets,
                assets=self.reading.assets,
            )
        )

    def _reconcile(self, block: int, *, is_last: bool) -> None:
        world = self.world
        actors = np.arange(world.accounts)
        if not is_last and len(actors) > RECONCILE_ACCOUNTS:
            start = (block // RECONCILE_EVERY_BLOCKS - 1) * RECONCILE_ACCOUNTS
            actors = (np.arange(RECONCILE_ACCOUNTS) + start) % world.accounts
        reconcile(world.client, world.mirror, actors, self.reading.valuation, block)
        self.checker.checked += 1

    # --- record ---

    def _record_transactions(self, block: int, rows: list[Included], base_fee: int) -> list[TransactionRow]:
        world, recorder = self.world, self.recorder
        found: list[TransactionRow] = []
        totals = recorder.totals
        for position, (tag, pending, receipt) in enumerate(rows):
            fee = receipt.fee_paid_wei
            recorder.gas_paid_of[tag.actor] += fee
            if tag.actor in world.paid_by_fund:
                totals.closer_gas_wei += fee
            elif tag.kind == EntryPoint.LIQUIDATE:
                totals.liquidator_gas_wei += fee  # lost races cost gas too
            account = tag.args[0] if world.client.names_account(tag.kind) else tag.actor
            called = pending.transaction
            found.append(
                TransactionRow(
                    block=block,
                    position=position,
                    agent=world.agents[tag.agent].name,
                    kind=tag.kind,
                    sender=tag.actor,
                    account=account,
                    status=receipt.status,
                    revert_reason=receipt.revert_reason or "",
                    gas_used=receipt.gas_used,
                    priority_fee_gwei=(receipt.gas_price_wei - base_fee) / GWEI,
                    fee_paid_eth=fee / ETHER,
                    submitted_block=pending.submitted_block,
                    target=called.to,
                    arguments=tag.args,
                    calldata=called.data,
                    max_fee_wei=called.max_fee_wei,
                    max_priority_fee_wei=called.priority_fee_wei,
                    fee_paid_wei=fee,
                )
            )
        recorder.tables.transactions.extend(found)
        totals.transactions += len(rows)
        totals.reverted += sum(not receipt.status for _, _, receipt in rows)
        return found

    @staticmethod
    def _unanswered(rows: list[Included]) -> list[Refused]:
        """Return the transactions of a block that were refused for want of a formula's answer."""
        return [
            Refused(tag.kind, tag.actor, tag.args, receipt.revert_reason or "")
            for tag, _, receipt in rows
            if not receipt.status and receipt.revert_reason in UNANSWERED
        ]

    def _record_liquidations(self, block: int, events: Sequence[ProtocolEvent]) -> _BlockLiquidations:
        """Record every liquidation of a block, in the order they were executed."""
        world = self.world
        found = _BlockLiquidations({}, [0] * len(world.external), [0.0] * len(world.external))
        for event in events:
            if event.name != "Liquidated":
                continue
            close = self.recorder.liquidation(
                block=block,
                timestamp=world.timestamp(block),
                event=event,
                leverage_at_entry=float(world.entry_leverage[event.actor]),
                is_paid_by_fund=event.other in world.paid_by_fund,
            )
            found.ids[event.position, close.market] = len(self.recorder.closes) - 1
            found.counts[close.market] += 1
            found.notionals[close.market] += close.notional
        return found

    def _record_block(
        self,
        block: int,
        transactions: list[TransactionRow],
        fees: FeeFacts,
        events: list[ProtocolEvent],
        liquidated: _BlockLiquidations,
    ) -> None:
        world, recorder, reading = self.world, self.recorder, self.reading
        logs = [recorder.event(block, event) for event in events]
        digest = recorder.state(block, transactions, logs, reading.markets, reading.totals)
        actors = sorted({event.actor for event in events if event.name == "Liquidated"})
        calls = recorder.margin_calls(reading.valuation, np.array(actors, dtype=np.int64))
        for market, external in enumerate(world.external):
            state = external.state
            recorder.block(
                block=block,
                timestamp=world.timestamp(block),
                market_id=market,
                outside=MarketFacts(
                    external=state.price,
                    fundamental=state.fundamental_price,
                    impact_log=state.impact_log,
                    depth=state.depth,
                    forced_flow=sum(flow for source, flow in self._flows[market] if source >= 0),
                ),
                fees=fees,
                market=reading.markets[market],
                protocol=reading.totals,
                valuation=reading.valuation,
                position_size=world.mirror.size[market],
                liquidations=liquidated.counts[market],
                liquidated_notional=liquidated.notionals[market],
                margin_calls=calls if market == 0 else 0,
                block_digest=digest,
            )

    # --- consequences ---

    def _route(self, trades: list[Trade], liquidated: _BlockLiquidations) -> None:
        """Send what this world hears of a block's flow on its way to the outside markets."""
        world = self.world
        for trade in trades:
            values = trade.event.values
            router = world.routers[values["market"]]
            size = world.feedback.heard(trade.parts)
            if size == 0:
                continue
            notional = size / WAD * (values["index_price"] / WAD)
            if values["cause"] == PositionCause.LIQUIDATION:
                router.forced(liquidated.ids[trade.event.position, values["market"]], notional)
            elif trade.kind is TradeKind.FORCED:
                router.forced(max(len(self.recorder.closes) - 1, 0), notional)
            elif trade.kind is TradeKind.ARBITRAGE:
                router.arbitrage(notional)
            else:
                router.voluntary(notional)
        for market, router in enumerate(world.routers):
            sources, flows = router.step(world.seconds_per_block)
            self._flows[market] = list(zip(sources.tolist(), flows.tolist(), strict=True))

    def _tell(self, block: int, rows: list[Included], dropped: list[Dropped]) -> None:
        results: dict[int, list[ActionResult]] = {}
        for tag, _, receipt in rows:
            status: Status = "success" if receipt.status else "reverted"
            results.setdefault(tag.agent, []).append(
                ActionResult(
                    tag.kind, tag.actor, tag.args, status, receipt.revert_reason or "", receipt.fee_paid_wei
                )
            )
        for drop in dropped:
            tag = drop.tag
            results.setdefault(tag.agent, []).append(
                ActionResult(tag.kind, tag.actor, tag.args, drop.status, drop.reason)
            )
        for index, agent in enumerate(self.world.agents):
            agent.observe(Outcome(block=block, results=tuple(results.get(index, ()))))
