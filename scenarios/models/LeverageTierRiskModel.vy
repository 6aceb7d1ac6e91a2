# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Leverage tier risk model
@license Apache-2.0
@author Seawall contributors
@notice An example of a margin formula of one's own. Leverage is granted by size: full
        leverage in the first tier, then half, a third, a quarter ... in the next ones.
        Nothing but the position's notional counts.
@dev A scenario names this file as its risk model and fills the constructor's inputs by
     name from [protocol.risk_model_parameters]. The file stands alone: the two structs and
     the two functions are all that a risk model needs, so it compiles from any folder.
"""


struct RiskInputs:
    notional: uint256  # of the position (WAD quote)
    price: uint256  # index price (WAD)
    confidence: uint256  # half-width around the price (WAD quote)
    variance_fast: uint256  # annualised variance, short memory (WAD)
    variance_slow: uint256  # annualised variance, long memory (WAD)
    open_interest: uint256  # notional of the market's larger side (WAD quote)
    depth: uint256  # liquidity a close-out meets (WAD quote)
    side: int256  # of the position: 1 long, -1 short, 0 none
    skew: int256  # long minus short open interest of the market (WAD quote)
    exceptions: uint256  # liquidations of the market that ended in a deficit (count)
    variance_range: uint256  # from highs and lows (WAD); 0: not estimated
    variance_implied: uint256  # from options (WAD); 0: not reported
    account_notional: uint256  # of the account in all markets (WAD quote)
    report_age_seconds: uint256  # since the last round of the price


struct MarginRatios:
    initial: uint256  # fraction of notional to open (WAD)
    maintenance: uint256  # fraction of notional to stay open (WAD)


WAD: constant(uint256) = 10**18

# Every value is WAD: a leverage of 20 is 20e18, a tier of 50,000 quote is 50000e18.
TOP_LEVERAGE: immutable(uint256)
TIER_NOTIONAL: immutable(uint256)
MAINTENANCE_SHARE: immutable(uint256)


@deploy
def __init__(top_leverage: uint256, tier_notional: uint256, maintenance_share: uint256):
    """
    @notice Checks and fixes the parameters.
    @param top_leverage Leverage of a position in the first tier (WAD), 1 to 1,000.
    @param tier_notional Width of a tier (WAD quote), positive.
    @param maintenance_share Maintenance ratio over initial ratio (WAD), between 0 and 1.
    """
    assert WAD <= top_leverage and top_leverage <= 1_000 * WAD, "leverage_tier: top leverage"
    assert tier_notional > 0, "leverage_tier: zero tier"
    assert 10**15 <= maintenance_share and maintenance_share < WAD, "leverage_tier: share"
    TOP_LEVERAGE = top_leverage
    TIER_NOTIONAL = tier_notional
    MAINTENANCE_SHARE = maintenance_share


@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    """
    @notice Target margin ratios of a position.
    @param inputs Only the notional counts.
    @return MarginRatios With 0 < maintenance < initial <= WAD.
    """
    # More tiers than the top leverage has units would ask for more than the notional.
    tier: uint256 = min(inputs.notional // TIER_NOTIONAL, 1_000)
    # NOTE: rounds up, against the account.
    initial: uint256 = min((tier + 1) * WAD * WAD // TOP_LEVERAGE + 1, WAD)
    return MarginRatios(initial=initial, maintenance=initial * MAINTENANCE_SHARE // WAD)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    """
    @notice Fraction of the quote collateral that does not count as margin.
    @return uint256 None of it: the collateral is the quote currency.
    """
    return 0
