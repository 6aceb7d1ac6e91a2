"""Moves that have pairs of markets sampled: a part of ``moves``, for worlds of several markets."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sim.protocol.codes import AccountMode
from tests.support.economic.history import WHOLE, Action
from tests.support.economic.play import REPORT_EVERY_SECONDS
from tests.support.economic.verbs import KEEPER, World


class PairMoves:
    """Draws samples of two markets; each may find that there is nothing to do."""

    world: World
    random: random.Random
    members: list[int]
    markets: range

    def _sample(self) -> Action | None:
        """Two markets can be sampled once a period, while both are heard."""
        pair = sorted(self.random.sample(self.markets, min(len(self.markets), 2)))
        if len(pair) < 2 or self.world.would_update_pair(KEEPER, *pair) is not None:
            return None
        return Action("sample", self.random.choice(self.members), tuple(pair))

    def _hostile_sample(self) -> Action:
        """No pair: one market, or the wrong way round."""
        return Action("sample", self.random.choice(self.members), (self.random.choice(self.markets), 0))

    def _attack_part(self) -> Iterator[Action]:
        """Have a hedge in portfolio mode judged while both markets are sampled as they part."""
        if len(self.markets) < 2:
            return
        first, second = sorted(self.random.sample(self.markets, 2))
        actor = self.random.choice(self.members)
        period = int(self.world.draw.words["correlation.sample_seconds"])
        yield Action("mode", actor, (int(AccountMode.PORTFOLIO),))
        yield Action("deposit", actor, (actor, self.world.wallet(actor) // 2))
        yield Action("increase_most", actor, (first, 4_000))
        yield Action("increase_most", actor, (second, -WHOLE))
        yield Action("withdraw", actor, (WHOLE,))
        move = self.random.choice((30, 100, 300))
        for _ in range(self.random.choice((2, 4, 8))):
            yield Action("wait", KEEPER, (REPORT_EVERY_SECONDS,))  # both are heard at its end
            yield Action("wait", KEEPER, (period,))
            yield Action("sample", self.random.choice(self.members), (first, second))
            yield Action("price", KEEPER, (first, move))
            yield Action("price", KEEPER, (second, -move))
            move = -move
        yield Action("sweep", KEEPER)
