"""Reads and writes of a deployed protocol, batched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.chain.abi import ContractAbi, Function, StructRows
from sim.chain.backend import Log
from sim.chain.chain import Chain
from sim.core.units import WAD
from sim.protocol.account_ids import OWN_INDEX, given_inputs, is_account, leads_with_index
from sim.protocol.actions import ActionBatch, EntryPoint
from sim.protocol.address_book import AddressBook
from sim.protocol.contracts import contract_of
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.events import EventDecoder, ProtocolEvent
from sim.protocol.mirror import RATIO_GRID_NOTIONALS, RatioCurve
from sim.protocol.state import AssetState, MarketState, ProtocolState

READ_BATCH = 512
"""Most accounts one Lens call takes."""
CURVE_BATCH = 16
"""Most notionals one call for margin ratios takes."""


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


class AccountColumns(NamedTuple):
    """What decides on accounts, of ``Lens.account_states``: one list a word, one WAD integer an account."""

    equity: list[int]
    maintenance_requirement: list[int]
    notional: list[int]


@dataclass(frozen=True, slots=True)
class _EntryPoint:
    """A function that participants call, and what its arguments are."""

    address: str
    function: Function
    head: tuple[int, ...]
    """Arguments before those that a participant gives: the index of its account."""
    addresses: frozenset[int]
    """Which of the given arguments are participants on chain known by address, numbered from 0."""
    accounts: frozenset[int]
    """Which of them are participants known by account."""


class Call(NamedTuple):
    """One encoded call of a batch."""

    actor: int
    to: str
    data: bytes
    items: int
    key: int
    """First argument given: with sender and entry point it identifies what a replacement replaces."""


def market_rows(lens: ContractAbi) -> StructRows:
    """Return what reads ``Lens.market_states`` as the words of `MarketState`."""
    return StructRows(lens["market_states"], MarketState.__slots__)


def curve_rows(lens: ContractAbi) -> StructRows:
    """Return what reads ``Lens.margin_curve`` as initial and maintenance ratios (WAD)."""
    return StructRows(lens["margin_curve"], ("initial", "maintenance"))


def _curve(grid: NDArray[np.float64], rows: Sequence[Sequence[int]]) -> RatioCurve:
    """Return a market's ratios by kind of position; kinds that the formula does not tell apart count once."""
    points = len(grid)
    half = len(rows) // 2
    if rows[:half] == rows[half:] and half > points:
        rows = rows[:half]  # accounts with other positions are asked for the same
    if rows[:points] == rows[points : 2 * points] and len(rows) == 2 * points:
        rows = rows[:points]  # and shorts for what longs are
    initial = np.array([row[0] / WAD for row in rows])
    maintenance = np.array([row[1] / WAD for row in rows])
    return RatioCurve(grid, initial, maintenance)


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
        self._margin_curves = lens["margin_curves"]
        self._all_curve_rows = StructRows(self._margin_curves, ("initial", "maintenance"))
        self._curve_calls: dict[tuple[int, int], bytes] = {}
        self._grid = np.array([0, *RATIO_GRID_NOTIONALS], dtype=np.float64) / WAD
        self._entry_points: dict[str, _EntryPoint] = {}
        self._market_rows = market_rows(lens)
        self._curve_rows = curve_rows(lens)
        self._protocol_rows = StructRows(lens["protocol_state"], ProtocolState.__slots__)
        self._account_rows = StructRows(self._account_states, AccountState._fields)
        self._position_rows = StructRows(self._positions, PositionState._fields)
        self.decoder = EventDecoder(book)
        for key, address in deployment.addresses.items():
            self.decoder.add(key.split(":")[0], address, deployment.abis[contract_of(key)])

    def markets(self) -> tuple[MarketState, ...]:
        """Read every market in one call."""
        data = self.chain.call(self._lens, self._market_states)
        return tuple(MarketState(*row) for row in self._market_rows.rows(data))

    def assets(self) -> tuple[AssetState, ...]:
        """Read every asset of the collateral registry; nothing where there is none."""
        found = []
        for asset in range(self.deployment.assets):
            price = self.read("collateral_oracle", "asset_price", asset)
            reserves = self.read(f"spot_pool:{asset}", "reserves")
            found.append(
                AssetState(
                    index_price=price[0],
                    risk_price=price[1],
                    ema_price=price[2],
                    confidence=price[3],
                    variance_fast=price[4],
                    variance_slow=price[5],
                    updated_at=price[6],
                    status=price[8],
                    pool_asset=reserves[0],
                    pool_quote=reserves[1],
                    total=self.read("collateral_registry", "asset_info", asset)[5],
                )
            )
        return tuple(found)

    def asset_values(self, holders: Mapping[int, int]) -> dict[int, int]:
        """Read what the assets of some accounts count for in maintenance (WAD quote).

        Parameters
        ----------
        holders
            Account -> which it has: bit a set, some of asset a.
        """
        if not holders:
            return {}
        actors, held = list(holders), list(holders.values())
        entry = self.deployment.abis["collateral_registry"]["values_of"]
        address, ids = self.deployment.addresses["collateral_registry"], self.book.account_ids
        found: list[int] = []
        for start in range(0, len(actors), READ_BATCH):
            some = slice(start, start + READ_BATCH)
            data = entry.encode([ids[actor] for actor in actors[some]], held[some])
            found.extend(entry.decode(self.chain.call(address, data)))
        return dict(zip(actors, found, strict=True))

    def totals(self) -> ProtocolState:
        """Read the protocol's totals in one call."""
        data = self.chain.call(self._lens, self._protocol_state)
        return ProtocolState(*self._protocol_rows.rows(data)[0])

    def curves(self, largest: Sequence[float] | None = None) -> tuple[RatioCurve, ...]:
        """Sample every market's risk model at a grid of notionals, in one call.

        Parameters
        ----------
        largest
            [market] quote: the grid ends at the first point that is no smaller than any, and no account is
            larger than all of them together. None samples all of the grid, for accounts as large as it is.
        """
        markets = self.deployment.markets
        points = len(self._grid)
        whole = RATIO_GRID_NOTIONALS[-1] * markets
        if largest is not None:
            points = min(int(self._grid.searchsorted(max(largest))) + 1, points)
            whole = math.ceil(sum(largest)) * WAD
        account = whole if markets > 1 else 0  # an account of one market is as large as its position
        rows = self._all_curve_rows.rows(self.chain.call(self._lens, self._curve_call(points, account)))
        grid, each = self._grid[:points], len(rows) // markets
        return tuple(_curve(grid, rows[start : start + each]) for start in range(0, len(rows), each))

    def _curve_call(self, points: int, account: int) -> bytes:
        call = self._curve_calls.get((points, account))
        if call is None:
            call = self._margin_curves.encode([0, *RATIO_GRID_NOTIONALS][:points], account)
            if not account:  # else there is another one in every block
                self._curve_calls[points, account] = call
        return call

    def initial_ratio(self, market: int, notional: int) -> int:
        """Return the initial ratio (WAD) that a position of a notional (WAD) needs now."""
        data = self.chain.call(self._lens, self._margin_curve.encode(market, [notional]))
        return self._curve_rows.rows(data)[0][0]

    def maintenance_ratios(self, market: int, notionals: Sequence[int]) -> list[int]:
        """Return the maintenance ratio (WAD) that new positions of these notionals (WAD) must hold now."""
        found: list[int] = []
        for start in range(0, len(notionals), CURVE_BATCH):
            asked = list(notionals[start : start + CURVE_BATCH])
            data = self.chain.call(self._lens, self._margin_curve.encode(market, asked))
            found += [row[1] for row in self._curve_rows.rows(data)]
        return found

    def shared_maintenance_ratio(self, market: int, size: int, notional: int, account_notional: int) -> int:
        """Return the maintenance ratio (WAD) of a position of an account that has others too.

        Parameters
        ----------
        size
            Signed size of the position; its side is asked about.
        notional, account_notional
            Of the position and of the whole account (WAD).
        """
        data = self.chain.call(self._lens, self._margin_curves.encode([notional], account_notional))
        rows = self._all_curve_rows.rows(data)  # of each market: long, short, and both with other positions
        each = len(rows) // self.deployment.markets
        return rows[market * each + (2 if size > 0 else 3)][1]

    def account_states(self, actors: Sequence[int] | NDArray[np.int64]) -> list[AccountState]:
        """Read accounts exactly."""
        states: list[AccountState] = []
        for accounts in self._batches(actors):
            data = self.chain.call(self._lens, self._account_states.encode_words(accounts))
            states.extend(AccountState(*row) for row in self._account_rows.rows(data))
        return states

    def account_columns(
        self, actors: Sequence[int] | NDArray[np.int64], names: Sequence[str] = AccountColumns._fields
    ) -> list[list[int]]:
        """Read some words of accounts exactly: one list for each name, one integer for each account."""
        wanted = [AccountState._fields.index(name) for name in names]
        found: list[list[int]] = [[] for _ in wanted]
        for accounts in self._batches(actors):
            data = self.chain.call(self._lens, self._account_states.encode_words(accounts))
            for column, values in zip(found, self._account_rows.columns(data, wanted), strict=True):
                column.extend(values)
        return found

    def position_columns(
        self, market: int, actors: Sequence[int] | NDArray[np.int64], names: Sequence[str]
    ) -> list[list[int]]:
        """Read some words of the positions of one market exactly, as `account_columns` does."""
        wanted = [PositionState._fields.index(name) for name in names]
        found: list[list[int]] = [[] for _ in wanted]
        for accounts in self._batches(actors):
            data = self.chain.call(self._lens, self._positions.encode_words(accounts, market))
            for column, values in zip(found, self._position_rows.columns(data, wanted), strict=True):
                column.extend(values)
        return found

    def positions(self, market: int, actors: Sequence[int] | NDArray[np.int64]) -> list[PositionState]:
        """Read positions of one market exactly."""
        states: list[PositionState] = []
        for accounts in self._batches(actors):
            data = self.chain.call(self._lens, self._positions.encode_words(accounts, market))
            states.extend(PositionState(*row) for row in self._position_rows.rows(data))
        return states

    def _batches(self, actors: Sequence[int] | NDArray[np.int64]) -> Iterator[bytes]:
        for start in range(0, len(actors), READ_BATCH):
            yield self.book.account_words(actors[start : start + READ_BATCH])

    def read(self, key: str, function: str, *arguments: object) -> Any:
        """Call any view of a contract by name."""
        entry = self.deployment.abis[contract_of(key)][function]
        data = self.chain.call(self.deployment.addresses[key], entry.encode(*arguments), sender=OWNER)
        return entry.decode(data)

    def _entry_point(self, kind: str) -> _EntryPoint:
        known = self._entry_points.get(kind)
        if known is None:
            key, name = kind.split(".")
            function = self.deployment.abis[contract_of(key)][name]
            inputs = [(str(given["name"]), str(given["type"])) for given in given_inputs(function)]
            if kind == EntryPoint.SWAP:  # of several pools: the first argument says which
                inputs.insert(0, ("asset", "uint256"))
            known = _EntryPoint(
                address=self.deployment.addresses.get(key, ""),  # of an asset: there may be none
                function=function,
                head=(OWN_INDEX,) if leads_with_index(function) else (),
                addresses=frozenset(at for at, (_, type_) in enumerate(inputs) if type_ == "address"),
                accounts=frozenset(at for at, given in enumerate(inputs) if is_account(*given)),
            )
            self._entry_points[kind] = known
        return known

    def names_account(self, kind: str) -> bool:
        """Return whether an entry point's first argument is the account it is about, not its sender."""
        return 0 in self.account_arguments(kind)

    def account_arguments(self, kind: str) -> frozenset[int]:
        """Return which arguments of an entry point are participants, numbered from 0."""
        entry = self._entry_point(kind)
        return entry.addresses | entry.accounts

    def encode(self, batch: ActionBatch) -> list[Call]:
        """Return the calls of a batch, ready to send."""
        entry = self._entry_point(batch.kind)
        addresses, accounts = self.book.addresses, self.book.account_ids
        columns: list[Sequence[object]] = []
        for at, column in enumerate(batch.args):
            if at in entry.accounts:
                columns.append([accounts[value] for value in column])
            elif at in entry.addresses:
                columns.append([addresses[value] for value in column])
            else:
                columns.append(column)
        calls: list[Call] = []
        if batch.kind == EntryPoint.SWAP:
            assets, columns = columns[0], columns[1:]
            for row, actor in enumerate(batch.actors.tolist()):
                pool = self.deployment.addresses[f"spot_pool:{assets[row]}"]
                is_sale, *others = (column[row] for column in columns)
                data = entry.function.encode(bool(is_sale), *others)
                calls.append(Call(actor, pool, data, 0, batch.args[0][row]))
            return calls
        for row, actor in enumerate(batch.actors.tolist()):
            values: list[object] = [*entry.head, *(column[row] for column in columns)]
            items = 0
            if batch.groups:
                values.append([accounts[member] for member in batch.groups[row]])
                items = len(batch.groups[row])
            data = entry.function.encode(*values)
            calls.append(Call(actor, entry.address, data, items, batch.args[0][row] if batch.args else 0))
        return calls

    def events(self, logs: Sequence[Log], position: int) -> list[ProtocolEvent]:
        """Decode the logs of one transaction."""
        return [self.decoder.decode(log, position) for log in logs]
