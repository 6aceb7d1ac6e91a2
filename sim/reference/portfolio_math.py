"""Portfolio margin, bit-exact twin of ``contracts/lib/portfolio_math.vy``.

Notionals and amounts are WAD quote, ratios and correlations WAD; every rounding is against the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from sim.reference.fixed_point import (
    WAD,
    checked_int,
    checked_uint,
    div_wad_up,
    floor_div_signed,
    mul_div_down,
    mul_wad_up,
    truncating_div,
)
from sim.reference.margin_math import requirement

MARKETS = 8
PAIRS = 28
MAX_SCAN = 2**96
LEAST_SHARE = WAD // 10
"""Of the sum of what positions require alone, the least that they require together."""
ROUNDED_DIGITS = 10**9
"""Pivot (WAD) that still counts as zero."""
ROUNDED_COVARIANCE = 10**14
"""Covariance (WAD) that a pivot of zero may leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLeg:
    """One position, ``IPortfolioRiskModel.PortfolioLeg``; WAD, no notional for none."""

    notional: int = 0
    ratio: int = 0
    base_ratio: int = 0
    confidence: int = 0
    price: int = 0
    max_premium: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioParameters:
    """Parameters of the model; meanings beside the contract's struct."""

    far_multiple: int
    far_weight: int
    single_share: int
    floor_share: int
    correlation_break: int
    confidence_coefficient: int
    close_out_ratio: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioMargin:
    """What positions require together, ``IPortfolioRiskModel.PortfolioMargin``."""

    requirement: int
    alone_share: int
    together_share: int
    scan_ratios: tuple[int, ...]


def pair(first: int, second: int) -> int:
    """Return the place of a pair of markets, the first one below the second."""
    return second * (second - 1) // 2 + first


def check_parameters(parameters: PortfolioParameters) -> None:
    """Refuse parameters out of bounds.

    Raises
    ------
    ValueError
        One is.
    """
    p = parameters
    bounds = (
        ("far_multiple", p.far_multiple, WAD, 10 * WAD),
        ("far_weight", p.far_weight, 0, WAD),
        ("single_share", p.single_share, 0, WAD),
        ("floor_share", p.floor_share, LEAST_SHARE, WAD),
        ("correlation_break", p.correlation_break, 0, 2 * WAD),
        ("confidence_coefficient", p.confidence_coefficient, 0, 100 * WAD),
        ("close_out_ratio", p.close_out_ratio, 0, WAD),
    )
    for name, value, least, most in bounds:
        if not least <= value <= most:
            raise ValueError(f"portfolio_math: {name}")


def check_correlations(correlations: Sequence[int]) -> None:
    """Refuse correlations, by pair, that are those of no matrix.

    Raises
    ------
    ValueError
        They are not.
    """
    factor = [[0] * MARKETS for _ in range(MARKETS)]
    pivots = [0] * MARKETS
    for row in range(MARKETS):
        pivot = WAD
        for column in range(row):
            rest = correlations[pair(column, row)]
            if abs(rest) > WAD:
                raise ValueError("portfolio_math: correlation")
            for k in range(column):
                scaled = truncating_div(factor[row][k] * pivots[k], WAD)
                rest -= truncating_div(scaled * factor[column][k], WAD)
            if pivots[column] == 0:
                if abs(rest) > ROUNDED_COVARIANCE:
                    raise ValueError("portfolio_math: no correlation matrix")
                continue
            factor[row][column] = truncating_div(rest * WAD, pivots[column])
            pivot -= truncating_div(rest * factor[row][column], WAD)
        if pivot < -ROUNDED_DIGITS:
            raise ValueError("portfolio_math: no correlation matrix")
        pivots[row] = pivot if pivot > ROUNDED_DIGITS else 0


def scan_ratio(leg: PortfolioLeg, parameters: PortfolioParameters) -> int:
    """min(ratio, base) - k*confidence/price - premium - close-out, at least one unit."""
    scan = min(leg.ratio, leg.base_ratio)
    firm = WAD
    if leg.price != 0 and leg.confidence < leg.price:
        firm = mul_wad_up(parameters.confidence_coefficient, div_wad_up(leg.confidence, leg.price))
    firm += min(leg.max_premium, WAD) + parameters.close_out_ratio
    return max(scan - min(scan, firm), 1)


def joint_loss(
    longs: int, shorts: int, largest: int, correlation: int, parameters: PortfolioParameters
) -> int:
    """min(G, max(D, far*D, sqrt(L^2 + S^2 - 2*c*L*S), single*M, floor*G)), D = |L - S|, G = L + S."""
    gross = checked_uint(longs + shorts)
    if longs == 0 or shorts == 0 or max(longs, shorts) > MAX_SCAN:
        return gross
    lean = abs(longs - shorts)
    far = mul_wad_up(parameters.far_multiple, parameters.far_weight)
    square = longs * longs + shorts * shorts
    square -= floor_div_signed(checked_int(2 * longs * shorts * correlation), WAD)
    root = isqrt(checked_uint(square))
    worst = max(
        lean,
        mul_wad_up(lean, far),
        mul_wad_up(largest, parameters.single_share),
        mul_wad_up(gross, parameters.floor_share),
        root + (root * root < square),
    )
    return min(worst, gross)


def portfolio_margin(
    legs: Sequence[PortfolioLeg],
    correlations: Sequence[int],
    parameters: PortfolioParameters,
    *,
    estimated: int = WAD,
) -> PortfolioMargin:
    """Return what positions, by market id, require together: their scans' joint loss and the rest of each.

    Parameters
    ----------
    correlations
        Stated, by pair (WAD).
    estimated
        Least estimated one between a long and a short (WAD), 1 if none is.
    """
    scans: list[int] = []
    ratios: list[int] = []
    total = 0
    for leg in legs:
        if leg.notional == 0:
            scans.append(0)
            ratios.append(0)
            continue
        ratios.append(scan_ratio(leg, parameters))
        scan = requirement(abs(leg.notional), ratios[-1])
        scans.append(scan if leg.notional > 0 else -scan)
        total += requirement(abs(leg.notional), leg.ratio) - scan
    longs = sum(scan for scan in scans if scan > 0)
    shorts = -sum(scan for scan in scans if scan < 0)
    largest = max(abs(scan) for scan in scans)
    against = [
        correlations[pair(i, j)]
        for j, one in enumerate(legs)
        for i, other in enumerate(legs[:j])
        if one.notional and other.notional and (one.notional > 0) != (other.notional > 0)
    ]
    correlation = max(min((estimated, *against)) - parameters.correlation_break, -WAD)
    now = joint_loss(longs, shorts, largest, correlation, parameters)
    lighter, heavier = min(longs, shorts), max(longs, shorts)
    even = joint_loss(lighter, lighter, min(largest, lighter), correlation, parameters)
    alone = together = WAD
    if heavier != lighter:
        alone = min(mul_div_down(now - min(even, now), WAD, heavier - lighter), WAD)
    if lighter != 0:
        together = mul_div_down(even, WAD, 2 * lighter)
    return PortfolioMargin(
        requirement=checked_uint(total + now),
        alone_share=alone,
        together_share=together,
        scan_ratios=tuple(ratios),
    )
