# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Forced sales
@custom:contract-name forced_sales
@license Apache-2.0
@author Seawall contributors
@notice What an account owes in quote is repaid by its other assets: they are sold, the riskiest
        first, as much as the debt takes and a fee for the caller. What others have paid of its
        debt meanwhile is a lien on what is left, and is repaid: to the fund what it and winners
        have paid, then to the pool what it has borne.
@dev The account's own assets come before fund, winners and pool, but for a window of time only:
     then the others pay, and the lien sees to it that nobody gains by an empty pool, a silent
     oracle or a token that does not move. The registry bounds what one sale may take and at what
     price; a sale that fails is skipped, so that one broken token holds up no other.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import IERC20
from ..interfaces import IInsuranceFund
from ..interfaces import ILiquidityPool
from ..interfaces import ILossWaterfall
from ..lib import constants
from . import loss_waterfall

uses: loss_waterfall


# What the ledger says about itself.
interface IQuoteLedger:
    def quote_token() -> address: view
    def liquidity_pool() -> address: view


QUOTE_TOKEN: immutable(IERC20)


@deploy
def __init__():
    """
    @notice Lets the ledger take what assets were sold for.
    """
    ledger: address = loss_waterfall.LEDGER.address
    QUOTE_TOKEN = IERC20(staticcall IQuoteLedger(ledger).quote_token())
    assert extcall QUOTE_TOKEN.approve(
        ledger, max_value(uint256), default_return_value=True
    ), "forced_sales: approval failed"


@external
def sell_collateral(account: uint256) -> uint256:
    """
    @notice Sells assets of an account that owes quote or on which a lien lies, as far as pools,
            prices and the bound of one time let it; with a position, those whose smallest sale
            is not above what it owes. The fee goes to the caller. Anyone may call.
    @param account Account.
    @return uint256 Proceeds, fee included (quote token units).
    """
    # CHECKS
    extcall loss_waterfall.LEDGER.lock()
    debt: uint256 = self._debt(account)
    lien: uint256 = (
        staticcall loss_waterfall.COLLATERAL_REGISTRY.lien_of(account) // constants.QUANTUM
    )
    assert debt + lien != 0, "forced_sales: owes nothing"

    # SALES
    sale: ICollateralRegistry.Sale = self._sell(account, debt + lien)
    assert sale.proceeds != 0, "forced_sales: nothing can be sold now"
    left: uint256 = sale.proceeds - sale.fee
    to_lien: uint256 = min(left - min(left, debt), lien)
    self._repay(account, to_lien, lien)
    extcall loss_waterfall.LEDGER.unlock()

    # PROCEEDS; nothing of strangers runs before the ledger has its lock again
    left -= to_lien
    if left != 0:
        extcall loss_waterfall.LEDGER.deposit(self, account, left)
    if sale.fee != 0:
        self._send(msg.sender, sale.fee)
    loss_waterfall._secure(
        account, staticcall loss_waterfall.LEDGER.pending_deficit_of(account)
    )
    log ILossWaterfall.CollateralSold(
        account=account,
        caller=msg.sender,
        proceeds=sale.proceeds,
        fee=sale.fee,
        repaid=left,
        lien_repaid=to_lien,
    )
    return sale.proceeds


@external
def repay_lien(account: uint256, amount: uint256) -> uint256:
    """
    @notice Repays those who have paid of an account's debt, so that its assets are free again.
            Anyone may, for anyone.
    @param account Account.
    @param amount Token units, taken from the caller, who has allowed this contract to; no more
           than the lien.
    @return uint256 Token units taken.
    """
    extcall loss_waterfall.LEDGER.lock()
    lien: uint256 = (
        staticcall loss_waterfall.COLLATERAL_REGISTRY.lien_of(account) // constants.QUANTUM
    )
    paid: uint256 = min(amount, lien)
    assert paid != 0, "forced_sales: nothing to repay"
    assert extcall QUOTE_TOKEN.transferFrom(
        msg.sender, self, paid, default_return_value=True
    ), "forced_sales: transfer failed"
    self._repay(account, paid, lien)
    extcall loss_waterfall.LEDGER.unlock()
    log ILossWaterfall.LienRepaid(
        account=account, payer=msg.sender, amount=paid * constants.QUANTUM
    )
    return paid


