# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin formulas
@custom:contract-name risk_math
@license Apache-2.0
@author Seawall contributors
@notice The terms of a margin ratio - volatility, liquidity, size, open interest, confidence -
        and the three rules built from them. Ratios round up, against the account.
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
    size_coefficient: uint256  # Y of the impact law (WAD)
    size_root: uint256  # its exponent is one over this, 0 if it is 0
    liquidity_floor: uint256  # least depth believed (WAD quote)
    open_interest_lower: uint256  # notional from which open interest raises margin (WAD)
    open_interest_upper: uint256  # notional at which the initial ratio reaches one (WAD)
    confidence_coefficient: uint256  # margin per unit of confidence over price (WAD)
    haircut: uint256  # of the quote collateral (WAD)


# Four tiers of size; the first begins at nothing, each ends where the next begins.
struct TieredParameters:
    tier_1_initial: uint256  # initial ratio of the first part of a position (WAD)
    tier_1_maintenance: uint256  # maintenance ratio of that part (WAD)
    tier_2_notional: uint256  # where the second part begins (WAD quote)
    tier_2_initial: uint256
    tier_2_maintenance: uint256
    tier_3_notional: uint256
    tier_3_initial: uint256
    tier_3_maintenance: uint256
    tier_4_notional: uint256
    tier_4_initial: uint256
    tier_4_maintenance: uint256
    z: uint256  # standard deviations covered at any size (WAD)
    initial_horizon_seconds: uint256  # close-out horizon of the initial ratio
    maintenance_horizon_seconds: uint256  # close-out horizon of the maintenance ratio
    fast_weight: uint256  # share of the fast variance that counts (WAD)
    open_interest_lower: uint256  # notional from which open interest raises margin (WAD)
    open_interest_upper: uint256  # notional at which the initial ratio reaches one (WAD)
    confidence_coefficient: uint256  # margin per unit of confidence over price (WAD)
    haircut: uint256  # of the quote collateral (WAD)


# A table of tiers: rate[i] from lower[i] on (WAD).
struct Tiers:
    lower: uint256[4]
    initial: uint256[4]
    maintenance: uint256[4]


