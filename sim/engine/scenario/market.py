"""Market sections of a scenario: the external price, impact and depth, and the pool's fill curve."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, Strict

from sim.core.documents.sections import Problem, Section, number, text
from sim.engine.scenario.composed import StructSection, composed_of

MAX_MARKETS = 8
"""Markets the contracts hold (``MAX_MARKETS`` on chain)."""

_ANNUAL = "per year"
_VOLATILITY_SOURCE = "quant notes 5.4: ETH 65 % calm, 150 % stress, 40-350 % plausible (assumption)"

Waypoint = Annotated[tuple[float, float], Strict(strict=False)]


class GbmPrice(Section):
    """Geometric Brownian motion."""

    kind: Literal["gbm"]
    volatility: float = number(0.65, 0.0, 10.0, _ANNUAL, "Annual volatility.", source=_VOLATILITY_SOURCE)
    drift: float = number(0.0, -50.0, 50.0, _ANNUAL, "Annual drift.", source="assumption: none over a day")


class MertonPrice(Section):
    """Geometric Brownian motion with normal jumps in the log price at Poisson times."""

    kind: Literal["merton"]
    volatility: float = number(
        0.65, 0.0, 10.0, _ANNUAL, "Annual volatility between jumps.", source=_VOLATILITY_SOURCE
    )
    drift: float = number(0.0, -50.0, 50.0, _ANNUAL, "Annual drift.", source="assumption: none over a day")
    jump_intensity: float = number(
        10.0,
        0.0,
        1e6,
        _ANNUAL,
        "Expected jumps a year.",
        source="quant notes 5.4 (assumption, to be refitted)",
    )
    jump_mean: float = number(
        -0.03,
        -3.0,
        3.0,
        "log",
        "Mean of a jump in the log price.",
        source="assumption: jumps down outweigh jumps up",
    )
    jump_deviation: float = number(
        0.07,
        0.0,
        3.0,
        "log",
        "Standard deviation of a jump.",
        source="quant notes 5.4: 7 % mean down jump (assumption)",
    )


class KouPrice(Section):
    """Geometric Brownian motion with exponential jumps in the log price, up or down, at Poisson times."""

    kind: Literal["kou"]
    volatility: float = number(
        0.65, 0.0, 10.0, _ANNUAL, "Annual volatility between jumps.", source=_VOLATILITY_SOURCE
    )
    drift: float = number(0.0, -50.0, 50.0, _ANNUAL, "Annual drift.", source="assumption: none over a day")
    jump_intensity: float = number(
        10.0, 0.0, 1e6, _ANNUAL, "Expected jumps a year, both directions together.",
        source="quant notes 5.4: Kou rate (assumption, to be refitted)",
    )  # fmt: skip
    jump_down_share: float = number(
        0.6, 0.0, 1.0, "1", "Probability that a jump goes down.",
        source="quant notes 5.4: Kou q (assumption, to be refitted)",
    )  # fmt: skip
    jump_mean_up: float = number(
        0.05, 0.0, 0.9, "log", "Mean of a jump up in the log price.",
        source="assumption: jumps up are smaller than jumps down",
    )  # fmt: skip
    jump_mean_down: float = number(
        0.07, 0.0, 3.0, "log", "Mean size of a jump down in the log price.",
        source="quant notes 5.4: 7 % mean down jump (assumption)",
    )  # fmt: skip


class GarchPrice(Section):
    """GARCH(1,1) from block to block with Student-t innovations."""

    kind: Literal["garch_t"]
    volatility: float = number(
        0.65, 0.0, 10.0, _ANNUAL, "Annual unconditional volatility; the path starts at it.",
        source=_VOLATILITY_SOURCE,
    )  # fmt: skip
    drift: float = number(0.0, -50.0, 50.0, _ANNUAL, "Annual drift.", source="assumption: none over a day")
    alpha: float = number(
        0.10, 0.0, 1.0, "1", "Weight of the last block's squared return in the next block's variance.",
        source="quant notes 5.4: GARCH a (daily, 0.05 to 0.15); taken for a block: assumption",
    )  # fmt: skip
    beta: float = number(
        0.88, 0.0, 1.0, "1", "Weight of the last block's variance; alpha + beta must be below 1.",
        source="quant notes 5.4: GARCH b (daily); taken for a block: assumption",
    )  # fmt: skip
    degrees_of_freedom: int = number(
        4, 3, 100, "1", "nu of the Student-t innovations; the variance is infinite at 2.",
        source="quant notes 5.4: nu of 4; 5.1: t innovations with nu 3 to 5",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a variance that never comes back."""
        if self.alpha + self.beta >= 1.0:
            yield ("beta",), f"alpha + beta must be below 1, was {self.alpha + self.beta:g}"


