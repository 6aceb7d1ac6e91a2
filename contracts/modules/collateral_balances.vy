# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Collateral balances
@custom:contract-name collateral_balances
@license Apache-2.0
@author Seawall contributors
@notice What accounts have of each asset, what that counts for in a check, and what others have
        paid of their debts. The tokens are here.
@dev Which assets an account has is a bit in its word in the ledger, kept here, so that an
     account without any costs no read. Writers are the ledger's operators, while its lock is
     held: whoever moves tokens in the middle of an operation cannot begin another one.
@custom:invariants Tokens held >= total of an asset = sum of its balances.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import IERC20
from ..interfaces import IPriceOracle
from ..lib import account_ids
from ..lib import constants
from ..lib import fixed_point
from ..lib import haircut_math
from . import collateral_assets

uses: collateral_assets


# Value below which rounding alone may keep an asset from being sold (WAD quote; assumption: a
# hundredth, ten thousand units of the quote token): no lien lies on so little.
LEAST_LIEN: constant(uint256) = constants.WAD // 100


# @dev What an account has of an asset (token units).
balances: HashMap[uint256, uint256[constants.MAX_ASSETS]]
# @dev Part of it that was deposited while nobody stood for the price.
unpriced: HashMap[uint256, uint256[constants.MAX_ASSETS]]
# @dev Sum of the balances of an asset.
totals: uint256[constants.MAX_ASSETS]
# @dev What others have paid of an account's debt (WAD quote).
liens: HashMap[uint256, uint256]

# @dev Of all accounts together (WAD quote): what others may still get back.
total_liens: public(reentrant(uint256))


@external
def deposit(payer: address, account: uint256, asset: uint256, amount: uint256) -> uint256:
    """
    @notice Takes tokens and adds what arrives to an account. What comes in while nobody stands
            for the price counts for nothing until somebody does, and not while nobody does again
            unless the price was noted between. Operators only, lock held.
    @param payer Who pays; has allowed this contract to take them.
    @param account Account to credit.
    @param asset Asset id.
    @param amount Token units.
    @return uint256 Token units that arrived.
    """
    # CHECKS
    self._check_held()
    collateral_assets._check_asset(asset)
    assert (
        account_ids._owner_of(account) != empty(address)
    ), "collateral_balances: account of nobody"

    # INTERACTIONS, whose outcome is what is booked
    token: IERC20 = IERC20(collateral_assets.places[asset].token)
    before: uint256 = staticcall token.balanceOf(self)
    assert extcall token.transferFrom(
        payer, self, amount, default_return_value=True
    ), "collateral_balances: transfer failed"
    received: uint256 = staticcall token.balanceOf(self) - before
    assert received != 0, "collateral_balances: nothing received"
    assert (
        self.totals[asset] + received
    ) * collateral_assets.places[asset].scale <= collateral_assets.assets[
        asset
    ].deposit_cap, "collateral_balances: deposit cap"

    # EFFECTS
    if not self._note_price(account, asset):
        self.unpriced[account][asset] += received
    after: uint256 = self.balances[account][asset] + received
    self._set_balance(account, asset, after)
    log ICollateralRegistry.AssetDeposited(
        account=account, asset=asset, amount=received, balance=after
    )
    return received


@external
def withdraw(account: uint256, asset: uint256, amount: uint256, receiver: address):
    """
    @notice Takes tokens out of an account on which no lien lies. Operators only, lock held.
    @param account Account.
    @param asset Asset id.
    @param amount Token units, at most what it has.
    @param receiver Who gets the tokens.
    """
    self._check_held()
    collateral_assets._check_asset(asset)
    assert amount != 0, "collateral_balances: zero amount"
    assert self.liens[account] == 0, "collateral_balances: lien"
    after: uint256 = self._take(account, asset, amount)
    log ICollateralRegistry.AssetWithdrawn(
        account=account, asset=asset, amount=amount, balance=after
    )
    assert extcall IERC20(collateral_assets.places[asset].token).transfer(
        receiver, amount, default_return_value=True
    ), "collateral_balances: transfer failed"