# What the tiered rule asks of every position of a market (WAD).
struct TieredTerms:
    initial_volatility: uint256
    maintenance_volatility: uint256
    confidence: uint256
    open_interest: uint256


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
# Roots of size over depth that the impact law may take: 1 none, 2 square, 3 cube.
MAX_SIZE_ROOT: constant(uint256) = 3
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
def _size_margin(
    notional: uint256, depth: uint256, variance: uint256, coefficient: uint256, root: uint256
) -> uint256:
    """
    @dev Impact Y*sigma_day*(notional/depth)**p with p = 1/root, and p = 0 for a root of zero:
         the same at every size, at none too. Larger p spares small positions and asks more of
         those larger than the depth.
    @param notional Notional to close (WAD quote).
    @param depth Liquidity it meets (WAD quote), at least one unit.
    @param variance Annualised variance (WAD).
    @param coefficient Y (WAD), at most 1,000.
    @param root 0, 1, 2 or 3.
    @return uint256 Ratio (WAD).
    """
    if root == 2:
        return self._liquidity_margin(notional, depth, variance, coefficient)
    at_depth: uint256 = self._volatility_margin(variance, coefficient, constants.DAY_SECONDS)
    if root == 0:
        return at_depth
    # NOTE: rounds up at each step, against the account.
    size: uint256 = fixed_point._div_wad_up(min(notional, MAX_AMOUNT), min(depth, MAX_AMOUNT))
    if root == 3:
        size = fixed_point._cbrt_wad_up(size)
    return fixed_point._mul_wad_up(at_depth, size)


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
    liquidity: uint256 = self._size_margin(
        notional,
        terms.depth,
        terms.variance,
        parameters.size_coefficient,
        parameters.size_root,
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
def _tier_ratio(notional: uint256, lower: uint256[4], rates: uint256[4]) -> uint256:
    """
    @dev Mean rate of a position whose parts pay the rate of their own tier. That is
         rate - deduction/notional with the rate of the last tier reached, where the deduction
         makes up for what the parts before pay less: no step at a boundary.
    @param notional Notional (WAD quote).
    @param lower Where each tier begins (WAD quote), rising from zero.
    @param rates Rate of each tier (WAD), at most one, none below the one before.
    @return uint256 Ratio (WAD), the first rate for no notional.
    """
    size: uint256 = min(notional, MAX_AMOUNT)
    rate: uint256 = rates[0]
    deduction: uint256 = 0
    for i: uint256 in range(1, 4):
        if size <= lower[i]:
            break
        deduction += lower[i] * (rates[i] - rate)
        rate = rates[i]
    if deduction == 0:
        return rate
    # NOTE: rounds up once, against the account; the deduction is exact.
    return fixed_point._ceil_div(size * rate - deduction, size)


@pure
@internal
def _tiered_ratios(
    inputs: IRiskModel.RiskInputs, parameters: TieredParameters
) -> IRiskModel.MarginRatios:
    """
    @dev The tiers of the position's size, or volatility where that asks for more, plus
         confidence; the initial ratio not below what open interest asks.
    @param inputs Position and market.
    @param parameters Checked parameters.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    return self._tiered_at(
        self._tiered_terms(inputs, parameters), self._tiers(parameters), inputs.notional
    )


@pure
@internal
def _tiered_batch(
    inputs: IRiskModel.RiskInputs,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
    parameters: TieredParameters,
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev The same for many positions of one market.
    @param inputs Market.
    @param positions Positions.
    @param parameters Checked parameters.
    @return DynArray One pair of ratios per position, in order.
    """
    terms: TieredTerms = self._tiered_terms(inputs, parameters)
    tiers: Tiers = self._tiers(parameters)
    answers: DynArray[IRiskModel.MarginRatios, 512] = []
    for position: IBatchedRiskModel.PositionInputs in positions:
        answers.append(self._tiered_at(terms, tiers, position.notional))
    return answers


@pure
@internal
def _tiered_terms(
    inputs: IRiskModel.RiskInputs, parameters: TieredParameters
) -> TieredTerms:
    """
    @dev What does not depend on the position.
    @param inputs Market.
    @param parameters Checked parameters.
    @return TieredTerms Terms.
    """
    variance: uint256 = self._effective_variance(
        inputs.variance_fast, inputs.variance_slow, parameters.fast_weight, 0, 0, 0
    )
    return TieredTerms(
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
            parameters.tier_1_initial,
        ),
    )


