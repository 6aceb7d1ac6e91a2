"""Which feedback a world has: that of the run itself, and of the worlds that its causes are read against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.engine.worlds.flows import VOLUNTARY
from sim.metrics.worlds import OtherWorld


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a world lets act on itself. Worlds of one scenario share every random number but that of ties."""

    price: bool = True
    """Whether flow that originates in a forced close moves prices outside."""
    margin: bool = True
    """Whether margin ratios follow the market; False answers every notional as of block 0."""
    silenced: frozenset[int] = frozenset()
    """Accounts whose forced closes move no price outside, though others' do."""
    ties: int = 0
    """Order of transactions with equal bids; 0 is the run's, any other a draw of its own."""

    def heard(self, parts: Mapping[int, int]) -> int:
        """Return how much of a trade, given by the origins of what it moved, acts on prices outside."""
        if not self.price:
            return parts.get(VOLUNTARY, 0)
        return sum(part for origin, part in parts.items() if origin not in self.silenced)


WHOLE: Final = Feedback()
"""The world as it is."""

FEEDBACK: Final[Mapping[OtherWorld, Feedback]] = {
    "no_price_feedback": Feedback(price=False),
    "no_margin_feedback": Feedback(margin=False),
    "no_feedback": Feedback(price=False, margin=False),
}
"""Of every world beside the run. Without price feedback, forced closes move no price outside: not by their
hedge, not by what liquidators sell on, and not by the arbitrage that carries outside the skew they left."""
