"""The external price changes at once."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import Effect, PriceMove
from sim.market.shock import SHOCKS, Shock


@SHOCKS.add
class PriceJump(Shock):
    """The external price of one market changes at once."""

    order: ClassVar[int] = 10
    label: ClassVar[str] = "price jump"

    kind: Literal["price_jump"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(
        ..., -0.99, 10.0, "1", "Relative move, -0.12 is 12 % down.", source="stated", above=True
    )

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the move, done in one block."""
        yield PriceMove(at_block=self.start_block(seconds_per_block), market=self.market, size=self.size)

    def extent(self) -> str:
        """Return its size in words."""
        return f"{100 * self.size:+g} % in market {self.market}"
