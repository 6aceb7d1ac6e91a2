# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title RiskEngine
@custom:contract-name RiskEngine
@license Apache-2.0
@author Seawall contributors
@notice Judges cross-margin, isolated and portfolio accounts over up to eight markets whose margin ratios
        follow risk models: what an account is worth, what it must hold, whether it may add
        risk, take collateral out or be liquidated.
@dev Holds no account and no token. `MarginChecked` is logged for whoever holds the ledger's
     lock, so that a line in the log is a check that was made.
@custom:kill None of its own: pause the desk.
@custom:invariants An account's maintenance requirement in `account_states` is the one that
             `liquidation_inputs` finds, to the last bit.
"""

from .interfaces import IRiskEngine
from .modules import access
from .modules import account_risk
from .modules import batched_accounts
from .modules import believed_depth
from .modules import clusters
from .modules import margin_checks
from .modules import portfolio_formula
from .modules import risk_params


implements: IRiskEngine

initializes: access
initializes: risk_params[access := access]
initializes: portfolio_formula[access := access]
initializes: account_risk[portfolio_formula := portfolio_formula, risk_params := risk_params]
initializes: batched_accounts[
    account_risk := account_risk, portfolio_formula := portfolio_formula
]
initializes: believed_depth[account_risk := account_risk, risk_params := risk_params]
initializes: clusters[access := access, account_risk := account_risk]
initializes: margin_checks[
    account_risk := account_risk, believed_depth := believed_depth, clusters := clusters
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Parameters
    risk_params.parameters,
    risk_params.set_parameters,
    # Clusters
    clusters.cluster_of,
    clusters.members_of,
    clusters.set_cluster,
    # Portfolio model
    portfolio_formula.portfolio_model,
    portfolio_formula.set_portfolio_model,
    # Checks
    margin_checks.check_initial,
    margin_checks.check_withdraw,
    margin_checks.check_maintenance,
    # Views
    margin_checks.entry_ratio,
    margin_checks.liquidation_account,
    margin_checks.liquidation_inputs,
    batched_accounts.account_states,
)


@deploy
def __init__(
    owner: address,
    price_oracle: address,
    ledger: address,
    market_registry: address,
    liquidity_pool: address,
    collateral_registry: address,
    parameters: IRiskEngine.RiskParameters,
):
    """
    @notice Deploys an engine.
    @param owner Address that sets parameters.
    @param price_oracle Price oracle.
    @param ledger Ledger.
    @param market_registry Market registry.
    @param liquidity_pool Liquidity pool.
    @param collateral_registry Collateral registry.
    @param parameters Risk parameters.
    """
    access.__init__(owner)
    risk_params.__init__(parameters)
    account_risk.__init__(
        price_oracle, ledger, market_registry, liquidity_pool, collateral_registry
    )
