"""Impact with the square root of volume, the empirical law of large orders."""

import math
from typing import ClassVar, Literal

from sim.core import portable_math
from sim.core.documents.sections import number
from sim.core.units import YEAR_SECONDS
from sim.market.impact_law import IMPACT_LAWS, ONE_PERCENT, FadingImpact

_DAYS_PER_YEAR = YEAR_SECONDS / 86_400
_LEAST_START = 1e-9  # a linear start of no length at all would bring the infinite slope back


@IMPACT_LAWS.add
class SquareRootImpact(FadingImpact):
    """The log price moves by 0.01 Y sign(x) sqrt|x|; below |x| = x_0 it follows the chord to there.

    The square root acts on the cumulated volume: applied to every child order it would multiply impact by the
    square root of their number (quant notes 5.3). It is Y sigma_D sqrt(Q / V_D) with the daily volume V_D
    implied by the depth, V_D = depth (sigma_D / 1 %)^2. Its slope at 0 is infinite: below x_0 it is linear.
    """

    order: ClassVar[int] = 30
    label: ClassVar[str] = "square-root price impact"

    law: Literal["square_root"]
    square_root_coefficient: float = number(
        1.0, 0.0, 10.0, "1", "Y of the square-root law.",
        source="quant notes 5.3: of order one (arXiv 1412.4503)",
    )  # fmt: skip
    linear_below: float = number(
        0.0005, 0.0, 1.0, "share of daily volume", "Participation below which the square-root law is linear.",
        source="quant notes 5.3: 1e-4 to 1e-3 (assumption)",
    )  # fmt: skip

    def slope(self, displacement: float) -> float:
        """Return the slope of the chord to `displacement`, or to the end of the linear start."""
        reach = max(abs(displacement), self._linear_until())
        return ONE_PERCENT * self.square_root_coefficient / portable_math.sqrt(reach)

    def average(self, displacement: float) -> float:
        """Return the mean of the law over a flow: two thirds of the final impact far beyond the start."""
        start = self._linear_until()
        scale = ONE_PERCENT * self.square_root_coefficient
        if displacement <= start:
            return 0.5 * scale * displacement / math.sqrt(start)
        area = 0.5 * start**1.5 + 2.0 / 3.0 * (displacement**1.5 - start**1.5)
        mean: float = scale * area / displacement
        return mean

    def kept(self, seconds_per_block: int) -> float:
        """Return the share of displacement that a block leaves: impact halves when x falls to a quarter."""
        keep = super().kept(seconds_per_block)
        return keep * keep

    def _linear_until(self) -> float:
        """Return x_0, the displacement up to which the law is linear."""
        daily_percent = (
            self.reference_volatility
            * self.reference_volatility
            / _DAYS_PER_YEAR
            / (ONE_PERCENT * ONE_PERCENT)
        )
        return max(self.linear_below * daily_percent, _LEAST_START)
