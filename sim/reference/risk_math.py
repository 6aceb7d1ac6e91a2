"""Margin formulas, bit-exact twin of ``contracts/lib/risk_math.vy``.

Ratios, variances and amounts are WAD integers, horizons are seconds. Each function returns
what the contract's function of the same name returns; ratios round up, against the account.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.reference.fixed_point import (
    WAD,
    cbrt_wad_up,
    ceil_div,
    checked_uint,
    div_wad_up,
    mul_div_up,
    mul_wad_up,
    sqrt_wad_up,
)

YEAR_SECONDS = 31_536_000
DAY_SECONDS = 86_400

MAX_VARIANCE = 10**26
MAX_AMOUNT = 10**38
MAX_RATIO = 10**24


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """What a risk model sees of a position and its market, ``IRiskModel.RiskInputs``.

    WAD but for the side, the count and the age. The formulas of this module look at the first seven only.
    """

    notional: int
    price: int
    confidence: int
    variance_fast: int
    variance_slow: int
    open_interest: int
    depth: int
    side: int = 0
    skew: int = 0
    exceptions: int = 0
    variance_range: int = 0
    variance_implied: int = 0
    account_notional: int = 0
    report_age_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRatios:
    """Fractions of notional (WAD), 0 < maintenance < initial <= WAD."""

    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityParameters:
    """Parameters of the textbook rule; meanings beside the contract's struct."""

    z: int
    initial_horizon_seconds: int
    maintenance_horizon_seconds: int
    initial_min: int
    maintenance_min: int
    haircut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveParameters:
    """Parameters of the adaptive rule; meanings beside the contract's struct."""

    z: int
    initial_horizon_seconds: int
    maintenance_horizon_seconds: int
    initial_floor: int
    maintenance_floor: int
    fast_weight: int
    variance_floor: int
    variance_stress: int
    stress_weight: int
    size_coefficient: int
    size_root: int
    liquidity_floor: int
    open_interest_lower: int
    open_interest_upper: int
    confidence_coefficient: int
    haircut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TieredParameters:
    """Parameters of the tiered rule; meanings beside the contract's struct."""

    tier_1_initial: int
    tier_1_maintenance: int
    tier_2_notional: int
    tier_2_initial: int
    tier_2_maintenance: int
    tier_3_notional: int
    tier_3_initial: int
    tier_3_maintenance: int
    tier_4_notional: int
    tier_4_initial: int
    tier_4_maintenance: int
    z: int
    initial_horizon_seconds: int
    maintenance_horizon_seconds: int
    fast_weight: int
    open_interest_lower: int
    open_interest_upper: int
    confidence_coefficient: int
    haircut: int

    @property
    def lower(self) -> tuple[int, int, int, int]:
        """Where each tier begins, WAD quote."""
        return (0, self.tier_2_notional, self.tier_3_notional, self.tier_4_notional)

    @property
    def initial(self) -> tuple[int, int, int, int]:
        """Initial ratio of each tier, WAD."""
        return (self.tier_1_initial, self.tier_2_initial, self.tier_3_initial, self.tier_4_initial)

    @property
    def maintenance(self) -> tuple[int, int, int, int]:
        """Maintenance ratio of each tier, WAD."""
        return (
            self.tier_1_maintenance,
            self.tier_2_maintenance,
            self.tier_3_maintenance,
            self.tier_4_maintenance,
        )


def volatility_margin(variance: int, z: int, horizon_seconds: int) -> int:
    """z*sigma*sqrt(horizon), horizon in years of the annualised variance."""
    over_horizon = mul_div_up(min(variance, MAX_VARIANCE), horizon_seconds, YEAR_SECONDS)
    return mul_wad_up(z, sqrt_wad_up(over_horizon))


def liquidity_margin(notional: int, depth: int, variance: int, coefficient: int) -> int:
    """Square-root impact: coefficient*sigma_day*sqrt(notional/depth)."""
    square = mul_div_up(
        min(variance, MAX_VARIANCE) * DAY_SECONDS,
        min(notional, MAX_AMOUNT),
        YEAR_SECONDS * min(depth, MAX_AMOUNT),
    )
    return mul_wad_up(coefficient, sqrt_wad_up(min(square, MAX_AMOUNT)))


def size_margin(notional: int, depth: int, variance: int, coefficient: int, root: int) -> int:
    """Impact: coefficient*sigma_day*(notional/depth)**(1/root), with an exponent of 0 for a root of 0."""
    if root == 2:
        return liquidity_margin(notional, depth, variance, coefficient)
    at_depth = volatility_margin(variance, coefficient, DAY_SECONDS)
    if root == 0:
        return at_depth
    size = div_wad_up(min(notional, MAX_AMOUNT), min(depth, MAX_AMOUNT))
    if root == 3:
        size = cbrt_wad_up(size)
    return mul_wad_up(at_depth, size)


