"""Moves that have variances chosen: a part of ``moves``, for worlds whose markets choose."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from tests.support.economic.drawn_estimators import is_chosen
from tests.support.economic.history import WHOLE, Action
from tests.support.economic.verbs import KEEPER, World

BELIEVABLE: Final = (2_000, 6_000, 20_000)
"""Annual volatility, basis points: what somebody honest reports."""
ANY: Final = (100, 1_000, 6_000, 50_000, 10**8)
"""From the least to the largest that the contract takes."""


class EstimatorMoves:
    """Draws updates and reports of what options imply."""

    world: World
    random: random.Random
    members: list[int]

    def _choosing(self) -> int:
        """Return a market that chooses its variance."""
        markets = self.world.draw.markets
        return self.random.choice([place for place, market in enumerate(markets) if is_chosen(market)])

    def _estimate(self) -> Action | None:
        return Action("estimate", self.random.choice(self.members), (self._choosing(),))

    def _imply(self) -> Action | None:
        """The reporter reports: whatever it likes, if it is of the coalition."""
        speaker = self.world.implied_reporter
        said = self.random.choice(ANY if speaker in self.members else BELIEVABLE)
        return Action("imply", speaker, (self._choosing(), said))

    def _hostile_imply(self) -> Action:
        """Another reports, or the reporter what is no volatility."""
        actor = self.random.choice(self.members)
        said = self.random.choice(ANY)
        if actor == self.world.implied_reporter:
            said = self.random.choice((0, 99, 10**8 + 1))
        return Action("imply", actor, (self._choosing(), said))

    def _attack_swing(self) -> Iterator[Action]:
        """Have one's own margin rise until a partner liquidates, and fall, and take the rest out."""
        if not self.world.draw.chooses:
            return
        market = self._choosing()
        actor, partner = self.random.sample(self.members, 2)
        speaker, side = self.world.implied_reporter, self.random.choice((1, -1))
        may = speaker in self.members
        yield Action("deposit", actor, (actor, self.world.wallet(actor) // 2))
        for _ in range(self.random.choice((1, 2, 4))):
            yield Action("increase_most", actor, (market, side * self.random.choice((5_000, WHOLE))))
            yield Action("withdraw", actor, (WHOLE,))
            for said in (ANY[-1], ANY[0]):
                if may:
                    yield Action("imply", speaker, (market, said))
                yield Action("wait", KEEPER, (self.random.choice((12, 600, 3_600)),))
                yield Action("estimate", partner, (market,))
                yield Action("liquidate", partner, (actor, market))
            yield Action("withdraw", actor, (self.random.choice((5_000, WHOLE)),))
        yield Action("decrease", actor, (market, WHOLE))

    def _attack_bankruptcy(self) -> Iterator[Action]:
        raise NotImplementedError

    def _attack_blame(self) -> Iterator[Action]:
        """Go bankrupt, so that a market's margin is multiplied, and liquidate who is asked for more."""
        if not self.world.draw.chooses:
            return
        market = self._choosing()
        yield from self._attack_bankruptcy()
        for _ in range(self.random.choice((1, 3))):
            yield Action("estimate", self.random.choice(self.members), (market,))
            yield Action("sweep", KEEPER)
            yield Action("wait", KEEPER, (self.random.choice((12, 600, 7_200)),))
