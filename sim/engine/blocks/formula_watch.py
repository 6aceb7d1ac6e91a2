"""Notices that a market's margin formula has no good answer, finds out how it fails, and how long.

The contracts go on without it, on the last good ratios: a finding about the formula, not a defect of a block.
Nothing is asked while every answer is good: the curves that each block reads hold the whole notional wherever
bounds stand for an answer. Of positions the largest of each kind is asked about, since a formula asks no less
of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from sim.core.units import WAD
from sim.engine.blocks.observation import Reading
from sim.engine.blocks.rows import FormulaFailureRow
from sim.protocol.actions import EntryPoint
from sim.protocol.client import ProtocolClient
from sim.protocol.codes import Refusal
from sim.protocol.events import ProtocolEvent
from sim.protocol.formulas import Fault, FaultKind, FormulaInputs, FormulaReader, MarketSnapshot
from sim.protocol.mirror import AccountMirror
from sim.reference import margin_math

UNANSWERED: Final = frozenset((Refusal.NO_GOOD_ANSWER, Refusal.NO_HAIRCUT))
"""Reasons of the contracts for refusing what a formula did not answer."""

MARKET: Final = "market"
POSITION: Final = "position"
HAIRCUT: Final = "haircut"
NOBODY: Final = -1
NEVER: Final = -1


class Refused(NamedTuple):
    """A transaction that was refused for want of an answer."""

    kind: str
    """Entry point."""
    actor: int
    args: tuple[int, ...]
    reason: str


class Position(NamedTuple):
    """A position that somebody holds, or would hold."""

    account: int
    size: int
    """Base units, WAD, signed."""
    account_notional: int
    """Quote, WAD."""


@dataclass(slots=True)
class _Failure:
    """One question without an answer, as far as it is known."""

    first: FormulaFailureRow
    refused: int = 0
    blocks: int = 1
    answered: int = NEVER

    @property
    def is_open(self) -> bool:
        return self.answered == NEVER

    def row(self) -> FormulaFailureRow:
        return self.first._replace(refused=self.refused, blocks=self.blocks, answered_block=self.answered)


class FormulaWatch:
    """Watches the formulas of one run."""

    def __init__(self, client: ProtocolClient, mirror: AccountMirror) -> None:
        self._mirror = mirror
        self._reader = FormulaReader(client)
        self._markets = client.deployment.markets
        self._failures: list[_Failure] = []
        self._touched = [0] * self._markets
        """[market] block of the last touch at which its formula answered."""

    def failures(self) -> list[FormulaFailureRow]:
        """Return what was found so far, in the order in which it began."""
        return [failure.row() for failure in self._failures]

    def observe(
        self,
        block: int,
        timestamp: int,
        reading: Reading,
        events: Sequence[ProtocolEvent],
        refused: Sequence[Refused],
    ) -> None:
        """Take one block into account.

        Parameters
        ----------
        reading
            The protocol after the block.
        refused
            Transactions of the block that were refused for want of an answer.
        """
        said = self._take_touches(block, events)
        silent = [bool((curve.initial >= 1.0).any()) for curve in reading.curves]
        if not (said or refused or any(silent) or any(failure.is_open for failure in self._failures)):
            return
        for market in range(self._markets):
            snapshot = self._reader.snapshot(market)
            formula = self._reader.formula(market, snapshot)
            note = _Notes(block, timestamp, market, snapshot, formula, self._touched[market])
            self._follow(note)
            if note.snapshot.risk_model == 0:
                self._begin(MARKET, market, self._of_market(note))
                continue
            if market in said and not any(
                block in (one.first.block, one.answered) for one in self._of(market, MARKET)
            ):
                self._failures.append(_within(note, said[market]))
            if not self._is_open(HAIRCUT, market):
                self._begin(HAIRCUT, market, self._of_haircut(note, refused))
            if not self._is_open(POSITION, market):
                positions = self._asked_for(market, refused, reading)
                if silent[market]:
                    positions += self._held(market, reading)
                self._begin(POSITION, market, self._of_positions(note, positions))
        for one in refused:
            for market in self._concerned(one):
                for failure in self._of(market):
                    failure.refused += failure.is_open

    def _take_touches(self, block: int, events: Sequence[ProtocolEvent]) -> dict[int, ProtocolEvent]:
        """Remember where formulas answered; return the first event of each market where one did not."""
        said: dict[int, ProtocolEvent] = {}
        touched: list[tuple[int, int]] = []
        failed: set[tuple[int, int]] = set()
        for event in events:
            if event.name == "FundingAccrued":
                touched.append((event.position, event.values["market"]))
            elif event.name == "FormulaFailed":
                failed.add((event.position, event.values["market"]))
                said.setdefault(event.values["market"], event)
        for position, market in touched:
            if (position, market) not in failed:
                self._touched[market] = block
        return said

    def _of(self, market: int, question: str = "") -> Iterator[_Failure]:
        """Yield the failures of a market, or of one question about it."""
        for failure in self._failures:
            if failure.first.market == market and question in ("", failure.first.question):
                yield failure

    def _is_open(self, question: str, market: int) -> bool:
        return any(failure.is_open for failure in self._of(market, question))

    def _begin(self, question: str, market: int, row: FormulaFailureRow | None) -> None:
        """Note a failure, if there is one and it is new."""
        if row is not None and not self._is_open(question, market):
            self._failures.append(_Failure(row))

    def _follow(self, note: _Notes) -> None:
        """Ask again what has no answer, with the market as it is now."""
        for failure in self._of(note.market):
            if failure.is_open:
                if self._still(failure.first, note.snapshot, note.formula):
                    failure.blocks += 1
                else:
                    failure.answered = note.block

    def _still(self, first: FormulaFailureRow, snapshot: MarketSnapshot, formula: str) -> bool:
        if first.question == MARKET:
            return snapshot.risk_model == 0
        if first.question == HAIRCUT:
            return self._reader.haircut_fault(formula) is not None
        asked = first.inputs
        inputs = snapshot.inputs(asked.notional, asked.side, asked.account_notional)
        return self._reader.ratios_fault(formula, inputs) is not None

    # --- what fails ---

    def _of_market(self, note: _Notes) -> FormulaFailureRow:
        inputs = note.snapshot.inputs()
        fault = self._reader.ratios_fault(note.formula, inputs)
        return note.row(MARKET, NOBODY, inputs, fault or Fault(FaultKind.UNSEEN), good_block=note.touched)

    def _of_haircut(self, note: _Notes, refused: Sequence[Refused]) -> FormulaFailureRow | None:
        """Return what became of the haircut, if somebody was refused for want of it."""
        if not any(
            one.reason == Refusal.NO_HAIRCUT and note.market in self._concerned(one) for one in refused
        ):
            return None
        fault = self._reader.haircut_fault(note.formula)
        return None if fault is None else note.row(HAIRCUT, NOBODY, note.snapshot.inputs(), fault)

    def _of_positions(self, note: _Notes, positions: Iterable[Position]) -> FormulaFailureRow | None:
        """Return the first of some positions about which there is no answer."""
        for position in positions:
            notional = margin_math.notional(position.size, note.snapshot.risk_price)
            side = 1 if position.size > 0 else -1
            inputs = note.snapshot.inputs(notional, side, position.account_notional)
            fault = self._reader.ratios_fault(note.formula, inputs)
            if fault is not None:
                return note.row(POSITION, position.account, inputs, fault)
        return None

    def _held(self, market: int, reading: Reading) -> Iterator[Position]:
        """Yield the largest position of each kind among those for which a bound may stand."""
        sizes, curve = self._mirror.size[market], reading.curves[market]
        price = reading.markets[market].risk_price / WAD
        notional = np.abs(sizes) * price
        shared = np.count_nonzero(self._mirror.size, axis=0) > 1
        bound = (sizes != 0.0) & (curve.initial[curve.places(notional, sizes, shared)] >= 1.0)
        for alone, side in product((True, False), (1.0, -1.0)):
            found = np.flatnonzero(bound & (shared != alone) & (np.sign(sizes) == side))
            if found.size:
                actor = int(found[np.argmax(notional[found])])
                yield self._position(actor, market, self._mirror.exact_size[market][actor], reading)

    def _asked_for(self, market: int, refused: Sequence[Refused], reading: Reading) -> list[Position]:
        """Return the positions in a market that refused transactions would have led to."""
        found: dict[Position, None] = {}
        for one in refused:
            if one.reason != Refusal.NO_GOOD_ANSWER:
                continue
            size = self._mirror.exact_size[market][one.actor]
            if one.kind == EntryPoint.INCREASE_POSITION and one.args[0] == market:
                size += one.args[1]
            if size:
                found[self._position(one.actor, market, size, reading)] = None
        return list(found)

    def _position(self, actor: int, market: int, size: int, reading: Reading) -> Position:
        notional = 0
        for other, state in enumerate(reading.markets):
            held = size if other == market else self._mirror.exact_size[other][actor]
            notional += margin_math.notional(held, state.risk_price)
        return Position(actor, size, notional)

    def _concerned(self, one: Refused) -> set[int]:
        """Return the markets whose formulas a refused transaction asked."""
        held = {market for market in range(self._markets) if self._mirror.exact_size[market][one.actor]}
        if one.kind == EntryPoint.INCREASE_POSITION:
            held.add(one.args[0])
        return held


class _Notes(NamedTuple):
    """Where and when a formula is found to fail."""

    block: int
    timestamp: int
    market: int
    snapshot: MarketSnapshot
    formula: str
    touched: int

    def row(
        self,
        question: str,
        account: int,
        inputs: FormulaInputs,
        fault: Fault,
        *,
        good_block: int | None = None,
    ) -> FormulaFailureRow:
        """Return what is known at once. Unless the market itself fails, its ratios are good ones of now."""
        return FormulaFailureRow(
            block=self.block,
            timestamp=self.timestamp,
            market=self.market,
            question=question,
            account=account,
            fault=fault.kind,
            detail=fault.detail,
            formula=self.formula,
            inputs=inputs,
            good_initial_ratio=self.snapshot.initial_ratio,
            good_maintenance_ratio=self.snapshot.maintenance_ratio,
            good_block=self.block if good_block is None else good_block,
            refused=0,
            blocks=1,
            answered_block=NEVER,
        )


def _within(note: _Notes, event: ProtocolEvent) -> _Failure:
    """Return a failure of the market that began and ended within a block."""
    row = note.row(
        MARKET, NOBODY, note.snapshot.inputs(), Fault(FaultKind.UNSEEN), good_block=note.touched
    )._replace(
        good_initial_ratio=event.values["initial_ratio"],
        good_maintenance_ratio=event.values["maintenance_ratio"],
    )
    return _Failure(row, answered=note.block)