def open_interest_margin(open_interest: int, lower: int, upper: int, floor_ratio: int) -> int:
    """Rises linearly from the floor to one as open interest goes from lower to upper."""
    if open_interest <= lower:
        return floor_ratio
    if open_interest >= upper:
        return WAD
    return floor_ratio + mul_div_up(WAD - floor_ratio, open_interest - lower, upper - lower)


def confidence_margin(confidence: int, price: int, coefficient: int) -> int:
    """coefficient*confidence/price; a price of zero counts as no confidence at all."""
    if price == 0:
        return MAX_RATIO
    ratio = div_wad_up(min(confidence, MAX_AMOUNT), price)
    return mul_wad_up(coefficient, min(ratio, MAX_RATIO))


def effective_variance(
    fast: int, slow: int, fast_weight: int, floor_variance: int, stress: int, stress_weight: int
) -> int:
    """max(floor, (1 - w)*max(f*fast, slow) + w*stress)."""
    weighed = mul_wad_up(fast_weight, min(fast, MAX_VARIANCE))
    believed = max(weighed, min(slow, MAX_VARIANCE))
    blended = ceil_div(checked_uint((WAD - stress_weight) * believed + stress_weight * stress), WAD)
    return max(floor_variance, blended)


def volatility_ratios(inputs: RiskInputs, parameters: VolatilityParameters) -> MarginRatios:
    """Textbook rule: margin proportional to the raw fast volatility."""
    p = parameters
    initial = volatility_margin(inputs.variance_fast, p.z, p.initial_horizon_seconds)
    maintenance = volatility_margin(inputs.variance_fast, p.z, p.maintenance_horizon_seconds)
    return ordered(max(initial, p.initial_min), max(maintenance, p.maintenance_min))


def adaptive_ratios(inputs: RiskInputs, parameters: AdaptiveParameters) -> MarginRatios:
    """Adaptive rule: floored, stress-weighted volatility plus liquidity plus confidence."""
    p = parameters
    variance = effective_variance(
        inputs.variance_fast,
        inputs.variance_slow,
        p.fast_weight,
        p.variance_floor,
        p.variance_stress,
        p.stress_weight,
    )
    depth = max(inputs.depth, p.liquidity_floor)
    liquidity = size_margin(inputs.notional, depth, variance, p.size_coefficient, p.size_root)
    confidence = confidence_margin(inputs.confidence, inputs.price, p.confidence_coefficient)
    open_interest = open_interest_margin(
        inputs.open_interest, p.open_interest_lower, p.open_interest_upper, p.initial_floor
    )
    initial = volatility_margin(variance, p.z, p.initial_horizon_seconds) + liquidity + confidence
    maintenance = (
        volatility_margin(variance, p.z, p.maintenance_horizon_seconds)
        + ceil_div(liquidity, 2)
        + ceil_div(confidence, 2)
    )
    return ordered(max(initial, p.initial_floor, open_interest), max(maintenance, p.maintenance_floor))


def tier_ratio(notional: int, lower: Sequence[int], rates: Sequence[int]) -> int:
    """Mean rate of a position whose parts pay the rate of their own tier; the first rate for none."""
    size = min(notional, MAX_AMOUNT)
    if size == 0:
        return rates[0]
    ends = (*lower[1:], max(size, lower[-1]))
    paid = sum(
        rate * max(min(size, end) - begin, 0) for begin, end, rate in zip(lower, ends, rates, strict=True)
    )
    return ceil_div(paid, size)


def tiered_ratios(inputs: RiskInputs, parameters: TieredParameters) -> MarginRatios:
    """Tiers of size or volatility, whichever asks for more, plus confidence; initial by open interest too."""
    p = parameters
    variance = effective_variance(inputs.variance_fast, inputs.variance_slow, p.fast_weight, 0, 0, 0)
    confidence = confidence_margin(inputs.confidence, inputs.price, p.confidence_coefficient)
    open_interest = open_interest_margin(
        inputs.open_interest, p.open_interest_lower, p.open_interest_upper, p.tier_1_initial
    )
    initial = max(
        tier_ratio(inputs.notional, p.lower, p.initial),
        volatility_margin(variance, p.z, p.initial_horizon_seconds),
    )
    maintenance = max(
        tier_ratio(inputs.notional, p.lower, p.maintenance),
        volatility_margin(variance, p.z, p.maintenance_horizon_seconds),
    )
    return ordered(max(initial + confidence, open_interest), maintenance + ceil_div(confidence, 2))


def ordered(initial: int, maintenance: int) -> MarginRatios:
    """Cap the initial ratio at one and keep the maintenance ratio below it."""
    capped = min(initial, WAD)
    return MarginRatios(initial=capped, maintenance=min(maintenance, capped - 1))
