# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Oracle parameters
@custom:contract-name oracle_parameters
@license Apache-2.0
@author Seawall contributors
@notice The oracle's configuration, checked once and then fixed: a change of parameters is
        a new oracle. Immutable, because a report is the protocol's most frequent transaction.
"""

from ..interfaces import IPriceOracle
from ..lib import constants


# Largest price that packed storage holds.
PRICE_LIMIT: constant(uint256) = 2**96
# Longest heartbeat plus grace: 194 days, the width of the packed field.
TIME_LIMIT: constant(uint256) = 2**24


PARAMETERS: immutable(IPriceOracle.OracleParameters)


@deploy
def __init__(parameters: IPriceOracle.OracleParameters):
    """
    @notice Checks and fixes the configuration.
    @param parameters Configuration; see `IPriceOracle.OracleParameters`.
    """
    p: IPriceOracle.OracleParameters = parameters
    wad: uint256 = constants.WAD
    assert p.heartbeat_grace_seconds < TIME_LIMIT, "oracle: grace too long"
    assert p.max_source_confidence_ratio <= wad, "oracle: source confidence above 1"
    assert p.max_confidence_ratio <= wad, "oracle: confidence above 1"
    assert p.max_divergence >= wad, "oracle: divergence below 1"
    assert p.max_divergence <= 10**6 * wad, "oracle: divergence above 1e6"
    assert p.min_price < p.max_price, "oracle: price bounds"
    assert p.max_price < PRICE_LIMIT, "oracle: max price too large"
    assert p.tau_fast_seconds > 0, "oracle: zero tau"
    assert p.tau_fast_seconds <= p.tau_slow_seconds, "oracle: fast slower than slow"
    assert p.tau_ema_seconds > 0, "oracle: zero tau"
    assert p.max_return > 0, "oracle: zero return cap"
    assert p.max_return <= wad, "oracle: return cap above 1"
    assert p.limiter_horizon_seconds > 0, "oracle: zero limiter horizon"
    assert p.limiter_horizon_seconds <= constants.DAY_SECONDS, "oracle: limiter horizon too long"
    assert p.limiter_minimum > 0, "oracle: zero limiter"
    assert p.limiter_minimum <= wad, "oracle: limiter above 1"
    assert p.limiter_coefficient <= 100 * wad, "oracle: limiter coefficient above 100"
    assert p.minimum_sources > 0, "oracle: zero sources"
    assert p.minimum_sources <= p.valid_sources, "oracle: minimum above valid sources"
    assert p.valid_sources <= constants.MAX_REPORTERS, "oracle: too many sources"
    assert p.open_status < constants.STATUS_NONE, "oracle: bad status"
    assert p.withdraw_status < constants.STATUS_NONE, "oracle: bad status"
    assert p.liquidate_status < constants.STATUS_NONE, "oracle: bad status"
    assert p.settle_status < constants.STATUS_NONE, "oracle: bad status"
    PARAMETERS = p


@view
@external
@reentrant
def parameters() -> IPriceOracle.OracleParameters:
    """
    @notice The oracle's configuration.
    @return OracleParameters Fixed at deployment.
    """
    return PARAMETERS
