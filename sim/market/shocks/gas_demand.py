"""The rest of the chain gets busy."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import Effect, GasSurge
from sim.market.shock import SHOCKS, LastingShock


@SHOCKS.add
class GasDemand(LastingShock):
    """Everybody else wants more block space, and pays more for it.

    A surge answers a scripted fall, and prices from the command line replace both.
    """

    order: ClassVar[int] = 40
    label: ClassVar[str] = "demand for block space"

    kind: Literal["gas_demand"]
    size: float = number(..., 0.0, 1_000.0, "1", "Multiple of background demand.", source="stated")
    fee_size: float = number(
        1.0, 0.0, 1_000.0, "1", "Multiple of background willingness to pay.", source="none unless stated"
    )

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the surge."""
        yield GasSurge(
            at_block=self.start_block(seconds_per_block),
            duration_blocks=self.duration_blocks(seconds_per_block),
            demand=self.size,
            fee=self.fee_size,
        )

    def extent(self) -> str:
        """Return its size and length in words."""
        return f"times {self.size:g}, fees times {self.fee_size:g}, for {self.duration_minutes:g} min"
