"""The book outside thins or thickens for a time."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import DepthMultiple, Effect
from sim.market.shock import SHOCKS, LastingShock


@SHOCKS.add
class DepthShock(LastingShock):
    """The depth of one market's external book is multiplied."""

    order: ClassVar[int] = 70
    label: ClassVar[str] = "depth of the outside market"
    in_recorded_prices: ClassVar[bool] = True

    kind: Literal["depth"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(..., 1e-6, 100.0, "1", "Multiple of depth; some is always left.", source="stated")

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the multiple."""
        yield DepthMultiple(
            at_block=self.start_block(seconds_per_block),
            duration_blocks=self.duration_blocks(seconds_per_block),
            market=self.market,
            size=self.size,
        )

    def extent(self) -> str:
        """Return its size and length in words."""
        return f"times {self.size:g} in market {self.market} for {self.duration_minutes:g} min"
