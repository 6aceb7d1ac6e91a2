# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Governance proposals
@custom:contract-name governance_proposals
@license Apache-2.0
@author Seawall contributors
@notice A proposal is the exact call that a contract will receive. It is checked when it is
        made and again when it is executed, and is void if the words it changes have changed
        since: what was decided is what happens.
@dev Only the owner executes: the moment of a change is worth money to whoever has a position.
"""

from ..interfaces import IRiskGovernor
from . import access
from . import governance_models
from . import governance_roles
from . import governance_rules

uses: access
uses: governance_models
uses: governance_roles
uses: governance_rules


# What a checked call needs.
struct Terms:
    before: bytes32  # hash of the words it changes
    key: bytes32  # of its rate limit
    allowed_at: uint256  # first second at which the rate limit lets it through
    is_long: bool  # whether the long delay applies


interface IOwned:
    def accept_ownership(): nonpayable


# What the trading desk offers its owner.
interface IPausable:
    def pause(): nonpayable


QUEUED: constant(uint256) = 1
EXECUTED: constant(uint256) = 2
CANCELLED: constant(uint256) = 3

SET_GUARDIAN: constant(bytes4) = method_id("set_guardian(address)", output_type=bytes4)


TRADING_DESK: immutable(address)

proposal_count: public(reentrant(uint256))

_proposals: HashMap[uint256, IRiskGovernor.Proposal]


@deploy
def __init__(trading_desk: address):
    """
    @notice Fixes the desk that can be paused.
    @param trading_desk Trading desk.
    """
    assert trading_desk != empty(address), "governor: zero desk"
    TRADING_DESK = trading_desk


@view
@external
@reentrant
def trading_desk() -> address:
    """
    @notice Desk that can be paused.
    @return address Desk.
    """
    return TRADING_DESK


@external
def propose(target: address, data: Bytes[4868]) -> uint256:
    """
    @notice Queues a call that is legal now. Owner only.
    @param target Contract to call; the governor itself for its own settings and for models.
    @param data Calldata that the target will receive.
    @return uint256 Id of the proposal.
    """
    access._check_owner()
    assert governance_roles.sealed, "governor: not sealed"
    terms: Terms = self._check_call(target, data, empty(bytes32), False)
    delay: uint256 = governance_roles.delay_seconds
    if terms.is_long:
        delay = governance_roles.long_delay_seconds
    ready_at: uint256 = max(block.timestamp + delay, terms.allowed_at)
    expires_at: uint256 = ready_at + governance_roles.GRACE_SECONDS
    id: uint256 = self.proposal_count
    self.proposal_count = id + 1
    self._proposals[id] = IRiskGovernor.Proposal(
        target=target,
        data=data,
        before=terms.before,
        ready_at=ready_at,
        expires_at=expires_at,
        state=QUEUED,
    )
    log IRiskGovernor.Proposed(
        id=id,
        target=target,
        data=data,
        before=terms.before,
        ready_at=ready_at,
        expires_at=expires_at,
    )
    return id


@external
def execute(id: uint256):
    """
    @notice Makes a queued call that is still legal, within its window, once. Owner only.
    @param id Proposal.
    """
    access._check_owner()
    proposal: IRiskGovernor.Proposal = self._proposals[id]
    assert proposal.state == QUEUED, "governor: not queued"
    assert block.timestamp >= proposal.ready_at, "governor: too early"
    assert block.timestamp <= proposal.expires_at, "governor: expired"
    terms: Terms = self._check_call(proposal.target, proposal.data, proposal.before, False)
    assert block.timestamp >= terms.allowed_at, "governor: too soon"
    self._proposals[id].state = EXECUTED
    governance_rules._changed_at[terms.key] = block.timestamp
    log IRiskGovernor.Executed(id=id, target=proposal.target)
    raw_call(proposal.target, proposal.data)


@external
def cancel(id: uint256):
    """
    @notice Ends a queued proposal. Owner; guardian, unless it replaces the guardian.
    @param id Proposal.
    """
    proposal: IRiskGovernor.Proposal = self._proposals[id]
    if msg.sender != access.owner:
        governance_roles._check_guardian()
        assert (
            proposal.target != self or self._selector(proposal.data) != SET_GUARDIAN
        ), "governor: replaces the guardian"
    assert proposal.state == QUEUED, "governor: not queued"
    self._proposals[id].state = CANCELLED
    log IRiskGovernor.Cancelled(id=id, account=msg.sender)


@external
def tighten(target: address, data: Bytes[4868]):
    """
    @notice Makes at once a call that moves every word it changes to its tighter side, within
            bounds, steps and interval. Guardian only.
    @param target Contract to call; the governor itself for a model.
    @param data Calldata that the target receives.
    """
    governance_roles._check_guardian()
    terms: Terms = self._check_call(target, data, empty(bytes32), True)
    assert block.timestamp >= terms.allowed_at, "governor: too soon"
    governance_rules._changed_at[terms.key] = block.timestamp
    log IRiskGovernor.Tightened(guardian=msg.sender, target=target, data=data)
    if target == self:
        market: uint256 = 0
        kind: uint256 = 0
        words: DynArray[uint256, 20] = []
        market, kind, words = self._model_arguments(data)
        governance_models._set_model(market, kind, words, True)
    else:
        raw_call(target, data)


@external
def pause():
    """
    @notice Stops what adds risk, at once. Guardian or owner.
    """
    if msg.sender != access.owner:
        governance_roles._check_guardian()
    extcall IPausable(TRADING_DESK).pause()


@external
def take_ownership(target: address):
    """
    @notice Accepts the ownership of a contract that offered it. Owner only.
    @param target Contract.
    """
    access._check_owner()
    extcall IOwned(target).accept_ownership()


@view
@external
@reentrant
def proposal(id: uint256) -> IRiskGovernor.Proposal:
    """
    @notice A proposal with its calldata and window.
    @param id Proposal.
    @return Proposal All zero if there is none.
    """
    return self._proposals[id]


@view
@internal
def _check_call(
    target: address, data: Bytes[4868], before: bytes32, only_tighter: bool
) -> Terms:
    """
    @dev Guarantees that the governor may make a call as things are.
    @param target Contract.
    @param data Calldata.
    @param before Hash that the words it changes must have, empty for any.
    @param only_tighter Whether every changed word must move to its tighter side.
    @return Terms What queueing and executing it need.
    """
    assert len(data) >= 4, "governor: no selector"
    selector: bytes4 = self._selector(data)
    terms: Terms = empty(Terms)
    if target == self:
        if selector == governance_models.SET_MODEL:
            market: uint256 = 0
            kind: uint256 = 0
            words: DynArray[uint256, 20] = []
            market, kind, words = self._model_arguments(data)
            terms.before, terms.key, terms.allowed_at = governance_models._check_model(
                market, kind, words, before, only_tighter
            )
            return terms
        # Its own settings check their arguments when they are called.
        assert not only_tighter, "governor: not tighter"
        terms.is_long = True
        return terms
    route: IRiskGovernor.Route = governance_rules.route[target][selector]
    assert route.kind != governance_rules.NOT_CALLABLE, "governor: not callable"
    if route.kind == governance_rules.CALL:
        assert not only_tighter, "governor: not tighter"
        assert len(data) == 4 + 32 * route.words, "governor: wrong length"
        terms.is_long = route.is_long
        return terms
    terms.before, terms.key, terms.allowed_at = governance_rules._check_setting(
        target, data, before, only_tighter
    )
    return terms


@pure
@internal
def _selector(data: Bytes[4868]) -> bytes4:
    """
    @dev First four bytes of calldata.
    @param data Calldata.
    @return bytes4 Selector.
    """
    return convert(slice(data, 0, 4), bytes4)


@pure
@internal
def _model_arguments(data: Bytes[4868]) -> (uint256, uint256, DynArray[uint256, 20]):
    """
    @dev Arguments of a call of `set_model`.
    @param data Calldata.
    @return uint256 Market id.
    @return uint256 Kind of the formula.
    @return DynArray Constructor words after the owner.
    """
    return abi_decode(
        slice(data, 4, len(data) - 4), (uint256, uint256, DynArray[uint256, 20])
    )
