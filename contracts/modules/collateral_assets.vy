# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Collateral assets
@custom:contract-name collateral_assets
@license Apache-2.0
@author Seawall contributors
@notice Which tokens besides the quote token are collateral, where their prices come from, how
        much of each is taken, and what an amount counts for.
@dev Oracle and id say where a price comes from: an asset with a market has the market's, any
     other one an oracle of its own kind, so that ids of markets stay ids of the price oracle.
     An oracle that reverts, does not end, is gone or answers what no price can be is a silent
     one: nobody stands for its price, and maintenance counts what was last noted of it.
"""

from ..interfaces import ICollateralRegistry
from ..interfaces import ILedger
from ..interfaces import IPriceOracle
from ..interfaces import ISpotPool
from ..lib import constants
from ..lib import fixed_point
from ..lib import haircut_math
from ..lib import risk_math
from . import access

uses: access


# What this module asks of a token besides ERC-20's transfers.
interface ITokenDecimals:
    def decimals() -> uint8: view


# What the ledger says about itself.
interface IQuoteLedger:
    def quote_token() -> address: view


# Kinds of checks, as in `account_risk.vy`.
MAINTENANCE: constant(uint256) = 1

# With fewer decimals one token unit is money; with more its WAD is no whole number.
MIN_DECIMALS: constant(uint256) = 6
MAX_DECIMALS: constant(uint256) = 18
MAX_CAP: constant(uint256) = 10**36
MAX_SALE_FEE_RATE: constant(uint256) = constants.WAD // 20
MAX_SALE_WINDOW_SECONDS: constant(uint256) = 604_800
MAX_MIN_SALE: constant(uint256) = 10**24
# A sale of the fee's share of a reserve fills at most so many fees below the pool's price.
FILL_FEES: constant(uint256) = 2


# An oracle's answer to `asset_price`, and what a note of it has room for: price, variance, confidence.
ANSWER_BYTES: constant(uint256) = 288
MAX_PRICE: constant(uint256) = 2**96 - 1
VARIANCE_BITS: constant(uint256) = 96
MAX_VARIANCE: constant(uint256) = 2**88 - 1
CONFIDENCE_BITS: constant(uint256) = 184
MAX_CONFIDENCE: constant(uint256) = 2**72 - 1


# What is stored of an asset besides its parameters.
struct Asset:
    token: address
    oracle: address
    oracle_id: uint256
    spot_pool: address
    scale: uint256


# What an amount is valued with.
struct Terms:
    scale: uint256
    price: uint256  # the worst of those that count
    index: uint256  # what the sources say now
    base: uint256  # haircut that does not depend on the amount (WAD)
    variance: uint256
    depth: uint256
    size_coefficient: uint256
    is_good: bool  # status VALID
    is_heard: bool  # the oracle has answered, whatever its status


LEDGER: immutable(ILedger)
QUOTE_TOKEN: immutable(address)

asset_count: public(reentrant(uint256))

assets: ICollateralRegistry.AssetParameters[constants.MAX_ASSETS]
places: Asset[constants.MAX_ASSETS]
# @dev What maintenance counted an asset with when somebody stood for its price at the last look:
# price, annualised variance, confidence over price (all WAD).
notes: uint256[constants.MAX_ASSETS]


@deploy
def __init__(ledger: address):
    """
    @notice Fixes the ledger.
    @param ledger Ledger, which must register the registry as an operator.
    """
    assert ledger != empty(address), "collateral_assets: zero address"
    LEDGER = ILedger(ledger)
    QUOTE_TOKEN = staticcall IQuoteLedger(ledger).quote_token()


@external
def add_asset(
    token: address,
    oracle: address,
    oracle_id: uint256,
    spot_pool: address,
    parameters: ICollateralRegistry.AssetParameters,
) -> uint256:
    """
    @notice Lists the next asset; it is never forgotten, so that what was deposited can always
            be taken out. Owner only.
    @param token ERC-20 token of 6 to 18 decimals, neither the quote token nor listed.
    @param oracle Price oracle that knows it.
    @param oracle_id Its id there.
    @param spot_pool Where it is sold for the quote token.
    @param parameters Parameters.
    @return uint256 Asset id.
    """
    access._check_owner()
    asset: uint256 = self.asset_count
    assert asset < constants.MAX_ASSETS, "collateral_assets: too many assets"
    assert token != QUOTE_TOKEN, "collateral_assets: quote token"
    for other: uint256 in range(asset, bound=constants.MAX_ASSETS):
        assert self.places[other].token != token, "collateral_assets: listed already"
    decimals: uint256 = convert(staticcall ITokenDecimals(token).decimals(), uint256)
    assert (
        decimals >= MIN_DECIMALS and decimals <= MAX_DECIMALS
    ), "collateral_assets: decimals out of bounds"
    price: IPriceOracle.AssetPrice = staticcall IPriceOracle(oracle).asset_price(oracle_id)
    assert self._is_price(price), "collateral_assets: no price"
    self.asset_count = asset + 1
    self.places[asset] = Asset(
        token=token,
        oracle=oracle,
        oracle_id=oracle_id,
        spot_pool=empty(address),
        scale=pow_mod256(10, MAX_DECIMALS - decimals),
    )
    log ICollateralRegistry.AssetAdded(
        asset=asset, token=token, oracle=oracle, oracle_id=oracle_id, decimals=decimals
    )
    self._note(asset, price)
    self._set_spot_pool(asset, spot_pool)
    self._set_parameters(asset, parameters)
    return asset


@external
def set_parameters(asset: uint256, parameters: ICollateralRegistry.AssetParameters):
    """
    @notice Changes the parameters of an asset. Owner only.
    @param asset Asset id.
    @param parameters Parameters.
    """
    access._check_owner()
    self._check_asset(asset)
    self._set_parameters(asset, parameters)


@external
def set_spot_pool(asset: uint256, spot_pool: address):
    """
    @notice Changes where an asset is sold. Owner only.
    @param asset Asset id.
    @param spot_pool Pool of that asset and the quote token.
    """
    access._check_owner()
    self._check_asset(asset)
    self._set_spot_pool(asset, spot_pool)
    self._check_band(asset, self.assets[asset].sale_band)


@view
@external
@reentrant
def parameters(asset: uint256) -> ICollateralRegistry.AssetParameters:
    """
    @notice Parameters of an asset.
    @param asset Asset id.
    @return AssetParameters Empty for an asset that is not listed.
    """
    if asset >= self.asset_count:
        return empty(ICollateralRegistry.AssetParameters)
    return self.assets[asset]


@view
@internal
def _terms(asset: uint256, kind: uint256) -> Terms:
    """
    @dev What an amount of an asset is valued with. Maintenance: at the lower one of risk and
         average price, as of the last round if nothing is heard. Initial and withdraw: at the
         lowest one of these and the index.
    @param asset Asset id.
    @param kind 0 initial, 1 maintenance, 2 withdraw.
    @return Terms Terms.
    """
    now: IPriceOracle.AssetPrice = self._heard(asset)
    price: uint256 = min(now.risk_price, now.ema_price)
    if kind != MAINTENANCE:
        price = min(price, now.index_price)
    variance: uint256 = max(now.variance_fast, now.variance_slow)
    return Terms(
        scale=self.places[asset].scale,
        price=price,
        index=now.index_price,
        base=haircut_math._base_haircut(
            self.assets[asset].haircut_min,
            self.assets[asset].z,
            self.assets[asset].horizon_seconds,
            self.assets[asset].confidence_coefficient,
            variance,
            now.confidence,
            now.index_price,
        ),
        variance=variance,
        depth=self.assets[asset].depth,
        size_coefficient=self.assets[asset].size_coefficient,
        is_good=now.status == constants.STATUS_VALID,
        is_heard=now.status != constants.STATUS_NONE,
    )


@pure
@internal
def _counted(terms: Terms, units: uint256) -> uint256:
    """
    @dev What an amount counts for.
    @param terms Terms of its asset.
    @param units Token units.
    @return uint256 Value after the haircut (WAD quote).
    """
    return haircut_math._counted_value(
        haircut_math._value(units, terms.scale, terms.price),
        terms.base,
        terms.depth,
        terms.variance,
        terms.size_coefficient,
    )


@view
@internal
def _heard(asset: uint256) -> IPriceOracle.AssetPrice:
    """
    @dev What an asset's oracle says, in bounded gas.
    @param asset Asset id.
    @return AssetPrice Its answer; if it has none, what was last noted, with the status NONE and
            an index of one, for which the confidence is meant.
    """
    has_answered: bool = False
    answer: Bytes[ANSWER_BYTES] = b""
    has_answered, answer = raw_call(
        self.places[asset].oracle,
        abi_encode(
            self.places[asset].oracle_id, method_id=method_id("asset_price(uint256)")
        ),
        max_outsize=ANSWER_BYTES,
        gas=constants.FORMULA_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if has_answered and len(answer) == ANSWER_BYTES:
        now: IPriceOracle.AssetPrice = abi_decode(answer, IPriceOracle.AssetPrice)
        if self._is_price(now):
            return now
    note: uint256 = self.notes[asset]
    noted: IPriceOracle.AssetPrice = empty(IPriceOracle.AssetPrice)
    noted.index_price = constants.WAD
    noted.risk_price = note & MAX_PRICE
    noted.ema_price = noted.risk_price
    noted.variance_slow = (note >> VARIANCE_BITS) & MAX_VARIANCE
    noted.confidence = note >> CONFIDENCE_BITS
    noted.status = constants.STATUS_NONE
    return noted


@internal
def _note(asset: uint256, now: IPriceOracle.AssetPrice):
    """
    @dev Keeps what maintenance counts an asset with, for when its oracle answers no more.
    @param asset Asset id.
    @param now What the oracle says.
    """
    # NOTE: rounds up, against the account.
    confidence: uint256 = fixed_point._div_wad_up(
        min(now.confidence, risk_math.MAX_AMOUNT), now.index_price
    )
    self.notes[asset] = (
        min(now.risk_price, now.ema_price)
        | (min(max(now.variance_fast, now.variance_slow), MAX_VARIANCE) << VARIANCE_BITS)
        | (min(confidence, MAX_CONFIDENCE) << CONFIDENCE_BITS)
    )


@view
@internal
def _is_sellable(asset: uint256, terms: Terms) -> bool:
    """
    @dev Whether an asset's price is good enough to sell it by force.
    @param asset Asset id.
    @param terms Its terms.
    @return bool True if so.
    """
    if not terms.is_heard:
        return False
    has_answered: bool = False
    answer: Bytes[32] = b""
    has_answered, answer = raw_call(
        self.places[asset].oracle,
        abi_encode(
            self.places[asset].oracle_id,
            constants.ACTION_LIQUIDATE,
            method_id=method_id("is_allowed(uint256,uint256)"),
        ),
        max_outsize=32,
        gas=constants.FORMULA_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return has_answered and len(answer) == 32 and convert(answer, uint256) == 1


@pure
@internal
def _is_price(now: IPriceOracle.AssetPrice) -> bool:
    """
    @dev Whether an answer can be a price.
    @param now Answer.
    @return bool True if every price is positive and small enough for the arithmetic.
    """
    least: uint256 = min(now.index_price, min(now.risk_price, now.ema_price))
    most: uint256 = max(now.index_price, max(now.risk_price, now.ema_price))
    return least != 0 and most <= MAX_PRICE


@view
@internal
def _check_asset(asset: uint256):
    """
    @dev Guarantees that an asset is listed.
    @param asset Asset id.
    """
    assert asset < self.asset_count, "collateral_assets: unknown asset"


@internal
def _set_spot_pool(asset: uint256, spot_pool: address):
    """
    @dev Checks that a pool exchanges the asset for the quote token, then sets it.
    @param asset Asset id.
    @param spot_pool Pool.
    """
    pool: ISpotPool = ISpotPool(spot_pool)
    assert (
        staticcall pool.asset() == self.places[asset].token
        and staticcall pool.quote_token() == QUOTE_TOKEN
    ), "collateral_assets: pool of other tokens"
    self.places[asset].spot_pool = spot_pool
    log ICollateralRegistry.SpotPoolSet(asset=asset, spot_pool=spot_pool)


@internal
def _set_parameters(asset: uint256, parameters: ICollateralRegistry.AssetParameters):
    """
    @dev Checks every bound, then sets. Band and fee of a forced sale are within the least
         haircut, so that no sale lowers what an account is worth.
    @param asset Asset id.
    @param parameters Parameters.
    """
    self._check_bound(parameters.deposit_cap, MAX_CAP)
    self._check_bound(parameters.haircut_min, constants.WAD)
    self._check_bound(parameters.z, risk_math.MAX_COEFFICIENT)
    self._check_bound(parameters.horizon_seconds, risk_math.MAX_HORIZON_SECONDS)
    self._check_bound(parameters.size_coefficient, risk_math.MAX_COEFFICIENT)
    self._check_bound(parameters.depth, risk_math.MAX_AMOUNT)
    assert parameters.depth >= constants.WAD, "collateral_assets: no depth"
    self._check_bound(parameters.confidence_coefficient, risk_math.MAX_COEFFICIENT)
    self._check_bound(parameters.sale_fee_rate, MAX_SALE_FEE_RATE)
    self._check_bound(parameters.sale_window_seconds, MAX_SALE_WINDOW_SECONDS)
    self._check_bound(parameters.min_sale, MAX_MIN_SALE)
    assert (
        parameters.sale_band <= parameters.haircut_min
        and parameters.sale_band + parameters.sale_fee_rate <= parameters.haircut_min
    ), "collateral_assets: sale beyond the haircut"
    self._check_band(asset, parameters.sale_band)
    self.assets[asset] = parameters
    log ICollateralRegistry.AssetParametersSet(asset=asset, parameters=parameters)


@view
@internal
def _check_band(asset: uint256, sale_band: uint256):
    """
    @dev Guarantees that a sale can fill in a pool that stands at the price.
    @param asset Asset id.
    @param sale_band How far below that price a forced sale may fill (WAD).
    """
    fee_rate: uint256 = staticcall ISpotPool(self.places[asset].spot_pool).fee_rate()
    assert sale_band >= FILL_FEES * fee_rate, "collateral_assets: band within the pool's fee"


@pure
@internal
def _check_bound(x: uint256, most: uint256):
    """
    @dev Guarantees that a parameter is not above its bound.
    @param x Parameter.
    @param most Bound.
    """
    assert x <= most, "collateral_assets: out of bounds"
