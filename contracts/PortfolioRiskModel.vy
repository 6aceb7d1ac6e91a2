# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Portfolio risk model
@custom:contract-name PortfolioRiskModel
@license Apache-2.0
@author Seawall contributors
@notice What positions in several markets require together, by joint scenarios and correlations:
        those stated, or what is estimated of them if that is less.
@dev Formula in `lib/portfolio_math.vy`.
@custom:kill Nothing to stop: no funds, no changing state. A change of parameters or of stated
             correlations is a new instance that the risk engine is pointed at.
@custom:invariants For every input that does not overflow: at most the sum of the legs' own
             requirements, at least the least portfolio share of it.
"""

from .interfaces import IPortfolioRiskModel
from .interfaces import IVolatilityOracle
from .lib import portfolio_math


implements: IPortfolioRiskModel


OWNER: immutable(address)
VOLATILITY_ORACLE: immutable(IVolatilityOracle)
PARAMETERS: immutable(portfolio_math.PortfolioParameters)
CORRELATIONS: immutable(int256[28])


@deploy
def __init__(
    owner: address,
    volatility_oracle: address,
    correlations: int256[28],
    parameters: portfolio_math.PortfolioParameters,
):
    """
    @notice Checks and fixes correlations and parameters.
    @param owner Who answers for them; has no power over them.
    @param volatility_oracle Who estimates correlations; zero: only those stated count.
    @param correlations By pair of markets: (0, 1), (0, 2), (1, 2), (0, 3) and so on (WAD).
    @param parameters Parameters of the formula.
    """
    assert owner != empty(address), "portfolio_model: zero owner"
    portfolio_math._check_correlations(correlations)
    portfolio_math._check_parameters(parameters)
    OWNER = owner
    VOLATILITY_ORACLE = IVolatilityOracle(volatility_oracle)
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
    return portfolio_math._portfolio_margin(
        legs, CORRELATIONS, self._estimated(legs), PARAMETERS
    )


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
def volatility_oracle() -> address:
    """
    @notice Who estimates correlations.
    @return address Zero if only those stated count.
    """
    return VOLATILITY_ORACLE.address


@view
@external
@reentrant
def owner() -> address:
    """
    @notice Who answers for the parameters; has no power over them.
    @return address Fixed at deployment.
    """
    return OWNER


@view
@internal
def _estimated(legs: IPortfolioRiskModel.PortfolioLeg[8]) -> int256:
    """
    @dev Least estimated correlation between a long and a short.
    @param legs By market id, empty without a position.
    @return int256 Correlation (WAD), 1 if none is estimated.
    """
    if VOLATILITY_ORACLE.address == empty(address):
        return portfolio_math.SIGNED_WAD
    longs: uint256 = 0
    shorts: uint256 = 0
    for market: uint256 in range(8):
        if legs[market].notional > 0:
            longs |= 1 << market
        elif legs[market].notional < 0:
            shorts |= 1 << market
    if longs == 0 or shorts == 0:
        return portfolio_math.SIGNED_WAD
    return staticcall VOLATILITY_ORACLE.least_correlation(longs, shorts)
