"""Parameters of the risk models that ship; a custom ``.vy`` model takes its parameters as they stand."""

from collections.abc import Iterator

from sim.core.documents.sections import Problem, Section, number

_TIERS = "dYdX v4 liquidity tiers: 5 % initial, 3 % maintenance for mid caps"
_START = "mechanisms notes 9.14"


class StaticParameters(Section):
    """Fixed ratios: the baseline."""

    initial_ratio: float = number(
        0.10, 1e-6, 1.0, "1", "Initial margin ratio.", source="mechanisms notes: 10x, Derive"
    )
    maintenance_ratio: float = number(
        0.05, 1e-6, 1.0, "1", "Maintenance margin ratio.", source="half of initial, 9.3"
    )
    haircut: float = number(
        0.0, 0.0, 0.999, "1", "Haircut on collateral.", source="quote collateral is not cut"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a maintenance ratio at or above the initial ratio."""
        yield from _below(self, "maintenance_ratio", "initial_ratio")


class VolatilityParameters(Section):
    """Raw volatility scaling: the textbook, procyclical rule."""

    z: float = number(4.0, 0.01, 100.0, "1", "Standard deviations covered.", source=_START)
    initial_horizon_seconds: int = number(
        14_400, 1, 31_536_000, "s", "Horizon of initial margin.", source=_START
    )
    maintenance_horizon_seconds: int = number(
        3_600, 1, 31_536_000, "s", "Horizon of maintenance margin.", source=_START
    )
    initial_min: float = number(
        0.02, 1e-6, 1.0, "1", "Smallest initial margin ratio.", source="dYdX large-cap tier, 2 %"
    )
    maintenance_min: float = number(0.01, 1e-6, 1.0, "1", "Smallest maintenance ratio.", source=_START)
    haircut: float = number(
        0.0, 0.0, 0.999, "1", "Haircut on collateral.", source="quote collateral is not cut"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield maintenance floors or horizons at or above the initial ones."""
        yield from _below(self, "maintenance_min", "initial_min")
        yield from _below(self, "maintenance_horizon_seconds", "initial_horizon_seconds")


class AdaptiveParameters(Section):
    """Volatility with floor and stress weight, plus size, open interest, liquidity and confidence."""

    z: float = number(4.0, 0.01, 100.0, "1", "Standard deviations covered.", source=_START)
    initial_horizon_seconds: int = number(
        14_400, 1, 31_536_000, "s", "Horizon of initial margin.", source=_START
    )
    maintenance_horizon_seconds: int = number(
        3_600, 1, 31_536_000, "s", "Horizon of maintenance margin.", source=_START
    )
    initial_floor: float = number(0.05, 1e-6, 1.0, "1", "Smallest initial margin ratio.", source=_TIERS)
    maintenance_floor: float = number(0.025, 1e-6, 1.0, "1", "Smallest maintenance ratio.", source=_START)
    variance_floor: float = number(
        0.25,
        0.0,
        100.0,
        "per year",
        "Smallest variance margin is computed from.",
        source="9.14: (50 %)^2 for ETH",
    )
    variance_stress: float = number(
        2.25, 0.0, 100.0, "per year", "Stressed variance blended in.", source="9.14: (150 %)^2 for ETH"
    )
    stress_weight: float = number(
        0.25,
        0.0,
        1.0,
        "1",
        "Weight of the stressed variance.",
        source="EMIR RTS 153/2013 article 28(1)(b): 25 %",
    )
    size_coefficient: float = number(
        1.0, 0.0, 100.0, "1", "Y of the square-root size term.", source="9.3: Y = 1"
    )
    liquidity_floor: float = number(
        100_000_000.0, 1.0, 1e15, "quote", "Smallest daily depth the size term divides by.",
        source="assumption: a tenth of the ETH daily volume of 2020",
    )  # fmt: skip
    open_interest_lower: float = number(
        20_000_000.0,
        0.0,
        1e15,
        "quote",
        "Open interest above which initial margin rises.",
        source="dYdX small-cap tier",
    )
    open_interest_upper: float = number(
        50_000_000.0,
        1.0,
        1e15,
        "quote",
        "Open interest at which initial margin is 100 %.",
        source="dYdX small-cap tier",
    )
    confidence_coefficient: float = number(
        2.0, 0.0, 100.0, "1", "Weight of confidence / price.", source="9.3: k_c = 2"
    )
    haircut: float = number(
        0.0, 0.0, 0.999, "1", "Haircut on collateral.", source="quote collateral is not cut"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield floors, horizons or open-interest bounds in the wrong order."""
        yield from _below(self, "maintenance_floor", "initial_floor")
        yield from _below(self, "maintenance_horizon_seconds", "initial_horizon_seconds")
        yield from _below(self, "open_interest_lower", "open_interest_upper")


RiskParameters = StaticParameters | VolatilityParameters | AdaptiveParameters

BUILT_IN_MODELS: dict[str, type[RiskParameters]] = {
    "static": StaticParameters,
    "volatility": VolatilityParameters,
    "adaptive": AdaptiveParameters,
}
"""Parameter table of each model that ships, by the name a scenario gives it."""


def _below(section: Section, lower: str, upper: str) -> Iterator[Problem]:
    low, high = getattr(section, lower), getattr(section, upper)
    if low >= high:
        yield (lower,), f"must be below {upper} {high:g}, was {low:g}"
