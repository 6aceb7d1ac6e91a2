# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Valuation of the pool
@custom:contract-name pool_valuation
@license Apache-2.0
@author Seawall contributors
@notice What the pool's shares are worth to those who come, to those who leave, and on paper.
        No formula is needed for it: a market whose formula does not answer counts with the
        funding that is stored.
"""

from ..interfaces import ILedger
from ..interfaces import ILiquidityPool
from ..interfaces import IMarketRegistry
from ..interfaces import IPriceOracle
from ..lib import constants
from ..lib import funding_math
from ..lib import margin_math
from ..lib import pool_math
from ..lib import vault_math
from . import erc4626_vault
from . import market_making
from . import pool_connections
from . import token

uses: erc4626_vault
uses: market_making
uses: pool_connections
uses: token


# Most bytes of a market's snapshot; more would be cut, and fewer are what there is.
SNAPSHOT_BYTES: constant(uint256) = 1_024


# Assets behind all shares (token units).
struct Assets:
    paper: uint256  # every claim at the index price, whether or not it can be collected
    entry: uint256  # what shares cost, at the price that is worse for who comes
    exit: uint256  # what shares give, at the price that is worse for who leaves
    is_exposed: bool  # some trader has a position, so that all this hangs on an index
    is_enterable: bool  # shares may be minted, see `pool_math` and `vault_math`


@view
@internal
def _assets() -> Assets:
    """
    @dev Values the pool once for all purposes, in constant time per market.
    @return Assets Values, `exit` never above `entry`.
    """
    totals: ILedger.Totals = staticcall pool_connections.LEDGER.totals()
    # What is held of winners' gains is theirs, or pays a deficit that counts below.
    reserves: uint256 = erc4626_vault.reserves
    reserves -= min(totals.held_gains, reserves)

    # MARKETS
    owed: uint256 = 0
    gain: int256 = 0
    paper_pnl: int256 = 0
    funding: int256 = 0
    is_exposed: bool = False
    registry: IMarketRegistry = pool_connections._registry()
    oracle: IPriceOracle = IPriceOracle(staticcall registry.price_oracle())
    for market: uint256 in range(staticcall registry.market_count(), bound=8):
        info: ILedger.MarketAggregates = staticcall pool_connections.LEDGER.aggregates_of(market)
        if info.long_open_interest == 0 and info.short_open_interest == 0:
            continue
        is_exposed = True
        net_size: int256 = convert(info.long_open_interest, int256) - convert(
            info.short_open_interest, int256
        )
        asset: IPriceOracle.AssetPrice = staticcall oracle.asset_price(market)
        unsettled: int256 = funding_math._unsettled_funding(
            net_size, self._funding_index(market), info.net_funding_index
        )
        at_index: int256 = self._gain(market, net_size, info, asset.index_price) - unsettled
        at_average: int256 = self._gain(market, net_size, info, asset.ema_price) - unsettled
        owed += convert(max(max(at_index, at_average), 0), uint256)
        gain += min(at_index, at_average)
        paper_pnl += margin_math._unrealized_pnl(
            net_size, asset.index_price, info.net_entry_notional
        )
        funding += unsettled

    # SIDES
    # NOTE: rounds down for who leaves and up for who comes; the gains above are off by less
    # than one token unit.
    rounding: uint256 = constants.QUANTUM if is_exposed else 0
    entry: uint256 = pool_math._entry_assets(
        reserves,
        totals.total_collateral,
        totals.total_debt,
        totals.pending_deficit,
        gain,
        rounding,
    )
    exit: uint256 = pool_math._exit_assets(
        reserves, owed, totals.total_debt - totals.pending_deficit, rounding
    )
    paper: uint256 = pool_math._pool_assets(reserves, totals.total_debt, paper_pnl, funding)
    # Who comes pays for every lien that may be repaid, whoever of fund and pool has paid for it.
    liens: uint256 = staticcall pool_connections.COLLATERAL_REGISTRY.total_liens()
    entry_units: uint256 = (entry + liens + constants.QUANTUM - 1) // constants.QUANTUM
    return Assets(
        paper=paper // constants.QUANTUM,
        entry=entry_units,
        exit=exit // constants.QUANTUM,
        is_exposed=is_exposed,
        is_enterable=pool_math._is_enterable(entry, reserves)
        and vault_math._is_mintable(token.totalSupply, entry_units),
    )


@view
@internal
def _is_price_good() -> bool:
    """
    @dev Whether every index that the assets hang on may be used to pay somebody out.
    @return bool True if so, and if there is no position.
    """
    registry: IMarketRegistry = pool_connections._registry()
    oracle: IPriceOracle = IPriceOracle(staticcall registry.price_oracle())
    for market: uint256 in range(staticcall registry.market_count(), bound=8):
        info: ILedger.MarketAggregates = staticcall pool_connections.LEDGER.aggregates_of(market)
        if info.long_open_interest == 0 and info.short_open_interest == 0:
            continue
        if not staticcall oracle.is_allowed(market, constants.ACTION_WITHDRAW):
            return False
    return True


@view
@internal
def _gain(
    market: uint256, net_size: int256, info: ILedger.MarketAggregates, price: uint256
) -> int256:
    """
    @dev What a market's traders would gain together if their skew were closed at a price.
    @param market Market id.
    @param net_size Long minus short open interest (WAD base).
    @param info Its aggregates.
    @param price Index or average price (WAD).
    @return int256 Gain (WAD quote).
    """
    terms: ILiquidityPool.PricingTerms = market_making.terms[market]
    return pool_math._closing_gain(
        net_size, info.net_entry_notional, price, terms.skew_scale, terms.max_premium
    )


@view
@internal
def _funding_index(market: uint256) -> int256:
    """
    @dev Funding index as of now, or as of the last touch if the market's formula reverts,
         leaves its range or does not end: who leaves must not depend on it.
    @param market Market id.
    @return int256 Index (WAD quote per base unit).
    """
    answers: bool = False
    answer: Bytes[SNAPSHOT_BYTES] = b""
    answers, answer = raw_call(
        pool_connections.market_registry,
        abi_encode(market, method_id=method_id("market_snapshot(uint256)")),
        max_outsize=SNAPSHOT_BYTES,
        gas=constants.ANSWER_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if answers:
        return abi_decode(answer, IMarketRegistry.MarketSnapshot).funding_index
    return staticcall pool_connections._registry().funding_index(market)
