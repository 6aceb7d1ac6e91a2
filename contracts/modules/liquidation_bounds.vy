# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bounds of forced closes
@custom:contract-name liquidation_bounds
@license Apache-2.0
@author Seawall contributors
@notice How much may be closed by force in a market now: so little at one time that a trade
        before it and one after it do not pay, and, if the throttle is on, a share of depth an
        hour.
@dev A trade of S before a forced close of Q and back after it gains at most
     price * S * Q / skew_scale, since the premium's slope is 1 / skew_scale, and pays the
     trade fee twice: at least 2 * fee * (1 - max_premium) * price * S. So it loses as long as
     everything closed at one timestamp moves the mark by less than a round trip of fees
     costs, and no parameter lets more through: the fee may be lowered after it was set. Every
     later second lets the same through again: an account is never out of reach.
"""

from ..interfaces import ILiquidityPool
from ..interfaces import IRiskEngine
from ..interfaces import ITradingDesk
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math
from . import liquidation_params

uses: liquidation_params


# However small the fee is, so much goes through.
LEAST_IMPACT: constant(uint256) = constants.WAD // 100_000
# Of a position far below, at least so much goes through.
BACKSTOP_SHARE: constant(uint256) = constants.WAD // 4

TRADING_DESK: immutable(ITradingDesk)
PRICING_POOL: immutable(ILiquidityPool)


# How much of a market's throttle was left at its last use.
struct Bucket:
    available: uint256
    updated_at: uint256


# What was closed by force at the last time that anything was.
struct Closed:
    size: uint256  # base (WAD)
    closed_at: uint256


# What the bounds let through of a market now.
struct Room:
    size: uint256  # base units (WAD)
    notional: uint256  # least of all bounds, at the risk price (WAD quote)
    whole: uint256  # the same had nothing been used of them (WAD quote)


buckets: HashMap[uint256, Bucket]
closed: HashMap[uint256, Closed]


@deploy
def __init__(trading_desk: address, liquidity_pool: address):
    """
    @notice Fixes whose fees and premiums a trade around a forced close would pay.
    @param trading_desk Trading desk.
    @param liquidity_pool Liquidity pool.
    """
    for x: address in [trading_desk, liquidity_pool]:
        assert x != empty(address), "liquidation_bounds: zero address"
    TRADING_DESK = ITradingDesk(trading_desk)
    PRICING_POOL = ILiquidityPool(liquidity_pool)


@view
@internal
def _is_backstop(equity: int256, requirement: uint256) -> bool:
    """
    @dev Whether an account is so far below that bounds widen.
    @param equity Its equity (WAD quote).
    @param requirement Its maintenance requirement (WAD quote).
    @return bool True if it is.
    """
    # NOTE: rounds up, bounds widen earlier.
    backstop: uint256 = fixed_point._mul_wad_up(
        requirement, liquidation_params.parameters.backstop_ratio
    )
    return equity < convert(backstop, int256)


@view
@internal
def _room(market: uint256, leg: IRiskEngine.LiquidationLeg, is_backstop: bool) -> Room:
    """
    @dev What may be closed of a market now.
    @param market Market id.
    @param leg Position in it.
    @param is_backstop Whether its account is far below.
    @return Room Room.
    """
    limit: uint256 = liquidation_params.parameters.backstop_close_impact
    if not is_backstop:
        limit = self._most_impact(market)
    room: Room = empty(Room)
    whole: uint256 = liquidation_math._impact_size(leg.depth, leg.index_price, limit)
    if is_backstop:
        # A position far larger than the market is deep must not be eaten by funding while
        # it closes.
        held: uint256 = convert(abs(leg.size), uint256)
        whole = max(whole, fixed_point._mul_wad_up(held, BACKSTOP_SHARE))
    last: Closed = self.closed[market]
    used: uint256 = last.size if last.closed_at == block.timestamp else 0
    room.size = whole - min(used, whole)
    # NOTE: rounds down, closes less.
    room.notional = fixed_point._mul_wad_down(room.size, leg.risk_price)
    room.whole = fixed_point._mul_wad_down(whole, leg.risk_price)
    share: uint256 = liquidation_params.parameters.throttle_share_per_hour
    if share != 0 and not is_backstop:
        room.notional = min(room.notional, self._throttle_capacity(market, leg.depth))
        room.whole = min(room.whole, fixed_point._mul_wad_down(leg.depth, share))
    return room


@view
@internal
def _most_impact(market: uint256) -> uint256:
    """
    @dev Most that forced closes of one time may move a market's mark. Without a trade fee
         nothing makes a trade around one cost anything: the parameter alone counts.
    @param market Market id.
    @return uint256 Share of the index (WAD).
    """
    most: uint256 = liquidation_params.parameters.max_close_impact
    fee_rate: uint256 = (staticcall TRADING_DESK.parameters()).trade_fee_rate
    if fee_rate == 0:
        return most
    terms: ILiquidityPool.PricingTerms = staticcall PRICING_POOL.pricing_terms(market)
    round_trip: uint256 = liquidation_math._round_trip_rate(fee_rate, terms.max_premium)
    return min(most, max(round_trip, LEAST_IMPACT))


@internal
def _use_room(market: uint256, leg: IRiskEngine.LiquidationLeg, size: uint256, notional: uint256):
    """
    @dev Takes a close off the bounds, also one that was not held back by them.
    @param market Market id.
    @param leg Position in it.
    @param size Magnitude closed (WAD base).
    @param notional Notional closed (WAD quote).
    """
    last: Closed = self.closed[market]
    used: uint256 = last.size if last.closed_at == block.timestamp else 0
    self.closed[market] = Closed(size=used + size, closed_at=block.timestamp)
    if liquidation_params.parameters.throttle_share_per_hour == 0:
        return
    capacity: uint256 = self._throttle_capacity(market, leg.depth)
    self.buckets[market] = Bucket(
        available=capacity - min(capacity, notional), updated_at=block.timestamp
    )


@view
@internal
def _throttle_capacity(market: uint256, depth: uint256) -> uint256:
    """
    @dev Notional that the throttle lets through now.
    @param market Market id.
    @param depth Depth of the market (WAD quote).
    @return uint256 WAD quote, max uint256 if the throttle is off.
    """
    share: uint256 = liquidation_params.parameters.throttle_share_per_hour
    if share == 0:
        return max_value(uint256)
    bucket: Bucket = self.buckets[market]
    return liquidation_math._available_capacity(
        bucket.available,
        fixed_point._mul_wad_down(depth, share),
        block.timestamp - bucket.updated_at,
    )
