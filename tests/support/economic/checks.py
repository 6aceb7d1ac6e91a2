"""Looks at every step: the block invariants of `sim`, the rules of the bench, and what only a fork shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sim.core.units import QUANTUM
from sim.protocol.events import ProtocolEvent
from sim.protocol.invariants import INVARIANTS, BlockFacts
from tests.support.economic.asset_rules import ASSET_RULES
from tests.support.economic.bounds import binding
from tests.support.economic.history import Action
from tests.support.economic.loss_records import LossRecords
from tests.support.economic.probes import PROBES
from tests.support.economic.rules import RULES
from tests.support.economic.seen import Seen, Step, look
from tests.support.economic.verbs import PARTICIPANTS, Result, World

EVERYBODY: Final = range(PARTICIPANTS)
SOMETIMES: Final = 4
"""Rules that ask the chain about every account are looked at after every so many actions."""
ASKING: Final = ("B3", "C1b", "E5")


class Checks:
    """What must be true of one history, and what was found to be wrong."""

    def __init__(
        self, world: World, broken: list[tuple[str, int, str]], checked: Counter[str], bound: Counter[str]
    ) -> None:
        self._world = world
        self._broken = broken
        self._checked = checked
        self._bound = bound
        self._calls: list[Result] = []
        self._donated = {"ledger": 0, "pool": 0, "fund": 0}
        self._seen = look(world)
        self._previews: dict[str, int] = {}
        self._steps = 0
        self._losses = LossRecords()

    def _report(self, identifier: str, played: int, problem: str | None) -> None:
        self._checked[identifier] += 1
        if problem is not None:
            self._broken.append((identifier, played, problem))

    def before(self, action: Action) -> None:
        """See what an action begins with."""
        self._calls.clear()
        self._previews = {}
        if self._world.now != self._seen.now:  # a checkpoint has let a second pass
            self._seen = look(self._world)
        if action.verb == "enter":
            vault, units = str(action.arguments[0]), int(action.arguments[1])
            if not self._world.must_queue_in(vault):
                self._previews["shares"] = self._world.preview(vault, "Deposit", units)
                self._previews["held"] = self._world.held_next(action.actor, vault)
        elif action.verb == "mint":
            vault, shares = str(action.arguments[0]), int(action.arguments[1])
            self._previews["units"] = self._world.preview(vault, "Mint", shares)
            self._previews["held"] = self._world.held_next(action.actor, vault)

    def call(self, result: Result) -> None:
        """Take note of one call of the action."""
        self._calls.append(result)

    def after(self, action: Action, result: Result, events: Sequence[ProtocolEvent], played: int) -> None:
        """Look at what an action did."""
        world, before = self._world, self._seen
        try:
            after = look(world)
        except Exception as error:  # noqa: BLE001  (whatever a view does instead of answering is the finding)
            self._report("D5", played, f"after {action.verb}: {error}")
            return
        self._report("D5", played, None)
        self._seen = after
        self._steps += 1
        if action.verb == "donate" and result.status:
            to = str(action.arguments[0])
            self._donated[to] += int(action.arguments[1]) * QUANTUM
        step = Step(action, world, before, after, result, tuple(events), tuple(self._calls), self._previews)
        self._bound.update(set(binding(step)))
        often = self._steps % SOMETIMES == 0
        rules = {**RULES, **ASSET_RULES} if world.others.count else RULES
        for identifier, known in rules.items():
            if often or identifier not in ASKING:
                self._report(identifier, played, known.check(step))
        self._block_invariants(before, after, events, played)
        self._report("C10p", played, self._losses.problem(step))

    def _block_invariants(
        self, before: Seen, after: Seen, events: Sequence[ProtocolEvent], played: int
    ) -> None:
        world, donated = self._world, self._donated
        taken_out = {
            "ledger_token_balance": after.totals.ledger_token_balance - donated["ledger"],
            "pool_token_balance": after.totals.pool_token_balance - donated["pool"],
            "fund_token_balance": after.totals.fund_token_balance - donated["fund"],
        }
        facts = BlockFacts(
            block=world.chain.block_number,
            before=before.totals,
            after=replace(after.totals, **taken_out),
            markets=after.markets,
            mirror=world.mirror,
            events=events,
            token_supply=world.supply - sum(donated.values()) // QUANTUM,
            wallet_token_units=world.mirror.total_wallet,
            skew_by_origin=world.net_traded,
            assets=world.client.assets(),
        )
        for invariant in INVARIANTS:
            self._report(invariant.id, played, invariant.check(facts))

    def at_the_end(self, played: int, settle: Callable[[], None]) -> None:
        """Try, on a fork, what a history may come to: each of these is undone."""
        for identifier, probe in PROBES.items():
            with self._world.fork():
                self._report(identifier, played, probe.attempt(self._world, settle))


def statements() -> dict[str, str]:
    """Return what every rule of the bench states, by its number."""
    others = {
        "C5": "at constant prices no coalition ends with more than it began, above rounding",
        "C10p": "of a deficit beyond the fund, winners of its market bear nine tenths of what they have won",
        "D5": "every view answers in every state that is reached",
    }
    found = {rule.id: rule.statement for rule in (*RULES.values(), *ASSET_RULES.values())}
    found |= {identifier: probe.statement for identifier, probe in PROBES.items()}
    return dict(sorted((found | others).items()))
