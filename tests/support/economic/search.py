"""Searches: makes histories up, keeps the most profitable, and changes them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sim.protocol.parameters.words import Number
from tests.support.economic.draws import Draw, draw_world, problem_of
from tests.support.economic.history import FREE, WHOLE, Action, History
from tests.support.economic.moves import Moves
from tests.support.economic.play import CHECKPOINT, ROUNDING_UNITS, Outcome, Player, fitted, kinds_of

LEAST_ACTIONS: Final = 60
LEAST_SUCCEEDED: Final = 40
MOST_ACTIONS: Final = 200
LONGEST_WAIT: Final = 7_200
ELITES: Final = 24
LEAST_OF_AN_ELITE: Final = 8
"""Actions."""
GUIDED: Final = 0.35
"""Share of the histories that are changes of the best ones."""
HOSTILE: Final = 0.1
ATTACK: Final = 0.06
"""Chance that the next step begins a known attack, about two thirds of all steps being part of one."""
ATTACK_OF_CHOICE: Final = 0.3
"""The same, if somebody has chosen which."""


@dataclass(slots=True)
class Found:
    """A history that made money or broke an invariant."""

    history: History
    """With every action that was played, up to the finding."""
    profit: int
    broken: tuple[str, int, str] | None = None


@dataclass(slots=True)
class Totals:
    """What all histories led to."""

    histories: int = 0
    tries: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    bound: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    shortest: int = 10**9
    """Actions of the shortest history."""
    fewest: int = 10**9
    """Successful actions of the history with the fewest."""
    best: int = -(10**30)
    gains: int = 0
    """Histories with a profit above rounding."""

    def add(self, outcome: Outcome) -> None:
        """Add one history."""
        self.histories += 1
        self.tries.update(outcome.tries)
        self.reasons.update(outcome.reasons)
        self.reached.update(outcome.reached)
        self.checked.update(outcome.checked)
        self.bound.update(outcome.bound)
        self.broken.update({identifier for identifier, _, _ in outcome.broken})
        self.shortest = min(self.shortest, outcome.played)
        self.fewest = min(self.fewest, outcome.succeeded)
        self.best = max(self.best, outcome.best.profit)
        self.gains += outcome.best.profit > ROUNDING_UNITS


class Search:
    """One search; the same seed finds the same."""

    def __init__(
        self,
        seed: int,
        *,
        moving: bool = False,
        contracts: Path | None = None,
        attacks: Sequence[str] | None = None,
        given: Mapping[str, Number] | None = None,
        plain: bool = False,
    ) -> None:
        self.seed = seed
        self.moving = moving
        self.contracts = contracts
        self.attacks = attacks
        """Known attacks to draw from, all by default."""
        self.given = given or {}
        """Parameters that are not drawn, by ``struct.name``."""
        self.plain = plain
        """Whether worlds are without other collateral, declared clusters and chosen variances."""
        self.totals = Totals()
        self.elites: list[tuple[int, History]] = []
        self.found: list[Found] = []
        """Most profitable first, and the first history that broke each invariant."""
        self.last: History | None = None
        """The history played last, whole."""

    def run(self, histories: int, first: int = 0) -> Iterator[Outcome]:
        """Play histories one after another."""
        for number in range(first, first + histories):
            yield self.one(number)

    def one(self, number: int) -> Outcome:
        """Play one history: a new one, or a change of one of the best."""
        origin = f"{self.seed}:{number}"
        draw = random.Random(f"history {origin}")
        start: tuple[Action, ...] = ()
        world = None
        if self.elites and draw.random() < GUIDED:
            _, elite = draw.choice(self.elites)
            world, start = elite.draw, changed(draw, elite.actions, [history for _, history in self.elites])
            if draw.random() < 0.2:
                fresh = draw_world(origin)
                some = draw.sample(sorted(fresh.words), len(fresh.words) // 4)
                other = replace(world, words={**world.words, **{name: fresh.words[name] for name in some}})
                world = world if problem_of(other) else other
            origin += f" from {elite.origin.split(' ')[0]}"
        if world is None:
            world = _with(draw_world(origin), self.given)
            world = plain(world) if self.plain else world
        history = History(draw=world, actions=(), moving=self.moving, origin=origin)
        player = Player(history, self.contracts)
        try:
            played = self._play(player, draw, start)
        finally:
            player.close()
        outcome = player.outcome
        self.totals.add(outcome)
        self.last = replace(history, actions=tuple(played))
        self._keep(self.last, outcome)
        return outcome

    def _play(self, player: Player, draw: random.Random, start: tuple[Action, ...]) -> list[Action]:
        moves, outcome = Moves(player, draw, self.attacks), player.outcome
        played: list[Action] = []
        attack = ATTACK if self.attacks is None else ATTACK_OF_CHOICE

        def play(action: Action) -> None:
            player.play(action)
            played.append(action)

        for action in start:
            play(fitted(action, player.history.draw))
        if start:
            play(CHECKPOINT)
        while (
            outcome.played < LEAST_ACTIONS or outcome.succeeded < LEAST_SUCCEEDED
        ) and outcome.played < MOST_ACTIONS:
            chance = draw.random()
            if chance < attack:
                for action in moves.attack():
                    play(action)
                play(CHECKPOINT)
            elif chance < attack + HOSTILE:
                play(moves.hostile())
            else:
                legal = moves.legal()
                if legal is not None:
                    play(legal)
        play(CHECKPOINT)
        if player.checks is not None:
            player.checks.at_the_end(player.at, player.settle)
        return played

    def _keep(self, history: History, outcome: Outcome) -> None:
        best = outcome.best
        until = replace(history, actions=history.actions[: best.after])
        # Doing nothing costs nothing: to be changed, a history must have done something by then.
        busy = [point for point in outcome.checkpoints if point.after >= LEAST_OF_AN_ELITE]
        if busy:
            point = max(busy, key=lambda point: point.profit)
            self.elites.append((point.profit, replace(history, actions=history.actions[: point.after])))
            self.elites.sort(key=lambda elite: -elite[0])
            del self.elites[ELITES:]
        if best.profit > ROUNDING_UNITS and not self.moving:
            self.found.append(Found(until, best.profit))
            self.found.sort(key=lambda found: -found.profit)
            del self.found[10:]
        known = {found.broken[0] for found in self.found if found.broken}
        for broken in outcome.broken:
            if broken[0] not in known:
                known.add(broken[0])
                cut = replace(history, actions=history.actions[: broken[1]])
                self.found.append(Found(cut, best.profit, broken))


def plain(world: Draw) -> Draw:
    """Return a world without other collateral, declared clusters and chosen variances."""
    without = ("estimator", "performance")
    markets = [{key: market[key] for key in market if key not in without} for market in world.markets]
    return replace(world, assets=(), clusters=(), markets=markets)


def _with(world: Draw, given: Mapping[str, Number]) -> Draw:
    """Return a world with some parameters given; those of every market or asset go to all of them."""
    markets = [dict(market) for market in world.markets]
    assets = [dict(asset) for asset in world.assets]
    words = dict(world.words)
    for key, value in given.items():
        struct, name = key.split(".")
        if key in words:
            words[key] = value
        for market in markets:
            if struct in market:
                market[struct] = {**market[struct], name: value}
        if struct == "asset":
            for asset in assets:
                asset["terms"] = {**asset["terms"], name: value}
    return replace(world, words=words, markets=markets, assets=assets)


def changed(draw: random.Random, actions: tuple[Action, ...], others: list[History]) -> tuple[Action, ...]:
    """Return a few changes of a list of actions: left out, doubled, exchanged, resized, spliced."""
    made = [action._replace(intent=FREE) for action in actions]
    for _ in range(draw.choice((1, 1, 2, 4))):
        how = draw.random()
        if not made:
            break
        place = draw.randrange(len(made))
        if how < 0.25:
            del made[place : place + draw.choice((1, 1, 2, 5))]
        elif how < 0.4:
            made[place:place] = made[place : place + draw.choice((1, 3, 8))]
        elif how < 0.5:
            other = draw.randrange(len(made))
            made[place], made[other] = made[other], made[place]
        elif how < 0.85:
            made[place] = _resized(draw, made[place])
        else:
            there = [action._replace(intent=FREE) for action in draw.choice(others).actions]
            begin = draw.randrange(len(there))
            made[place:place] = there[begin : begin + draw.choice((3, 8, 20))]
    return tuple(made[:MOST_ACTIONS])


_SIZED: Final = ("units", "share", "size", "shares", "seconds", "change", "volatility")
_SIGNED: Final = ("size", "change", "share")


def _resized(draw: random.Random, action: Action) -> Action:
    arguments = list(action.arguments)
    for place, kind in enumerate(kinds_of(action)):
        if kind not in _SIZED:
            continue
        value = int(int(arguments[place]) * draw.choice((0.01, 0.1, 0.5, 0.9, 0.99, 1.01, 1.1, 2.0, 10.0)))
        if kind == "share":
            value = max(min(value, WHOLE), -WHOLE)
        if kind == "change":
            value = max(min(value, WHOLE), 1 - WHOLE)
        if kind == "seconds":
            value = min(value, LONGEST_WAIT)
        arguments[place] = value if kind in _SIGNED else max(value, 1)
    return action._replace(arguments=tuple(arguments))
