# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin formulas
@custom:contract-name risk_math
@license Apache-2.0
@author Seawall contributors
@notice The terms of a margin ratio - volatility, liquidity, open interest, confidence - and
        the two rules built from them. Ratios round up, against the account.
@dev Pure; `sim/reference/risk_math.py` is the bit-exact twin. Inputs are capped far above
     anything that leaves a ratio below one, so no input can make a margin check revert:
     that would block liquidations.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import IRiskModel
from . import constants
from . import fixed_point


struct VolatilityParameters:
    z: uint256  # standard deviations covered (WAD)
    initial_horizon_seconds: uint256  # close-out horizon of the initial ratio
    maintenance_horizon_seconds: uint256  # close-out horizon of the maintenance ratio
    initial_min: uint256  # floor of the initial ratio (WAD)
    maintenance_min: uint256  # floor of the maintenance ratio (WAD)
    haircut: uint256  # of the quote collateral (WAD)


struct AdaptiveParameters:
    z: uint256  # standard deviations covered (WAD)
    initial_horizon_seconds: uint256  # close-out horizon of the initial ratio
    maintenance_horizon_seconds: uint256  # close-out horizon of the maintenance ratio
    initial_floor: uint256  # floor of the initial ratio (WAD)
    maintenance_floor: uint256  # floor of the maintenance ratio (WAD)
    fast_weight: uint256  # share of the fast variance that counts (WAD)
    variance_floor: uint256  # least annualised variance believed (WAD)
    variance_stress: uint256  # annualised variance of the stress period (WAD)
    stress_weight: uint256  # weight of the stress variance (WAD)
    size_coefficient: uint256  # Y of the square-root impact law (WAD)
    liquidity_floor: uint256  # least depth believed (WAD quote)
    open_interest_lower: uint256  # notional from which open interest raises margin (WAD)
    open_interest_upper: uint256  # notional at which the initial ratio reaches one (WAD)
    confidence_coefficient: uint256  # margin per unit of confidence over price (WAD)
    haircut: uint256  # of the quote collateral (WAD)


# What the adaptive rule asks of every position of a market (WAD).
struct AdaptiveTerms:
    variance: uint256  # annualised, that counts
    depth: uint256  # that is believed (WAD quote)
    initial_volatility: uint256
    maintenance_volatility: uint256
    confidence: uint256
    open_interest: uint256


# Caps: variance 1e8 (volatility 1,000,000 %), amounts 1e20 quote, ratios 1e6.
MAX_VARIANCE: constant(uint256) = 10**26
MAX_AMOUNT: constant(uint256) = 10**38
MAX_RATIO: constant(uint256) = 10**24
# Bounds on parameters that keep products below 2**256.
MAX_COEFFICIENT: constant(uint256) = 10**21
MAX_HORIZON_SECONDS: constant(uint256) = 31_536_000


@pure
@internal
def _volatility_margin(variance: uint256, z: uint256, horizon_seconds: uint256) -> uint256:
    """
    @dev z*sigma*sqrt(horizon).
    @param variance Annualised variance (WAD).
    @param z Standard deviations (WAD), at most 1,000.
    @param horizon_seconds Horizon, at most a year.
    @return uint256 Ratio (WAD).
    """
    # NOTE: rounds up three times, against the account.
    over_horizon: uint256 = fixed_point._mul_div_up(
        min(variance, MAX_VARIANCE), horizon_seconds, constants.YEAR_SECONDS
    )
    return fixed_point._mul_wad_up(z, fixed_point._sqrt_wad_up(over_horizon))


@pure
@internal
def _liquidity_margin(
    notional: uint256, depth: uint256, variance: uint256, coefficient: uint256
) -> uint256:
    """
    @dev Square-root impact Y*sigma_day*sqrt(notional/depth).
    @param notional Notional to close (WAD quote).
    @param depth Liquidity it meets (WAD quote), positive.
    @param variance Annualised variance (WAD).
    @param coefficient Y (WAD), at most 1,000.
    @return uint256 Ratio (WAD).
    """
    # NOTE: rounds up three times, against the account.
    square: uint256 = fixed_point._mul_div_up(
        min(variance, MAX_VARIANCE) * constants.DAY_SECONDS,
        min(notional, MAX_AMOUNT),
        constants.YEAR_SECONDS * min(depth, MAX_AMOUNT),
    )
    return fixed_point._mul_wad_up(coefficient, fixed_point._sqrt_wad_up(min(square, MAX_AMOUNT)))


@pure
@internal
def _open_interest_margin(
    open_interest: uint256, lower: uint256, upper: uint256, floor_ratio: uint256
) -> uint256:
    """
    @dev Rises from the floor to one as open interest goes from lower to upper.
    @param open_interest Notional of the larger side (WAD quote).
    @param lower Where the rise starts (WAD quote).
    @param upper Where it ends (WAD quote), above lower.
    @param floor_ratio Ratio without open interest (WAD), at most one.
    @return uint256 Ratio (WAD).
    """
    if open_interest <= lower:
        return floor_ratio
    if open_interest >= upper:
        return constants.WAD
    # NOTE: rounds up, against the account.
    return floor_ratio + fixed_point._mul_div_up(
        constants.WAD - floor_ratio, open_interest - lower, upper - lower
    )


