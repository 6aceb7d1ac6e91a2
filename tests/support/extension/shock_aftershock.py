"""Example of a shock in one file: a fall, and half of it again some time later."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import Effect, PriceMove
from sim.market.shock import SHOCKS, Shock


@SHOCKS.add
class Aftershock(Shock):
    """The external price of one market falls twice."""

    label: ClassVar[str] = "fall with an aftershock"

    kind: Literal["aftershock"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(..., -0.99, 0.0, "1", "Relative move of the first.", source="stated", above=True)
    delay_minutes: float = number(1.0, 0.0, 1e6, "min", "Time to the second.", source="assumption")

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield both moves, each done in one block."""
        start = self.start_block(seconds_per_block)
        later = start + int(self.delay_minutes * 60 // seconds_per_block)
        yield PriceMove(at_block=start, market=self.market, size=self.size)
        yield PriceMove(at_block=later, market=self.market, size=self.size / 2)

    def extent(self) -> str:
        """Return its size in words."""
        return f"{100 * self.size:+g} % in market {self.market}, and half of it later"