@pure
@internal
def _tiered_at(
    terms: TieredTerms, tiers: Tiers, notional: uint256
) -> IRiskModel.MarginRatios:
    """
    @dev What is asked of one position.
    @param terms Terms of its market.
    @param tiers The table.
    @param notional Its notional (WAD quote).
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    initial: uint256 = max(
        self._tier_ratio(notional, tiers.lower, tiers.initial), terms.initial_volatility
    )
    maintenance: uint256 = max(
        self._tier_ratio(notional, tiers.lower, tiers.maintenance),
        terms.maintenance_volatility,
    )
    # NOTE: half of confidence, rounded up, against the account.
    return self._ordered(
        max(initial + terms.confidence, terms.open_interest),
        maintenance + fixed_point._ceil_div(terms.confidence, 2),
    )


@pure
@internal
def _tiers(parameters: TieredParameters) -> Tiers:
    """
    @dev The table that parameters state word by word.
    @param parameters Parameters of the rule.
    @return Tiers Table.
    """
    p: TieredParameters = parameters
    return Tiers(
        lower=[0, p.tier_2_notional, p.tier_3_notional, p.tier_4_notional],
        initial=[p.tier_1_initial, p.tier_2_initial, p.tier_3_initial, p.tier_4_initial],
        maintenance=[
            p.tier_1_maintenance,
            p.tier_2_maintenance,
            p.tier_3_maintenance,
            p.tier_4_maintenance,
        ],
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
    self._check_horizons(p.z, p.initial_horizon_seconds, p.maintenance_horizon_seconds)
    self._check_floors(p.initial_min, p.maintenance_min, p.haircut)


@pure
@internal
def _check_adaptive(parameters: AdaptiveParameters):
    """
    @dev Guarantees that the adaptive rule is defined for every input.
    @param parameters Parameters of the rule.
    """
    p: AdaptiveParameters = parameters
    self._check_horizons(p.z, p.initial_horizon_seconds, p.maintenance_horizon_seconds)
    self._check_floors(p.initial_floor, p.maintenance_floor, p.haircut)
    assert p.fast_weight <= constants.WAD, "risk_model: fast weight above 1"
    assert p.variance_floor <= MAX_VARIANCE, "risk_model: variance too large"
    assert p.variance_stress <= MAX_VARIANCE, "risk_model: variance too large"
    assert p.stress_weight <= constants.WAD, "risk_model: stress weight above 1"
    assert p.size_coefficient <= MAX_COEFFICIENT, "risk_model: size coefficient above 1000"
    assert p.size_root <= MAX_SIZE_ROOT, "risk_model: size root above 3"
    assert p.liquidity_floor >= constants.WAD, "risk_model: liquidity floor below 1"
    assert p.liquidity_floor <= MAX_AMOUNT, "risk_model: liquidity floor too large"
    self._check_market_terms(
        p.open_interest_lower, p.open_interest_upper, p.confidence_coefficient
    )


@pure
@internal
def _check_tiered(parameters: TieredParameters):
    """
    @dev Guarantees that the tiered rule is defined for every input, that 0 < maintenance <
         initial <= WAD in every tier, hence at every size, and that tiers follow one another
         without a gap: more of a position never lowers the rate of the part that is added.
    @param parameters Parameters of the rule.
    """
    p: TieredParameters = parameters
    self._check_horizons(p.z, p.initial_horizon_seconds, p.maintenance_horizon_seconds)
    assert p.fast_weight <= constants.WAD, "risk_model: fast weight above 1"
    self._check_market_terms(
        p.open_interest_lower, p.open_interest_upper, p.confidence_coefficient
    )
    tiers: Tiers = self._tiers(p)
    for i: uint256 in range(4):
        self._check_floors(tiers.initial[i], tiers.maintenance[i], p.haircut)
        if i == 0:
            continue
        assert tiers.lower[i] > tiers.lower[i - 1], "risk_model: gap between tiers"
        assert tiers.lower[i] <= MAX_AMOUNT, "risk_model: tier too large"
        assert (
            tiers.initial[i] >= tiers.initial[i - 1]
            and tiers.maintenance[i] >= tiers.maintenance[i - 1]
        ), "risk_model: tier below the one before"


@pure
@internal
def _check_horizons(
    z: uint256, initial_horizon_seconds: uint256, maintenance_horizon_seconds: uint256
):
    """
    @dev Guarantees that volatility asks for no more to stay than to open.
    @param z Standard deviations covered (WAD).
    @param initial_horizon_seconds Horizon of the initial ratio.
    @param maintenance_horizon_seconds Horizon of the maintenance ratio.
    """
    assert z <= MAX_COEFFICIENT, "risk_model: z above 1000"
    assert initial_horizon_seconds <= MAX_HORIZON_SECONDS, "risk_model: horizon above a year"
    assert (
        maintenance_horizon_seconds <= initial_horizon_seconds
    ), "risk_model: maintenance horizon above initial"


@pure
@internal
def _check_market_terms(lower: uint256, upper: uint256, confidence_coefficient: uint256):
    """
    @dev Guarantees that open interest and confidence are defined for every input.
    @param lower Open interest from which it raises margin (WAD quote).
    @param upper Open interest at which the initial ratio reaches one (WAD quote).
    @param confidence_coefficient Margin per unit of confidence over price (WAD).
    """
    assert lower < upper, "risk_model: open interest bounds"
    assert upper <= MAX_AMOUNT, "risk_model: open interest too large"
    assert (
        confidence_coefficient <= MAX_COEFFICIENT
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
