# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Margin formulas of markets
@custom:contract-name formulas
@license Apache-2.0
@author Seawall contributors
@notice Asks a market's formula, one position at a time or many at once. A formula that reverts,
        leaves its range or does not end stops what adds risk to who is in its market, no more:
        for all else bounds take the place of its answer.
@dev No state. The batch is a faster way to the same answers: where a formula that was found to
     have it does not answer in full, it is asked one by one.

     The bounds, of a position of any size: initial, all of its notional, the most a formula
     may ask, so that no account is ever taken to have room that its size would not get;
     maintenance, the market's last good ratio of a position without size, the least it may
     ask. Through the ramp that makes min(base, max(ramped, entry)), which is not above what
     the formula asked of the position when it last answered: a formula's silence liquidates
     nobody, and who is below even that is liquidated all the same.
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
def _ask(
    snapshot: IMarketRegistry.MarketSnapshot,
    notional: uint256,
    side: int256,
    account_notional: uint256,
) -> IRiskModel.MarginRatios:
    """
    @dev What a formula answers about one position, in bounded gas.
    @param snapshot Its market; without a formula, nothing is asked.
    @param notional Its notional (WAD quote).
    @param side 1 long, -1 short, 0 none.
    @param account_notional Notional of its account in all markets (WAD quote).
    @return MarginRatios Target ratios, empty if there is no good answer.
    """
    if snapshot.risk_model == 0:
        return empty(IRiskModel.MarginRatios)
    has_answered: bool = False
    answer: Bytes[64] = b""
    has_answered, answer = raw_call(
        self._model(snapshot).address,
        abi_encode(
            risk_inputs._position_inputs(snapshot, notional, side, account_notional),
            method_id=method_id(
                "margin_ratios((uint256,uint256,uint256,uint256,uint256,uint256,uint256,int256,int256,uint256,uint256,uint256,uint256,uint256))"
            ),
        ),
        max_outsize=64,
        gas=constants.FORMULA_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not has_answered or len(answer) != 64:
        return empty(IRiskModel.MarginRatios)
    ratios: IRiskModel.MarginRatios = IRiskModel.MarginRatios(
        initial=extract32(answer, 0, output_type=uint256),
        maintenance=extract32(answer, 32, output_type=uint256),
    )
    return ratios if self._is_in_range(ratios) else empty(IRiskModel.MarginRatios)


@view
@internal
def _target_ratios(
    snapshot: IMarketRegistry.MarketSnapshot,
    notional: uint256,
    side: int256,
    account_notional: uint256,
    must_answer: bool,
) -> IRiskModel.MarginRatios:
    """
    @dev Target ratios of one position: the formula's, which may ask for the whole notional, or
         without a good answer the bounds, but for what adds risk or takes collateral out.
    @param snapshot Its market.
    @param notional Its notional (WAD quote).
    @param side 1 long, -1 short, 0 none.
    @param account_notional Notional of its account in all markets (WAD quote).
    @param must_answer Whether there are no bounds.
    @return MarginRatios Target ratios.
    """
    ratios: IRiskModel.MarginRatios = self._ask(snapshot, notional, side, account_notional)
    if ratios.initial == 0:
        assert not must_answer, "formulas: no good answer"
        return self._bounds(snapshot)
    return ratios


@pure
@internal
def _bounds(snapshot: IMarketRegistry.MarketSnapshot) -> IRiskModel.MarginRatios:
    """
    @dev What takes the place of an answer.
    @param snapshot The market; its ratios are the last good ones.
    @return MarginRatios The most initial margin, the least maintenance margin.
    """
    return IRiskModel.MarginRatios(
        initial=constants.WAD, maintenance=snapshot.maintenance_ratio
    )


@view
@internal
def _haircut(snapshot: IMarketRegistry.MarketSnapshot) -> uint256:
    """
    @dev Haircut of a market's formula, which must answer.
    @param snapshot The market.
    @return uint256 Fraction of the collateral that does not count (WAD).
    """
    assert snapshot.risk_model != 0, "formulas: no good answer"
    has_answered: bool = False
    answer: Bytes[32] = b""
    has_answered, answer = raw_call(
        self._model(snapshot).address,
        method_id("collateral_haircut()"),
        max_outsize=32,
        gas=constants.FORMULA_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert has_answered and len(answer) == 32, "formulas: no haircut"
    haircut: uint256 = convert(answer, uint256)
    assert haircut <= constants.WAD, "formulas: no haircut"
    return haircut


@view
@internal
def _ratios_of_many(
    snapshot: IMarketRegistry.MarketSnapshot,
    positions: DynArray[IBatchedRiskModel.PositionInputs, 512],
) -> DynArray[IRiskModel.MarginRatios, 512]:
    """
    @dev Target ratios of many positions of one market, or the bounds of those about which the
         formula has no good answer.
    @param snapshot The market.
    @param positions Positions.
    @return DynArray One pair of ratios per position, in order.
    """
    answers: DynArray[IRiskModel.MarginRatios, 512] = []
    if snapshot.is_batched == 1:
        answers = self._ask_batch(snapshot, positions, msg.gas // 2)
    if len(answers) == len(positions):
        for i: uint256 in range(len(answers), bound=512):
            if not self._is_in_range(answers[i]):
                answers[i] = self._bounds(snapshot)
        return answers
    answers = []
    for position: IBatchedRiskModel.PositionInputs in positions:
        answers.append(
            self._target_ratios(
                snapshot, position.notional, position.side, position.account_notional, False
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
        ratios: IRiskModel.MarginRatios = self._target_ratios(
            snapshot, asked[i].notional, asked[i].side, asked[i].account_notional, True
        )
        if (
            answers[i].initial != ratios.initial
            or answers[i].maintenance != ratios.maintenance
        ):
            return False
    return True


@view
@internal
def _maintenance_ratio_at_rest(snapshot: IMarketRegistry.MarketSnapshot) -> uint256:
    """
    @dev The least a formula leaves an account with: of a position without size on either side, in a market that
         does not move, in which nobody holds anything and every source agrees.
    @param snapshot The market now, of which price and depth count.
    @return uint256 Maintenance ratio (WAD).
    """
    rest: IMarketRegistry.MarketSnapshot = empty(IMarketRegistry.MarketSnapshot)
    rest.risk_model = snapshot.risk_model
    rest.index_price = snapshot.index_price
    rest.depth = snapshot.depth
    return min(
        self._target_ratios(rest, 0, 1, 0, True).maintenance,
        self._target_ratios(rest, 0, -1, 0, True).maintenance,
    )


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
def _is_in_range(ratios: IRiskModel.MarginRatios) -> bool:
    """
    @dev Whether an answer is what a formula promises.
    @param ratios Its answer.
    @return bool True if so.
    """
    return (
        ratios.maintenance != 0
        and ratios.maintenance < ratios.initial
        and ratios.initial <= constants.WAD
    )
