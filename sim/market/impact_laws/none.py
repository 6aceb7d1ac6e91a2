"""An outside market that nobody here can move."""

from typing import ClassVar, Literal

from sim.market.impact_law import IMPACT_LAWS, ImpactLaw


@IMPACT_LAWS.add
class NoImpact(ImpactLaw):
    """Flow disappears in an infinite market; depth is still what agents see of it."""

    order: ClassVar[int] = 10
    label: ClassVar[str] = "no price impact"
    takes_flow: ClassVar[bool] = False

    law: Literal["none"]

    def slope(self, displacement: float) -> float:  # noqa: ARG002
        """Return zero."""
        return 0.0

    def average(self, displacement: float) -> float:  # noqa: ARG002
        """Return zero."""
        return 0.0
