"""Liquidation arithmetic, bit-exact twin of ``contracts/lib/liquidation_math.vy``.

The riskiest position closes first; the fee is convex in volatility and shortfall; partial closes restore a
buffered maintenance margin, within bounds; auto-deleveraging ranks by relative gain.
"""

from sim.reference.fixed_point import (
    QUANTUM,
    WAD,
    checked_uint,
    div_wad_down,
    div_wad_up,
    mul_div_down,
    mul_div_signed_floor,
    mul_div_up,
    mul_wad_down,
    mul_wad_signed_floor,
    mul_wad_up,
    quantize_up,
)

HOUR_SECONDS = 3_600


def shortfall(equity: int, requirement: int) -> int:
    """Return clamp((MM - E)/MM, 0, 1)."""
    if equity <= 0:
        return WAD
    if equity >= requirement:
        return 0
    return div_wad_down(requirement - equity, requirement)


def excess_volatility(volatility: int, reference: int) -> int:
    """Return max(sigma/sigma_ref - 1, 0)."""
    return max(div_wad_down(volatility, reference) - WAD, 0)


def fee_rate(
    base: int,
    volatility_coefficient: int,
    shortfall_coefficient: int,
    excess: int,
    short: int,
    fee_max: int,
    maintenance_cap: int,
) -> int:
    """Return f0 * (1 + a*x^2) * (1 + b*s^2), at most fee_max and the maintenance cap."""
    by_volatility = WAD + mul_wad_down(volatility_coefficient, mul_wad_down(excess, excess))
    by_shortfall = WAD + mul_wad_down(shortfall_coefficient, mul_wad_down(short, short))
    rate = mul_wad_down(mul_wad_down(base, by_volatility), by_shortfall)
    return min(rate, fee_max, maintenance_cap)


def impact_rate(size: int, risk_price: int, fill_price: int) -> int:
    """Return what closing at the fill price costs per unit of notional at the risk price."""
    worse = risk_price - fill_price if size > 0 else fill_price - risk_price
    return div_wad_up(max(worse, 0) if size != 0 else 0, risk_price)


def close_notional(
    equity: int, requirement: int, notional: int, maintenance_ratio: int, cost_rate: int, buffer: int
) -> int:
    """Return x = (t*MM - E) / (t*mm - c) with t = 1 + buffer, or all of the position."""
    if equity <= 0:
        return notional
    target = WAD + buffer
    target_requirement = mul_wad_up(requirement, target)
    freed = mul_wad_down(maintenance_ratio, target)
    if freed <= cost_rate:
        return notional
    if equity >= target_requirement:
        return 0
    return min(div_wad_up(target_requirement - equity, freed - cost_rate), notional)


def exit_cost_rate(size: int, risk_price: int, index_price: int, premium: int) -> int:
    """Return what the first unit that closes, filled at the mark, costs against the risk price."""
    worse = risk_price - mul_wad_down(index_price, checked_uint(WAD + premium))
    return mul_div_signed_floor(worse if size > 0 else -worse, WAD, risk_price)


def leg_score(maintenance_ratio: int, buffer: int, fee: int, exit_cost: int) -> int:
    """Return (1 + buffer)*mm - fee - exit: what closing one unit takes off the gap to the requirement."""
    return mul_wad_down(maintenance_ratio, WAD + buffer) - fee - exit_cost


def least_close(notional: int, share: int, smallest: int, most: int) -> int:
    """Return the least that a call closes: a share of the position, at least the smallest position."""
    return min(max(mul_wad_up(notional, share), smallest), most)


def without_dust(closed: int, held: int, smallest: int, most: int) -> int:
    """Return all of a position if less than the smallest would be left of it and all may close."""
    return held if checked_uint(held - closed) < smallest and held <= most else closed


def let_through(wanted: int, held: int, room: int, smallest: int) -> int:
    """Return what a bound lets close of what is wanted, without leaving dust where it can."""
    if held <= room:
        return wanted
    return min(wanted, room if room <= 2 * smallest else room - smallest)


def impact_size(depth: int, index_price: int, limit: int) -> int:
    """Return the size that moves the mark by a share of the index; depth moves it by 1 %."""
    return mul_div_down(100 * depth, limit, index_price)


def round_trip_rate(fee_rate: int, max_premium: int) -> int:
    """Return the least that a trade and its reversal cost in fees: 2*f*(1 - P), of notional at the index."""
    return 2 * mul_wad_down(fee_rate, WAD - min(max_premium, WAD))


def is_near_average(size: int, fill_price: int, average_price: int, band: int) -> bool:
    """Return whether a fill is no worse for the account than the average price less the band."""
    if size > 0:
        return fill_price >= mul_wad_up(average_price, checked_uint(WAD - band))
    return fill_price <= mul_wad_down(average_price, WAD + band)


def tip(least: int, bounty: int, fund_part: int) -> int:
    """Return max(least - bounty, 0), at most what the account has just paid the fund."""
    return min(max(least - bounty, 0), fund_part)


def bounty_share(
    base: int,
    volatility_coefficient: int,
    adequacy_coefficient: int,
    share_min: int,
    share_max: int,
    volatility: int,
    reference: int,
    adequate: int,
) -> int:
    """Return clamp(beta0 + kS*(sigma/sigma_ref - 1) - kI*(1 - A), min, max)."""
    relative = div_wad_down(volatility, reference) - WAD
    exact = (
        base
        + mul_wad_signed_floor(relative, volatility_coefficient)
        - mul_wad_up(WAD - adequate, adequacy_coefficient)
    )
    return min(max(exact, share_min), share_max)


def adequacy(reserves: int, target: int) -> int:
    """Return min(1, reserves/target), 1 without a target."""
    return WAD if reserves >= target else div_wad_down(reserves, target)


def available_capacity(available: int, capacity: int, elapsed_seconds: int) -> int:
    """Return what a bucket that refills in one hour holds."""
    elapsed = min(elapsed_seconds, HOUR_SECONDS)
    return min(capacity, available + mul_div_down(capacity, elapsed, HOUR_SECONDS))


def deficit_share(deficit: int, loss: int, losses: int) -> int:
    """Return the part of a deficit, in whole quanta, that belongs to one of several losses or gains."""
    return min(quantize_up(mul_div_up(deficit, loss, losses)), deficit)


def deleverage_score(gain: int, entry_notional: int) -> int:
    """Return uPnL/abs(entry), zero without a gain or a cost."""
    return 0 if gain == 0 or entry_notional == 0 else div_wad_up(gain, entry_notional)


def deleverage_size(size: int, gain: int, haircut: int) -> int:
    """Return the least part of a position whose gain pays a haircut: s*(h + 1 quantum)/g."""
    return 0 if haircut == 0 else min(mul_div_up(size, haircut + QUANTUM, gain), size)
