# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Updates of volatility estimators
@custom:contract-name estimator_updates
@license Apache-2.0
@author Seawall contributors
@notice Adding markets, taking in rounds and reports, choosing a variance, reading it.
@dev Anyone updates. Rounds are read from the price oracle's ring, each once, the last one of
     each second: who updates late loses none of the last 255, who updates often gains nothing.

     A round that one dishonest source made counts here, while the price oracle's own variances
     leave it out. It lies between honest reports, and a range grows by what it adds once, not
     each time it is thrown: what a liar can add is the distance between two honest sources.

     Nothing here is asked for while money moves but `variances`, which calls nobody. A choice
     that nobody has renewed is forgotten, and the price oracle's own estimates stand again.
"""

from ..interfaces import IPriceOracle
from ..interfaces import IVolatilityOracle
from ..lib import constants
from ..lib import estimator_math
from ..lib import fixed_point
from . import access
from . import estimator_params
from . import estimator_performance
from . import estimator_state

uses: access
uses: estimator_params
uses: estimator_performance
uses: estimator_state


# What is read of the price oracle's ring.
struct Round:
    index_price: uint256
    confidence: uint256
    updated_at: uint256


interface IRounds:
    def round(asset: uint256, round_id: uint256) -> Round: view


# Rounds that the price oracle keeps, and how many of them one update reads.
KEPT: constant(uint256) = 256
MAX_ROUNDS: constant(uint256) = 64


PRICE_ORACLE: immutable(IPriceOracle)

market_count: public(reentrant(uint256))
# @dev Who reports a market's implied variance; zero: nobody does.
implied_reporter: public(reentrant(HashMap[uint256, address]))


@deploy
def __init__(price_oracle: address):
    """
    @notice Fixes whose rounds are taken in.
    @param price_oracle Price oracle; its asset ids are the market ids.
    """
    assert price_oracle != empty(address), "estimators: zero address"
    PRICE_ORACLE = IPriceOracle(price_oracle)


@external
def add_market(initial_variance: uint256, implied_reporter: address) -> uint256:
    """
    @notice Adds the next market, which the price oracle must know; nothing is chosen yet. Owner
            only.
    @param initial_variance Annualised variance that ranges and long run start from (WAD).
    @param implied_reporter Who reports implied variance, zero for nobody.
    @return uint256 Market id.
    """
    access._check_owner()
    market: uint256 = self.market_count
    assert market < constants.MAX_MARKETS, "estimators: too many markets"
    assert (
        initial_variance >= estimator_math.MIN_VARIANCE
        and initial_variance <= estimator_math.MAX_VARIANCE
    ), "estimators: variance out of bounds"
    asset: IPriceOracle.AssetPrice = staticcall PRICE_ORACLE.asset_price(market)
    self.market_count = market + 1
    self.implied_reporter[market] = implied_reporter
    estimator_params._start(market)
    state: estimator_state.State = empty(estimator_state.State)
    state.high = asset.index_price
    state.low = asset.index_price
    state.opened_at = block.timestamp
    state.last_at = block.timestamp
    state.last_price = asset.index_price
    state.round_id = asset.round_id
    state.variance = initial_variance
    state.volatility = isqrt(initial_variance * constants.WAD)
    state.long_run = initial_variance
    log IVolatilityOracle.EstimatorAdded(market=market, initial_variance=initial_variance)
    log IVolatilityOracle.ImpliedReporterSet(market=market, reporter=implied_reporter)
    self._choose(market, state, asset)
    return market


@external
def set_estimator(market: uint256, parameters: IVolatilityOracle.EstimatorParameters):
    """
    @notice Changes how a market's variance is estimated and chosen; rounds up to now are taken
            in the old way, and the choice moves within its new limits. Owner only.
    @param market Market id.
    @param parameters New parameters.
    """
    access._check_owner()
    self._update(market)
    estimator_params._set(market, parameters)
    self._update(market)


@external
def set_performance(market: uint256, parameters: IVolatilityOracle.PerformanceParameters):
    """
    @notice Changes what a market's margin is multiplied by for how it did; the window begins
            empty. It acts on what the market has chosen alone. Owner only.
    @param market Market id.
    @param parameters New parameters.
    """
    access._check_owner()
    self._update(market)
    estimator_performance._set_performance(market, parameters)
    self._update(market)


@external
def set_implied_reporter(market: uint256, reporter: address):
    """
    @notice Replaces who reports a market's implied variance; what was reported is forgotten.
            Owner only.
    @param market Market id.
    @param reporter New reporter, zero for nobody.
    """
    access._check_owner()
    assert market < self.market_count, "estimators: unknown market"
    self.implied_reporter[market] = reporter
    estimator_state._implied[market] = 0
    log IVolatilityOracle.ImpliedReporterSet(market=market, reporter=reporter)


@external
def report_implied(market: uint256, variance: uint256):
    """
    @notice Takes an implied variance from the market's reporter; the next update counts it.
    @param market Market id.
    @param variance Annualised variance (WAD).
    """
    assert market < self.market_count, "estimators: unknown market"
    assert msg.sender == self.implied_reporter[market], "estimators: not the reporter"
    assert (
        variance >= estimator_math.MIN_VARIANCE and variance <= estimator_math.MAX_VARIANCE
    ), "estimators: variance out of bounds"
    age: uint256 = estimator_params._parameters[market].implied_age_seconds
    estimator_state._implied[market] = (variance << 168) | (block.timestamp + age)
    log IVolatilityOracle.ImpliedReported(market=market, variance=variance)


@external
def update(market: uint256):
    """
    @notice Takes in the rounds of the price oracle since the last time, and chooses anew. A
            second time in the same second changes nothing but by what was reported since, or
            where more rounds wait than one update reads.
    @param market Market id.
    """
    self._update(market)


@view
@external
@reentrant
def variances(market: uint256) -> IVolatilityOracle.Variances:
    """
    @notice What formulas are asked with. Never reverts; of an unknown market, nothing.
    @param market Market id.
    @return Variances As of the last update.
    """
    level: uint256 = estimator_state._levels[market]
    is_valid: bool = block.timestamp <= (level >> 1) & estimator_state.TIME_MASK
    return IVolatilityOracle.Variances(
        chosen=(level >> 80) & estimator_state.LEVEL_MASK if is_valid and level & 1 == 1 else 0,
        ranged=estimator_state._marks[market] & estimator_state.LEVEL_MASK if is_valid else 0,
        implied=estimator_state._implied_now(market),
    )


@view
@external
@reentrant
def estimates(market: uint256) -> IVolatilityOracle.Estimates:
    """
    @notice Everything that is estimated of a market, as of the last update, expired or not.
    @param market Market id.
    @return Estimates All zero of an unknown market.
    """
    state: estimator_state.State = estimator_state._load(market)
    closed: estimator_state.State = estimator_state._closed(
        state, estimator_params._parameters[market]
    )
    return IVolatilityOracle.Estimates(
        chosen=state.level if state.is_chosen else 0,
        ranged=state.ranged,
        true_range=fixed_point._mul_wad_up(closed.volatility, closed.volatility),
        implied=estimator_state._implied_now(market),
        long_run=state.long_run,
        round_id=state.round_id,
        updated_at=state.updated_at,
    )


@view
@external
@reentrant
def price_oracle() -> address:
    """
    @notice Price oracle whose rounds are taken in.
    @return address Oracle.
    """
    return PRICE_ORACLE.address


@internal
def _update(market: uint256):
    """
    @dev Takes in rounds and chooses.
    @param market Market id.
    """
    assert market < self.market_count, "estimators: unknown market"
    asset: IPriceOracle.AssetPrice = staticcall PRICE_ORACLE.asset_price(market)
    state: estimator_state.State = self._caught_up(market, asset.round_id)
    self._choose(market, state, asset)


@view
@internal
def _caught_up(market: uint256, newest: uint256) -> estimator_state.State:
    """
    @dev A market with the rounds since its last update, as many as one update reads. A round is
         taken in once it is known to be the last of its second.
    @param market Market id.
    @param newest Id of the price oracle's newest round.
    @return State The market.
    """
    state: estimator_state.State = estimator_state._load(market)
    parameters: IVolatilityOracle.EstimatorParameters = estimator_params._parameters[market]
    read: uint256 = max(state.round_id, newest - min(newest, KEPT))
    held: Round = empty(Round)
    for _: uint256 in range(MAX_ROUNDS):
        found: Round = empty(Round)
        if read != newest:
            found = staticcall IRounds(PRICE_ORACLE.address).round(market, read + 1)
        is_end: bool = read == newest or found.updated_at == block.timestamp
        if held.index_price != 0 and (is_end or found.updated_at > held.updated_at):
            state = estimator_state._fold(state, held.index_price, held.updated_at, parameters)
        if is_end:
            state.round_id = read
            return state
        held = found
        read += 1
    # The last one read is read again: the next one may be of the same second.
    state.round_id = read - 1
    return state


@internal
def _choose(
    market: uint256,
    state: estimator_state.State,
    asset: IPriceOracle.AssetPrice,
):
    """
    @dev Chooses a variance, within its limits, and stores the market.
    @param market Market id.
    @param state The market with its rounds.
    @param asset What the price oracle says of it.
    """
    after: estimator_state.State = state
    p: IVolatilityOracle.EstimatorParameters = estimator_params._parameters[market]
    closed: estimator_state.State = estimator_state._closed(state, p)
    true_range: uint256 = fixed_point._mul_wad_up(closed.volatility, closed.volatility)
    implied: uint256 = estimator_state._implied_now(market)
    largest: uint256 = estimator_math._largest(
        [asset.variance_fast, asset.variance_slow, closed.variance, true_range, implied],
        [p.fast_weight, p.slow_weight, p.range_weight, p.true_range_weight, p.implied_weight],
    )
    after.is_chosen = (
        p.fast_weight + p.slow_weight + p.range_weight + p.true_range_weight + p.implied_weight
        != 0
    )
    # Without a choice the level follows what stands for it, so that a first one begins there.
    target: uint256 = max(asset.variance_fast, asset.variance_slow)
    multiplier: uint256 = estimator_performance._multiplier_now(market)
    if after.is_chosen:
        cushioned: uint256 = estimator_math._bounded(
            estimator_math._cushioned(largest, state.long_run, p.floor_weight, p.buffer)
        )
        # Margin goes with the root of variance.
        target = estimator_math._limited(
            state.level,
            estimator_math._bounded(
                fixed_point._mul_wad_up(
                    cushioned, fixed_point._mul_wad_up(multiplier, multiplier)
                )
            ),
            block.timestamp - state.updated_at,
            p.rise_per_hour,
            p.fall_per_hour,
        )
    after.level = estimator_math._bounded(target)
    after.ranged = estimator_math._bounded(closed.variance)
    after.updated_at = block.timestamp
    after.valid_until = block.timestamp + p.expiry_seconds
    estimator_state._store(market, after)
    log IVolatilityOracle.VarianceUpdated(
        market=market,
        chosen=after.level if after.is_chosen else 0,
        ranged=after.ranged,
        true_range=true_range,
        implied=implied,
        long_run=after.long_run,
        round_id=after.round_id,
    )
