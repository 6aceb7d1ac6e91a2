# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Portfolio margin arithmetic
@custom:contract-name portfolio_math
@license Apache-2.0
@author Seawall contributors
@notice What positions in several markets require together (mechanisms 9.5): the worst of joint
        scenarios, at least a share of the gross, at most the sum of the legs.
        Twin: `sim/reference/portfolio_math.py`, equal to the last bit.
@dev A leg's ratio is its scan, which others may offset, and the rest, which nothing does: size,
     what its ratio is above that of a position without size, confidence, and what leaving
     costs at the largest premium. Legs on one side add up in every scenario. So everything
     depends on the scans of the two sides, on the largest of them and on the least
     correlation between a long and a short, and none of the scenarios asks for more after a
     close on the heavier side, up to the other's scan, or after one of as much scan on both.

     Positions are linear in prices: of a grid {0, 1/3, 2/3, 1} of moves the last is the worst
     in either direction, so that no other is computed.
"""

from ..interfaces import IPortfolioRiskModel
from . import constants
from . import fixed_point
from . import margin_math


PAIRS: constant(uint256) = 28  # of 8 markets: (0, 1), (0, 2), (1, 2), (0, 3) and so on
SIGNED_WAD: constant(int256) = 10**18
# Scans above it have no offset: their squares times a correlation fit in 256 bits below.
MAX_SCAN: constant(uint256) = 2**96


struct PortfolioParameters:
    far_multiple: uint256  # scans that the far move of all markets has (WAD)
    far_weight: uint256  # share of its loss that counts (WAD)
    single_share: uint256  # of a scan that one market moves alone (WAD)
    floor_share: uint256  # of the sum of scans that is required at least (WAD)
    correlation_break: uint256  # taken off every correlation (WAD)
    confidence_coefficient: uint256  # of the confidence that no offset reduces (WAD)
    close_out_ratio: uint256  # that no offset reduces, beside the largest premium (WAD)


@pure
@internal
def _check_parameters(parameters: PortfolioParameters):
    """
    @dev Guarantees that the parameters are within bounds.
    @param parameters Parameters.
    """
    p: PortfolioParameters = parameters
    assert (
        p.far_multiple >= constants.WAD and p.far_multiple <= 10 * constants.WAD
    ), "portfolio_math: far_multiple"
    assert p.far_weight <= constants.WAD, "portfolio_math: far_weight"
    assert p.single_share <= constants.WAD, "portfolio_math: single_share"
    assert (
        p.floor_share >= constants.LEAST_PORTFOLIO_SHARE and p.floor_share <= constants.WAD
    ), "portfolio_math: floor_share"
    assert p.correlation_break <= 2 * constants.WAD, "portfolio_math: correlation_break"
    assert (
        p.confidence_coefficient <= 100 * constants.WAD
    ), "portfolio_math: confidence_coefficient"
    assert p.close_out_ratio <= constants.WAD, "portfolio_math: close_out_ratio"


@pure
@internal
def _check_correlations(correlations: int256[PAIRS]):
    """
    @dev Guarantees that correlations are those of a matrix: every one from -1 to 1, and no
         combination of markets with a variance below zero (a factor L*D*L' with no pivot below
         a billionth under zero, which is what rounded digits leave).
    @param correlations By pair (WAD).
    """
    factor: int256[64] = empty(int256[64])
    pivots: int256[8] = empty(int256[8])
    for row: uint256 in range(8):
        pivot: int256 = SIGNED_WAD
        for column: uint256 in range(8):
            if column == row:
                break
            rest: int256 = correlations[self._pair(column, row)]
            assert abs(rest) <= SIGNED_WAD, "portfolio_math: correlation"
            for k: uint256 in range(8):
                if k == column:
                    break
                rest -= (
                    factor[8 * row + k] * pivots[k] // SIGNED_WAD * factor[8 * column + k]
                    // SIGNED_WAD
                )
            if pivots[column] == 0:
                # What has no variance of its own can have no covariance.
                assert abs(rest) <= 10**14, "portfolio_math: no correlation matrix"
                continue
            factor[8 * row + column] = rest * SIGNED_WAD // pivots[column]
            pivot -= rest * factor[8 * row + column] // SIGNED_WAD
        assert pivot >= -(10**9), "portfolio_math: no correlation matrix"
        pivots[row] = pivot if pivot > 10**9 else 0


@pure
@internal
def _pair(first: uint256, second: uint256) -> uint256:
    """
    @dev Place of a pair of markets.
    @param first Market id.
    @param second Market id, above the first.
    @return uint256 Place below 28.
    """
    return second * (second - 1) // 2 + first


@pure
@internal
def _scan_ratio(
    leg: IPortfolioRiskModel.PortfolioLeg, parameters: PortfolioParameters
) -> uint256:
    """
    @dev min(ratio, base) - k*confidence/price - premium - close-out, at least one unit.
    @param leg Position.
    @param parameters Parameters.
    @return uint256 Ratio (WAD), at most the leg's own.
    """
    scan: uint256 = min(leg.ratio, leg.base_ratio)
    firm: uint256 = constants.WAD
    if leg.price != 0 and leg.confidence < leg.price:
        # NOTE: rounds up, less may be offset.
        firm = fixed_point._mul_wad_up(
            parameters.confidence_coefficient,
            fixed_point._div_wad_up(leg.confidence, leg.price),
        )
    firm += min(leg.max_premium, constants.WAD) + parameters.close_out_ratio
    return max(scan - min(scan, firm), 1)


@pure
@internal
def _joint_loss(
    longs: uint256,
    shorts: uint256,
    largest: uint256,
    correlation: int256,
    parameters: PortfolioParameters,
) -> uint256:
    """
    @dev min(G, max(D, far*D, sqrt(L^2 + S^2 - 2*c*L*S), single*M, floor*G)) with D = |L - S|,
         G = L + S: all markets fall or rise by a scan, or by several at a weight; long and
         short move as their correlation, less the break, says; one market moves alone; floor.
    @param longs L, scans of longs (WAD quote).
    @param shorts S, scans of shorts (WAD quote).
    @param largest M, largest scan of one position (WAD quote).
    @param correlation c, least correlation between a long and a short, less the break (WAD).
    @param parameters Parameters.
    @return uint256 Requirement of the scans together (WAD quote).
    """
    gross: uint256 = longs + shorts
    if longs == 0 or shorts == 0 or max(longs, shorts) > MAX_SCAN:
        return gross
    # NOTE: every term rounds up, against the account.
    lean: uint256 = max(longs, shorts) - min(longs, shorts)
    far: uint256 = fixed_point._mul_wad_up(parameters.far_multiple, parameters.far_weight)
    worst: uint256 = max(lean, fixed_point._mul_wad_up(lean, far))
    worst = max(worst, fixed_point._mul_wad_up(largest, parameters.single_share))
    worst = max(worst, fixed_point._mul_wad_up(gross, parameters.floor_share))
    both: int256 = convert(2 * longs * shorts, int256)
    # NOTE: the product rounds down, the square up.
    square: uint256 = convert(
        convert(longs * longs + shorts * shorts, int256)
        - fixed_point._floor_div_signed(both * correlation, SIGNED_WAD),
        uint256,
    )
    root: uint256 = isqrt(square)
    if root * root < square:
        root += 1
    return min(max(worst, root), gross)


@pure
@internal
def _portfolio_margin(
    legs: IPortfolioRiskModel.PortfolioLeg[8],
    correlations: int256[PAIRS],
    estimated: int256,
    parameters: PortfolioParameters,
) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @dev What positions require together: their scans' joint loss, and the rest of each.
    @param legs By market id, empty without a position.
    @param correlations Stated, by pair of markets (WAD).
    @param estimated Least estimated one between a long and a short (WAD), 1 if none is.
    @param parameters Parameters.
    @return PortfolioMargin Margin.
    """
    margin: IPortfolioRiskModel.PortfolioMargin = empty(IPortfolioRiskModel.PortfolioMargin)
    longs: uint256 = 0
    shorts: uint256 = 0
    largest: uint256 = 0
    correlation: int256 = estimated
    for market: uint256 in range(8):
        leg: IPortfolioRiskModel.PortfolioLeg = legs[market]
        if leg.notional == 0:
            continue
        notional: uint256 = convert(abs(leg.notional), uint256)
        ratio: uint256 = self._scan_ratio(leg, parameters)
        scan: uint256 = margin_math._requirement(notional, ratio)
        margin.scan_ratios[market] = ratio
        margin.requirement += margin_math._requirement(notional, leg.ratio) - scan
        largest = max(largest, scan)
        if leg.notional > 0:
            longs += scan
        else:
            shorts += scan
        for other: uint256 in range(8):
            if other == market:
                break
            if legs[other].notional != 0 and (legs[other].notional > 0) != (leg.notional > 0):
                correlation = min(correlation, correlations[self._pair(other, market)])
    correlation = max(
        correlation - convert(parameters.correlation_break, int256), -SIGNED_WAD
    )
    now: uint256 = self._joint_loss(longs, shorts, largest, correlation, parameters)
    margin.requirement += now

    # SHARES that closes free: from here to equal sides, and from there to nothing.
    lighter: uint256 = min(longs, shorts)
    heavier: uint256 = max(longs, shorts)
    even: uint256 = self._joint_loss(
        lighter, lighter, min(largest, lighter), correlation, parameters
    )
    margin.alone_share = constants.WAD
    margin.together_share = constants.WAD
    # NOTE: round down, closes more.
    if heavier != lighter:
        margin.alone_share = min(
            fixed_point._mul_div_down(now - min(even, now), constants.WAD, heavier - lighter),
            constants.WAD,
        )
    if lighter != 0:
        margin.together_share = fixed_point._mul_div_down(
            even, constants.WAD, 2 * lighter
        )
    return margin