@external
def note_prices(account: uint256):
    """
    @notice Takes note of the price of every asset of an account for which somebody stands now:
            what came in before counts from now on as what came in at a good price, and should
            the oracle answer no more, the asset counts at this price. Every check of its margin
            does. Anyone may call.
    @param account Account.
    """
    for asset: uint256 in range(collateral_assets.asset_count, bound=constants.MAX_ASSETS):
        if self.balances[account][asset] != 0:
            self._note_price(account, asset)


@external
def raise_lien(account: uint256, amount: uint256):
    """
    @notice Books what others have paid of an account's debt: as long as it has assets that can
            be sold, their proceeds pay it back. Operators only, lock held.
    @param account Account.
    @param amount WAD quote.
    """
    self._check_held()
    lien: uint256 = self.liens[account]
    if lien != 0 or self._can_bear_lien(account):
        self._set_lien(account, lien + amount)


@external
def lower_lien(account: uint256, amount: uint256):
    """
    @notice Books what was paid back. Operators only, lock held.
    @param account Account.
    @param amount WAD quote, at most the lien counts.
    """
    self._check_held()
    lien: uint256 = self.liens[account]
    if lien != 0:  # it has ended with what could be sold
        self._set_lien(account, lien - min(amount, lien))


@view
@external
@reentrant
def asset_info(asset: uint256) -> ICollateralRegistry.AssetInfo:
    """
    @notice What is fixed about an asset, and what accounts have of it.
    @param asset Asset id.
    @return AssetInfo Empty for an asset that is not listed.
    """
    if asset >= collateral_assets.asset_count:
        return empty(ICollateralRegistry.AssetInfo)
    place: collateral_assets.Asset = collateral_assets.places[asset]
    return ICollateralRegistry.AssetInfo(
        token=place.token,
        oracle=place.oracle,
        oracle_id=place.oracle_id,
        spot_pool=place.spot_pool,
        scale=place.scale,
        total=self.totals[asset],
    )


@view
@external
@reentrant
def balance_of(account: uint256, asset: uint256) -> uint256:
    """
    @notice What an account has of an asset.
    @param account Account.
    @param asset Asset id.
    @return uint256 Token units.
    """
    if asset >= collateral_assets.asset_count:
        return 0
    return self.balances[account][asset]


@view
@external
@reentrant
def holding_of(account: uint256, asset: uint256) -> ICollateralRegistry.Holding:
    """
    @notice What an account has of an asset, as the maintenance check sees it.
    @param account Account.
    @param asset Asset id.
    @return Holding Empty if it has nothing.
    """
    if asset >= collateral_assets.asset_count:
        return empty(ICollateralRegistry.Holding)
    return self._holding(account, asset)


@view
@external
@reentrant
def lien_of(account: uint256) -> uint256:
    """
    @notice What others have paid of an account's debt and its assets have not paid back.
    @param account Account.
    @return uint256 WAD quote.
    """
    return self.liens[account]


@view
@external
@reentrant
def value_of(account: uint256, assets: uint256, kind: uint256) -> uint256:
    """
    @notice What an account's assets count for in a check, less the lien. Never reverts.
    @param account Account.
    @param assets Bit a set: it has some of asset a.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @return uint256 Value after haircuts (WAD quote).
    """
    value: uint256 = 0
    for asset: uint256 in range(collateral_assets.asset_count, bound=constants.MAX_ASSETS):
        if (assets >> asset) & 1 == 1:
            terms: collateral_assets.Terms = collateral_assets._terms(asset, kind)
            value += self._counted(account, asset, terms, kind)
    return value - min(self.liens[account], value)


