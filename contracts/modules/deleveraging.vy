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
     cannot see who was left out: a complete list is the caller's duty.
"""

from ..interfaces import ILiquidationEngine
from ..interfaces import IMarginEngine
from ..lib import fixed_point
from ..lib import liquidation_math
from ..lib import margin_math
from . import liquidation
from . import liquidation_params

uses: liquidation
uses: liquidation_params


@external
def auto_deleverage(bankrupt: address, market: uint256, winners: DynArray[address, 32]):
    """
    @notice Closes winners against a deficit, at the index price, after the fund has given
            what it has. Returns without a close if that was enough.
    @param bankrupt Account with a pending deficit.
    @param market Market of the deficit.
    @param winners Opposite side, by falling score, ties by rising address.
    """
    # CHECKS
    record: IMarginEngine.PendingDeficit = self._record(bankrupt)
    assert record.market == market, "deleveraging: wrong market"
    deficit: uint256 = extcall liquidation.MARGIN_ENGINE.cover_deficit(bankrupt)
    unmatched: uint256 = convert(abs(record.size), uint256)
    last_score: uint256 = max_value(uint256)
    last_winner: address = empty(address)

    for winner: address in winners:
        if deficit == 0 or unmatched == 0:
            break
        position: IMarginEngine.Position = staticcall liquidation.MARGIN_ENGINE.position_of(
            winner, market
        )
        assert (
            position.size != 0 and (position.size > 0) != (record.size > 0)
        ), "deleveraging: wrong side"
        inputs: IMarginEngine.LiquidationInputs = (
            staticcall liquidation.MARGIN_ENGINE.liquidation_inputs(winner, market)
        )
        score: uint256 = self._score(position, inputs)
        assert score != 0, "deleveraging: no gain"
        assert score < last_score or (
            score == last_score
            and convert(winner, uint256) > convert(last_winner, uint256)
        ), "deleveraging: wrong order"
        last_score = score
        last_winner = winner

        # HAIRCUT
        size: uint256 = min(convert(abs(position.size), uint256), unmatched)
        closed: int256 = convert(size, int256) if position.size > 0 else -convert(size, int256)
        # What other markets have lost of it is no gain, and no close takes more than equity.
        gain: int256 = margin_math._realized_pnl(
            closed,
            inputs.index_price,
            margin_math._released_entry(position.entry_notional, position.size, closed),
        )
        gain = min(gain, fixed_point._quantize_down(inputs.equity))
        haircut: uint256 = extcall liquidation.MARGIN_ENGINE.deleverage_position(
            bankrupt,
            winner,
            market,
            size,
            liquidation_math._deleverage_haircut(
                deficit, unmatched, size, convert(max(gain, 0), uint256)
            ),
        )
        deficit -= haircut
        unmatched -= size

        # EVENT
        log ILiquidationEngine.AutoDeleveraged(
            bankrupt=bankrupt,
            winner=winner,
            market=market,
            size=closed,
            haircut=haircut,
            score=score,
        )


@external
def socialize_loss(bankrupt: address):
    """
    @notice Writes the rest of a deficit off against the pool: after the window, or at once
            if nobody is left to deleverage. Returns without a loss if the fund covers it now.
    @param bankrupt Account with a pending deficit.
    """
    # CHECKS
    record: IMarginEngine.PendingDeficit = self._record(bankrupt)
    if extcall liquidation.MARGIN_ENGINE.cover_deficit(bankrupt) == 0:
        return
    info: IMarginEngine.Market = staticcall liquidation.MARGIN_ENGINE.market_info(record.market)
    opposite: uint256 = (
        info.short_open_interest if record.size > 0 else info.long_open_interest
    )
    over: bool = (
        block.timestamp
        >= record.recorded_at + liquidation_params.parameters.adl_window_seconds
    )
    assert over or opposite == 0 or record.size == 0, "deleveraging: window open"

    # EFFECTS
    amount: uint256 = extcall liquidation.MARGIN_ENGINE.write_off(bankrupt)

    # EVENT
    log ILiquidationEngine.LossSocialized(account=bankrupt, amount=amount)


@view
@external
@reentrant
def deleverage_score(account: address, market: uint256) -> uint256:
    """
    @notice Rank of an account for auto-deleveraging: relative gain times leverage.
    @param account Account.
    @param market Market id.
    @return uint256 Score (WAD), 0 without a position, a gain or positive equity.
    """
    position: IMarginEngine.Position = staticcall liquidation.MARGIN_ENGINE.position_of(
        account, market
    )
    if position.size == 0:
        return 0
    inputs: IMarginEngine.LiquidationInputs = (
        staticcall liquidation.MARGIN_ENGINE.liquidation_inputs(account, market)
    )
    return self._score(position, inputs)


@view
@internal
def _record(bankrupt: address) -> IMarginEngine.PendingDeficit:
    """
    @dev Guarantees that an account has a pending deficit.
    @param bankrupt Account.
    @return PendingDeficit Its record.
    """
    record: IMarginEngine.PendingDeficit = staticcall liquidation.MARGIN_ENGINE.deficit_of(
        bankrupt
    )
    assert record.recorded_at != 0, "deleveraging: no deficit"
    return record


@pure
@internal
def _score(
    position: IMarginEngine.Position, inputs: IMarginEngine.LiquidationInputs
) -> uint256:
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
