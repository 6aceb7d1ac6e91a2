# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Linear risk model
@custom:contract-name LinearRiskModel
@license Apache-2.0
@author Seawall contributors
@notice Example of a designer's own margin formula: the initial ratio is a straight line in volatility,
        the maintenance ratio a fixed share of it. Named by `custom_risk_model.toml`; nothing in Python
        knows it. Copy it, change the formula, run the scenario.
@dev Constructor inputs are filled by name from `[protocol.risk_model_parameters]`: decimals become WAD,
     names ending in `_seconds` stay whole numbers, `owner` is the protocol's owner.
@custom:kill Nothing to stop: no funds, no changing state.
@custom:invariants 0 < maintenance < initial <= WAD for every input; no input reverts.
"""

from interfaces import IRiskModel


implements: IRiskModel


struct LinearParameters:
    base_ratio: uint256  # initial ratio at zero volatility (WAD)
    slope: uint256  # rise of the initial ratio per unit of annual volatility (WAD)
    initial_max: uint256  # largest initial ratio (WAD)
    maintenance_share: uint256  # maintenance as a share of initial (WAD)
    haircut: uint256  # of the quote collateral (WAD)


WAD: constant(uint256) = 10**18
VARIANCE_MAX: constant(uint256) = 10**24  # a million times the square of 100 %: beyond it the ratio is at its cap

OWNER: immutable(address)
PARAMETERS: immutable(LinearParameters)


@deploy
def __init__(owner: address, parameters: LinearParameters):
    """
    @notice Checks and fixes the parameters.
    @param owner Who answers for the parameters; has no power over them.
    @param parameters Parameters of the formula.
    """
    assert owner != empty(address), "risk_model: zero owner"
    assert parameters.base_ratio >= 10**12, "risk_model: base ratio below 1e-6"
    assert parameters.initial_max >= parameters.base_ratio, "risk_model: maximum below base ratio"
    assert parameters.initial_max <= WAD, "risk_model: maximum above one"
    assert parameters.slope <= 10 * WAD, "risk_model: slope above ten"
    assert parameters.maintenance_share >= 10**12, "risk_model: maintenance share below 1e-6"
    assert parameters.maintenance_share < WAD, "risk_model: maintenance not below initial"
    assert parameters.haircut < WAD, "risk_model: haircut of one"
    OWNER = owner
    PARAMETERS = parameters


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    """
    @notice Target margin ratios of a position.
    @dev Volatility is the larger of the fast and the slow one.
    @param inputs The position's notional and the market's state; only the variances are used.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    variance: uint256 = min(max(inputs.variance_fast, inputs.variance_slow), VARIANCE_MAX)
    volatility: uint256 = isqrt(variance * WAD)
    # NOTE Rounded up, against the account.
    rise: uint256 = (PARAMETERS.slope * volatility + WAD - 1) // WAD
    initial: uint256 = min(PARAMETERS.base_ratio + rise, PARAMETERS.initial_max)
    # NOTE Rounded down to stay strictly below initial; the share is under one, so one wei at most is lost.
    maintenance: uint256 = max(initial * PARAMETERS.maintenance_share // WAD, 1)
    return IRiskModel.MarginRatios(initial=initial, maintenance=maintenance)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Fraction of the quote collateral that does not count as margin.
    @return uint256 Haircut in [0, WAD).
    """
    return PARAMETERS.haircut


@view
@external
@reentrant
def owner() -> address:
    """
    @notice Who answers for the parameters.
    @return address The owner given at deployment.
    """
    return OWNER