@view
@external
@reentrant
def values_of(
    accounts: DynArray[uint256, 512], assets: DynArray[uint256, 512]
) -> DynArray[uint256, 512]:
    """
    @notice What the maintenance check counts the assets of many accounts for; every asset is
            read once.
    @param accounts Accounts.
    @param assets Of each, bit a set: it has some of asset a.
    @return DynArray One value per account, in order (WAD quote).
    """
    terms: collateral_assets.Terms[constants.MAX_ASSETS] = empty(
        collateral_assets.Terms[constants.MAX_ASSETS]
    )
    count: uint256 = collateral_assets.asset_count
    for asset: uint256 in range(count, bound=constants.MAX_ASSETS):
        terms[asset] = collateral_assets._terms(asset, collateral_assets.MAINTENANCE)
    values: DynArray[uint256, 512] = []
    for i: uint256 in range(len(accounts), bound=512):
        value: uint256 = 0
        for asset: uint256 in range(count, bound=constants.MAX_ASSETS):
            if (assets[i] >> asset) & 1 == 1:
                value += self._counted(
                    accounts[i], asset, terms[asset], collateral_assets.MAINTENANCE
                )
        values.append(value - min(self.liens[accounts[i]], value))
    return values


@view
@external
@reentrant
def sellable_value_of(account: uint256, since: uint256) -> uint256:
    """
    @notice What the assets of an account count for that are to be sold before others pay: whose
            prices let them be sold now and whose window is open, if together they are worth a
            smallest sale, each as the part of its own that it is. The lien is not taken off.
    @param account Account.
    @param since When it came to owe without a position (timestamp).
    @return uint256 Value after haircuts (WAD quote).
    """
    value: uint256 = 0
    sales: uint256 = 0
    for asset: uint256 in range(collateral_assets.asset_count, bound=constants.MAX_ASSETS):
        if (
            block.timestamp
            >= since + collateral_assets.assets[asset].sale_window_seconds
        ):
            continue
        holding: ICollateralRegistry.Holding = self._holding(account, asset)
        if holding.allowed == 0:
            continue
        least: uint256 = collateral_assets.assets[asset].min_sale
        # NOTE: split over several assets, what is worth a sale is none the less so. Rounds down.
        sales += (
            constants.WAD
            if holding.value >= least
            else fixed_point._mul_div_down(holding.value, constants.WAD, least)
        )
        value += holding.counted
    return value if sales >= constants.WAD else 0


@view
@external
@reentrant
def riskiest_of(account: uint256, skipped: uint256, owed: uint256) -> uint256:
    """
    @notice Which of an account's assets is sold first: of those whose price is good enough and
            whose smallest sale is not above an amount, the one with the largest haircut, of
            equals the one with the lower id.
    @param account Account.
    @param skipped Bit a set: not asset a.
    @param owed That amount (WAD quote).
    @return uint256 Asset id, the largest possible number of assets if there is none.
    """
    best: uint256 = constants.MAX_ASSETS
    largest: uint256 = 0
    for asset: uint256 in range(collateral_assets.asset_count, bound=constants.MAX_ASSETS):
        if (skipped >> asset) & 1 == 1 or owed < collateral_assets.assets[asset].min_sale:
            continue
        holding: ICollateralRegistry.Holding = self._holding(account, asset)
        if holding.allowed == 0:
            continue
        if best == constants.MAX_ASSETS or holding.haircut > largest:
            best = asset
            largest = holding.haircut
    return best


@view
@internal
def _counted(
    account: uint256, asset: uint256, terms: collateral_assets.Terms, kind: uint256
) -> uint256:
    """
    @dev What an account's balance of an asset counts for in a check. While nobody stands for
         the price it counts for nothing where risk is added or collateral leaves, and in
         maintenance as of the last round, but for what came in meanwhile: nobody is liquidated
         for an oracle's silence, and nobody escapes by it.
    @param account Account.
    @param asset Asset id.
    @param terms Its terms.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @return uint256 Value after the haircut (WAD quote).
    """
    units: uint256 = self.balances[account][asset]
    if not terms.is_good:
        if kind != collateral_assets.MAINTENANCE:
            return 0
        units -= min(self.unpriced[account][asset], units)
    return collateral_assets._counted(terms, units)


