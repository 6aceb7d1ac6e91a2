# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Price oracle
@custom:contract-name PriceOracle
@license Apache-2.0
@author Seawall contributors
@notice Reporters push prices; the protocol reads a weighted median with its confidence, a
        price that liquidations may use, an average, and two variances.
@dev Entry points are in `modules/oracle_rounds.vy`, formulas in `lib/oracle_math.vy`.
@custom:kill No asset can be unlisted. A sick source is outvoted, goes stale by itself or is
             removed; a sick oracle is replaced.
@custom:invariants The index is a price some fresh source reported, or stays where it was; of
                   three sources or more, no single one takes it out of the range of the
                   others. The risk price lies between its base and the index. Round ids
                   grow by one.
"""

from .interfaces import IPriceOracle
from .modules import access
from .modules import oracle_parameters
from .modules import oracle_sources
from .modules import oracle_estimators
from .modules import oracle_rounds


implements: IPriceOracle

initializes: access
initializes: oracle_parameters
initializes: oracle_sources[access := access, oracle_parameters := oracle_parameters]
initializes: oracle_estimators[oracle_parameters := oracle_parameters]
initializes: oracle_rounds[
    access := access,
    oracle_estimators := oracle_estimators,
    oracle_parameters := oracle_parameters,
    oracle_sources := oracle_sources,
]

exports: (
    # Ownership
    access.owner,
    access.pending_owner,
    access.transfer_ownership,
    access.accept_ownership,
    # Configuration
    oracle_parameters.parameters,
    oracle_rounds.add_asset,
    oracle_sources.add_reporter,
    oracle_rounds.remove_reporter,
    oracle_rounds.change_reporter,
    oracle_sources.reporters,
    oracle_sources.asset_count,
    oracle_sources.source_report,
    # Reporting
    oracle_rounds.report,
    # Reading
    oracle_rounds.asset_price,
    oracle_rounds.is_allowed,
    oracle_rounds.settlement_prices,
    oracle_estimators.round,
)


@deploy
def __init__(owner: address, parameters: IPriceOracle.OracleParameters):
    """
    @notice Deploys an oracle without assets.
    @param owner Address that lists assets and reporters.
    @param parameters Configuration, fixed from here on.
    """
    access.__init__(owner)
    oracle_parameters.__init__(parameters)
