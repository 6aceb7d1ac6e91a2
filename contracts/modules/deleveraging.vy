# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Deleveraging
@custom:contract-name deleveraging
@license Apache-2.0
@author Seawall contributors
@notice What follows a deficit that the fund could not cover: winners are closed by rank with
        a haircut of exactly the deficit, what is left after a window is socialised.
@dev The contract checks that a list is in order, on the right side and within the budget. It
     cannot see who was left out: a complete list is the caller's duty. Who pays, in which
     order and how much of a gain, is decided in `_rank` and `_share`: the place of a policy
     contract.
"""

from ..interfaces import ILedger
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math
from ..lib import margin_math
from . import loss_waterfall

uses: loss_waterfall


@external
def auto_deleverage(bankrupt: uint256, market: uint256, winners: DynArray[uint256, 32]):
    """
    @notice Closes winners against a deficit, at the index price, after the fund has given
            what it has. Returns without a close if that was enough.
    @param bankrupt Account with a pending deficit.
    @param market Market of the deficit.
    @param winners Opposite side, by falling score, ties by rising id.
    """
    # CHECKS
    extcall loss_waterfall.LEDGER.lock()
    record: ILedger.PendingDeficit = loss_waterfall._record(bankrupt)
    assert record.market == market, "deleveraging: wrong market"
    deficit: uint256 = loss_waterfall._cover(bankrupt)
    unmatched: uint256 = convert(abs(record.size), uint256)
    last_score: uint256 = max_value(uint256)
    last_winner: uint256 = 0

    for winner: uint256 in winners:
        if deficit == 0 or unmatched == 0:
            break
        position: ILedger.Position = staticcall loss_waterfall.LEDGER.position_of(
            winner, market
        )
        assert (
            position.size != 0 and (position.size > 0) != (record.size > 0)
        ), "deleveraging: wrong side"
        inputs: IRiskEngine.LiquidationInputs = (
            staticcall loss_waterfall.RISK_ENGINE.liquidation_inputs(winner, market)
        )
        score: uint256 = self._rank(position, inputs)
        assert score != 0, "deleveraging: no gain"
        assert score < last_score or (
            score == last_score and winner > last_winner
        ), "deleveraging: wrong order"
        last_score = score
        last_winner = winner

        # HAIRCUT
        size: uint256 = min(convert(abs(position.size), uint256), unmatched)
        closed: int256 = convert(size, int256) if position.size > 0 else -convert(size, int256)
        haircut: uint256 = self._close(
            bankrupt,
            winner,
            market,
            closed,
            self._share(position, inputs, closed, deficit, unmatched),
        )
        deficit -= haircut
        unmatched -= size

        # EVENT
        log ILossWaterfall.AutoDeleveraged(
            bankrupt=bankrupt,
            winner=winner,
            market=market,
            size=closed,
            haircut=haircut,
            score=score,
        )
    extcall loss_waterfall.LEDGER.unlock()


@view
@external
@reentrant
def deleverage_score(account: uint256, market: uint256) -> uint256:
    """
    @notice Rank of an account for auto-deleveraging: relative gain times leverage.
    @param account Account.
    @param market Market id.
    @return uint256 Score (WAD), 0 without a position, a gain or positive equity.
    """
    position: ILedger.Position = staticcall loss_waterfall.LEDGER.position_of(account, market)
    if position.size == 0:
        return 0
    inputs: IRiskEngine.LiquidationInputs = (
        staticcall loss_waterfall.RISK_ENGINE.liquidation_inputs(account, market)
    )
    return self._rank(position, inputs)


@internal
def _close(
    bankrupt: uint256, winner: uint256, market: uint256, closed: int256, haircut: uint256
) -> uint256:
    """
    @dev Closes part of a winner at the index price and uses the haircut on its gain to repay
         the bankrupt's debt; a debt that the winner is left with has a record of its own.
    @param bankrupt Account with the pending deficit.
    @param winner Account on the opposite side.
    @param market Market of the deficit.
    @param closed Part to close, signed as the position (WAD base).
    @param haircut Most that is withheld from the gain (WAD quote, whole quanta).
    @return uint256 Amount withheld: never what the winner's collateral does not hold.
    """
    snapshot: IMarketRegistry.MarketSnapshot = (
        extcall loss_waterfall.MARKET_REGISTRY.touch_one(market)
    )
    order: ILedger.Order = empty(ILedger.Order)
    order.account = winner
    order.market = market
    order.cause = constants.CAUSE_DELEVERAGE
    order.size_delta = -closed
    order.index_price = snapshot.index_price
    order.funding_index = snapshot.funding_index
    order.bankrupt = bankrupt
    order.haircut = haircut
    settled: ILedger.Settled = extcall loss_waterfall.LEDGER.settle(order)
    if settled.deficit != 0:
        loss_waterfall._cover(winner)
    return settled.haircut


@pure
@internal
def _share(
    position: ILedger.Position,
    inputs: IRiskEngine.LiquidationInputs,
    closed: int256,
    deficit: uint256,
    unmatched: uint256,
) -> uint256:
    """
    @dev What a winner pays of a deficit: no more than its gain on what closes. What other
         markets have lost of it is no gain, and no close takes more than equity.
    @param position Position of the winner.
    @param inputs Its account.
    @param closed Part that closes, signed as the position (WAD base).
    @param deficit Deficit still pending (WAD quote).
    @param unmatched Size of the deficit not matched yet (WAD base).
    @return uint256 Haircut (WAD quote, whole quanta).
    """
    gain: int256 = margin_math._realized_pnl(
        closed,
        inputs.index_price,
        margin_math._released_entry(position.entry_notional, position.size, closed),
    )
    gain = min(gain, fixed_point._quantize_down(inputs.equity))
    return liquidation_math._deleverage_haircut(
        deficit, unmatched, convert(abs(closed), uint256), convert(max(gain, 0), uint256)
    )


@pure
@internal
def _rank(position: ILedger.Position, inputs: IRiskEngine.LiquidationInputs) -> uint256:
    """
    @dev Gain at the index price, at which a winner is closed; leverage at the risk price.
    @param position Position, not empty.
    @param inputs Its account.
    @return uint256 Score (WAD).
    """
    return liquidation_math._deleverage_score(
        margin_math._unrealized_pnl(
            position.size, inputs.index_price, position.entry_notional
        ),
        position.entry_notional,
        inputs.notional,
        inputs.equity,
    )
