# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Deleveraging
@custom:contract-name deleveraging
@license Apache-2.0
@author Seawall contributors
@notice What follows a deficit that the fund could not cover: winners pay out of their gains,
        and are closed only as far as that takes. Who pays first and how much is the policy's
        to say.
@dev The budget is money, not size: a winner with little gain uses up little of it. Here is
     checked that a list is in the policy's order, on the right side, and that nobody pays more
     than its gain, its equity or what is left of the deficit. Who was left out cannot be seen:
     a complete list is the caller's duty.
"""

from ..interfaces import IDeleveragePolicy
from ..interfaces import ILedger
from ..interfaces import ILossWaterfall
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..lib import constants
from ..lib import fixed_point
from ..lib import liquidation_math
from ..lib import margin_math
from . import access
from . import loss_waterfall

uses: access
uses: loss_waterfall


MAX_WINNERS: constant(uint256) = 32


# A winner, and what closing it needs to know.
struct Winner:
    candidate: IDeleveragePolicy.Candidate
    held: uint256  # of the gain: not in any position any more
    position: ILedger.Position
    index_price: uint256
    risk_price: uint256
    min_position_notional: uint256


# @dev Says who pays first and how much.
deleverage_policy: public(reentrant(address))


@deploy
def __init__(policy: address):
    """
    @notice Names the first policy.
    @param policy Deleverage policy.
    """
    self._set_policy(policy)


@external
def set_deleverage_policy(policy: address):
    """
    @notice Names another policy. Owner only.
    @param policy Deleverage policy.
    """
    access._check_owner()
    self._set_policy(policy)


@external
def auto_deleverage(bankrupt: uint256, market: uint256, winners: DynArray[uint256, MAX_WINNERS]):
    """
    @notice Lets winners pay a market's share of a deficit, at the index price, after the fund
            has given what it has, and not while the account's own assets are to cover it.
            Returns without a close if the fund was enough.
    @param bankrupt Account with a pending deficit.
    @param market Market with a share in it, by where the loss arose.
    @param winners Opposite side, by falling score, ties by rising id.
    """
    # CHECKS
    extcall loss_waterfall.LEDGER.lock()
    loss_waterfall._record(bankrupt)
    share: ILedger.DeficitShare = staticcall loss_waterfall.LEDGER.deficit_share_of(
        bankrupt, market
    )
    assert share.side != 0, "deleveraging: wrong market"
    pending: uint256 = loss_waterfall._cover(bankrupt)
    if pending != 0:
        loss_waterfall._check_unsecured(bankrupt)
        share = staticcall loss_waterfall.LEDGER.deficit_share_of(bankrupt, market)
        self._deleverage(bankrupt, market, share, winners)
        loss_waterfall._take_lien(
            bankrupt,
            pending - staticcall loss_waterfall.LEDGER.pending_deficit_of(bankrupt),
            0,
        )
    extcall loss_waterfall.LEDGER.unlock()


@view
@external
@reentrant
def deleverage_score(account: uint256, market: uint256) -> uint256:
    """
    @notice Rank of an account's position for auto-deleveraging, by the policy.
    @param account Account.
    @param market Market id.
    @return uint256 Score (WAD), 0 without a position, a gain or positive equity.
    """
    size: int256 = (staticcall loss_waterfall.LEDGER.position_of(account, market)).size
    if size == 0:
        return 0
    winner: Winner = self._winner(account, market, -1 if size > 0 else 1)
    if winner.candidate.gain == 0:
        return 0
    return self._scores([winner.candidate])[0]


@internal
def _deleverage(
    bankrupt: uint256,
    market: uint256,
    share: ILedger.DeficitShare,
    accounts: DynArray[uint256, MAX_WINNERS],
):
    """
    @dev Asks the policy about all winners, then closes them one by one.
    @param bankrupt Account with the pending deficit.
    @param market Market with a share in it.
    @param share That share.
    @param accounts Winners, by rank.
    """
    winners: DynArray[Winner, MAX_WINNERS] = []
    candidates: DynArray[IDeleveragePolicy.Candidate, MAX_WINNERS] = []
    for account: uint256 in accounts:
        winner: Winner = self._winner(account, market, share.side)
        assert winner.held != 0 or winner.position.size != 0, "deleveraging: wrong side"
        assert winner.candidate.gain != 0, "deleveraging: no gain"
        for other: IDeleveragePolicy.Candidate in candidates:
            # What it has was looked up once: no rank may let it pay twice.
            assert other.account != account, "deleveraging: named twice"
        winners.append(winner)
        candidates.append(winner.candidate)
    scores: DynArray[uint256, MAX_WINNERS] = self._scores(candidates)
    haircuts: DynArray[uint256, MAX_WINNERS] = staticcall IDeleveragePolicy(
        self.deleverage_policy
    ).haircuts(share.amount, candidates)
    assert len(haircuts) == len(winners), "deleveraging: policy answers for others"

    left: uint256 = share.amount
    for i: uint256 in range(len(winners), bound=MAX_WINNERS):
        if i != 0:
            assert scores[i] < scores[i - 1] or (
                scores[i] == scores[i - 1] and accounts[i] > accounts[i - 1]
            ), "deleveraging: wrong order"
        assert scores[i] != 0, "deleveraging: no rank"
        winner: Winner = winners[i]
        haircut: uint256 = min(haircuts[i], min(winner.candidate.gain, left))
        haircut -= haircut % constants.QUANTUM
        if haircut == 0:
            continue
        from_held: uint256 = extcall loss_waterfall.LEDGER.use_held(
            bankrupt, market, accounts[i], min(haircut, winner.held)
        )
        loss_waterfall._look_again(accounts[i])
        closed: int256 = self._size_to_close(winner, haircut - from_held)
        paid: uint256 = from_held
        if closed != 0:
            paid += self._close(bankrupt, accounts[i], market, closed, haircut - from_held)
        left -= paid
        log ILossWaterfall.AutoDeleveraged(
            bankrupt=bankrupt,
            winner=accounts[i],
            market=market,
            size=closed,
            haircut=paid,
            score=scores[i],
        )


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


@view
@internal
def _winner(account: uint256, market: uint256, side: int256) -> Winner:
    """
    @dev What an account could pay: gains held of it, and the gain of what it has open on the
         winning side, valued at the index price, at which it would be closed. What other
         markets have lost of it is no gain, and no close takes more than equity.
    @param account Account.
    @param market Market of the deficit.
    @param side Side that lost: 1 longs, -1 shorts.
    @return Winner Winner; of the losing side, nothing of its position.
    """
    winner: Winner = empty(Winner)
    held: ILedger.HeldGain = staticcall loss_waterfall.LEDGER.held_gain_of(
        account, market, side
    )
    winner.held = held.amount
    winner.candidate.account = account
    winner.candidate.gain = held.amount
    winner.candidate.profit = held.amount
    winner.candidate.entry_notional = held.entry_notional
    position: ILedger.Position = staticcall loss_waterfall.LEDGER.position_of(account, market)
    if position.size == 0 or (position.size > 0) == (side > 0):
        return winner
    inputs: IRiskEngine.LiquidationInputs = (
        staticcall loss_waterfall.RISK_ENGINE.liquidation_inputs(account, market)
    )
    winner.position = position
    winner.index_price = inputs.index_price
    winner.risk_price = inputs.risk_price
    winner.min_position_notional = inputs.min_position_notional
    profit: int256 = margin_math._realized_pnl(
        position.size, inputs.index_price, position.entry_notional
    )
    winner.candidate.size = convert(abs(position.size), uint256)
    winner.candidate.notional = inputs.notional
    winner.candidate.equity = inputs.equity
    if profit <= 0:
        return winner
    winner.candidate.profit += convert(profit, uint256)
    winner.candidate.entry_notional += convert(abs(position.entry_notional), uint256)
    winner.candidate.gain += convert(
        max(min(profit, fixed_point._quantize_down(inputs.equity)), 0), uint256
    )
    return winner


@pure
@internal
def _size_to_close(winner: Winner, haircut: uint256) -> int256:
    """
    @dev The least part whose gain pays a haircut, or all if only dust would be left.
    @param winner Winner.
    @param haircut What its open gain is to pay (WAD quote, whole quanta).
    @return int256 Part, signed as the position (WAD base).
    """
    if haircut == 0:
        return 0
    held: uint256 = winner.candidate.size
    size: uint256 = liquidation_math._deleverage_size(
        held, winner.candidate.gain - winner.held, haircut
    )
    left: uint256 = margin_math._notional(convert(held - size, int256), winner.risk_price)
    if left < winner.min_position_notional:
        size = held
    return convert(size, int256) if winner.position.size > 0 else -convert(size, int256)


@view
@internal
def _scores(
    candidates: DynArray[IDeleveragePolicy.Candidate, MAX_WINNERS]
) -> DynArray[uint256, MAX_WINNERS]:
    """
    @dev Asks the policy for ranks.
    @param candidates Winners.
    @return DynArray One score per winner, in order.
    """
    scores: DynArray[uint256, MAX_WINNERS] = staticcall IDeleveragePolicy(
        self.deleverage_policy
    ).scores(candidates)
    assert len(scores) == len(candidates), "deleveraging: policy answers for others"
    return scores


@internal
def _set_policy(policy: address):
    """
    @dev Names a policy.
    @param policy Deleverage policy.
    """
    assert policy.is_contract, "deleveraging: no contract"
    self.deleverage_policy = policy
    log ILossWaterfall.DeleveragePolicySet(policy=policy)