class BridgePrice(Section):
    """A random path pinned to given prices at given minutes."""

    kind: Literal["bridge"]
    volatility: float = number(
        1.5, 0.0, 10.0, _ANNUAL, "Annual volatility between the waypoints.", source=_VOLATILITY_SOURCE
    )
    waypoints: Annotated[tuple[Waypoint, ...], Strict(strict=False)] = Field(
        min_length=2,
        max_length=1_000,
        description="Pairs of minutes from the start and price; the first is minute 0.",
        json_schema_extra={"unit": "[minutes, quote]", "source": "stated by the scenario"},
    )

    def problems(self) -> Iterator[Problem]:
        """Yield waypoints out of order, out of range or without a start."""
        if self.waypoints[0][0] != 0:
            yield ("waypoints", 0), f"the first waypoint must be at minute 0, was {self.waypoints[0][0]:g}"
        previous = -1.0
        for index, (minute, price) in enumerate(self.waypoints):
            if price <= 0 or price > 1e12:
                yield ("waypoints", index), f"price must be above 0 and at most 1e12, was {price:g}"
            if minute <= previous and index > 0:
                yield ("waypoints", index), f"minutes must increase, {minute:g} follows {previous:g}"
            previous = minute


class ReplayPrice(Section):
    """A recorded price series on the block clock."""

    kind: Literal["replay"]
    file: str = text(
        ..., "CSV or Parquet file, plain or gzipped, inside the scenario's folder.", max_length=1_024
    )
    max_gap_seconds: int = number(
        86_400, 1, 31_536_000, "s", "A longer gap in the series is refused.", source="design: one day"
    )


class BootstrapPrice(Section):
    """Random blocks of a recorded series' returns (stationary bootstrap)."""

    kind: Literal["bootstrap"]
    file: str = text(
        ..., "CSV or Parquet file, plain or gzipped, inside the scenario's folder.", max_length=1_024
    )
    max_gap_seconds: int = number(
        86_400, 1, 31_536_000, "s", "A longer gap in the series is refused.", source="design: one day"
    )
    mean_block_seconds: int = number(
        86_400, 1, 31_536_000, "s", "Mean length of a run of consecutive recorded returns.",
        source="quant notes 5.1: 1 to 3 days at 1 minute",
    )  # fmt: skip


PriceSection = Annotated[
    GbmPrice | MertonPrice | KouPrice | GarchPrice | BridgePrice | ReplayPrice | BootstrapPrice,
    Field(discriminator="kind"),
]


class ImpactSection(Section):
    """How flow that reaches the external market moves its price, and how its depth withdraws and refills."""

    law: Literal["none", "linear", "square_root"] = Field(
        "linear", description="Shape of the impact of one block's flow against the depth of that block."
    )
    depth_per_percent: float = number(
        8_000_000.0, 1.0, 1e15, "quote", "Flow that moves the external price by 1 % in calm times.",
        source="quant notes 5.4: ETH 1 % depth of $8m (CoinDesk Research, November 2025)",
    )  # fmt: skip
    depth_floor: float = number(
        0.05, 0.001, 1.0, "1", "Share of calm depth that never withdraws.",
        source="quant notes 5.3: 2-10 % left on 10 October 2025",
    )  # fmt: skip
    depth_withdrawal: float = number(
        1.0, 0.0, 100.0, "1", "c in depth = calm * exp(-c * (volatility / reference_volatility - 1)).",
        source="quant notes 5.3 (form); value an assumption: 37 % left at twice the volatility",
    )  # fmt: skip
    reference_volatility: float = number(
        0.65, 0.001, 10.0, _ANNUAL, "Volatility at which depth is the calm depth.",
        source="quant notes 5.4: calm ETH (assumption)",
    )  # fmt: skip
    refill_half_life_seconds: int = number(
        900, 0, 86_400, "s", "Half-life with which depth returns; 0 is at once.",
        source="quant notes 5.3: 5-30 min (assumption)",
    )  # fmt: skip
    impact_half_life_seconds: int = number(
        7_200, 0, 31_536_000, "s", "Half-life with which impact decays; 0 is permanent impact.",
        source="mechanisms notes 0.3: 2 h (assumption)",
    )  # fmt: skip
    square_root_coefficient: float = number(
        1.0,
        0.0,
        10.0,
        "1",
        "Y of the square-root law.",
        source="quant notes 5.3: of order one (arXiv 1412.4503)",
    )
    linear_below: float = number(
        0.0005, 0.0, 1.0, "share of daily volume", "Participation below which the square-root law is linear.",
        source="quant notes 5.3: 1e-4 to 1e-3 (assumption)",
    )  # fmt: skip


@composed_of("pricing_terms")
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


class MarketSection(Section):
    """One perpetual market; its position in the file is its id on chain."""

    name: str = text(
        ..., "Short name shown in tables, for example ETH.", max_length=12, pattern=r"^[A-Z0-9]{1,12}$"
    )
    initial_price: float = number(
        ..., 1e-6, 1e12, "quote", "Price at the start.", source="stated by the scenario"
    )
    price: PriceSection = Field(description="How the external price moves before any flow arrives.")
    impact: ImpactSection = ImpactSection()
    pool: PoolCurveSection = PoolCurveSection()
    risk_model_parameters: dict[str, float] = Field(
        {}, description="Parameters of the risk model that differ in this market.", max_length=64
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a bridge that does not start at the initial price."""
        if isinstance(self.price, BridgePrice) and self.price.waypoints[0][1] != self.initial_price:
            yield (
                ("price", "waypoints", 0),
                f"must start at initial_price {self.initial_price:g}, was {self.price.waypoints[0][1]:g}",
            )
