"""What each function logs when somebody calls it who may: events in order, with whose if not its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.support.access.roles import GOVERNOR
from tests.support.access.table import OWNED

_OWNERSHIP: Final = {
    f"{contract}.{function}": [f"{contract}.{event}"]
    for contract in (*OWNED, GOVERNOR)
    for function, event in (
        ("transfer_ownership", "OwnershipTransferStarted"),
        ("accept_ownership", "OwnershipTransferred"),
    )
}

_SHARES: Final = """\
{vault}.transfer: Transfer
{vault}.approve: Approval
{vault}.transferFrom of another's shares: Transfer
{vault}.deposit: Transfer, Deposit, token.Transfer
{vault}.mint: Transfer, Deposit, token.Transfer
{vault}.withdraw: Transfer, Withdraw, token.Transfer
{vault}.redeem: Transfer, Withdraw, token.Transfer
{vault}.withdraw of another's shares: Transfer, Withdraw, token.Transfer
{vault}.redeem of another's shares: Transfer, Withdraw, token.Transfer
{vault}.request_exit: ExitRequested, Transfer
{vault}.cancel_exit: ExitCancelled, Transfer
"""

_OTHERS: Final = """\
price_oracle.add_asset: AssetAdded
price_oracle.add_reporter: ReporterAdded
price_oracle.remove_reporter: ReporterRemoved, IndexUpdated
price_oracle.change_reporter: ReporterChanged, IndexUpdated
price_oracle.report: Reported, IndexUpdated
volatility_oracle.add_market: EstimatorSet, EstimatorAdded, ImpliedReporterSet, VarianceUpdated
volatility_oracle.set_estimator: VarianceUpdated, EstimatorSet, VarianceUpdated
volatility_oracle.set_performance: VarianceUpdated, PerformanceSet, VarianceUpdated
volatility_oracle.set_implied_reporter: ImpliedReporterSet
volatility_oracle.report_implied: ImpliedReported
volatility_oracle.update: VarianceUpdated
volatility_oracle.set_correlation: CorrelationSet
volatility_oracle.update_pair:
ledger.set_operator: OperatorSet
liquidity_pool.set_parameters: PoolParametersSet
liquidity_pool.add_market: PricingTermsSet
liquidity_pool.set_pricing_terms: PricingTermsSet
liquidity_pool.request_deposit: Transfer, DepositRequested, Transfer, Deposit, token.Transfer
liquidity_pool.claim_shares: SharesClaimed, Transfer, Transfer
insurance_fund.set_drawer: DrawerSet
insurance_fund.set_parameters: FundParametersSet
market_registry.set_parameters: FundingAccrued, MarketParametersSet
market_registry.add_market: FundingAccrued, RampUpdated, MarketSet
market_registry.set_market: FundingAccrued, MarketSet
market_registry.poke: FundingAccrued
market_registry.touch_one: FundingAccrued
market_registry.touch: FundingAccrued
risk_engine.set_parameters: RiskParametersSet
risk_engine.set_cluster: ClusterSet
risk_engine.set_portfolio_model: PortfolioModelSet
loss_waterfall.set_parameters: WaterfallParametersSet
loss_waterfall.set_deleverage_policy: DeleveragePolicySet
liquidation_engine.set_parameters: LiquidationParametersSet
trading_desk.pause: Paused
trading_desk.unpause: Unpaused
trading_desk.set_parameters: FeeParametersSet
trading_desk.collect_fees: ledger.FeesCollected
trading_desk.deposit: ledger.Deposited, token.Transfer
trading_desk.withdraw: ledger.Withdrawn, token.Transfer
trading_desk.deposit_collateral: token.Transfer, collateral_registry.AssetDeposited
trading_desk.withdraw_collateral: collateral_registry.AssetWithdrawn, token.Transfer
trading_desk.set_mode: ledger.ModeSet
trading_desk.increase_position: market_registry.FundingAccrued, liquidity_pool.Filled,
    ledger.PositionChanged, token.Transfer, liquidity_pool.ReservesChanged, token.Transfer,
    insurance_fund.Contributed, risk_engine.AssetsCounted, risk_engine.MarginChecked
risk_governor.propose: Proposed
risk_governor.execute: Executed, price_oracle.ReporterRemoved, price_oracle.IndexUpdated
risk_governor.take_ownership: insurance_fund.OwnershipTransferred
risk_governor.cancel: Cancelled
risk_governor.tighten: Tightened, risk_engine.RiskParametersSet
risk_governor.pause: trading_desk.Paused
risk_governor.set_guardian: GuardianSet
risk_governor.set_delays: DelaysSet
risk_governor.register_setter: SetterRegistered
risk_governor.register_call: CallRegistered
risk_governor.register_model: ModelRegistered
risk_governor.register_market:
risk_governor.set_model_limits: ModelLimitsSet
risk_governor.set_model: ModelDeployed, market_registry.FundingAccrued, market_registry.MarketSet
risk_governor.add_market: market_registry.FundingAccrued, market_registry.RampUpdated,
    market_registry.MarketSet, ModelDeployed
