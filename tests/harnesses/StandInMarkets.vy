# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Stand-in for all that the risk engine asks
@license Apache-2.0
@author Seawall contributors
@notice Ledger, registry, pool, both oracles and formula in one, whose answers are what it was told, so
        that an account can have any collateral to the wei. A market's formula asks for what its
        snapshot's `open_interest` says, and for `depth` times the notional more; to stay for the share
        of it that its `variance_slow` says.
"""

from ...contracts.interfaces import ILedger
from ...contracts.interfaces import ILiquidityPool
from ...contracts.interfaces import IMarketRegistry
from ...contracts.interfaces import IRiskEngine
from ...contracts.interfaces import IRiskModel

account: ILedger.Account
markets: IMarketRegistry.MarketSnapshot[8]
fills: uint256[8]
premiums: uint256[8]
estimated: int256


@external
def probe(
    engine: address,
    check_initial: bytes4,
    mode: uint256,
    sizes: int256[8],
    entries: int256[8],
    markets: IMarketRegistry.MarketSnapshot[8],
    fills: uint256[8],
    premiums: uint256[8],
    estimated: int256,
    collaterals: int256[9],
) -> uint256[11]:
    """
    @notice Maintenance requirement and, by collateral, whether three of each check pass: maintenance,
            initial, withdraw; then the equity of the first, as its two's complement.
    """
    self.account = empty(ILedger.Account)
    self.account.mode = mode
    first: uint256 = 8
    for market: uint256 in range(8):
        self.markets[market] = markets[market]
        self.markets[market].risk_model = convert(self, uint256)
        if sizes[market] != 0:
            self.account.open_markets |= 1 << market
            self.account.positions[market].size = sizes[market]
            self.account.positions[market].entry_notional = entries[market]
            self.account.positions[market].entry_maintenance_ratio = 10**18
            first = min(first, market)
    self.fills = fills
    self.premiums = premiums
    self.estimated = estimated
    result: uint256[11] = empty(uint256[11])
    for i: uint256 in range(9):
        self.account.collateral = collaterals[i]
        if i < 3:
            found: IRiskEngine.LiquidationAccount = staticcall IRiskEngine(
                engine
            ).liquidation_account(0)
            result[0] = found.maintenance_requirement
            result[1 + i] = (
                1 if found.equity >= convert(found.maintenance_requirement, int256) else 0
            )
            if i == 0:
                result[10] = convert(convert(found.equity, bytes32), uint256)
        elif i < 6:
            result[1 + i] = self._passes(
                engine,
                concat(check_initial, abi_encode(empty(uint256), first, self.markets[first])),
            )
        else:
            result[1 + i] = self._passes(
                engine,
                abi_encode(
                    empty(uint256),
                    empty(uint256),
                    method_id=method_id("check_withdraw(uint256,uint256)"),
                ),
            )
    return result


@internal
def _passes(engine: address, data: Bytes[1024]) -> uint256:
    """
    @notice 1 if a check passes, 0 if the margin is too low; any other reason reverts.
    """
    done: bool = False
    answer: Bytes[132] = b""
    done, answer = raw_call(engine, data, max_outsize=132, revert_on_failure=False)
    if done:
        return 1
    reason: String[64] = abi_decode(slice(answer, 4, len(answer) - 4), String[64])
    assert reason == "margin_checks: margin too low", reason
    return 0


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    initial: uint256 = inputs.open_interest + inputs.notional * inputs.depth // 10**18
    return IRiskModel.MarginRatios(
        initial=initial, maintenance=initial * inputs.variance_slow // 10**18
    )


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0


@view
@external
@reentrant
def holder() -> address:
    return self


@view
@external
@reentrant
def account_of(account: uint256) -> ILedger.Account:
    return self.account


@view
@external
@reentrant
def snapshots(markets: uint256) -> IMarketRegistry.MarketSnapshot[8]:
    return self.markets


@view
@external
@reentrant
def is_allowed(asset: uint256, action: uint256) -> bool:
    return True


@view
@external
@reentrant
def pricing_terms(market: uint256) -> ILiquidityPool.PricingTerms:
    return ILiquidityPool.PricingTerms(skew_scale=10**24, max_premium=self.premiums[market])


@view
@external
@reentrant
def least_correlation(longs: uint256, shorts: uint256) -> int256:
    return self.estimated


@view
@external
@reentrant
def quote(market: uint256, size_delta: int256, index_price: uint256) -> uint256:
    return self.fills[market]