@view
@internal
def _holding(account: uint256, asset: uint256) -> ICollateralRegistry.Holding:
    """
    @dev What an account has of an asset.
    @param account Account.
    @param asset Asset id.
    @return Holding Empty if it has nothing.
    """
    units: uint256 = self.balances[account][asset]
    if units == 0:
        return empty(ICollateralRegistry.Holding)
    kind: uint256 = collateral_assets.MAINTENANCE
    terms: collateral_assets.Terms = collateral_assets._terms(asset, kind)
    value: uint256 = haircut_math._value(units, terms.scale, terms.price)
    return ICollateralRegistry.Holding(
        units=units,
        price=terms.price,
        value=value,
        haircut=haircut_math._haircut(
            terms.base, value, terms.depth, terms.variance, terms.size_coefficient
        ),
        counted=self._counted(account, asset, terms, kind),
        allowed=1 if collateral_assets._is_sellable(asset, terms) else 0,
    )


@view
@internal
def _can_bear_lien(account: uint256) -> bool:
    """
    @dev Whether an account has an asset of which there is enough to be sold at all, at the price
         last heard.
    @param account Account.
    @return bool True if so.
    """
    for asset: uint256 in range(collateral_assets.asset_count, bound=constants.MAX_ASSETS):
        units: uint256 = self.balances[account][asset]
        if units == 0:
            continue
        terms: collateral_assets.Terms = collateral_assets._terms(
            asset, collateral_assets.MAINTENANCE
        )
        if haircut_math._value(units, terms.scale, terms.price) >= LEAST_LIEN:
            return True
    return False


@internal
def _note_price(account: uint256, asset: uint256) -> bool:
    """
    @dev Takes note of an asset's price if somebody stands for it now.
    @param account Account whose balance has been seen at a good price.
    @param asset Asset id.
    @return bool True if somebody does.
    """
    now: IPriceOracle.AssetPrice = collateral_assets._heard(asset)
    if now.status != constants.STATUS_VALID:
        return False
    collateral_assets._note(asset, now)
    if self.unpriced[account][asset] != 0:
        self.unpriced[account][asset] = 0
    return True


@internal
def _take(account: uint256, asset: uint256, amount: uint256) -> uint256:
    """
    @dev Takes an amount off a balance. A lien ends with the last asset that can be sold: it lies
         on them alone.
    @param account Account.
    @param asset Asset id.
    @param amount Token units.
    @return uint256 What is left (token units).
    """
    before: uint256 = self.balances[account][asset]
    assert amount <= before, "collateral_balances: balance too low"
    after: uint256 = before - amount
    self._set_balance(account, asset, after)
    if self.liens[account] != 0 and not self._can_bear_lien(account):
        self._set_lien(account, 0)
    return after


@internal
def _set_balance(account: uint256, asset: uint256, balance: uint256):
    """
    @dev Sets a balance and keeps the sum, and the bit in the account's word.
    @param account Account.
    @param asset Asset id.
    @param balance Token units.
    """
    before: uint256 = self.balances[account][asset]
    self.balances[account][asset] = balance
    self.totals[asset] = self.totals[asset] + balance - before
    if (before == 0) != (balance == 0):
        extcall collateral_assets.LEDGER.set_asset(account, asset, balance != 0)


@internal
def _set_lien(account: uint256, lien: uint256):
    """
    @dev Sets a lien.
    @param account Account.
    @param lien WAD quote.
    """
    self.total_liens = self.total_liens + lien - self.liens[account]
    self.liens[account] = lien
    log ICollateralRegistry.LienChanged(account=account, lien=lien)


@view
@internal
def _check_held():
    """
    @dev Guarantees that the caller is an operator of the ledger and an operation is under way.
    """
    assert staticcall collateral_assets.LEDGER.is_operator(
        msg.sender
    ), "collateral_balances: not operator"
    assert (
        staticcall collateral_assets.LEDGER.holder() != empty(address)
    ), "collateral_balances: not locked"
