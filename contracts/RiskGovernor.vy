# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title RiskGovernor
@custom:contract-name RiskGovernor
@license Apache-2.0
@author Seawall contributors
@notice Owner of every parameter setter of the protocol: changes are time-locked, bounded and
        rate-limited; a guardian may only tighten, pause and cancel.
@dev What it guarantees, and how to check a proposal by hand: docs/governance.md.
@custom:kill `pause` stops what adds risk; a proposal is stopped by `cancel`.
@custom:invariants After `seal`: no call before its delay, twice, after its window or after the
                   words it changes have changed; no word out of its rule.
"""

from .modules import access
from .modules import governance_roles
from .modules import governance_rules
from .modules import governance_models
from .modules import governance_proposals


initializes: access
initializes: governance_roles[access := access]
initializes: governance_rules[governance_roles := governance_roles]
initializes: governance_models[
    access := access,
    governance_roles := governance_roles,
    governance_rules := governance_rules,
]
initializes: governance_proposals[
    access := access,
    governance_models := governance_models,
    governance_roles := governance_roles,
    governance_rules := governance_rules,
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Roles
    governance_roles.guardian,
    governance_roles.delay_seconds,
    governance_roles.long_delay_seconds,
    governance_roles.sealed,
    governance_roles.seal,
    governance_roles.set_guardian,
    governance_roles.set_delays,
    # Rules
    governance_rules.register_setter,
    governance_rules.register_call,
    governance_rules.route,
    governance_rules.setter_rule,
    governance_rules.changed_at,
    # Margin formulas
    governance_models.register_model,
    governance_models.register_market,
    governance_models.set_model_limits,
    governance_models.set_model,
    governance_models.add_market,
    governance_models.model_rule,
    governance_models.kind_of,
    governance_models.ratio_rule,
    governance_models.haircut_rule,
    governance_models.model_interval_seconds,
    governance_models.market_registry,
    # Proposals
    governance_proposals.propose,
    governance_proposals.execute,
    governance_proposals.cancel,
    governance_proposals.tighten,
    governance_proposals.pause,
    governance_proposals.take_ownership,
    governance_proposals.proposal,
    governance_proposals.proposal_count,
    governance_proposals.trading_desk,
)


@deploy
def __init__(
    owner: address,
    guardian: address,
    market_registry: address,
    trading_desk: address,
    delay_seconds: uint256,
    long_delay_seconds: uint256,
):
    """
    @notice Deploys a governor without rules; registering, handing over and `seal` come next.
    @param owner Governance: proposes and executes.
    @param guardian May tighten, pause and cancel.
    @param market_registry Market registry.
    @param trading_desk Trading desk.
    @param delay_seconds Delay of parameters, models and short calls.
    @param long_delay_seconds Delay of rules, roles, ownership and long calls.
    """
    access.__init__(owner)
    governance_roles.__init__(guardian, delay_seconds, long_delay_seconds)
    governance_models.__init__(market_registry)
    governance_proposals.__init__(trading_desk)
