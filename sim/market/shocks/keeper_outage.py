"""Oracle reporters fall silent."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.effects import AgentOutage, Effect
from sim.market.shock import SHOCKS, LastingShock


@SHOCKS.add
class KeeperOutage(LastingShock):
    """A share of the oracle reporters is silent."""

    order: ClassVar[int] = 50
    label: ClassVar[str] = "outage of oracle reporters"
    in_recorded_prices: ClassVar[bool] = True

    kind: Literal["keeper_outage"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(1.0, 0.0, 1.0, "1", "Share of reporters.", source="all of them", above=True)

    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield the outage."""
        yield AgentOutage(
            at_block=self.start_block(seconds_per_block),
            duration_blocks=self.duration_blocks(seconds_per_block),
            agents="keepers",
            market=self.market,
            share=self.size,
        )

    def extent(self) -> str:
        """Return its size and length in words."""
        return f"{100 * self.size:g} % of those of market {self.market} for {self.duration_minutes:g} min"
