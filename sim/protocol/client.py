"""Reads and writes of a deployed protocol, batched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.chain.abi import Function, decode_rows
from sim.chain.backend import Log
from sim.chain.chain import Chain
from sim.core.units import WAD
from sim.protocol.actions import ActionBatch
from sim.protocol.address_book import AddressBook
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.events import EventDecoder, ProtocolEvent
from sim.protocol.mirror import RATIO_GRID_NOTIONALS, RatioCurve
from sim.protocol.state import MARKET_WORDS, PROTOCOL_WORDS, MarketState, ProtocolState

READ_BATCH = 512
"""Most accounts one Lens call takes."""

_SIGNED_MARKET_WORDS = (12, 13, 19, 20)
_SIGNED_ACCOUNT_WORDS = (0, 1)
_SIGNED_POSITION_WORDS = (0, 1, 2)

ADDRESS_ARGUMENTS = {
    "margin_engine.deposit": (0,),
    "liquidation_engine.liquidate": (0,),
    "liquidation_engine.auto_deleverage": (0,),
    "liquidation_engine.socialize_loss": (0,),
    "liquidity_pool.deposit": (1,),
    "liquidity_pool.redeem": (1, 2),
    "insurance_fund.deposit": (1,),
    "insurance_fund.redeem": (1, 2),
}
"""Entry point -> positions of arguments that are participants."""


class AccountState(NamedTuple):
    """One account as ``Lens.account_states`` returns it, WAD integers."""

    collateral: int
    equity: int
    initial_requirement: int
    maintenance_requirement: int
    notional: int


class PositionState(NamedTuple):
    """One position as ``Lens.positions`` returns it, WAD integers."""

    size: int
    entry_notional: int
    funding_index: int
    entry_maintenance_ratio: int
    effective_maintenance_ratio: int


class Call(NamedTuple):
    """One encoded call of a batch."""

    actor: int
    to: str
    data: bytes
    items: int
    key: int
    """First argument: with sender and entry point it identifies what a replacement replaces."""


class ProtocolClient:
    """The protocol as the engine talks to it."""

    def __init__(self, chain: Chain, deployment: Deployment, book: AddressBook) -> None:
        self.chain = chain
        self.deployment = deployment
        self.book = book
        self._lens = deployment.addresses["lens"]
        lens = deployment.abis["lens"]
        self._market_states = lens["market_states"].encode()
        self._protocol_state = lens["protocol_state"].encode()
        self._account_states = lens["account_states"]
        self._positions = lens["positions"]
        self._margin_curve = lens["margin_curve"]
        self._curves = [
            self._margin_curve.encode(market, [0, *RATIO_GRID_NOTIONALS])
            for market in range(deployment.markets)
        ]
        self._grid = np.array([0, *RATIO_GRID_NOTIONALS], dtype=np.float64) / WAD
        self._functions: dict[str, tuple[str, Function]] = {}
        self.decoder = EventDecoder(book)
        for key, address in deployment.addresses.items():
            artifact = deployment.artifacts["risk_model" if key.startswith("risk_model:") else key]
            self.decoder.add(key.split(":")[0], address, artifact.abi)

    def markets(self) -> tuple[MarketState, ...]:
        """Read every market in one call."""
        data = self.chain.call(self._lens, self._market_states)
        return tuple(
            MarketState(*row) for row in decode_rows(data, MARKET_WORDS, signed=_SIGNED_MARKET_WORDS)
        )

    def totals(self) -> ProtocolState:
        """Read the protocol's totals in one call."""
        data = self.chain.call(self._lens, self._protocol_state)
        return ProtocolState(
            *(int.from_bytes(data[32 * i : 32 * i + 32], "big") for i in range(PROTOCOL_WORDS))
        )

    def curves(self) -> tuple[RatioCurve, ...]:
        """Sample each market's risk model at a grid of notionals."""
        curves = []
        for call in self._curves:
            rows = decode_rows(self.chain.call(self._lens, call), 2)
            initial = np.array([row[0] / WAD for row in rows])
            maintenance = np.array([row[1] / WAD for row in rows])
            curves.append(RatioCurve(self._grid, initial, maintenance))
        return tuple(curves)

    def initial_ratio(self, market: int, notional: int) -> int:
        """Return the initial ratio (WAD) that a position of a notional (WAD) needs now."""
        data = self.chain.call(self._lens, self._margin_curve.encode(market, [notional]))
        return decode_rows(data, 2)[0][0]

    def account_states(self, actors: Sequence[int] | NDArray[np.int64]) -> list[AccountState]:
        """Read accounts exactly."""
        states: list[AccountState] = []
        for addresses in self._batches(actors):
            data = self.chain.call(self._lens, self._account_states.encode(addresses))
            states.extend(AccountState(*row) for row in decode_rows(data, 5, signed=_SIGNED_ACCOUNT_WORDS))
        return states

    def positions(self, market: int, actors: Sequence[int] | NDArray[np.int64]) -> list[PositionState]:
        """Read positions of one market exactly."""
        states: list[PositionState] = []
        for addresses in self._batches(actors):
            data = self.chain.call(self._lens, self._positions.encode(market, addresses))
            states.extend(PositionState(*row) for row in decode_rows(data, 5, signed=_SIGNED_POSITION_WORDS))
        return states

    def _batches(self, actors: Sequence[int] | NDArray[np.int64]) -> Iterator[list[str]]:
        for start in range(0, len(actors), READ_BATCH):
            yield [self.book.addresses[int(actor)] for actor in actors[start : start + READ_BATCH]]

    def read(self, key: str, function: str, *arguments: object) -> Any:
        """Call any view of a contract by name."""
        entry = self.deployment.abis[key][function]
        data = self.chain.call(self.deployment.addresses[key], entry.encode(*arguments), sender=OWNER)
        return entry.decode(data)

    def encode(self, batch: ActionBatch) -> list[Call]:
        """Return the calls of a batch, ready to send."""
        known = self._functions.get(batch.kind)
        if known is None:
            key, name = batch.kind.split(".")
            known = (self.deployment.addresses[key], self.deployment.abis[key][name])
            self._functions[batch.kind] = known
        address, function = known
        participants = ADDRESS_ARGUMENTS.get(batch.kind, ())
        names = self.book.addresses
        columns = [
            [names[value] for value in column] if index in participants else column
            for index, column in enumerate(batch.args)
        ]
        calls: list[Call] = []
        for row, actor in enumerate(batch.actors.tolist()):
            values: list[object] = [column[row] for column in columns]
            items = 0
            if batch.groups:
                values.append([names[member] for member in batch.groups[row]])
                items = len(batch.groups[row])
            data = function.encode(*values)
            calls.append(Call(actor, address, data, items, batch.args[0][row] if batch.args else 0))
        return calls

    def events(self, logs: Sequence[Log], position: int) -> list[ProtocolEvent]:
        """Decode the logs of one transaction."""
        return [self.decoder.decode(log, position) for log in logs]
