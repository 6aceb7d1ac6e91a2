# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Accounts in batches
@custom:contract-name batched_accounts
@license Apache-2.0
@author Seawall contributors
@notice The maintenance check of many accounts at once, market by market: a market is read
        once, its formula is asked once if it can answer many positions at once. Of accounts in
        portfolio mode what each position requires is kept, and their model asked for each.
"""

from ..interfaces import IBatchedRiskModel
from ..interfaces import ILedger
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..interfaces import IRiskModel
from ..lib import constants
from ..lib import margin_math
from ..lib import ramp_math
from ..lib import risk_inputs
from . import account_risk
from . import formulas
from . import portfolio_formula

uses: account_risk
uses: portfolio_formula


# What the positions of one account in portfolio mode require alone.
struct Alone:
    notionals: int256[8]  # negative if short (WAD quote)
    initial: uint256[8]  # ratios (WAD)
    maintenance: uint256[8]


@view
@external
@reentrant
def account_states(
    accounts: DynArray[uint256, 512]
) -> DynArray[IRiskEngine.AccountState, 512]:
    """
    @notice Margin state of many accounts at the risk price.
    @param accounts Accounts.
    @return DynArray One state per account, in order.
    """
    snapshots: IMarketRegistry.MarketSnapshot[8] = (
        account_risk._snapshots(max_value(uint256))
    )
    prices: uint256[8] = empty(uint256[8])
    for market: uint256 in range(8):
        prices[market] = snapshots[market].risk_price
    summaries: DynArray[ILedger.AccountSummary, 512] = (
        staticcall account_risk.LEDGER.summaries_of(accounts, prices)
    )
    states: DynArray[IRiskEngine.AccountState, 512] = []
    portfolios: DynArray[Alone, 512] = []
    max_premiums: uint256[8] = empty(uint256[8])
    for summary: ILedger.AccountSummary in summaries:
        states.append(
            IRiskEngine.AccountState(
                collateral=summary.collateral,
                equity=summary.collateral,
                initial_requirement=0,
                maintenance_requirement=0,
                notional=summary.notional,
            )
        )
        portfolios.append(empty(Alone))

    # OTHER ASSETS, of those who have any
    owners: DynArray[uint256, 512] = []
    assets: DynArray[uint256, 512] = []
    owned_at: DynArray[uint256, 512] = []
    for i: uint256 in range(len(summaries), bound=512):
        if summaries[i].assets != 0:
            owners.append(accounts[i])
            assets.append(summaries[i].assets)
            owned_at.append(i)
    if len(owners) != 0:
        values: DynArray[uint256, 512] = (
            staticcall account_risk.COLLATERAL_REGISTRY.values_of(owners, assets)
        )
        for i: uint256 in range(len(owners), bound=512):
            states[owned_at[i]].equity += convert(values[i], int256)

    for market: uint256 in range(8):
        snapshot: IMarketRegistry.MarketSnapshot = snapshots[market]

        # HOLDERS of this market
        holders: DynArray[uint256, 512] = []
        places: DynArray[uint256, 512] = []
        for i: uint256 in range(len(summaries), bound=512):
            if (summaries[i].open_markets >> market) & 1 == 1:
                holders.append(accounts[i])
                places.append(i)
        if len(holders) == 0:
            continue
        positions: DynArray[ILedger.Position, 512] = (
            staticcall account_risk.LEDGER.positions_of(market, holders)
        )

        # RATIOS
        asked: DynArray[IBatchedRiskModel.PositionInputs, 512] = []
        for i: uint256 in range(len(holders), bound=512):
            asked.append(
                IBatchedRiskModel.PositionInputs(
                    notional=margin_math._notional(positions[i].size, snapshot.risk_price),
                    side=risk_inputs._side(positions[i].size),
                    account_notional=summaries[places[i]].notional,
                )
            )
        ratios: DynArray[IRiskModel.MarginRatios, 512] = formulas._ratios_of_many(
            snapshot, asked
        )

        # SUMS
        for i: uint256 in range(len(holders), bound=512):
            place: uint256 = places[i]
            notional: uint256 = asked[i].notional
            states[place].equity += account_risk._profit(
                positions[i], snapshot.funding_index, snapshot.risk_price
            )
            states[place].initial_requirement += margin_math._requirement(
                notional, ratios[i].initial
            )
            effective: uint256 = ramp_math._effective_ratio(
                ratios[i].maintenance,
                snapshot.maintenance_ratio,
                snapshot.ramped_maintenance_ratio,
                positions[i].entry_maintenance_ratio,
            )
            states[place].maintenance_requirement += margin_math._requirement(
                notional, effective
            )
            portfolios[place].notionals[market] = asked[i].side * convert(notional, int256)
            portfolios[place].initial[market] = ratios[i].initial
            portfolios[place].maintenance[market] = effective
        max_premiums[market] = account_risk._max_premium(market)

    # TOGETHER
    for i: uint256 in range(len(summaries), bound=512):
        if summaries[i].mode != constants.MODE_PORTFOLIO or summaries[i].open_markets == 0:
            continue
        alone: Alone = portfolios[i]
        states[i].maintenance_requirement = portfolio_formula._margin_or_least(
            account_risk._legs(
                alone.notionals,
                alone.maintenance,
                account_risk.MAINTENANCE,
                snapshots,
                max_premiums,
            )
        ).requirement
        initial: uint256 = portfolio_formula._margin(
            account_risk._legs(
                alone.notionals, alone.initial, account_risk.INITIAL, snapshots, max_premiums
            )
        ).requirement
        if initial != 0:
            states[i].initial_requirement = max(initial, states[i].maintenance_requirement)
    return states
