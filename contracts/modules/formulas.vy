# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin formulas of markets
@custom:contract-name formulas
@license Apache-2.0
@author Seawall contributors
@notice Asks a market's formula, one position at a time or many at once. A formula that breaks
        its promise stops its market.
@dev No state. The batch is a faster way to the same answers: where a formula that was found to
     have it does not answer in full, it is asked one by one.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskModel
from ..lib import constants
from ..lib import risk_inputs


MAX_POSITIONS: constant(uint256) = 512
# An array of pairs of words as it is returned: where it begins, how long it is, then the pairs.
MAX_ANSWER: constant(uint256) = 64 + 64 * MAX_POSITIONS


@view
@internal
def _ratios(
    snapshot: IMarketRegistry.MarketSnapshot,
    notional: uint256,
    side: int256,
    account_notional: uint256,
) -> IRiskModel.MarginRatios:
    """
    @dev Target ratios of one position.
    @param snapshot Its market.
    @param notional Its notional (WAD quote).
    @param side 1 long, -1 short, 0 none.
    @param account_notional Notional of its account in all markets (WAD quote).
    @return MarginRatios Target ratios.
    """
    ratios: IRiskModel.MarginRatios = staticcall self._model(snapshot).margin_ratios(
        risk_inputs._position_inputs(snapshot, notional, side, account_notional)
    )
    self._check_ratios(ratios)
    return ratios


@view
@internal
def _ratios_of_many(
    snapshot: IMarketRegistry.MarketSnapshot,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev Target ratios of many positions of one market.
    @param snapshot The market.
    @param positions Positions.
    @return DynArray One pair of ratios per position, in order.
    """
    answers: DynArray[IRiskModel.MarginRatios, 512] = []
    if snapshot.is_batched == 1:
        answers = self._ask_batch(snapshot, positions, msg.gas // 2)
    if len(answers) == len(positions):
        for ratios: IRiskModel.MarginRatios in answers:
            self._check_ratios(ratios)
        return answers
    answers = []
    for position: IBatchedRiskModel.PositionInputs in positions:
        answers.append(
            self._ratios(
                snapshot, position.notional, position.side, position.account_notional
            )
        )
    return answers


@view
@internal
def _ask_batch(
    snapshot: IMarketRegistry.MarketSnapshot,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
    most_gas: uint256,
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev What a formula answers to many positions at once.
    @param snapshot The market.
    @param positions Positions.
    @param most_gas Gas it may use.
    @return DynArray One pair of ratios per position, empty if the answer is not whole.
    """
    has_answered: bool = False
    answer: Bytes[MAX_ANSWER] = b""
    has_answered, answer = raw_call(
        self._model(snapshot).address,
        abi_encode(
            risk_inputs._market_inputs(snapshot),
            positions,
            method_id=method_id(
                "margin_ratios_batch((uint256,uint256,uint256,uint256,uint256,uint256,uint256,int256,int256,uint256,uint256,uint256,uint256,uint256),(uint256,int256,uint256)[])"
            ),
        ),
        max_outsize=MAX_ANSWER,
        gas=most_gas,
        is_static_call=True,
        revert_on_failure=False,
    )
    if (
        not has_answered
        or len(answer) != 64 + 64 * len(positions)
        or extract32(answer, 0, output_type=uint256) != 32
        or extract32(answer, 32, output_type=uint256) != len(positions)
    ):
        return []
    return abi_decode(answer, DynArray[IRiskModel.MarginRatios, 512])


@view
@internal
def _has_batch(snapshot: IMarketRegistry.MarketSnapshot) -> bool:
    """
    @dev Whether a formula answers many positions at once: it is asked about two, and must say
         of both what it says of each.
    @param snapshot Its market.
    @return bool True if it does.
    """
    asked: DynArray[IBatchedRiskModel.PositionInputs, 512] = []
    notional: uint256 = snapshot.min_position_notional
    for side: int256 in [1, -1]:
        asked.append(
            IBatchedRiskModel.PositionInputs(
                notional=notional, side=side, account_notional=notional
            )
        )
    answers: DynArray[IRiskModel.MarginRatios, 512] = self._ask_batch(
        snapshot, asked, constants.ANSWER_GAS
    )
    if len(answers) != len(asked):
        return False
    for i: uint256 in range(2):
        ratios: IRiskModel.MarginRatios = self._ratios(
            snapshot, asked[i].notional, asked[i].side, asked[i].account_notional
        )
        if (
            answers[i].initial != ratios.initial
            or answers[i].maintenance != ratios.maintenance
        ):
            return False
    return True


@view
@internal
def _initial_ratio_at_rest(snapshot: IMarketRegistry.MarketSnapshot) -> uint256:
    """
    @dev The least a formula asks: of a position without size on either side, in a market that
         does not move, in which nobody holds anything and every source agrees.
    @param snapshot The market now, of which price and depth count.
    @return uint256 Initial ratio (WAD).
    """
    rest: IMarketRegistry.MarketSnapshot = empty(IMarketRegistry.MarketSnapshot)
    rest.risk_model = snapshot.risk_model
    rest.index_price = snapshot.index_price
    rest.depth = snapshot.depth
    return min(self._ratios(rest, 0, 1, 0).initial, self._ratios(rest, 0, -1, 0).initial)


@pure
@internal
def _model(snapshot: IMarketRegistry.MarketSnapshot) -> IRiskModel:
    """
    @dev Formula of a market.
    @param snapshot Market.
    @return IRiskModel Formula.
    """
    return IRiskModel(convert(snapshot.risk_model, address))


@pure
@internal
def _check_ratios(ratios: IRiskModel.MarginRatios):
    """
    @dev Guarantees what a formula promises.
    @param ratios Its answer.
    """
    assert (
        ratios.maintenance != 0
        and ratios.maintenance < ratios.initial
        and ratios.initial <= constants.WAD
    ), "formulas: invalid ratios"
