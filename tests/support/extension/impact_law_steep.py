"""Example of an impact law in one file: twice as steep as the linear one."""

from typing import ClassVar, Literal

from sim.core.documents.sections import number
from sim.market.impact_law import IMPACT_LAWS, ONE_PERCENT, FadingImpact


@IMPACT_LAWS.add
class SteepImpact(FadingImpact):
    """The log price moves by 0.01 k x, x being the displacement in depths."""

    label: ClassVar[str] = "steep price impact"

    law: Literal["steep"]
    steepness: float = number(2.0, 0.0, 100.0, "1", "k, relative to the linear law.", source="assumption")

    def slope(self, displacement: float) -> float:
        """Return k per cent a depth."""
        del displacement
        return self.steepness * ONE_PERCENT

    def average(self, displacement: float) -> float:
        """Return half of the final impact."""
        return 0.5 * self.steepness * ONE_PERCENT * displacement
