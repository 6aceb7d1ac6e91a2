"""Example of a price process in one file: the price falls by the same share at regular times."""

from typing import ClassVar, Literal

import numpy as np

from sim.core import portable_math
from sim.core.documents.sections import number
from sim.market.price_paths import PricePath
from sim.market.price_process import PRICE_PROCESSES, PathDraw, PriceProcess


@PRICE_PROCESSES.add
class Staircase(PriceProcess):
    """The price stands still, and falls by one step every so many blocks."""

    label: ClassVar[str] = "descending staircase"

    kind: Literal["staircase"]
    step: float = number(0.02, 0.0, 0.9, "1", "Share lost at each step.", source="assumption")
    every_blocks: int = number(5, 1, 10_000, "blocks", "Blocks between two steps.", source="assumption")

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return the path; nothing in it is left to chance."""
        increments = np.zeros(draw.clock.blocks)
        increments[self.every_blocks - 1 :: self.every_blocks] = portable_math.log(1.0 - self.step)
        return draw.from_returns(increments)

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return f"{self.label} of {100 * self.step:g} % every {self.every_blocks} blocks"
