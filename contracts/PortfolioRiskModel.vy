# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Portfolio risk model
@custom:contract-name PortfolioRiskModel
@license Apache-2.0
@author Seawall contributors
@notice What positions in several markets require together, by joint scenarios and stated
        correlations.
@dev Formula in `lib/portfolio_math.vy`.
@custom:kill Nothing to stop: no funds, no changing state. A change of parameters or
             correlations is a new instance that the risk engine is pointed at.
@custom:invariants For every input that does not overflow: at most the sum of the legs' own
             requirements, at least the least portfolio share of it.
"""

from .interfaces import IPortfolioRiskModel
from .lib import portfolio_math


implements: IPortfolioRiskModel


OWNER: immutable(address)
PARAMETERS: immutable(portfolio_math.PortfolioParameters)
CORRELATIONS: immutable(int256[28])


@deploy
def __init__(
    owner: address,
    correlations: int256[28],
    parameters: portfolio_math.PortfolioParameters,
):
    """
    @notice Checks and fixes correlations and parameters.
    @param owner Who answers for them; has no power over them.
    @param correlations By pair of markets: (0, 1), (0, 2), (1, 2), (0, 3) and so on (WAD).
    @param parameters Parameters of the formula.
    """
    assert owner != empty(address), "portfolio_model: zero owner"
    portfolio_math._check_correlations(correlations)
    portfolio_math._check_parameters(parameters)
    OWNER = owner
    PARAMETERS = parameters
    CORRELATIONS = correlations


@view
@external
@reentrant
def portfolio_margin(
    legs: IPortfolioRiskModel.PortfolioLeg[8]
) -> IPortfolioRiskModel.PortfolioMargin:
    """
    @notice What positions require together.
    @param legs By market id, empty without a position.
    @return PortfolioMargin Never above the sum of what they require alone. Closing a position on
            the heavier side of the scans, or as much scan on either side, never raises it.
    """
    return portfolio_math._portfolio_margin(legs, CORRELATIONS, PARAMETERS)


@view
@external
@reentrant
def parameters() -> portfolio_math.PortfolioParameters:
    """
    @notice The model's parameters, fixed at deployment.
    @return PortfolioParameters Parameters of the formula.
    """
    return PARAMETERS


@view
@external
@reentrant
def correlations() -> int256[28]:
    """
    @notice The model's correlations, fixed at deployment.
    @return int256[28] By pair of markets: (0, 1), (0, 2), (1, 2), (0, 3) and so on (WAD).
    """
    return CORRELATIONS


@view
@external
@reentrant
def owner() -> address:
    """
    @notice Who answers for the parameters; has no power over them.
    @return address Fixed at deployment.
    """
    return OWNER
