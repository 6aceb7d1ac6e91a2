"""What an impact law is: one class in one file of `sim.market.impact_laws`, or of a plug-in.

The class is the table ``[markets.impact]`` of a scenario and the behaviour at once. Flow is measured in units
of depth: x = sum of flow_i / depth_i over the flow of the past, each part fading with a half-life, where
depth is the quote amount that moves the price by 1 % when the flow arrives. A law says how far x moves the
log price. As impact is a function of x alone, a round trip at equal depth leaves nothing behind.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from sim.core import portable_math
from sim.core.documents.sections import Section, number
from sim.core.documents.variants import literal_of
from sim.core.registry import Registry

ONE_PERCENT = 0.01


class ImpactLaw(Section):
    """How flow that reaches the external market moves its price, and how its depth withdraws and refills."""

    name: ClassVar[str] = ""
    """Literal of ``law``."""
    order: ClassVar[int] = 100
    """Place in lists."""
    label: ClassVar[str]
    """What reports call it."""
    takes_flow: ClassVar[bool] = True
    """Whether flow moves the price at all."""

    law: str
    depth_per_percent: float = number(
        8_000_000.0, 1.0, 1e15, "quote", "Flow that moves the external price by 1 % in calm times.",
        source="quant notes 5.4: ETH 1 % depth of $8m (CoinDesk Research, November 2025)",
    )  # fmt: skip
    depth_floor: float = number(
        0.05, 0.001, 1.0, "1", "Share of calm depth that never withdraws.",
        source="quant notes 5.3: 2-10 % left on 10 October 2025",
    )  # fmt: skip
    depth_withdrawal: float = number(
        0.5, 0.0, 100.0, "1", "c in depth = calm * exp(-c * (volatility / reference_volatility - 1)).",
        source="quant notes 5.3 (form); value an assumption: 17 % left in a fall of 12 % in half an hour, in"
        " the middle of 5 % (10 October 2025) and 63 % (ask depth in falls of 3 %)",
    )  # fmt: skip
    reference_volatility: float = number(
        0.65, 0.001, 10.0, "per year", "Volatility at which depth is the calm depth.",
        source="quant notes 5.4: calm ETH (assumption)",
    )  # fmt: skip
    refill_half_life_seconds: int = number(
        900, 0, 86_400, "s", "Half-life with which depth returns; 0 is at once. Withdrawal is at once.",
        source="quant notes 5.3: 5-30 min (assumption)",
    )  # fmt: skip
    volatility_half_life_seconds: int = number(
        600, 1, 86_400, "s", "Half-life of the variance that market makers look at.",
        source="assumption: the scale of refill times",
    )  # fmt: skip

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the name from the literal that chooses this class."""
        if "label" in cls.__dict__:
            cls.name = literal_of(cls, "law")

    @abstractmethod
    def slope(self, displacement: float) -> float:
        """Return impact per unit of displacement: the chord of the law from 0 to `displacement` depths."""

    @abstractmethod
    def average(self, displacement: float) -> float:
        """Return the mean log impact over a flow of 0 to `displacement` depths: its average fill."""

    def kept(self, seconds_per_block: int) -> float:
        """Return the share of displacement that a block leaves of what was there."""
        del seconds_per_block
        return 1.0

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return f"{self.label}, {self.depth_per_percent:,.0f} quote for 1 % in calm times"


class FadingImpact(ImpactLaw):
    """A law whose impact decays."""

    impact_half_life_seconds: int = number(
        1_200, 0, 31_536_000, "s", "Half-life with which impact decays; 0 is permanent impact.",
        source="assumption: in the middle, by ratio, of 3 min (one pool on a calm day: 35 % gone after"
        " 2.4 min, 90 % after 12) and 2 h (mechanisms notes 0.3)",
    )  # fmt: skip

    def kept(self, seconds_per_block: int) -> float:
        """Return the share of impact that a block leaves."""
        half_life = self.impact_half_life_seconds
        return share_left(seconds_per_block, half_life) if half_life > 0 else 1.0

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        half_life = self.impact_half_life_seconds
        fading = f"half of it gone after {half_life:,} s" if half_life else "permanent"
        return f"{super().describe()}, {fading}"


def share_left(seconds: float, half_life_seconds: float) -> float:
    """Return 2**-(seconds / half life)."""
    return portable_math.power(0.5, seconds / half_life_seconds)


IMPACT_LAWS: Registry[type[ImpactLaw]] = Registry("impact law", "sim.market.impact_laws")
"""Every law a market's impact may follow."""