liquidity_pool.cancel_deposit: DepositCancelled, Transfer, token.Transfer
ledger.lock:
ledger.unlock:
ledger.settle: liquidity_pool.Filled, PositionChanged
ledger.withdraw: Withdrawn, token.Transfer
ledger.draw_fund: insurance_fund.Drawn, token.Transfer, CollateralChanged, liquidity_pool.ReservesChanged
ledger.write_off: CollateralChanged
ledger.use_held: CollateralChanged, HeldGainUsed
ledger.release_held:
ledger.pay_tip: insurance_fund.Drawn, token.Transfer
ledger.deposit: Deposited, token.Transfer
ledger.set_mode: ModeSet
ledger.collect_fees: FeesCollected, token.Transfer
liquidity_pool.apply_fill: Filled
liquidity_pool.apply_deleverage: Filled
liquidity_pool.collect: ReservesChanged
liquidity_pool.pay: ReservesChanged, token.Transfer
insurance_fund.draw: Drawn, token.Transfer
insurance_fund.contribute: Contributed
risk_engine.check_initial: AssetsCounted, MarginChecked
risk_engine.check_withdraw: AssetsCounted, MarginChecked
risk_engine.check_maintenance: market_registry.FundingAccrued, AssetsCounted, MarginChecked
collateral_registry.add_asset: AssetAdded, SpotPoolSet, AssetParametersSet
collateral_registry.set_parameters: AssetParametersSet
collateral_registry.set_spot_pool: SpotPoolSet
collateral_registry.deposit: token.Transfer, AssetDeposited
collateral_registry.withdraw: AssetWithdrawn, token.Transfer
collateral_registry.sell: token.Approval, token.Transfer, spot_pool.Swapped, token.Transfer, AssetSold
collateral_registry.raise_lien: LienChanged
collateral_registry.lower_lien:
collateral_registry.note_prices:
spot_pool.add_liquidity: token.Transfer, token.Transfer, LiquidityAdded
spot_pool.remove_liquidity: LiquidityRemoved, token.Transfer, token.Transfer
spot_pool.swap: token.Transfer, Swapped, token.Transfer
ledger.set_asset:
loss_waterfall.resolve: insurance_fund.Drawn, token.Transfer, ledger.CollateralChanged,
    liquidity_pool.ReservesChanged, BadDebtCovered
loss_waterfall.cover_deficit: insurance_fund.Drawn, token.Transfer, ledger.CollateralChanged,
    liquidity_pool.ReservesChanged, BadDebtCovered
loss_waterfall.release_held:
loss_waterfall.refresh_secured:
loss_waterfall.sell_collateral: collateral_registry.LienChanged, token.Approval, token.Transfer,
    spot_pool.Swapped, token.Transfer, collateral_registry.AssetSold, token.Transfer,
    insurance_fund.Contributed, ledger.Deposited, token.Transfer, token.Transfer,
    liquidity_pool.ReservesChanged, token.Transfer, DeficitSecured, CollateralSold
loss_waterfall.repay_lien: token.Transfer, token.Transfer, insurance_fund.Contributed,
    collateral_registry.LienChanged, LienRepaid
liquidation_engine.liquidate: market_registry.FundingAccrued, risk_engine.MarginChecked,
    liquidity_pool.Filled, ledger.PositionChanged, ledger.CollateralChanged, token.Transfer,
    liquidity_pool.ReservesChanged, token.Transfer, insurance_fund.Contributed, token.Transfer, Liquidated
trading_desk.decrease_position: market_registry.FundingAccrued, liquidity_pool.Filled,
    ledger.PositionChanged, token.Transfer, liquidity_pool.ReservesChanged, token.Transfer,
    insurance_fund.Contributed
loss_waterfall.socialize_loss: BadDebtCovered, ledger.CollateralChanged, ledger.HeldGainUsed,
    ledger.CollateralChanged, LossSocialized
loss_waterfall.auto_deleverage: BadDebtCovered, ledger.CollateralChanged, ledger.HeldGainUsed,
    market_registry.FundingAccrued, liquidity_pool.Filled, ledger.PositionChanged,
    ledger.CollateralChanged, ledger.CollateralChanged, liquidity_pool.ReservesChanged, token.Transfer,
    AutoDeleveraged
"""

ELSEWHERE: Final[Mapping[str, str]] = {
    "volatility_oracle.PerformanceUpdated": "tests/unit/contracts/volatility_oracle/test_performance.py",
    "volatility_oracle.CorrelationUpdated": "tests/unit/contracts/volatility_oracle/test_correlations.py",
    "price_oracle.UnitJumped": "tests/regression/test_a_jump_of_unit_is_refused.py",
    "ledger.Connected": "tests/unit/contracts/test_once.py",
    "ledger.DeficitMoved": "tests/regression/test_who_pays_is_not_for_sale.py",
    "ledger.DeficitRecorded": "tests/unit/contracts/loss_waterfall/test_waterfall.py",
    "ledger.GainUnpaid": "tests/unit/contracts/loss_waterfall/test_waterfall.py",
    "liquidity_pool.Connected": "tests/unit/contracts/test_once.py",
    "insurance_fund.EpochOpened": "tests/regression/test_no_dollar_buys_a_vault.py",
    "market_registry.FormulaFailed": "tests/regression/test_a_broken_formula_can_be_replaced.py",
    "risk_engine.ClusterCounted": "tests/unit/contracts/risk_engine/test_clusters.py",
    "risk_governor.Sealed": "tests/unit/contracts/test_once.py",
}
"""Event that no call of the table logs -> test that looks at it."""


def _parsed(text: str) -> dict[str, list[str]]:
    found = {}
    for line in text.replace("\n    ", " ").splitlines():
        function, _, events = line.partition(": ")
        contract = function.split(".")[0]
        names = [name for name in events.split(", ") if name]
        found[function.removesuffix(":")] = [name if "." in name else f"{contract}.{name}" for name in names]
    return found


EVENTS: Final[Mapping[str, list[str]]] = {
    **_OWNERSHIP,
    **_parsed(_SHARES.format(vault="liquidity_pool")),
    **_parsed(_SHARES.format(vault="insurance_fund")),
    **_parsed(_OTHERS),
}
"""Function -> events."""
