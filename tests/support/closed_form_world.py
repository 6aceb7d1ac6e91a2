"""The simulator with an explicit list of accounts, driven block by block or by its own loop.

The scenario schema speaks of distributions; a closed form speaks of accounts. Everything else is the engine's
own: builder, deployment, set-up transactions, client, mirror, block loop.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sim.agents.kind import Opening, Start
from sim.chain.chain import Chain, default_engine
from sim.chain.transaction import Receipt, Transaction
from sim.core.units import WAD, to_wad
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.build import BuildOptions, WorldBuilder
from sim.engine.worlds.feedback import WHOLE, Feedback
from sim.engine.worlds.population import FREE
from sim.engine.worlds.world import World
from sim.protocol import actions
from sim.protocol.actions import ActionBatch
from sim.protocol.events import ProtocolEvent

SCENARIO = Path(__file__).with_name("closed_form.toml")
PRICE = 2_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of market 0."""

    notional: float
    """Signed quote at the first price."""
    collateral: float
    wallet: float = 0.0


class _ListedBuilder(WorldBuilder):
    """A builder whose one cohort is a list."""

    def __init__(self, scenario: Scenario, options: BuildOptions, listed: Sequence[Account]) -> None:
        super().__init__(scenario, options)
        self._listed = listed

    def _openings(self, start: Start) -> list[Opening]:
        """Return the drawn openings with those of the cohort, which come first, as they are listed."""
        drawn = super()._openings(start)
        listed = [
            replace(
                opening,
                size=account.notional / self._prices[opening.market],
                collateral=account.collateral,
                wallet=account.wallet,
            )
            for opening, account in zip(drawn, self._listed, strict=False)
        ]
        return listed + drawn[len(listed) :]


def closed_form_scenario(accounts: int, *overrides: str) -> Scenario:
    """Return the plain scenario with room for a number of accounts and some values changed; 0 is meant."""
    cohort = (
        f'traders=[{{ name = "listed", count = {accounts}, long_share = 0.5, '
        'leverage = { distribution = "fixed", value = 2.0 }, '
        'size = { distribution = "fixed", value = 1000.0 }, '
        "top_up = { attentive_share = 0.0, wallet_ratio = 0.0 }, trades_per_day = 0.0 }]"
    )
    people = [cohort] if accounts else ['meant=["no_accounts"]']
    return load_scenario(SCENARIO, overrides=people + list(overrides))


def build_listed_world(
    accounts: Sequence[Account],
    *overrides: str,
    engine: str | None = None,
    contracts: Path | None = None,
    feedback: Feedback = WHOLE,
) -> World:
    """Deploy everything and open the listed positions, in order: participant i is account i."""
    options = BuildOptions(
        engine=engine or default_engine(),
        histories={},
        replayed=frozenset(),
        custom_model=None,
        contracts=contracts,
        feedback=feedback,
    )
    world = _ListedBuilder(closed_form_scenario(len(accounts), *overrides), options, accounts).build()
    if world.raised_openings:
        raise AssertionError("an account was refused with its collateral: the closed form would not apply")
    return world


def run_loop(world: World, blocks: int) -> BlockLoop:
    """Run the engine's own loop; every invariant is checked after every block."""
    loop = BlockLoop(world, Recorder(len(world.book)))
    loop.run(blocks)
    return loop


class Driver:
    """Sends transactions to a built world, one block at a time, and can go back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.client
        self.chain: Chain = world.chain
        self.mirror = world.mirror
        self.events: list[ProtocolEvent] = []
        """Events of the last block."""
        keepers = world.book.groups["keepers:0"]
        self.keepers = list(range(keepers.start, keepers.stop))
        self.liquidator = min(
            group.start for name, group in world.book.groups.items() if name.startswith("liquidators")
        )

    def block(self, *batches: ActionBatch, seconds: int = 12) -> list[Receipt]:
        """Send batches in a new block; a revert is a receipt."""
        self.chain.start_block(self.chain.block_number + 1, self.chain.timestamp + seconds)
        receipts: list[Receipt] = []
        self.events = []
        for batch in batches:
            for call in self.client.encode(batch):
                sender = self.client.book.addresses[call.actor]
                receipt = self.chain.execute(Transaction(sender=sender, to=call.to, data=call.data))
                receipts.append(receipt)
                self.events.extend(self.client.events(receipt.logs, len(receipts) - 1))
        for event in self.events:
            self.mirror.apply(event)
        self.chain.end_block()
        return receipts

    def report(self, price: int | float, *, seconds: int = 12, keepers: Sequence[int] | None = None) -> None:
        """Let the keepers report one price (WAD integers as they are) in a new block."""
        wad = price if isinstance(price, int) else to_wad(price)
        reporters = list(self.keepers if keepers is None else keepers)
        published = self.chain.timestamp + seconds
        receipts = self.block(actions.report("test", reporters, 0, wad, 0, published, FREE), seconds=seconds)
        for receipt in receipts:
            assert receipt.status, receipt.revert_reason

    def liquidate(self, *accounts: int) -> list[Receipt]:
        """Try to liquidate accounts in market 0, one transaction each, in a new block."""
        return self.block(
            actions.liquidate(
                "test", [self.liquidator] * len(accounts), list(accounts), [0] * len(accounts), FREE
            )
        )

    def liquidated(self) -> list[dict[str, int]]:
        """Return the values of the last block's liquidations."""
        return [event.values for event in self.events if event.name == "Liquidated"]

    def snapshot(self) -> tuple[int, object]:
        """Remember chain and mirror."""
        return self.chain.snapshot(), copy.deepcopy(self.mirror)

    def restore(self, saved: tuple[int, object]) -> None:
        """Go back; the same snapshot serves any number of times."""
        handle, mirror = saved
        self.chain.restore(handle)
        self.mirror = copy.deepcopy(mirror)  # type: ignore[assignment]

    def risk_price(self) -> float:
        """Return the price margin is computed at."""
        return self.client.markets()[0].risk_price / WAD
