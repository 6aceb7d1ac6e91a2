"""Who ended how: one row of ``accounts.parquet`` for each participant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.agents.base import HedgesOutside
from sim.agents.kind import Opening
from sim.core.units import TOKEN_UNIT, WAD
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import ETHER, Recorder
from sim.engine.blocks.rows import AccountRow, FinalState
from sim.engine.worlds.world import World
from sim.protocol.client import ProtocolClient


def final_states(world: World) -> list[FinalState]:
    """Return what every participant has now, exactly, in order of their numbers."""
    mirror = world.mirror
    return [
        FinalState(
            address=address,
            collateral_end_wad=mirror.exact_collateral[actor],
            wallet_end_units=mirror.exact_wallet[actor],
            balance_end_wei=world.balances[actor],
            sizes_end_wad=tuple(column[actor] for column in mirror.exact_size),
            entry_notionals_end_wad=tuple(column[actor] for column in mirror.exact_entry),
        )
        for actor, address in enumerate(world.book.addresses)
    ]


def final_accounts(world: World, loop: BlockLoop, recorder: Recorder) -> Iterator[AccountRow]:
    """Yield the final row of every participant.

    ``profit`` is the change of everything a participant has: equity, wallet, vault shares and an
    arbitrageur's other leg outside, less gas.
    """
    start = loop.first
    valuation = loop.reading.valuation
    sides = sides_of(world.openings)
    outside = _outside_legs(world)
    states = final_states(world)
    for group in world.groups:
        for actor in world.book.members(group.name):
            shares = _share_value(world.client, group.vault, actor) if group.vault else 0.0
            deposited = loop.first_shares.get(actor, 0.0)
            equity_start = float(start.valuation.equity[actor]) + deposited
            equity_end = float(valuation.equity[actor]) + shares
            wallet_start, wallet_end = (
                loop.first_wallets[actor] / TOKEN_UNIT,
                float(world.mirror.wallet[actor]),
            )
            gas = recorder.gas_paid_of[actor] / ETHER
            change = equity_end + wallet_end - equity_start - wallet_start
            profit = change + outside.get(actor, 0.0) - gas * world.native_price
            yield AccountRow(
                account=actor,
                group=group.name,
                side=sides.get(actor, "none"),
                leverage_start=float(world.entry_leverage[actor]),
                notional_start=float(start.valuation.notional[actor]),
                collateral_start=loop.first_collateral[actor],
                wallet_start=wallet_start,
                wallet_end=wallet_end,
                equity_start=equity_start,
                equity_end=equity_end,
                size_end=sum(float(sizes[actor]) for sizes in world.mirror.size),
                realized_pnl=recorder.realized_pnl_of[actor] / WAD,
                fees_paid=recorder.fees_of[actor] / WAD,
                funding_paid=recorder.funding_of[actor] / WAD,
                gas_paid_eth=gas,
                topped_up=recorder.topped_up_of[actor] / TOKEN_UNIT,
                margin_calls=int(recorder.margin_calls_of[actor]),
                liquidations=int(recorder.liquidations_of[actor]),
                liquidated_notional=float(recorder.liquidated_notional_of[actor]),
                profit=profit,
                final=states[actor],
            )


def sides_of(openings: Iterable[Opening]) -> dict[int, str]:
    """Return which way each account that starts with a position goes: long, short, or mixed if both."""
    sides: dict[int, str] = {}
    for opening in openings:
        if opening.size:
            side = "long" if opening.size > 0.0 else "short"
            sides[opening.actor] = side if sides.get(opening.actor, side) == side else "mixed"
    return sides


def _outside_legs(world: World) -> dict[int, float]:
    """Return what those who hedge hold outside, quote by participant."""
    prices = [market.state.price for market in world.external]
    legs: dict[int, float] = {}
    for agent in world.agents:
        if isinstance(agent, HedgesOutside):
            legs.update(agent.outside_values(prices))
    return legs


def _share_value(client: ProtocolClient, vault: str, actor: int) -> float:
    """Return what a participant's vault shares are worth, quote; those that wait to leave are still his."""
    address = client.book.addresses[actor]
    shares = client.read(vault, "balanceOf", address) + client.read(vault, "exit_request", address)[0]
    assets = client.read(vault, "convertToAssets", shares)
    return float(assets) / TOKEN_UNIT


def share_values(world: World) -> dict[int, float]:
    """Return what every vault shareholder's shares are worth now, quote."""
    values: dict[int, float] = {}
    for group in world.groups:
        if group.vault is not None:
            for actor in world.book.members(group.name):
                values[actor] = _share_value(world.client, group.vault, actor)
    return values
