"""What is read after a block: totals, markets, valuations and the accounts near a threshold."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.core.arrays import IntArray
from sim.core.errors import InputError
from sim.core.units import WAD
from sim.engine.worlds.world import World
from sim.protocol.client import AccountColumns
from sim.protocol.counted_assets import counted_assets
from sim.protocol.events import ProtocolEvent
from sim.protocol.mirror import AccountMirror, RatioCurve, Valuation
from sim.protocol.state import AssetDebt, AssetState, MarketState, PendingDeficit, ProtocolState, State

Value = TypeVar("Value", np.float64, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The protocol as it stood after a block."""

    markets: tuple[MarketState, ...]
    curves: tuple[RatioCurve, ...]
    """Margin ratios by size, of each market."""
    totals: ProtocolState
    assets: tuple[AssetState, ...]
    """Of the collateral registry."""
    asset_values: Mapping[int, int]
    """What assets that are to pay for their account count for in maintenance (WAD)."""
    valuation: Valuation
    candidates: IntArray
    exact: AccountColumns
    """Of the candidates."""


def read_protocol(world: World) -> Reading:
    """Read markets and totals, value everyone by the mirror, and read the candidates exactly."""
    markets = world.client.markets()
    if world.feedback.margin:  # what no position reaches is not asked for
        curves = world.client.curves(world.mirror.largest_notionals(markets))
    else:
        curves = world.client.curves()
        _refuse_moving_ratios(world.frozen_curves, curves)
    assets = world.client.assets()
    counted = counted_assets(world.client, world.mirror, assets)
    valuation = world.mirror.value(markets, curves, counted, world.chain.timestamp)
    candidates = valuation.candidates()
    return Reading(
        markets=markets,
        curves=curves,
        totals=world.client.totals(),
        assets=assets,
        asset_values=world.client.asset_values(world.mirror.owing_holders()),
        valuation=valuation,
        candidates=candidates,
        exact=AccountColumns(*world.client.account_columns(candidates)),
    )


def _refuse_moving_ratios(first: Sequence[RatioCurve], now: Sequence[RatioCurve]) -> None:
    """Refuse a margin formula whose answers change though the inputs it is given do not."""
    for market, (before, after) in enumerate(zip(first, now, strict=True)):
        if not (
            np.array_equal(before.initial, after.initial)
            and np.array_equal(before.maintenance, after.maintenance)
        ):
            raise InputError(
                f"markets.{market}: margin ratios change though their inputs are frozen: the formula reads "
                "the time or another contract, or was replaced, so that there is no world without margin "
                "feedback; run with --worlds forced"
            )


class DeficitBook:
    """Pending deficits, rebuilt from events."""

    def __init__(self) -> None:
        self._pending: dict[int, PendingDeficit] = {}

    def apply(self, event: ProtocolEvent, timestamp: int) -> None:
        """Take one event into account."""
        if event.name == "DeficitRecorded":
            values = event.values
            self._pending[event.actor] = PendingDeficit(
                event.actor, values["market"], values["deficit"], values["side"], timestamp
            )
        elif event.name == "DeficitMoved":
            values = event.values
            self._pending[event.actor] = PendingDeficit(
                event.actor,
                values["market"],
                values["deficit"],
                values["side"],
                self._pending[event.actor].at,
            )
        elif event.name == "DeficitSecured" and not event.values["amount"]:
            if event.actor in self._pending:  # from now on others are asked, and have their whole window
                self._pending[event.actor] = replace(self._pending[event.actor], at=timestamp)
        elif event.name in ("CollateralChanged", "Deposited") and event.actor in self._pending:
            old = self._pending[event.actor]
            left = -event.values["collateral"]
            if left <= 0:
                del self._pending[event.actor]
            else:
                self._pending[event.actor] = PendingDeficit(event.actor, old.market, left, old.side, old.at)

    def pending(self, secured: Mapping[int, int] = MappingProxyType({})) -> tuple[PendingDeficit, ...]:
        """Return the deficits by participant, each with what its debtor's own assets are to cover."""
        return tuple(
            replace(self._pending[actor], secured=secured[actor])
            if actor in secured
            else self._pending[actor]
            for actor in sorted(self._pending)
        )


def _frozen(array: NDArray[Value]) -> NDArray[Value]:
    view = array.view()
    view.flags.writeable = False
    return view


class StateHistory:
    """States of the last blocks, for agents that see the world late."""

    def __init__(self, latency_max: int) -> None:
        self._states: deque[State] = deque(maxlen=latency_max + 1)

    def states(self) -> tuple[State, ...]:
        """Return the states kept, oldest first."""
        return tuple(self._states)

    def push(self, state: State) -> None:
        """Add the newest state."""
        self._states.append(state)

    def seen(self, latency_blocks: int) -> State:
        """Return the state an agent of that latency sees: the oldest there is at the start."""
        return self._states[max(len(self._states) - 1 - latency_blocks, 0)]


def observe(world: World, block: int, reading: Reading, deficits: DeficitBook) -> State:
    """Build the state all agents share in a block.

    Columns that events change in place are copied, so that a late agent really sees the past.
    """
    mirror, valuation = world.mirror, reading.valuation
    return State(
        block=block,
        timestamp=world.timestamp(block),
        seconds_per_block=world.seconds_per_block,
        base_fee_wei=world.fee_market.base_fee_wei,
        gas_limit=world.gas_limit,
        external_prices=_frozen(np.array([market.state.price for market in world.external])),
        external_published_at=_frozen(
            np.array([market.state.published_at for market in world.external], dtype=np.int64)
        ),
        external_depth=_frozen(np.array([market.state.depth for market in world.external])),
        markets=reading.markets,
        protocol=reading.totals,
        sizes=_frozen(mirror.size.copy()),
        entry_notional=_frozen(mirror.entry_notional.copy()),
        collateral=_frozen(mirror.collateral.copy()),
        wallet=_frozen(mirror.wallet.copy()),
        equity=_frozen(valuation.equity),
        notional=_frozen(valuation.notional),
        maintenance_requirement=_frozen(valuation.maintenance_requirement),
        initial_requirement=_frozen(valuation.initial_requirement),
        native_balance_wei=tuple(world.balances),
        exact_accounts=_frozen(reading.candidates),
        exact_equity=tuple(reading.exact.equity),
        exact_maintenance=tuple(reading.exact.maintenance_requirement),
        exact_notional=tuple(reading.exact.notional),
        pending_deficits=deficits.pending(mirror.secured),
        gas=world.gas,
        native_price=world.native_price,
        assets=reading.assets,
        asset_prices=_frozen(np.array([market.state.price for market in world.assets])),
        asset_published_at=_frozen(
            np.array([market.state.published_at for market in world.assets], dtype=np.int64)
        ),
        asset_debts=_asset_debts(mirror, reading),
    )


def _asset_debts(mirror: AccountMirror, reading: Reading) -> tuple[AssetDebt, ...]:
    """Return the accounts whose assets are to pay for them."""
    return tuple(
        AssetDebt(
            account=actor,
            debt=mirror.debtors.get(actor, 0) / WAD,
            lien=mirror.liens.get(actor, 0) / WAD,
            counted=counted / WAD,
            has_position=bool(mirror.open_positions[actor]),
        )
        for actor, counted in reading.asset_values.items()
    )
