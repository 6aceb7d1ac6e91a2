"""Impact in proportion to flow."""

from typing import ClassVar, Literal

from sim.market.impact_law import IMPACT_LAWS, ONE_PERCENT, FadingImpact


@IMPACT_LAWS.add
class LinearImpact(FadingImpact):
    """The log price moves by 0.01 x, x being the displacement in depths."""

    order: ClassVar[int] = 20
    label: ClassVar[str] = "linear price impact"

    law: Literal["linear"] = "linear"

    def slope(self, displacement: float) -> float:  # noqa: ARG002
        """Return 1 % a depth."""
        return ONE_PERCENT

    def average(self, displacement: float) -> float:
        """Return half of the final impact."""
        return 0.5 * ONE_PERCENT * displacement