@pure
@internal
def _confidence_margin(confidence: uint256, price: uint256, coefficient: uint256) -> uint256:
    """
    @dev coefficient*confidence/price.
    @param confidence Half-width around the price (WAD quote).
    @param price Price (WAD); zero counts as no confidence at all.
    @param coefficient Margin per unit of the ratio (WAD), at most 1,000.
    @return uint256 Ratio (WAD).
    """
    if price == 0:
        return MAX_RATIO
    # NOTE: rounds up twice, against the account.
    ratio: uint256 = fixed_point._div_wad_up(min(confidence, MAX_AMOUNT), price)
    return fixed_point._mul_wad_up(coefficient, min(ratio, MAX_RATIO))


@pure
@internal
def _effective_variance(
    fast: uint256,
    slow: uint256,
    fast_weight: uint256,
    floor_variance: uint256,
    stress: uint256,
    stress_weight: uint256,
) -> uint256:
    """
    @dev max(floor, (1 - w)*max(f*fast, slow) + w*stress).
    @param fast Annualised variance, short memory (WAD).
    @param slow Annualised variance, long memory (WAD).
    @param fast_weight f (WAD), at most one; at zero the slow memory alone counts.
    @param floor_variance Least variance believed (WAD).
    @param stress Variance of the stress period (WAD).
    @param stress_weight w (WAD), at most one.
    @return uint256 Annualised variance (WAD).
    """
    # NOTE: rounds up twice, against the account.
    weighed: uint256 = fixed_point._mul_wad_up(fast_weight, min(fast, MAX_VARIANCE))
    blended: uint256 = fixed_point._ceil_div(
        (constants.WAD - stress_weight) * max(weighed, min(slow, MAX_VARIANCE))
        + stress_weight * stress,
        constants.WAD,
    )
    return max(floor_variance, blended)


@pure
@internal
def _volatility_ratios(
    inputs: IRiskModel.RiskInputs, parameters: VolatilityParameters
) -> IRiskModel.MarginRatios:
    """
    @dev The textbook rule: margin proportional to the raw fast volatility.
    @param inputs Position and market; only the fast variance counts.
    @param parameters Checked parameters.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    initial: uint256 = self._volatility_margin(
        inputs.variance_fast, parameters.z, parameters.initial_horizon_seconds
    )
    maintenance: uint256 = self._volatility_margin(
        inputs.variance_fast, parameters.z, parameters.maintenance_horizon_seconds
    )
    return self._ordered(
        max(initial, parameters.initial_min), max(maintenance, parameters.maintenance_min)
    )


@pure
@internal
def _adaptive_ratios(
    inputs: IRiskModel.RiskInputs, parameters: AdaptiveParameters
) -> IRiskModel.MarginRatios:
    """
    @dev Volatility with floor and stress weight, plus liquidity, plus confidence; never
         below the floors, nor below what open interest asks.
    @param inputs Position and market.
    @param parameters Checked parameters.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    return self._adaptive_at(
        self._adaptive_terms(inputs, parameters), inputs.notional, parameters
    )


