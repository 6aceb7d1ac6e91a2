"""Liquidators fall silent."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import AgentOutage, Effect
from sim.market.shock import SHOCKS, LastingShock


@SHOCKS.add
class LiquidatorOutage(LastingShock):
    """A share of the liquidators is silent."""

    order: ClassVar[int] = 60
    label: ClassVar[str] = "outage of liquidators"
    in_recorded_prices: ClassVar[bool] = True

    kind: Literal["liquidator_outage"]
    size: float = number(1.0, 0.0, 1.0, "1", "Share of liquidators.", source="all of them", above=True)

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the outage, in every market."""
        yield AgentOutage(
            at_block=self.start_block(seconds_per_block),
            duration_blocks=self.duration_blocks(seconds_per_block),
            agents="liquidators",
            market=None,
            share=self.size,
        )

    def extent(self) -> str:
        """Return its size and length in words."""
        return f"{100 * self.size:g} % of them for {self.duration_minutes:g} min"
