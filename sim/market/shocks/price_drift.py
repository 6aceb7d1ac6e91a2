"""The external price moves over a time."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import Effect, PriceMove
from sim.market.shock import SHOCKS, LastingShock


@SHOCKS.add
class PriceDrift(LastingShock):
    """The external price of one market drifts by a given relative move over a time."""

    order: ClassVar[int] = 20
    label: ClassVar[str] = "price drift"

    kind: Literal["price_drift"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(
        ..., -0.99, 10.0, "1", "Relative move in total, -0.12 is 12 % down.", source="stated", above=True
    )

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the move, in equal log steps."""
        yield PriceMove(
            at_block=self.start_block(seconds_per_block),
            duration_blocks=self.duration_blocks(seconds_per_block),
            market=self.market,
            size=self.size,
        )

    def extent(self) -> str:
        """Return its size and length in words."""
        return f"{100 * self.size:+g} % in market {self.market} over {self.duration_minutes:g} min"
