# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Parameters of the pool's queues
@custom:contract-name pool_parameters
@license Apache-2.0
@author Seawall contributors
@notice How long money waits on its way into and out of the pool.
"""

from ..interfaces import ILiquidityPool
from ..lib import constants
from . import access

uses: access


# Bounds: a wait that no report can fall into protects nobody, a longer one holds money.
MIN_QUEUE_SECONDS: constant(uint256) = 60
MIN_WINDOW_SECONDS: constant(uint256) = 600
MAX_SECONDS: constant(uint256) = 30 * constants.DAY_SECONDS


parameters: public(reentrant(ILiquidityPool.PoolParameters))


@deploy
def __init__(parameters: ILiquidityPool.PoolParameters):
    """
    @notice Sets the first parameters.
    @param parameters Waits.
    """
    self._set_parameters(parameters)


@external
def set_parameters(parameters: ILiquidityPool.PoolParameters):
    """
    @notice Changes the waits; those that have begun keep theirs, the window applies at once.
            Owner only.
    @param parameters New parameters.
    """
    access._check_owner()
    self._set_parameters(parameters)


@internal
def _set_parameters(parameters: ILiquidityPool.PoolParameters):
    """
    @dev Checks every bound, then sets.
    @param parameters New parameters.
    """
    assert (
        parameters.queue_seconds >= MIN_QUEUE_SECONDS
        and parameters.queue_seconds <= MAX_SECONDS
    ), "pool: queue out of bounds"
    assert (
        parameters.exit_window_seconds >= MIN_WINDOW_SECONDS
        and parameters.exit_window_seconds <= MAX_SECONDS
    ), "pool: window out of bounds"
    self.parameters = parameters
    log ILiquidityPool.PoolParametersSet(parameters=parameters)
