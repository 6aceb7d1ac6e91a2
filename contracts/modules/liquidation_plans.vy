# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Plans of liquidations
@custom:contract-name liquidation_plans
@license Apache-2.0
@author Seawall contributors
@notice Who may be liquidated, in which market, how much of it, at what fee, and for whom.
@dev A forced close never makes an account riskier. Its net exposure is the sum of signed
     notionals. The riskiest position on the side of the net closes alone until the net is
     zero; of what must close beyond, as much closes of the riskiest position on the other
     side. So neither the sum of notionals nor the net ever grows, whatever is correlated
     with what. In portfolio mode notionals count by their scans, the measure in which such an
     account is margined: neither the sum of scans nor their net ever grows, and with them no
     term of what it requires.
"""

from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidationEngine
from ..interfaces import ILiquidityPool
from ..interfaces import IRiskEngine
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math
from ..lib import margin_math
from . import liquidation_bounds
from . import liquidation_params

uses: liquidation_bounds
uses: liquidation_params


OBSTACLE_HEALTHY: constant(uint256) = 1
OBSTACLE_PRICE: constant(uint256) = 2
OBSTACLE_THROTTLE: constant(uint256) = 3
OBSTACLE_AVERAGE: constant(uint256) = 4

CAUSE_PRICE: constant(uint256) = 0
CAUSE_PARAMETER: constant(uint256) = 1

NOWHERE: constant(uint256) = 8  # instead of a market


# The riskiest position of a side that may close.
struct Candidate:
    market: uint256  # 8 if there is none
    score: int256
    fee_rate: uint256
    volatility: uint256


# What closing a position does to the account: per unit of notional.
struct Terms:
    notional: uint256  # of the position (WAD quote)
    weight: uint256  # in the net (WAD)
    alone: uint256  # maintenance requirement that it frees while the net is on its side (WAD)
    together: uint256  # that it frees with as much on the other side (WAD)
    cost: uint256  # fee and impact (WAD)


# Notionals to close (WAD quote).
struct Amounts:
    first: uint256
    hedge: uint256
    alone: uint256  # part of the first that has no hedge
    least: uint256  # least that the first closes
    bare: uint256  # part of the first that may close without a hedge: the net grows by no more


LIQUIDITY_POOL: immutable(ILiquidityPool)
INSURANCE_FUND: immutable(IInsuranceFund)


@deploy
def __init__(liquidity_pool: address, insurance_fund: address):
    """
    @notice Fixes the contracts around.
    @param liquidity_pool Liquidity pool.
    @param insurance_fund Insurance fund.
    """
    for x: address in [liquidity_pool, insurance_fund]:
        assert x != empty(address), "liquidation_plans: zero address"
    LIQUIDITY_POOL = ILiquidityPool(liquidity_pool)
    INSURANCE_FUND = IInsuranceFund(insurance_fund)


@view
@internal
def _plan(inputs: IRiskEngine.LiquidationAccount) -> ILiquidationEngine.LiquidationPlan:
    """
    @dev Decides a liquidation.
    @param inputs What the decision is made on, with at least one position.
    @return LiquidationPlan Plan.
    """
    plan: ILiquidationEngine.LiquidationPlan = empty(ILiquidationEngine.LiquidationPlan)
    plan.equity = inputs.equity
    plan.maintenance_requirement = inputs.maintenance_requirement
    if inputs.equity >= convert(inputs.maintenance_requirement, int256):
        plan.obstacle = OBSTACLE_HEALTHY
        return plan
    plan.breach_cause = CAUSE_PRICE
    if inputs.equity >= convert(inputs.entry_requirement, int256):
        plan.breach_cause = CAUSE_PARAMETER

    # MARKETS
    net: int256 = self._net_notional(inputs)
    first: Candidate = self._riskiest(inputs, True)
    hedge: Candidate = self._riskiest(inputs, False)
    if net < 0 or (net == 0 and self._is_before(hedge, first)):
        lighter: Candidate = first
        first = hedge
        hedge = lighter
    if first.market == NOWHERE:
        plan.obstacle = OBSTACLE_PRICE
        return plan
    plan.eligible = True

    # SIZES
    is_backstop: bool = liquidation_bounds._is_backstop(
        inputs.equity, inputs.maintenance_requirement
    )
    wanted: Amounts = self._wanted(inputs, convert(abs(net), uint256), first, hedge)
    first_room: liquidation_bounds.Room = self._room(inputs, first, is_backstop)
    hedge_room: liquidation_bounds.Room = self._room(inputs, hedge, is_backstop)
    amounts: Amounts = self._within(inputs, wanted, first, hedge, first_room, hedge_room)
    plan.first = self._close(inputs, first, amounts.first, first_room)
    plan.hedge = self._close(inputs, hedge, amounts.hedge, hedge_room)
    if plan.first.size == 0:
        plan.obstacle = OBSTACLE_THROTTLE
        return plan

    # FILLS
    slippage: int256 = 0
    for planned: ILiquidationEngine.PlannedClose in [plan.first, plan.hedge]:
        if planned.size == 0:
            continue
        leg: IRiskEngine.LiquidationLeg = inputs.legs[planned.market]
        closed: int256 = self._signed(leg, planned.size)
        fill_price: uint256 = staticcall LIQUIDITY_POOL.quote(
            planned.market, -closed, leg.index_price
        )
        if not is_backstop and not liquidation_math._is_near_average(
            closed,
            fill_price,
            leg.ema_price,
            liquidation_params.parameters.average_price_band,
        ):
            plan.obstacle = OBSTACLE_AVERAGE
        # NOTE: rounds down, a lower fee.
        slippage += fixed_point._mul_wad_signed_floor(
            closed, convert(fill_price, int256) - convert(leg.risk_price, int256)
        )

    # FEES, a share of the equity before and after the fills: they alone never make an
    # account bankrupt
    most: uint256 = margin_math._share(
        convert(max(min(inputs.equity, inputs.equity + slippage), 0), uint256),
        liquidation_params.parameters.fee_equity_share,
    )
    adequacy: uint256 = liquidation_math._adequacy(
        staticcall INSURANCE_FUND.reserves(), staticcall INSURANCE_FUND.target_reserves()
    )
    plan.first = self._with_fee(plan.first, most, adequacy)
    plan.hedge = self._with_fee(plan.hedge, most - plan.first.fee, adequacy)
    bounty: uint256 = plan.first.bounty + plan.hedge.bounty
    plan.tip = liquidation_math._tip(
        liquidation_params.parameters.min_bounty,
        bounty,
        plan.first.fee + plan.hedge.fee - bounty,
    )
    return plan


@pure
@internal
def _net_notional(inputs: IRiskEngine.LiquidationAccount) -> int256:
    """
    @dev Long minus short weighted notional of an account, whatever the prices are good for.
    @param inputs What the decision is made on.
    @return int256 Net exposure (WAD quote).
    """
    net: int256 = 0
    for leg: IRiskEngine.LiquidationLeg in inputs.legs:
        # NOTE: rounds up, as the requirement does.
        weighted: int256 = convert(
            fixed_point._mul_wad_up(leg.notional, leg.scan_ratio), int256
        )
        net += weighted if leg.size > 0 else -weighted
    return net


@view
@internal
def _riskiest(inputs: IRiskEngine.LiquidationAccount, is_long: bool) -> Candidate:
    """
    @dev The position of a side of which one unit's close brings the account furthest, the
         first of equals, among those whose price is good enough.
    @param inputs What the decision is made on.
    @param is_long Whether of the long side.
    @return Candidate Position; market 8 if there is none.
    """
    best: Candidate = empty(Candidate)
    best.market = NOWHERE
    for market: uint256 in range(8):
        if inputs.open_markets >> market == 0:
            break
        leg: IRiskEngine.LiquidationLeg = inputs.legs[market]
        if leg.size == 0 or (leg.size > 0) != is_long or leg.allowed == 0:
            continue
        volatility: uint256 = fixed_point._sqrt_wad(leg.variance)
        fee_rate: uint256 = self._fee_rate(inputs, leg.maintenance_ratio, volatility)
        score: int256 = liquidation_math._leg_score(
            leg.maintenance_ratio,
            liquidation_params.parameters.buffer,
            fee_rate,
            liquidation_math._exit_cost_rate(
                leg.size, leg.risk_price, leg.index_price, leg.premium
            ),
        )
        if best.market == NOWHERE or score > best.score:
            best = Candidate(
                market=market, score=score, fee_rate=fee_rate, volatility=volatility
            )
    return best


@pure
@internal
def _is_before(one: Candidate, other: Candidate) -> bool:
    """
    @dev Whether one position is riskier than another, of equals the one of the lower market.
    @param one Position.
    @param other Position.
    @return bool True if it is.
    """
    if one.market == NOWHERE or other.market == NOWHERE:
        return other.market == NOWHERE
    return one.score > other.score or (one.score == other.score and one.market < other.market)


@view
@internal
def _fee_rate(
    inputs: IRiskEngine.LiquidationAccount, maintenance_ratio: uint256, volatility: uint256
) -> uint256:
    """
    @dev Adaptive fee rate: convex in volatility and in shortfall.
    @param inputs What the decision is made on.
    @param maintenance_ratio Ratio of the position (WAD).
    @param volatility Annualised volatility (WAD).
    @return uint256 Rate (WAD).
    """
    parameters: ILiquidationEngine.LiquidationParameters = liquidation_params.parameters
    # NOTE: rounds down, a lower fee.
    maintenance_cap: uint256 = fixed_point._mul_wad_down(
        maintenance_ratio, parameters.fee_maintenance_share
    )
    return liquidation_math._fee_rate(
        parameters.fee_base,
        parameters.fee_volatility_coefficient,
        parameters.fee_shortfall_coefficient,
        liquidation_math._excess_volatility(volatility, parameters.volatility_reference),
        liquidation_math._shortfall(inputs.equity, inputs.maintenance_requirement),
        parameters.fee_max,
        maintenance_cap,
    )


@view
@internal
def _terms(inputs: IRiskEngine.LiquidationAccount, candidate: Candidate) -> Terms:
    """
    @dev What closing a position does to the account.
    @param inputs What the decision is made on.
    @param candidate Position, or none.
    @return Terms Terms, empty if there is none.
    """
    if candidate.market == NOWHERE:
        nothing: Terms = empty(Terms)
        nothing.weight = constants.WAD
        return nothing
    leg: IRiskEngine.LiquidationLeg = inputs.legs[candidate.market]
    # The impact of closing everything: the impact of a part is not above it.
    fill_price: uint256 = staticcall LIQUIDITY_POOL.quote(
        candidate.market, -leg.size, leg.index_price
    )
    return Terms(
        notional=leg.notional,
        weight=leg.scan_ratio,
        alone=self._freed(leg, inputs.alone_share),
        together=self._freed(leg, inputs.together_share),
        cost=candidate.fee_rate
        + liquidation_math._impact_rate(leg.size, leg.risk_price, fill_price),
    )


@view
@internal
def _wanted(
    inputs: IRiskEngine.LiquidationAccount, net: uint256, first: Candidate, hedge: Candidate
) -> Amounts:
    """
    @dev What restores the buffered margin, the first position alone up to the net exposure
         and both together beyond it; at least the least chunk, and no dust left.
    @param inputs What the decision is made on.
    @param net Magnitude of the net exposure, on the side of the first (WAD quote).
    @param first Position that closes.
    @param hedge Position on the other side, or none.
    @return Amounts Notionals.
    """
    buffer: uint256 = liquidation_params.parameters.buffer
    smallest: uint256 = inputs.min_position_notional
    one: Terms = self._terms(inputs, first)
    other: Terms = self._terms(inputs, hedge)
    amounts: Amounts = empty(Amounts)

    # ALONE
    most: uint256 = fixed_point._mul_div_down(net, constants.WAD, one.weight)
    free: uint256 = min(one.notional, most)
    amounts.bare = 2 * most
    both: uint256 = min(
        one.notional - free, self._weighed(other.notional, other.weight, one.weight)
    )
    amounts.least = liquidation_math._least_close(
        one.notional, liquidation_params.parameters.min_close_share, smallest, free + both
    )
    amounts.alone = liquidation_math._close_notional(
        inputs.equity,
        inputs.maintenance_requirement,
        free,
        one.alone,
        one.cost,
        buffer,
    )
    amounts.alone = max(amounts.alone, min(amounts.least, free))

    # TOGETHER
    together: uint256 = 0
    if amounts.alone == free and both != 0:
        # NOTE: costs up, what is freed down: closes more.
        equity: int256 = inputs.equity - convert(
            fixed_point._mul_wad_up(free, one.cost), int256
        )
        freed: uint256 = fixed_point._mul_wad_down(free, one.alone)
        together = liquidation_math._close_notional(
            equity,
            inputs.maintenance_requirement - min(freed, inputs.maintenance_requirement),
            both,
            one.together + self._weighed(other.together, one.weight, other.weight),
            one.cost + self._weighed(other.cost, one.weight, other.weight),
            buffer,
        )
        together = max(together, amounts.least - min(amounts.least, free))
        if together != 0:
            together = liquidation_math._without_dust(together, both, smallest, both)

    # DUST, as far as the net does not grow by it
    amounts.first = amounts.alone + together
    amounts.hedge = self._weighed(together, one.weight, other.weight)
    if together != 0:
        amounts.hedge = liquidation_math._without_dust(
            amounts.hedge,
            other.notional,
            smallest,
            self._weighed(amounts.first, one.weight, other.weight),
        )
    amounts.first = liquidation_math._without_dust(
        amounts.first,
        one.notional,
        smallest,
        amounts.bare + self._weighed(amounts.hedge, other.weight, one.weight),
    )
    return amounts


@pure
@internal
def _weighed(notional: uint256, weight: uint256, other_weight: uint256) -> uint256:
    """
    @dev What notional of one position is of another with the same effect on the net.
    @param notional Notional (WAD quote), or anything per unit of it.
    @param weight Its weight (WAD).
    @param other_weight Weight of the other (WAD), not zero.
    @return uint256 The other's.
    """
    # NOTE: rounds down, closes less of what is beyond the net.
    return fixed_point._mul_div_down(notional, weight, other_weight)


@pure
@internal
def _freed(leg: IRiskEngine.LiquidationLeg, share: uint256) -> uint256:
    """
    @dev Requirement that a position's close frees: what no other offsets, and a share of what
         others do.
    @param leg Position.
    @param share Share (WAD).
    @return uint256 Ratio (WAD): the position's own at a share of one.
    """
    # NOTE: rounds down, closes more.
    kept: uint256 = fixed_point._mul_wad_up(leg.scan_ratio, constants.WAD - share)
    return leg.maintenance_ratio - min(kept, leg.maintenance_ratio)


@view
@internal
def _room(
    inputs: IRiskEngine.LiquidationAccount, candidate: Candidate, is_backstop: bool
) -> liquidation_bounds.Room:
    """
    @dev What may be closed of a position now.
    @param inputs What the decision is made on.
    @param candidate Position, or none.
    @param is_backstop Whether the account is far below.
    @return Room Room, empty if there is none.
    """
    if candidate.market == NOWHERE:
        return empty(liquidation_bounds.Room)
    return liquidation_bounds._room(
        candidate.market, inputs.legs[candidate.market], is_backstop
    )


@pure
@internal
def _within(
    inputs: IRiskEngine.LiquidationAccount,
    wanted: Amounts,
    first: Candidate,
    hedge: Candidate,
    first_room: liquidation_bounds.Room,
    hedge_room: liquidation_bounds.Room,
) -> Amounts:
    """
    @dev What the bounds let through of what is wanted; nothing instead of a sliver.
    @param inputs What the decision is made on.
    @param wanted Notionals.
    @param first Position that closes.
    @param hedge Position on the other side, or none.
    @param first_room What may close of the first.
    @param hedge_room What may close of the other.
    @return Amounts Notionals.
    """
    smallest: uint256 = inputs.min_position_notional
    one: uint256 = inputs.legs[first.market].scan_ratio
    other: uint256 = constants.WAD
    if hedge.market != NOWHERE:
        other = inputs.legs[hedge.market].scan_ratio
    amounts: Amounts = wanted
    amounts.first = liquidation_math._let_through(
        wanted.first, inputs.legs[first.market].notional, first_room.notional, smallest
    )
    if amounts.first < wanted.first:
        amounts.alone = min(wanted.alone, amounts.first)
        amounts.hedge = min(
            wanted.hedge, self._weighed(amounts.first - amounts.alone, one, other)
        )
    least: uint256 = min(wanted.least, first_room.whole)
    if amounts.hedge != 0:
        most: uint256 = liquidation_math._let_through(
            amounts.hedge, inputs.legs[hedge.market].notional, hedge_room.notional, smallest
        )
        least = min(least, amounts.alone + self._weighed(hedge_room.whole, other, one))
        if most < amounts.hedge:
            amounts.hedge = most
            amounts = self._matched(
                amounts, inputs.legs[first.market].notional, smallest, one, other
            )
            # What leaves the smallest position is no sliver either.
            least = min(
                least, max(inputs.legs[first.market].notional, 2 * smallest) - smallest
            )
    # What the bounds let through at most is no sliver; less than it waits for the next second.
    if first_room.whole > 2 * smallest:
        least = min(least, first_room.whole - smallest)
    if hedge_room.whole > 2 * smallest:
        least = min(
            least, amounts.alone + self._weighed(hedge_room.whole - smallest, other, one)
        )
    if amounts.first < min(least, wanted.first):
        return empty(Amounts)
    return amounts


@pure
@internal
def _matched(
    amounts: Amounts, held: uint256, smallest: uint256, one: uint256, other: uint256
) -> Amounts:
    """
    @dev What closes of the first once less of its hedge does: what that matches, and no dust
         left. All of it if the net bears the rest, else so little that no dust is left, if
         that is no sliver.
    @param amounts Notionals, the hedge's cut.
    @param held Notional of the first (WAD quote).
    @param smallest Smallest position (WAD quote).
    @param one Weight of the first (WAD).
    @param other Weight of its hedge (WAD).
    @return Amounts Notionals.
    """
    cut: Amounts = amounts
    matched: uint256 = self._weighed(amounts.hedge, other, one)
    cut.first = liquidation_math._without_dust(
        min(amounts.first, amounts.alone + matched),
        held,
        smallest,
        min(amounts.first, amounts.bare + matched),
    )
    if cut.first < held and held - cut.first < smallest and held >= 2 * smallest:
        cut.first = held - smallest
        cut.alone = min(amounts.alone, cut.first)
        cut.hedge = min(amounts.hedge, self._weighed(cut.first - cut.alone, one, other))
    return cut


@pure
@internal
def _close(
    inputs: IRiskEngine.LiquidationAccount,
    candidate: Candidate,
    notional: uint256,
    room: liquidation_bounds.Room,
) -> ILiquidationEngine.PlannedClose:
    """
    @dev Turns a notional into a size.
    @param inputs What the decision is made on.
    @param candidate Position, or none.
    @param notional What closes of it (WAD quote).
    @param room What may close of it.
    @return PlannedClose Close without its fee; empty if nothing closes.
    """
    planned: ILiquidationEngine.PlannedClose = empty(ILiquidationEngine.PlannedClose)
    if notional == 0:
        return planned
    leg: IRiskEngine.LiquidationLeg = inputs.legs[candidate.market]
    held: uint256 = convert(abs(leg.size), uint256)
    planned.market = candidate.market
    planned.size = held
    if notional < leg.notional:
        # NOTE: rounds up, closes more.
        planned.size = min(fixed_point._div_wad_up(notional, leg.risk_price), held)
    planned.size = min(planned.size, room.size)
    planned.notional = margin_math._notional(convert(planned.size, int256), leg.risk_price)
    planned.fee_rate = candidate.fee_rate
    planned.volatility = candidate.volatility
    return planned


@view
@internal
def _with_fee(
    planned: ILiquidationEngine.PlannedClose, most: uint256, adequacy: uint256
) -> ILiquidationEngine.PlannedClose:
    """
    @dev Adds fee and bounty to a close: more to the liquidator in volatile times, less while
         the fund is short.
    @param planned Close.
    @param most Most that the fee may be (WAD quote).
    @param adequacy The fund's adequacy (WAD).
    @return PlannedClose Close with its fee.
    """
    priced: ILiquidationEngine.PlannedClose = planned
    parameters: ILiquidationEngine.LiquidationParameters = liquidation_params.parameters
    priced.fee = min(margin_math._fee(planned.notional, planned.fee_rate), most)
    priced.bounty = margin_math._share(
        priced.fee,
        liquidation_math._bounty_share(
            parameters.bounty_share_base,
            parameters.bounty_volatility_coefficient,
            parameters.bounty_adequacy_coefficient,
            parameters.bounty_share_min,
            parameters.bounty_share_max,
            planned.volatility,
            parameters.volatility_reference,
            adequacy,
        ),
    )
    return priced


@pure
@internal
def _signed(leg: IRiskEngine.LiquidationLeg, size: uint256) -> int256:
    """
    @dev Closed size, signed as its position.
    @param leg Position.
    @param size Magnitude (WAD base).
    @return int256 Signed base units.
    """
    closed: int256 = convert(size, int256)
    return closed if leg.size > 0 else -closed