@view
@internal
def _debt(account: uint256) -> uint256:
    """
    @dev What an account owes, with a position too: the pool fronts it, and must not for long.
    @param account Account.
    @return uint256 Token units.
    """
    collateral: int256 = staticcall loss_waterfall.LEDGER.collateral_of(account)
    return convert(max(-collateral, 0), uint256) // constants.QUANTUM


@internal
def _sell(account: uint256, wanted: uint256) -> ICollateralRegistry.Sale:
    """
    @dev Sells assets, the riskiest first; one that cannot be sold now is skipped.
    @param account Account.
    @param wanted What is to be left after fees (token units).
    @return Sale All sales together.
    """
    registry: ICollateralRegistry = loss_waterfall.COLLATERAL_REGISTRY
    total: ICollateralRegistry.Sale = empty(ICollateralRegistry.Sale)
    least: uint256 = max_value(uint256)
    if staticcall loss_waterfall.LEDGER.open_markets_of(account) != 0:
        least = wanted * constants.QUANTUM
    skipped: uint256 = 0
    for _: uint256 in range(constants.MAX_ASSETS):
        raised: uint256 = total.proceeds - total.fee
        asset: uint256 = staticcall registry.riskiest_of(
            account, skipped, least
        )
        if raised >= wanted or asset == constants.MAX_ASSETS:
            break
        skipped |= 1 << asset
        is_sold: bool = False
        answer: Bytes[64] = b""
        # A token may use up all gas it is given; it cannot be starved, as in `constants.vy`.
        is_sold, answer = raw_call(
            registry.address,
            abi_encode(
                account,
                asset,
                wanted - raised,
                self,
                method_id=method_id("sell(uint256,uint256,uint256,address)"),
            ),
            max_outsize=64,
            gas=constants.ANSWER_GAS,
            revert_on_failure=False,
        )
        if is_sold and len(answer) == 64:
            total.proceeds += extract32(answer, 0, output_type=uint256)
            total.fee += extract32(answer, 32, output_type=uint256)
    return total


@internal
def _repay(account: uint256, amount: uint256, lien: uint256):
    """
    @dev Sends what repays a lien to those who have paid, and takes it off.
    @param account Account.
    @param amount What is here for it (token units), no more than the lien.
    @param lien The lien before (token units).
    """
    if amount == 0:
        return
    by_pool: uint256 = min(
        loss_waterfall.borne_by_pool[account] // constants.QUANTUM, lien
    )
    to_fund: uint256 = min(amount, lien - by_pool)
    to_pool: uint256 = amount - to_fund
    if to_fund != 0:
        self._send(loss_waterfall.INSURANCE_FUND.address, to_fund)
        extcall loss_waterfall.INSURANCE_FUND.contribute(to_fund * constants.QUANTUM)
    if to_pool != 0:
        pool: address = staticcall IQuoteLedger(loss_waterfall.LEDGER.address).liquidity_pool()
        loss_waterfall.borne_by_pool[account] -= to_pool * constants.QUANTUM
        self._send(pool, to_pool)
        extcall ILiquidityPool(pool).collect(to_pool * constants.QUANTUM)
    extcall loss_waterfall.COLLATERAL_REGISTRY.lower_lien(account, amount * constants.QUANTUM)


@internal
def _send(receiver: address, amount: uint256):
    """
    @dev Sends quote tokens.
    @param receiver Who gets them.
    @param amount Token units.
    """
    assert extcall QUOTE_TOKEN.transfer(
        receiver, amount, default_return_value=True
    ), "forced_sales: transfer failed"
