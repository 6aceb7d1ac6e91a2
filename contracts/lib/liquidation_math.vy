# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Liquidation arithmetic
@custom:contract-name liquidation_math
@license Apache-2.0
@author Seawall contributors
@notice Which position closes and how much of it (mechanisms 5.1, 9.8), fee convex in
        volatility and shortfall and its split (9.7), throttle and bounds of a forced close,
        share of a loss, rank and size of auto-deleveraging (9.10).
        Twin: `sim/reference/liquidation_math.py`, equal to the last bit.
"""

from . import constants
from . import fixed_point


@pure
@internal
def _shortfall(equity: int256, requirement: uint256) -> uint256:
    """
    @dev clamp((MM - E)/MM, 0, 1).
    @param equity Equity (WAD quote).
    @param requirement Maintenance requirement (WAD quote).
    @return uint256 Shortfall (WAD).
    """
    if equity <= 0:
        return constants.WAD
    covered: uint256 = convert(equity, uint256)
    if covered >= requirement:
        return 0
    # NOTE: rounds down, a lower fee.
    return fixed_point._div_wad_down(requirement - covered, requirement)


@pure
@internal
def _excess_volatility(volatility: uint256, reference: uint256) -> uint256:
    """
    @dev max(sigma/sigma_ref - 1, 0).
    @param volatility Annualised volatility (WAD).
    @param reference Reference volatility (WAD), not zero.
    @return uint256 Relative excess (WAD).
    """
    # NOTE: rounds down, a lower fee.
    ratio: uint256 = fixed_point._div_wad_down(volatility, reference)
    return ratio - constants.WAD if ratio > constants.WAD else 0


@pure
@internal
def _fee_rate(
    base: uint256,
    volatility_coefficient: uint256,
    shortfall_coefficient: uint256,
    excess_volatility: uint256,
    shortfall: uint256,
    fee_max: uint256,
    maintenance_cap: uint256,
) -> uint256:
    """
    @dev f0 * (1 + a*x^2) * (1 + b*s^2), at most fee_max and the maintenance cap.
    @param base f0 (WAD).
    @param volatility_coefficient a (WAD).
    @param shortfall_coefficient b (WAD).
    @param excess_volatility x (WAD).
    @param shortfall s in [0, WAD].
    @param fee_max Largest rate (WAD).
    @param maintenance_cap Share of the position's maintenance ratio (WAD).
    @return uint256 Fee rate (WAD).
    """
    # NOTE: every product rounds down, a lower fee.
    square: uint256 = fixed_point._mul_wad_down(excess_volatility, excess_volatility)
    by_volatility: uint256 = (
        constants.WAD + fixed_point._mul_wad_down(volatility_coefficient, square)
    )
    by_shortfall: uint256 = constants.WAD + fixed_point._mul_wad_down(
        shortfall_coefficient, fixed_point._mul_wad_down(shortfall, shortfall)
    )
    rate: uint256 = fixed_point._mul_wad_down(
        fixed_point._mul_wad_down(base, by_volatility), by_shortfall
    )
    return min(rate, min(fee_max, maintenance_cap))


@pure
@internal
def _impact_rate(size: int256, risk_price: uint256, fill_price: uint256) -> uint256:
    """
    @dev What closing at the fill price costs per unit of notional at the risk price.
    @param size Signed base units of the position.
    @param risk_price Risk price (WAD), not zero.
    @param fill_price Price of closing all of it (WAD).
    @return uint256 Cost rate (WAD), zero if the fill is better.
    """
    worse: uint256 = 0
    if size > 0 and fill_price < risk_price:
        worse = risk_price - fill_price
    elif size < 0 and fill_price > risk_price:
        worse = fill_price - risk_price
    # NOTE: rounds up, closes more.
    return fixed_point._div_wad_up(worse, risk_price)


@pure
@internal
def _close_notional(
    equity: int256,
    requirement: uint256,
    notional: uint256,
    maintenance_ratio: uint256,
    cost_rate: uint256,
    buffer: uint256,
) -> uint256:
    """
    @dev x = (t*MM - E) / (t*mm - c), t = 1 + buffer, c = fee + impact: after closing x the
         equity is t times the requirement of what is left.
    @param equity Equity of the account (WAD quote), below the requirement.
    @param requirement Maintenance requirement of the account (WAD quote).
    @param notional Notional of the position (WAD quote).
    @param maintenance_ratio Ratio of the position (WAD).
    @param cost_rate Fee rate plus impact rate (WAD).
    @param buffer Margin restored above maintenance (WAD).
    @return uint256 Notional to close, all of it if a part cannot restore the margin.
    """
    if equity <= 0:
        return notional
    target: uint256 = constants.WAD + buffer
    # NOTE: requirement up, ratio down: closes more.
    target_requirement: uint256 = fixed_point._mul_wad_up(requirement, target)
    freed: uint256 = fixed_point._mul_wad_down(maintenance_ratio, target)
    covered: uint256 = convert(equity, uint256)
    if freed <= cost_rate or covered >= target_requirement:
        return notional if freed <= cost_rate else 0
    # NOTE: rounds up, closes more.
    wanted: uint256 = fixed_point._div_wad_up(target_requirement - covered, freed - cost_rate)
    return min(wanted, notional)


@pure
@internal
def _exit_cost_rate(
    size: int256, risk_price: uint256, index_price: uint256, premium: int256
) -> int256:
    """
    @dev What the first unit that closes costs against the risk price: it fills at the mark.
    @param size Signed base units of the position.
    @param risk_price Risk price (WAD), not zero.
    @param index_price Index price (WAD).
    @param premium Of the mark price over the index price, above -WAD.
    @return int256 Cost rate (WAD), negative if the fill is better.
    """
    factor: uint256 = convert(convert(constants.WAD, int256) + premium, uint256)
    # NOTE: rounds down, the same for every position.
    mark: int256 = convert(fixed_point._mul_wad_down(index_price, factor), int256)
    worse: int256 = convert(risk_price, int256) - mark
    return fixed_point._mul_div_signed_floor(
        worse if size > 0 else -worse,
        convert(constants.WAD, int256),
        convert(risk_price, int256),
    )


@pure
@internal
def _leg_score(
    maintenance_ratio: uint256, buffer: uint256, fee_rate: uint256, exit_cost_rate: int256
) -> int256:
    """
    @dev What closing one unit of notional of a position takes off the gap between the
         buffered requirement and equity: (1 + buffer)*mm - fee - exit.
    @param maintenance_ratio Ratio of the position (WAD).
    @param buffer Margin restored above maintenance (WAD).
    @param fee_rate Fee rate (WAD).
    @param exit_cost_rate Cost of its first unit (WAD).
    @return int256 Score (WAD); the riskiest position has the highest.
    """
    # NOTE: rounds down, the same for every position.
    freed: uint256 = fixed_point._mul_wad_down(maintenance_ratio, constants.WAD + buffer)
    return convert(freed, int256) - convert(fee_rate, int256) - exit_cost_rate


@pure
@internal
def _least_close(notional: uint256, share: uint256, smallest: uint256, most: uint256) -> uint256:
    """
    @dev Least that a call closes: a share of the position, at least the smallest position.
    @param notional Notional of the position (WAD quote).
    @param share Share (WAD).
    @param smallest Smallest position (WAD quote).
    @param most Most that may close (WAD quote).
    @return uint256 Notional (WAD quote), at most the most.
    """
    # NOTE: rounds up, closes more.
    return min(max(fixed_point._mul_wad_up(notional, share), smallest), most)


@pure
@internal
def _without_dust(closed: uint256, held: uint256, smallest: uint256, most: uint256) -> uint256:
    """
    @dev All of a position if less than the smallest would be left of it and all may close.
    @param closed Notional to close (WAD quote), at most what is held.
    @param held Notional held (WAD quote).
    @param smallest Smallest position (WAD quote).
    @param most Most that may close (WAD quote).
    @return uint256 Notional to close (WAD quote).
    """
    if held - closed < smallest and held <= most:
        return held
    return closed


@pure
@internal
def _let_through(wanted: uint256, held: uint256, room: uint256, smallest: uint256) -> uint256:
    """
    @dev What a bound lets close of what is wanted. What it leaves is not dust, so that no
         later call has to close more than the bound.
    @param wanted Notional to close (WAD quote), at most what is held.
    @param held Notional held (WAD quote).
    @param room What the bound has left (WAD quote).
    @param smallest Smallest position (WAD quote).
    @return uint256 Notional to close (WAD quote), at most the room.
    """
    if held <= room:
        return wanted
    if room <= 2 * smallest:
        return min(wanted, room)
    return min(wanted, room - smallest)


@pure
@internal
def _impact_size(depth: uint256, index_price: uint256, limit: uint256) -> uint256:
    """
    @dev Size that moves the mark by at most a share of the index: depth moves it by 1 %.
    @param depth Notional that moves the mark price by 1 % (WAD quote).
    @param index_price Index price (WAD), not zero.
    @param limit Share of the index (WAD).
    @return uint256 Magnitude (WAD base).
    """
    # NOTE: rounds down, closes less.
    return fixed_point._mul_div_down(100 * depth, limit, index_price)


@pure
@internal
def _round_trip_rate(fee_rate: uint256, max_premium: uint256) -> uint256:
    """
    @dev Least that a trade and its reversal cost in fees, per unit of notional at the index.
    @param fee_rate Trade fee (WAD).
    @param max_premium Largest premium of a fill (WAD).
    @return uint256 Rate (WAD).
    """
    # NOTE: rounds down, closes less.
    return 2 * fixed_point._mul_wad_down(
        fee_rate, constants.WAD - min(max_premium, constants.WAD)
    )


@pure
@internal
def _is_near_average(
    size: int256, fill_price: uint256, average_price: uint256, band: uint256
) -> bool:
    """
    @dev Whether the fill of a forced close is no worse for the account than the average
         price less the band.
    @param size Signed base units of the position.
    @param fill_price Price of the close (WAD).
    @param average_price Average of the index (WAD).
    @param band Share of it (WAD), at most WAD.
    @return bool True if it is.
    """
    # NOTE: both round against the close.
    if size > 0:
        return fill_price >= fixed_point._mul_wad_up(average_price, constants.WAD - band)
    return fill_price <= fixed_point._mul_wad_down(average_price, constants.WAD + band)


@pure
@internal
def _tip(least: uint256, bounty: uint256, fund_part: uint256) -> uint256:
    """
    @dev max(least - bounty, 0), at most what the account has just paid the fund: who
         liquidates accounts of his own gets back less than they pay.
    @param least Least bounty (WAD quote, whole quanta).
    @param bounty Bounty (WAD quote, whole quanta).
    @param fund_part The fund's part of the fees (WAD quote, whole quanta).
    @return uint256 Tip (WAD quote, whole quanta).
    """
    return min(least - min(bounty, least), fund_part)


@pure
@internal
def _bounty_share(
    base: uint256,
    volatility_coefficient: uint256,
    adequacy_coefficient: uint256,
    share_min: uint256,
    share_max: uint256,
    volatility: uint256,
    reference: uint256,
    adequacy: uint256,
) -> uint256:
    """
    @dev clamp(beta0 + kS*(sigma/sigma_ref - 1) - kI*(1 - A), min, max).
    @param base beta0 (WAD).
    @param volatility_coefficient kS (WAD).
    @param adequacy_coefficient kI (WAD).
    @param share_min Least share (WAD).
    @param share_max Largest share (WAD).
    @param volatility Annualised volatility (WAD).
    @param reference Reference volatility (WAD), not zero.
    @param adequacy min(1, fund / target) (WAD).
    @return uint256 Liquidator's share of the fee (WAD).
    """
    wad: int256 = convert(constants.WAD, int256)
    # NOTE: rounds down, less to the liquidator.
    relative: int256 = convert(fixed_point._div_wad_down(volatility, reference), int256) - wad
    by_volatility: int256 = fixed_point._mul_wad_signed_floor(
        relative, convert(volatility_coefficient, int256)
    )
    by_adequacy: uint256 = fixed_point._mul_wad_up(
        constants.WAD - adequacy, adequacy_coefficient
    )
    share: int256 = convert(base, int256) + by_volatility - convert(by_adequacy, int256)
    return convert(
        min(max(share, convert(share_min, int256)), convert(share_max, int256)), uint256
    )


@pure
@internal
def _adequacy(reserves: uint256, target: uint256) -> uint256:
    """
    @dev min(1, reserves/target), 1 without a target.
    @param reserves Fund reserves (WAD quote).
    @param target Level that counts as adequate (WAD quote).
    @return uint256 Adequacy in [0, WAD].
    """
    if reserves >= target:
        return constants.WAD
    # NOTE: rounds down, more to the fund.
    return fixed_point._div_wad_down(reserves, target)


@pure
@internal
def _available_capacity(
    available: uint256, capacity: uint256, elapsed_seconds: uint256
) -> uint256:
    """
    @dev Bucket that refills from empty to capacity in one hour.
    @param available Left at the last use (WAD quote).
    @param capacity Size of the bucket now (WAD quote).
    @param elapsed_seconds Since the last use.
    @return uint256 Available now (WAD quote).
    """
    elapsed: uint256 = min(elapsed_seconds, constants.HOUR_SECONDS)
    # NOTE: rounds down, less may be liquidated.
    refill: uint256 = fixed_point._mul_div_down(capacity, elapsed, constants.HOUR_SECONDS)
    return min(capacity, available + refill)


@pure
@internal
def _deficit_share(deficit: uint256, loss: uint256, losses: uint256) -> uint256:
    """
    @dev The part of a deficit that belongs to one of several losses, or gains.
    @param deficit Deficit (WAD quote, whole quanta).
    @param loss One loss (WAD quote).
    @param losses Sum of all (WAD quote), not zero.
    @return uint256 Part (WAD quote, whole quanta), at most the deficit.
    """
    # NOTE: rounds up to the quantum, so that parts cover all of it.
    part: uint256 = fixed_point._mul_div_up(deficit, loss, losses)
    return min(convert(fixed_point._quantize_up(convert(part, int256)), uint256), deficit)


@pure
@internal
def _deleverage_score(gain: uint256, entry_notional: uint256) -> uint256:
    """
    @dev uPnL/|entry|: gain relative to what it was made on. Neither splitting an account nor
         the collateral in it changes that, and a fresh position has none.
    @param gain Gain (WAD quote).
    @param entry_notional Magnitude of its cost (WAD quote).
    @return uint256 Score (WAD), zero without a gain or a cost.
    """
    if gain == 0 or entry_notional == 0:
        return 0
    # NOTE: rounds up, so that every gain has a rank.
    return fixed_point._div_wad_up(gain, entry_notional)


@pure
@internal
def _deleverage_size(size: uint256, gain: uint256, haircut: uint256) -> uint256:
    """
    @dev The least part of a position whose gain pays a haircut: s*(h + 1 quantum)/g, the
         quantum for what realising the gain rounds off. A haircut is so never more than what
         its close realises, and takes no larger part of the equity than of the position.
    @param size Magnitude of the position (WAD base).
    @param gain What all of it may be asked for (WAD quote, whole quanta), not zero.
    @param haircut What is to be paid (WAD quote, whole quanta), at most the gain.
    @return uint256 Magnitude to close (WAD base), zero for no haircut.
    """
    if haircut == 0:
        return 0
    # NOTE: rounds up, the gain suffices.
    return min(fixed_point._mul_div_up(size, haircut + constants.QUANTUM, gain), size)
