# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Market making
@custom:contract-name market_making
@license Apache-2.0
@author Seawall contributors
@notice The pool's positions, the prices at which they change, and its dealings with the
        ledger.
"""

from ..interfaces import ILiquidityPool
from ..interfaces import IMarketRegistry
from ..lib import constants
from ..lib import pool_math
from . import access
from . import erc4626_vault
from . import pool_connections

uses: access
uses: erc4626_vault
uses: pool_connections


market_count: public(reentrant(uint256))

# @dev Position of the pool by market, minus the sum of all traders' sizes (WAD base).
position: public(reentrant(HashMap[uint256, int256]))

# @dev How fills depend on the skew, by market.
terms: HashMap[uint256, ILiquidityPool.PricingTerms]


@external
def add_market(skew_scale: uint256, max_premium: uint256) -> uint256:
    """
    @notice Adds the next market. Owner only.
    @param skew_scale Base units of skew at a premium of 100 % (WAD).
    @param max_premium Largest premium or discount (WAD).
    @return uint256 Market id.
    """
    access._check_owner()
    market: uint256 = self.market_count
    assert market < constants.MAX_MARKETS, "pool: too many markets"
    self.market_count = market + 1
    self._set_pricing_terms(market, skew_scale, max_premium)
    return market


@external
def set_pricing_terms(market: uint256, skew_scale: uint256, max_premium: uint256):
    """
    @notice Changes how a market's fills depend on its skew. Owner only.
    @param market Market id.
    @param skew_scale Base units of skew at a premium of 100 % (WAD).
    @param max_premium Largest premium or discount (WAD).
    """
    access._check_owner()
    assert market < self.market_count, "pool: unknown market"
    self._check_premium(market, max_premium)
    self._set_pricing_terms(market, skew_scale, max_premium)


@external
def apply_fill(market: uint256, size_delta: int256, index_price: uint256) -> uint256:
    """
    @notice Takes the other side of a trade at the skew price. Ledger only.
    @param market Market id.
    @param size_delta Signed base units the traders gain.
    @param index_price Index price (WAD).
    @return uint256 Fill price (WAD), rounded against the trader.
    """
    self._check_ledger()
    fill_price: uint256 = self._quote(market, size_delta, index_price)
    self._take(market, size_delta, fill_price)
    return fill_price


@external
def apply_deleverage(market: uint256, size_delta: int256, index_price: uint256):
    """
    @notice Takes the other side of an auto-deleveraging at the index price. Ledger only.
    @param market Market id.
    @param size_delta Signed base units the traders gain.
    @param index_price Index price (WAD).
    """
    self._check_ledger()
    self._take(market, size_delta, index_price)


@external
def collect(amount: uint256):
    """
    @notice Books tokens that have just been sent. Ledger and its operators only.
    @param amount WAD quote, whole quanta.
    """
    if msg.sender != pool_connections.LEDGER.address:
        assert staticcall pool_connections.LEDGER.is_operator(
            msg.sender
        ), "pool: not ledger"
    erc4626_vault._receive(amount)
    log ILiquidityPool.ReservesChanged(
        delta=convert(amount, int256), reserves=erc4626_vault.reserves
    )


@external
def pay(amount: uint256):
    """
    @notice Pays the ledger from the reserves. Ledger only.
    @param amount WAD quote, whole quanta, at most the reserves.
    """
    self._check_ledger()
    log ILiquidityPool.ReservesChanged(
        delta=-convert(amount, int256), reserves=erc4626_vault.reserves - amount
    )
    erc4626_vault._send(msg.sender, amount)


@view
@external
@reentrant
def quote(market: uint256, size_delta: int256, index_price: uint256) -> uint256:
    """
    @notice Fill price of a trade now; the mark price for a size of zero.
    @param market Market id.
    @param size_delta Signed base units the traders would gain.
    @param index_price Index price (WAD).
    @return uint256 Fill price (WAD).
    """
    return self._quote(market, size_delta, index_price)


@view
@external
@reentrant
def pricing_terms(market: uint256) -> ILiquidityPool.PricingTerms:
    """
    @notice How a market's fills depend on its skew.
    @param market Market id.
    @return PricingTerms Terms.
    """
    return self.terms[market]


@internal
def _take(market: uint256, size_delta: int256, price: uint256):
    """
    @dev Moves the pool's position against a trade.
    @param market Market id.
    @param size_delta Signed base units the traders gain.
    @param price Price, for the record (WAD).
    """
    position: int256 = self.position[market] - size_delta
    self.position[market] = position
    log ILiquidityPool.Filled(
        market=market, size_delta=size_delta, fill_price=price, position=position
    )


@internal
def _set_pricing_terms(market: uint256, skew_scale: uint256, max_premium: uint256):
    """
    @dev Checks every bound, then sets.
    @param market Market id.
    @param skew_scale Base units of skew at a premium of 100 % (WAD).
    @param max_premium Largest premium or discount (WAD).
    """
    assert skew_scale >= 10**12 and skew_scale <= 10**40, "pool: skew scale out of bounds"
    assert max_premium < constants.WAD, "pool: premium out of bounds"
    self.terms[market] = ILiquidityPool.PricingTerms(
        skew_scale=skew_scale, max_premium=max_premium
    )
    log ILiquidityPool.PricingTermsSet(
        market=market, skew_scale=skew_scale, max_premium=max_premium
    )


@view
@internal
def _check_premium(market: uint256, max_premium: uint256):
    """
    @dev Guarantees that a market's ratios can carry a premium; a market that the registry does
         not have yet is checked there when it is added.
    @param market Market id.
    @param max_premium Largest premium or discount (WAD).
    """
    registry: address = pool_connections.market_registry
    if registry != empty(address):
        assert max_premium <= staticcall IMarketRegistry(registry).largest_premium(
            market
        ), "pool: premium above the ratio"


@view
@internal
def _quote(market: uint256, size_delta: int256, index_price: uint256) -> uint256:
    """
    @dev Fill price of a trade now.
    @param market Market id.
    @param size_delta Signed base units the traders would gain.
    @param index_price Index price (WAD).
    @return uint256 Fill price (WAD).
    """
    terms: ILiquidityPool.PricingTerms = self.terms[market]
    return pool_math._fill_price(
        index_price, -self.position[market], size_delta, terms.skew_scale, terms.max_premium
    )


@view
@internal
def _check_ledger():
    """
    @dev Guarantees that the caller is the ledger.
    """
    assert msg.sender == pool_connections.LEDGER.address, "pool: not ledger"
