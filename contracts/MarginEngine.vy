# pragma version 0.4.3
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title MarginEngine
@custom:contract-name MarginEngine
@license Apache-2.0
@author Seawall contributors
@notice Cross-margin accounts in a quote token of 6 decimals, over up to eight markets whose
        margin ratios follow risk models.
@dev Accounts are keyed by address. The liquidity pool is the counterparty of every trade.
@custom:kill `pause` stops what adds risk; deposits, reductions, withdrawals within the rule
             and liquidations go on.
@custom:invariants Token balance times 10**12 = total_collateral + accrued_fees without
             donations; bad_debt = fund_draws + haircuts + socialized_loss.
"""

from .interfaces import IMarginEngine
from .modules import access
from .modules import pausable
from .modules import connections
from .modules import ledger
from .modules import margin_params
from .modules import funding
from .modules import ramp
from .modules import market_state
from .modules import account_risk
from .modules import settlement
from .modules import loss_waterfall
from .modules import trading
from .modules import liquidation_hooks


implements: IMarginEngine

initializes: access
initializes: pausable[access := access]
initializes: connections[access := access]
initializes: ledger
initializes: margin_params
initializes: funding[margin_params := margin_params]
initializes: ramp[margin_params := margin_params]
initializes: market_state[
    access := access,
    connections := connections,
    funding := funding,
    ledger := ledger,
    margin_params := margin_params,
    ramp := ramp,
]
initializes: account_risk[
    connections := connections,
    ledger := ledger,
    margin_params := margin_params,
    market_state := market_state,
]
initializes: settlement[connections := connections, ledger := ledger]
initializes: loss_waterfall[
    connections := connections, ledger := ledger, settlement := settlement
]
initializes: trading[
    access := access,
    account_risk := account_risk,
    connections := connections,
    ledger := ledger,
    loss_waterfall := loss_waterfall,
    margin_params := margin_params,
    market_state := market_state,
    pausable := pausable,
    settlement := settlement,
]
initializes: liquidation_hooks[
    account_risk := account_risk,
    connections := connections,
    ledger := ledger,
    loss_waterfall := loss_waterfall,
    margin_params := margin_params,
    market_state := market_state,
    settlement := settlement,
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    pausable.paused,
    pausable.pause,
    pausable.unpause,
    # Connections
    connections.connect,
    connections.quote_token,
    connections.price_oracle,
    connections.liquidity_pool,
    connections.insurance_fund,
    connections.liquidation_engine,
    # Markets
    margin_params.parameters,
    market_state.add_market,
    market_state.set_market,
    market_state.set_parameters,
    market_state.poke,
    market_state.market_snapshot,
    market_state.pool_claims,
    ledger.market_count,
    ledger.market_info,
    # Accounts
    ledger.collateral_of,
    ledger.open_markets_of,
    ledger.position_of,
    ledger.deficit_of,
    ledger.totals,
    account_risk.account_states,
    # Trading
    trading.deposit,
    trading.withdraw,
    trading.increase_position,
    trading.decrease_position,
    trading.collect_fees,
    # Losses
    loss_waterfall.cover_deficit,
    loss_waterfall.withdrawals_open,
    liquidation_hooks.check_maintenance,
    liquidation_hooks.liquidation_inputs,
    liquidation_hooks.liquidate_position,
    liquidation_hooks.deleverage_position,
    liquidation_hooks.write_off,
)


@deploy
def __init__(
    owner: address,
    quote_token: address,
    price_oracle: address,
    parameters: IMarginEngine.MarginParameters,
):
    """
    @notice Deploys an engine without markets; `connect` comes next.
    @param owner Address that adds markets and sets parameters.
    @param quote_token Token of all collateral, 6 decimals.
    @param price_oracle Price oracle; its asset ids are the market ids.
    @param parameters Margin parameters.
    """
    access.__init__(owner)
    connections.__init__(quote_token, price_oracle)
    margin_params.__init__(parameters)
