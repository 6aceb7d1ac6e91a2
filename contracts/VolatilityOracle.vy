# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Volatility oracle
@custom:contract-name VolatilityOracle
@license Apache-2.0
@author Seawall contributors
@notice Variance of each market from highs and lows of the price oracle's rounds and from a
        reported implied one, and one chosen from these and the price oracle's own: the largest
        of any, with a floor, a buffer, a multiplier for how margin did, and limits to how fast it
        moves. Correlation of each two markets.
@dev Entry points are in `modules/estimator_updates.vy` and `modules/correlations.vy`, formulas in
     `lib/estimator_math.vy` and `lib/covariance_math.vy`.
@custom:kill A choice that nobody renews is forgotten; weights of zero are no choice.
@custom:invariants A chosen variance lies in [(1 %)**2, (1,000,000 %)**2] and moves between two
                   updates by no more than its limits. Round ids never fall. A correlation lies
                   in [-1, 1], and falls between two samples by no more than its limit.
"""

from .interfaces import IVolatilityOracle
from .modules import access
from .modules import correlations
from .modules import estimator_params
from .modules import estimator_performance
from .modules import estimator_state
from .modules import estimator_updates


implements: IVolatilityOracle

initializes: access
initializes: estimator_params
initializes: estimator_performance
initializes: estimator_state
initializes: estimator_updates[
    access := access,
    estimator_params := estimator_params,
    estimator_performance := estimator_performance,
    estimator_state := estimator_state,
]
initializes: correlations[access := access, estimator_updates := estimator_updates]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Configuration
    estimator_params.parameters,
    estimator_performance.performance_parameters,
    estimator_updates.add_market,
    estimator_updates.set_estimator,
    estimator_updates.set_performance,
    estimator_updates.set_implied_reporter,
    estimator_updates.implied_reporter,
    estimator_updates.market_count,
    estimator_updates.price_oracle,
    correlations.correlation_parameters,
    correlations.set_correlation,
    # Updating
    estimator_updates.update,
    estimator_updates.report_implied,
    correlations.update_pair,
    # Reading
    estimator_updates.variances,
    estimator_updates.estimates,
    estimator_performance.performance,
    correlations.correlation,
    correlations.least_correlation,
)


@deploy
def __init__(owner: address, price_oracle: address, ledger: address):
    """
    @notice Deploys an oracle without markets.
    @param owner Address that adds markets and sets parameters.
    @param price_oracle Price oracle; its asset ids are the market ids.
    @param ledger Ledger, which counts exceptions.
    """
    access.__init__(owner)
    estimator_performance.__init__(ledger)
    estimator_updates.__init__(price_oracle)
