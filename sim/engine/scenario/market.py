"""Market sections of a scenario: the external price, impact and depth, and the pool's fill curve."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from sim.core.documents.sections import Problem, Section, number, text
from sim.core.documents.variants import OneOf
from sim.engine.scenario.composed import StructSection, composed_of
from sim.market.impact_law import IMPACT_LAWS, ImpactLaw
from sim.market.impact_laws.linear import LinearImpact
from sim.market.price_process import PRICE_PROCESSES, PriceProcess
from sim.protocol.parameters.table import structs_of
from sim.protocol.parameters.values import WEIGHTS

MAX_MARKETS = 8
"""Markets the contracts hold (``MAX_MARKETS`` on chain)."""


@composed_of(*structs_of("markets.pool"))
class PoolCurveSection(StructSection):
    """Skew pricing of the pool's fills in one market, and that market's open-interest cap.

    Base units are those at ``initial_price``: with ``--prices`` they follow the price a run starts at.
    """

    renamed = MappingProxyType({"open_interest_cap": "open_interest_cap_notional"})

    open_interest_cap_notional: float = number(
        50_000_000.0,
        1.0,
        1e15,
        "quote",
        "Largest open interest of one side; the contract's cap is it over the price a run starts at.",
        source="dYdX v4 small-cap tier, upper cap",
    )


@composed_of(*structs_of("markets.estimator"))
class EstimatorSection(StructSection):
    """Which estimates of the market's variance count, and what holds the largest; off without weights."""


@composed_of(*structs_of("markets.performance"))
class PerformanceSection(StructSection):
    """What margin is multiplied by after exceptions; off while both multipliers are one."""


class MarketSection(Section):
    """One perpetual market; its position in the file is its id on chain."""

    name: str = text(
        ..., "Short name shown in tables, for example ETH.", max_length=12, pattern=r"^[A-Z0-9]{1,12}$"
    )
    initial_price: float = number(
        ..., 1e-6, 1e12, "quote", "Price at the start.", source="stated by the scenario"
    )
    price: Annotated[PriceProcess, OneOf(PRICE_PROCESSES, "kind")] = Field(
        description="How the external price moves before any flow arrives."
    )
    impact: Annotated[ImpactLaw, OneOf(IMPACT_LAWS, "law", otherwise="linear")] = Field(
        LinearImpact(),
        description="How flow moves the external price, and what depth meets it.",
        json_schema_extra={"source": "assumption: the plainest law"},
    )
    pool: PoolCurveSection = PoolCurveSection()
    estimator: EstimatorSection = EstimatorSection()
    performance: PerformanceSection = PerformanceSection()
    risk_model_parameters: dict[str, float] = Field(
        {}, description="Parameters of the risk model that differ in this market.", max_length=64
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a price process that does not fit the initial price, or a multiplier of nothing."""
        if self.performance.red_multiplier > 1 and not any(getattr(self.estimator, name) for name in WEIGHTS):
            yield (
                ("performance", "red_multiplier"),
                "acts on what the market chooses, and it chooses nothing; give its estimator a weight",
            )
        for below, message in self.price.start_problems(self.initial_price):
            yield ("price", *below), message