@pure
@internal
def _adaptive_batch(
    inputs: IRiskModel.RiskInputs,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
    parameters: AdaptiveParameters,
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev The same for many positions of one market.
    @param inputs Market.
    @param positions Positions.
    @param parameters Checked parameters.
    @return DynArray One pair of ratios per position, in order.
    """
    terms: AdaptiveTerms = self._adaptive_terms(inputs, parameters)
    answers: DynArray[IRiskModel.MarginRatios, 512] = []
    for position: IBatchedRiskModel.PositionInputs in positions:
        answers.append(self._adaptive_at(terms, position.notional, parameters))
    return answers


@pure
@internal
def _adaptive_terms(
    inputs: IRiskModel.RiskInputs, parameters: AdaptiveParameters
) -> AdaptiveTerms:
    """
    @dev What does not depend on the position.
    @param inputs Market.
    @param parameters Checked parameters.
    @return AdaptiveTerms Terms.
    """
    variance: uint256 = self._effective_variance(
        inputs.variance_fast,
        inputs.variance_slow,
        parameters.fast_weight,
        parameters.variance_floor,
        parameters.variance_stress,
        parameters.stress_weight,
    )
    return AdaptiveTerms(
        variance=variance,
        depth=max(inputs.depth, parameters.liquidity_floor),
        initial_volatility=self._volatility_margin(
            variance, parameters.z, parameters.initial_horizon_seconds
        ),
        maintenance_volatility=self._volatility_margin(
            variance, parameters.z, parameters.maintenance_horizon_seconds
        ),
        confidence=self._confidence_margin(
            inputs.confidence, inputs.price, parameters.confidence_coefficient
        ),
        open_interest=self._open_interest_margin(
            inputs.open_interest,
            parameters.open_interest_lower,
            parameters.open_interest_upper,
            parameters.initial_floor,
        ),
    )


@pure
@internal
def _adaptive_at(
    terms: AdaptiveTerms, notional: uint256, parameters: AdaptiveParameters
) -> IRiskModel.MarginRatios:
    """
    @dev What is asked of one position.
    @param terms Terms of its market.
    @param notional Its notional (WAD quote).
    @param parameters Checked parameters.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    liquidity: uint256 = self._liquidity_margin(
        notional, terms.depth, terms.variance, parameters.size_coefficient
    )
    initial: uint256 = terms.initial_volatility + liquidity + terms.confidence
    # NOTE: half of liquidity and confidence, rounded up, against the account.
    maintenance: uint256 = (
        terms.maintenance_volatility
        + fixed_point._ceil_div(liquidity, 2)
        + fixed_point._ceil_div(terms.confidence, 2)
    )
    return self._ordered(
        max(max(initial, parameters.initial_floor), terms.open_interest),
        max(maintenance, parameters.maintenance_floor),
    )


@pure
@internal
def _same_for_all(
    ratios: IRiskModel.MarginRatios, count: uint256
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev Answer of a formula that does not look at the position.
    @param ratios Ratios of the market.
    @param count Number of positions.
    @return DynArray One pair of ratios per position.
    """
    answers: DynArray[IRiskModel.MarginRatios, 512] = []
    for i: uint256 in range(count, bound=512):
        answers.append(ratios)
    return answers


@pure
@internal
def _ordered(initial: uint256, maintenance: uint256) -> IRiskModel.MarginRatios:
    """
    @dev Caps the initial ratio at one and keeps the maintenance ratio below it.
    @param initial Initial ratio (WAD), positive.
    @param maintenance Maintenance ratio (WAD), positive.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    capped: uint256 = min(initial, constants.WAD)
    return IRiskModel.MarginRatios(initial=capped, maintenance=min(maintenance, capped - 1))


@pure
@internal
def _check_volatility(parameters: VolatilityParameters):
    """
    @dev Guarantees that the volatility rule is defined for every input.
    @param parameters Parameters of the rule.
    """
    p: VolatilityParameters = parameters
    assert p.z <= MAX_COEFFICIENT, "risk_model: z above 1000"
    assert p.initial_horizon_seconds <= MAX_HORIZON_SECONDS, "risk_model: horizon above a year"
    assert (
        p.maintenance_horizon_seconds <= p.initial_horizon_seconds
    ), "risk_model: maintenance horizon above initial"
    self._check_floors(p.initial_min, p.maintenance_min, p.haircut)


@pure
@internal
def _check_adaptive(parameters: AdaptiveParameters):
    """
    @dev Guarantees that the adaptive rule is defined for every input.
    @param parameters Parameters of the rule.
    """
    p: AdaptiveParameters = parameters
    assert p.z <= MAX_COEFFICIENT, "risk_model: z above 1000"
    assert p.initial_horizon_seconds <= MAX_HORIZON_SECONDS, "risk_model: horizon above a year"
    assert (
        p.maintenance_horizon_seconds <= p.initial_horizon_seconds
    ), "risk_model: maintenance horizon above initial"
    self._check_floors(p.initial_floor, p.maintenance_floor, p.haircut)
    assert p.fast_weight <= constants.WAD, "risk_model: fast weight above 1"
    assert p.variance_floor <= MAX_VARIANCE, "risk_model: variance too large"
    assert p.variance_stress <= MAX_VARIANCE, "risk_model: variance too large"
    assert p.stress_weight <= constants.WAD, "risk_model: stress weight above 1"
    assert p.size_coefficient <= MAX_COEFFICIENT, "risk_model: size coefficient above 1000"
    assert p.liquidity_floor >= constants.WAD, "risk_model: liquidity floor below 1"
    assert p.liquidity_floor <= MAX_AMOUNT, "risk_model: liquidity floor too large"
    assert p.open_interest_lower < p.open_interest_upper, "risk_model: open interest bounds"
    assert p.open_interest_upper <= MAX_AMOUNT, "risk_model: open interest too large"
    assert (
        p.confidence_coefficient <= MAX_COEFFICIENT
    ), "risk_model: confidence coefficient above 1000"


@pure
@internal
def _check_floors(initial: uint256, maintenance: uint256, haircut: uint256):
    """
    @dev Guarantees 0 < maintenance < initial <= WAD and haircut < WAD.
    @param initial Floor of the initial ratio (WAD).
    @param maintenance Floor of the maintenance ratio (WAD).
    @param haircut Haircut of the quote collateral (WAD).
    """
    assert maintenance > 0, "risk_model: zero maintenance ratio"
    assert maintenance < initial, "risk_model: maintenance not below initial"
    assert initial <= constants.WAD, "risk_model: initial ratio above 1"
    assert haircut < constants.WAD, "risk_model: haircut not below 1"
