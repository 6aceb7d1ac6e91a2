# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Exchange of collateral
@custom:contract-name collateral_exchange
@license Apache-2.0
@author Seawall contributors
@notice Sells an account's asset in its spot pool, as much as is wanted, so little at one time
        that a trade before the sale and one after it do not pay, and never below the band under
        the higher of the price at which margin counts it and the index.
@dev The pool's price is anybody's to move; the band holds it against the oracle's.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import IERC20
from ..interfaces import ISpotPool
from ..lib import constants
from ..lib import fixed_point
from ..lib import haircut_math
from ..lib import spot_math
from . import collateral_assets
from . import collateral_balances

uses: collateral_assets
uses: collateral_balances


# What was sold by force at the last time that anything was.
struct Sold:
    units: uint256
    sold_at: uint256


sold: Sold[constants.MAX_ASSETS]


@external
def sell(
    account: uint256, asset: uint256, wanted: uint256, receiver: address
) -> ICollateralRegistry.Sale:
    """
    @notice Sells of an account's asset what raises an amount, at most what it has and what may
            be sold at one time, in the asset's pool, not below the band under its price: what its
            margin counts it at, or the index where that is more.
            Operators only, lock held.
    @param account Account.
    @param asset Asset id.
    @param wanted What is to be left of the proceeds after the fee (quote token units).
    @param receiver Who gets all proceeds.
    @return Sale What was done.
    """
    # CHECKS
    collateral_balances._check_held()
    collateral_assets._check_asset(asset)
    terms: collateral_assets.Terms = collateral_assets._terms(
        asset, collateral_assets.MAINTENANCE
    )
    assert collateral_assets._is_sellable(
        asset, terms
    ), "collateral_exchange: price not valid"
    pool: ISpotPool = ISpotPool(collateral_assets.places[asset].spot_pool)
    fee_rate: uint256 = collateral_assets.assets[asset].sale_fee_rate
    units: uint256 = self._units_to_sell(account, asset, pool, wanted, fee_rate)
    assert units != 0, "collateral_exchange: nothing to sell now"
    # NOTE: rounds up, never a worse fill. After a rally the averages lag: held against them alone,
    # a pool that stands at the index could be pushed down to them, and a trade around it paid.
    least: uint256 = fixed_point._ceil_div(
        fixed_point._mul_wad_up(
            haircut_math._value(units, terms.scale, max(terms.price, terms.index)),
            constants.WAD - collateral_assets.assets[asset].sale_band,
        ),
        constants.QUANTUM,
    )

    # EFFECTS
    already: uint256 = self._already_sold(asset)
    self.sold[asset] = Sold(units=already + units, sold_at=block.timestamp)
    left: uint256 = collateral_balances._take(account, asset, units)

    # INTERACTIONS
    assert extcall IERC20(collateral_assets.places[asset].token).approve(
        pool.address, units, default_return_value=True
    ), "collateral_exchange: approval failed"
    proceeds: uint256 = extcall pool.swap(True, units, least, receiver)
    # The pool is trusted with nothing but its answer.
    assert proceeds >= least, "collateral_exchange: fill below the band"
    # NOTE: rounds down, a lower fee.
    fee: uint256 = fixed_point._mul_wad_down(proceeds, fee_rate)
    log ICollateralRegistry.AssetSold(
        account=account,
        asset=asset,
        amount=units,
        balance=left,
        proceeds=proceeds,
        fee=fee,
        price=terms.price,
    )
    return ICollateralRegistry.Sale(proceeds=proceeds, fee=fee)


@view
@internal
def _units_to_sell(
    account: uint256, asset: uint256, pool: ISpotPool, wanted: uint256, fee_rate: uint256
) -> uint256:
    """
    @dev What raises an amount, within what the account has and what may be sold at one time.
    @param account Account.
    @param asset Asset id.
    @param pool Its pool.
    @param wanted What is to be left after the fee (quote token units).
    @param fee_rate Fee of whoever calls (WAD).
    @return uint256 Token units.
    """
    reserves: ISpotPool.Reserves = staticcall pool.reserves()
    pool_fee_rate: uint256 = staticcall pool.fee_rate()
    already: uint256 = self._already_sold(asset)
    # Of the reserve that the first sale of this time has found.
    most: uint256 = spot_math._most_forced(
        reserves.asset - min(already, reserves.asset),
        pool_fee_rate,
        collateral_assets.assets[asset].sale_band,
    )
    # NOTE: rounds up twice: a unit more of the asset, never a debt that stays for want of it.
    gross: uint256 = fixed_point._div_wad_up(wanted, constants.WAD - fee_rate)
    return min(
        min(collateral_balances.balances[account][asset], most - min(already, most)),
        max(
            spot_math._amount_in(gross, reserves.asset, reserves.quote, pool_fee_rate),
            spot_math._least_forced(
                pool_fee_rate, collateral_assets.assets[asset].sale_band
            ),
        ),
    )


@view
@internal
def _already_sold(asset: uint256) -> uint256:
    """
    @dev What was sold by force at this very time.
    @param asset Asset id.
    @return uint256 Token units.
    """
    last: Sold = self.sold[asset]
    return last.units if last.sold_at == block.timestamp else 0
