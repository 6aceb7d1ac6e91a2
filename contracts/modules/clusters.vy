# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Clusters of accounts
@custom:contract-name clusters
@license Apache-2.0
@author Seawall contributors
@notice Accounts that are declared to be of one hand: whoever of them adds risk or takes
        collateral out is asked at the size of all their positions on that side of the market.
@dev Declared by the owner, the governor behind its time-lock: nobody would declare what only
     costs, and nobody else can know. It counts in what adds risk, not in maintenance, so that
     a declaration, true or not, liquidates nobody and holds no close up. Opposite sides do not
     net: what is closed by force together is what lies on one side.
"""

from ..interfaces import ILedger
from ..interfaces import IMarketRegistry
from ..interfaces import IRiskEngine
from ..interfaces import IRiskModel
from ..lib import margin_math
from ..lib import risk_inputs
from . import access
from . import account_risk
from . import formulas

uses: access
uses: account_risk


# Most accounts of one cluster: a check reads each of them.
MAX_MEMBERS: constant(uint256) = 32


# @dev Cluster of each account, 0 for none.
cluster_of: public(reentrant(HashMap[uint256, uint256]))

_members: HashMap[uint256, DynArray[uint256, 32]]


@external
def set_cluster(account: uint256, cluster: uint256):
    """
    @notice Puts an account into a cluster, out of the one it is in. Owner only.
    @param account Account.
    @param cluster Number of the cluster, 0 for none.
    """
    access._check_owner()
    before: uint256 = self.cluster_of[account]
    assert cluster != before, "clusters: nothing changes"
    if before != 0:
        self._remove(account, before)
    if cluster != 0:
        assert len(self._members[cluster]) < MAX_MEMBERS, "clusters: too many accounts"
        self._members[cluster].append(account)
    self.cluster_of[account] = cluster
    log IRiskEngine.ClusterSet(account=account, cluster=cluster)


@view
@external
@reentrant
def members_of(cluster: uint256) -> DynArray[uint256, 32]:
    """
    @notice Accounts of a cluster.
    @param cluster Number of the cluster.
    @return DynArray Accounts, in no order.
    """
    return self._members[cluster]


@internal
def _with_linked(
    id: uint256,
    account: ILedger.Account,
    snapshots: IMarketRegistry.MarketSnapshot[8],
    found: account_risk.Assessment,
) -> account_risk.Assessment:
    """
    @dev Raises what an account must hold to what its formulas ask at the size of its cluster;
         never below what they ask of it alone. Logs the sizes, so that anyone can redo it.
    @param id Account, in a cluster.
    @param account What is booked of it.
    @param snapshots Its markets.
    @param found Its check, initial or withdraw.
    @return Assessment The same with requirement and ratios raised.
    """
    cluster: uint256 = self.cluster_of[id]
    whole: uint256 = found.notional
    notionals: uint256[8] = empty(uint256[8])
    for market: uint256 in range(8):
        if account.open_markets >> market == 0:
            break
        if (account.open_markets >> market) & 1 == 0:
            continue
        size: int256 = self._linked_size(cluster, id, market, account.positions[market].size)
        notionals[market] = margin_math._notional(size, found.prices[market])
        whole += notionals[market]
    raised: account_risk.Assessment = found
    for market: uint256 in range(8):
        if notionals[market] == 0:
            continue
        own: uint256 = found.notionals[market]
        ratios: IRiskModel.MarginRatios = formulas._target_ratios(
            snapshots[market],
            own + notionals[market],
            risk_inputs._side(account.positions[market].size),
            whole,
            True,
        )
        if ratios.initial <= found.ratios[market]:
            continue
        raised.ratios[market] = ratios.initial
        raised.initial_requirement += margin_math._requirement(
            own, ratios.initial
        ) - margin_math._requirement(own, found.ratios[market])
        log IRiskEngine.ClusterCounted(
            account=id, cluster=cluster, market=market, notional=own + notionals[market]
        )
    raised.requirement = max(found.requirement, raised.initial_requirement)
    return raised


@view
@internal
def _linked_size(cluster: uint256, id: uint256, market: uint256, own: int256) -> int256:
    """
    @dev What the others of a cluster hold on an account's side of a market.
    @param cluster Cluster.
    @param id Account.
    @param market Market id.
    @param own Size of its own position, not zero (WAD base).
    @return int256 Sum of their sizes on that side (WAD base).
    """
    linked: int256 = 0
    for i: uint256 in range(len(self._members[cluster]), bound=MAX_MEMBERS):
        member: uint256 = self._members[cluster][i]
        if member == id:
            continue
        size: int256 = (staticcall account_risk.LEDGER.position_of(member, market)).size
        if size != 0 and (size > 0) == (own > 0):
            linked += size
    return linked


@internal
def _remove(account: uint256, cluster: uint256):
    """
    @dev Takes an account out of a cluster; the last one takes its place.
    @param account Account, a member.
    @param cluster Cluster.
    """
    last: uint256 = self._members[cluster].pop()
    if last == account:
        return
    for i: uint256 in range(len(self._members[cluster]), bound=MAX_MEMBERS):
        if self._members[cluster][i] == account:
            self._members[cluster][i] = last
            return
