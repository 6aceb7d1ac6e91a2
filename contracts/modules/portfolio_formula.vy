# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Portfolio formula
@custom:contract-name portfolio_formula
@license Apache-2.0
@author Seawall contributors
@notice Asks the portfolio model what an account's positions require together, and holds the
        answer to its bounds.
@dev The bounds: never above the sum of what the positions require alone, and never below a
     tenth of it or below what leaving all of them costs at the largest premiums, so that no
     model lets anybody leave a debt at constant prices. A model that reverts, answers in
     parts or does not end lets nobody add risk, and for all else the least bound takes the
     place of its answer: its silence liquidates nobody, and who is below even that is
     liquidated all the same. Without a model positions require their sum.
"""

from ..interfaces import IPortfolioRiskModel
from ..interfaces import IRiskEngine
from ..lib import constants
from ..lib import fixed_point
from ..lib import margin_math
from . import access

uses: access


ANSWER_BYTES: constant(uint256) = 11 * 32

# @dev Zero: an account in portfolio mode is judged as one in cross mode.
portfolio_model: public(reentrant(address))


@external
def set_portfolio_model(model: address):
    """
    @notice Names another portfolio model, which must answer. Owner only.
    @param model Portfolio model.
    """
    access._check_owner()
    assert model.is_contract, "portfolio_formula: no contract"
    self.portfolio_model = model
    legs: IPortfolioRiskModel.PortfolioLeg[8] = empty(IPortfolioRiskModel.PortfolioLeg[8])
    for market: uint256 in range(8):
        notional: int256 = 10**21
        legs[market] = IPortfolioRiskModel.PortfolioLeg(
            notional=notional if market % 2 == 0 else -notional,
            ratio=constants.WAD // 20,
            base_ratio=constants.WAD // 20,
            confidence=0,
            price=constants.WAD,
            max_premium=0,
        )
    self._answer(legs)
    log IRiskEngine.PortfolioModelSet(model=model)


@view
@internal
def _answer(legs: IPortfolioRiskModel.PortfolioLeg[8]) -> uint256:
    """
    @dev What positions require together, of a model that must answer.
    @param legs By market id, empty without a position.
    @return uint256 Requirement (WAD quote).
    """
    requirement: uint256 = self._margin(legs).requirement
    assert requirement != 0, "portfolio_formula: no good answer"
    return requirement


@view
@internal
def _margin(legs: IPortfolioRiskModel.PortfolioLeg[8]) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @dev What positions require together, within bounds.
    @param legs By market id, empty without a position.
    @return PortfolioMargin Margin; `requirement` is zero if the model has no answer.
    """
    most: uint256 = 0
    for leg: IPortfolioRiskModel.PortfolioLeg in legs:
        most += margin_math._requirement(convert(abs(leg.notional), uint256), leg.ratio)
    margin: IPortfolioRiskModel.PortfolioMargin = self._alone(legs, most)
    if self.portfolio_model == empty(address):
        return margin
    answer: IPortfolioRiskModel.PortfolioMargin = self._ask(legs)
    if answer.requirement == 0:
        margin.requirement = 0
        return margin
    answer.requirement = min(max(answer.requirement, self._least(legs, most)), most)
    answer.alone_share = min(answer.alone_share, constants.WAD)
    answer.together_share = min(answer.together_share, constants.WAD)
    for market: uint256 in range(8):
        answer.scan_ratios[market] = min(
            max(answer.scan_ratios[market], 1), legs[market].ratio
        )
    return answer


@view
@internal
def _margin_or_least(
    legs: IPortfolioRiskModel.PortfolioLeg[8]
) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @dev The same, or the least bound if the model has no answer; closing frees it in parts.
    @param legs By market id, empty without a position.
    @return PortfolioMargin Margin.
    """
    margin: IPortfolioRiskModel.PortfolioMargin = self._margin(legs)
    if margin.requirement != 0:
        return margin
    most: uint256 = 0
    for leg: IPortfolioRiskModel.PortfolioLeg in legs:
        most += margin_math._requirement(convert(abs(leg.notional), uint256), leg.ratio)
    margin.requirement = self._least(legs, most)
    # NOTE: rounds down, closes more.
    margin.alone_share = fixed_point._mul_div_down(
        margin.requirement, constants.WAD, max(most, 1)
    )
    margin.together_share = margin.alone_share
    return margin


@view
@internal
def _ask(legs: IPortfolioRiskModel.PortfolioLeg[8]) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @dev What the model answers, in bounded gas.
    @param legs By market id, empty without a position.
    @return PortfolioMargin Answer, empty if there is none.
    """
    has_answered: bool = False
    answer: Bytes[ANSWER_BYTES] = b""
    has_answered, answer = raw_call(
        self.portfolio_model,
        abi_encode(
            legs,
            method_id=method_id(
                "portfolio_margin((int256,uint256,uint256,uint256,uint256,uint256)[8])"
            ),
        ),
        max_outsize=ANSWER_BYTES,
        gas=constants.PORTFOLIO_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not has_answered or len(answer) != ANSWER_BYTES:
        return empty(IPortfolioRiskModel.PortfolioMargin)
    return abi_decode(answer, IPortfolioRiskModel.PortfolioMargin)


@pure
@internal
def _alone(
    legs: IPortfolioRiskModel.PortfolioLeg[8], requirement: uint256
) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @dev Margin without any offset.
    @param legs By market id.
    @param requirement Sum of what the positions require (WAD quote).
    @return PortfolioMargin Margin.
    """
    margin: IPortfolioRiskModel.PortfolioMargin = empty(IPortfolioRiskModel.PortfolioMargin)
    margin.requirement = requirement
    margin.alone_share = constants.WAD
    margin.together_share = constants.WAD
    for market: uint256 in range(8):
        margin.scan_ratios[market] = legs[market].ratio
    return margin


@pure
@internal
def _least(legs: IPortfolioRiskModel.PortfolioLeg[8], most: uint256) -> uint256:
    """
    @dev Least that positions may require together.
    @param legs By market id.
    @param most Sum of what they require alone (WAD quote).
    @return uint256 Requirement (WAD quote).
    """
    least: uint256 = 0
    for leg: IPortfolioRiskModel.PortfolioLeg in legs:
        least += margin_math._requirement(
            convert(abs(leg.notional), uint256), min(leg.max_premium, leg.ratio)
        )
    return max(least, fixed_point._mul_wad_up(most, constants.LEAST_PORTFOLIO_SHARE))
