# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Governance rules
@custom:contract-name governance_rules
@license Apache-2.0
@author Seawall contributors
@notice Which functions of which contracts the governor may call, and what each word of a
        setter may become. Current words are read from the target, never remembered.
"""

from ..interfaces import IRiskGovernor
from ..lib import constants
from . import governance_roles

uses: governance_roles


MAX_WORDS: constant(uint256) = 20
# Bounds that keep every product below 2**256.
MAX_WORD: constant(uint256) = 2**128 - 1
MAX_INCREASE: constant(uint256) = 1_000 * constants.WAD

NOT_CALLABLE: constant(uint256) = 0
SETTER: constant(uint256) = 1
MARKET_SETTER: constant(uint256) = 2
CALL: constant(uint256) = 3

HIGHER: constant(uint256) = 1
LOWER: constant(uint256) = 2

UNLIMITED: constant(uint256) = max_value(uint256)


# @dev contract -> selector -> how it may be called.
route: public(reentrant(HashMap[address, HashMap[bytes4, IRiskGovernor.Route]]))

_setters: HashMap[bytes32, IRiskGovernor.SetterRule]
# @dev When a rate limit last began, by the key of what it limits.
_changed_at: HashMap[bytes32, uint256]


@external
@reentrant
def register_setter(
    target: address,
    selector: bytes4,
    market: uint256,
    is_market_setter: bool,
    rule: IRiskGovernor.SetterRule,
):
    """
    @notice Lets proposals call a setter within rules. By proposal, with the long delay.
    @param target Contract.
    @param selector Setter; static arguments of one word each.
    @param market Market id of a market setter, else 0.
    @param is_market_setter Whether the first argument is a market id.
    @param rule Rules of the words, none to forbid the setter again.
    """
    governance_roles._check_administration()
    assert is_market_setter or market == 0, "governor: market of a plain setter"
    for word: IRiskGovernor.WordRule in rule.rules:
        self._check_rule(word)
    self._set_route(
        target,
        selector,
        IRiskGovernor.Route(
            kind=MARKET_SETTER if is_market_setter else SETTER, words=0, is_long=False
        ),
    )
    self._setters[self._key(target, selector, market)] = rule
    log IRiskGovernor.SetterRegistered(
        target=target, selector=selector, market=market, rule=rule
    )


@external
@reentrant
def register_call(target: address, selector: bytes4, words: uint256, is_long: bool):
    """
    @notice Lets proposals make a call that no rule bounds: the time-lock alone protects. By
            proposal, with the long delay.
    @param target Contract.
    @param selector Function; static arguments of one word each.
    @param words Number of its arguments.
    @param is_long Whether the long delay applies.
    """
    governance_roles._check_administration()
    self._set_route(
        target, selector, IRiskGovernor.Route(kind=CALL, words=words, is_long=is_long)
    )
    log IRiskGovernor.CallRegistered(
        target=target, selector=selector, words=words, is_long=is_long
    )


@view
@external
@reentrant
def setter_rule(target: address, selector: bytes4, market: uint256) -> IRiskGovernor.SetterRule:
    """
    @notice Rules of a setter.
    @param target Contract.
    @param selector Setter.
    @param market Market id, 0 for a plain setter.
    @return SetterRule Rules, empty if there are none.
    """
    return self._setters[self._key(target, selector, market)]


@view
@external
@reentrant
def changed_at(target: address, selector: bytes4, market: uint256) -> uint256:
    """
    @notice When a setter was last called through the governor.
    @param target Contract; the governor itself for a market's model.
    @param selector Setter.
    @param market Market id, 0 for a plain setter.
    @return uint256 Timestamp, 0 for never.
    """
    return self._changed_at[self._key(target, selector, market)]


@internal
def _set_route(target: address, selector: bytes4, route: IRiskGovernor.Route):
    """
    @dev A function keeps the kind it was registered with: rules cannot be shed by a second
         registration as a call without rules.
    @param target Contract.
    @param selector Function.
    @param route How it may be called.
    """
    assert target != self, "governor: cannot register itself"
    kind: uint256 = self.route[target][selector].kind
    assert kind == NOT_CALLABLE or kind == route.kind, "governor: other kind"
    self.route[target][selector] = route


@view
@internal
def _check_setting(
    target: address, data: Bytes[4868], before: bytes32, only_tighter: bool
) -> (bytes32, bytes32, uint256):
    """
    @dev Guarantees that a setter may be called with these words now, its interval apart.
    @param target Contract.
    @param data Calldata.
    @param before Hash that the current words must have, empty for any.
    @param only_tighter Whether every changed word must move to its tighter side.
    @return bytes32 Hash of the current words.
    @return bytes32 Key of the rate limit.
    @return uint256 First second at which the rate limit lets it through.
    """
    selector: bytes4 = convert(slice(data, 0, 4), bytes4)
    is_market_setter: bool = self.route[target][selector].kind == MARKET_SETTER
    market: uint256 = 0
    head: uint256 = 4
    if is_market_setter:
        market = extract32(data, 4, output_type=uint256)
        head = 36
    key: bytes32 = self._key(target, selector, market)
    rule: IRiskGovernor.SetterRule = self._setters[key]
    count: uint256 = len(rule.rules)
    assert count != 0, "governor: no rule"
    assert len(data) == head + 32 * count, "governor: wrong length"

    # CURRENT WORDS
    question: Bytes[36] = concat(rule.view_selector, b"")
    if is_market_setter:
        question = concat(rule.view_selector, convert(market, bytes32))
    answer: Bytes[640] = raw_call(target, question, max_outsize=640, is_static_call=True)
    assert len(answer) >= 32 * count, "governor: view too short"
    current: Bytes[640] = slice(answer, 0, 32 * count)
    found: bytes32 = keccak256(current)
    self._check_before(before, found)

    # NEW WORDS
    has_changed: bool = False
    for i: uint256 in range(count, bound=MAX_WORDS):
        old: uint256 = extract32(current, 32 * i, output_type=uint256)
        new: uint256 = extract32(data, head + 32 * i, output_type=uint256)
        if new != old:
            has_changed = True
            self._check_word(old, new, rule.rules[i], only_tighter)
    assert has_changed, "governor: nothing changes"
    return found, key, self._changed_at[key] + rule.interval_seconds


@pure
@internal
def _check_before(expected: bytes32, found: bytes32):
    """
    @dev Guarantees that a proposal meets what it was made against.
    @param expected Hash it was made against, empty for any.
    @param found Hash of what there is.
    """
    assert expected in [empty(bytes32), found], "governor: changed since"


@pure
@internal
def _check_word(
    old: uint256, new: uint256, rule: IRiskGovernor.WordRule, only_tighter: bool
):
    """
    @dev Guarantees that a word may change from one value to another. A word that the rules
         find outside its bounds is measured from the nearer bound.
    @param old Current value.
    @param new Value after.
    @param rule Rule of the word.
    @param only_tighter Whether it must move to its tighter side.
    """
    if only_tighter:
        assert (rule.tighter == HIGHER and new > old) or (
            rule.tighter == LOWER and new < old
        ), "governor: not tighter"
    if new == UNLIMITED and rule.unlimited:
        return
    self._check_bounds(new, rule)
    if old == UNLIMITED and rule.unlimited:
        return
    base: uint256 = min(max(old, rule.minimum), rule.maximum)
    # NOTE: rounds down, toward the smaller step.
    if new > base:
        assert new - base <= max(
            base * rule.increase // constants.WAD, rule.step
        ), "governor: step too large"
    else:
        assert base - new <= max(
            base * rule.decrease // constants.WAD, rule.step
        ), "governor: step too large"


@pure
@internal
def _check_bounds(x: uint256, rule: IRiskGovernor.WordRule):
    """
    @dev Guarantees that a value is within its bounds.
    @param x Value.
    @param rule Rule of the word.
    """
    assert x >= rule.minimum and x <= rule.maximum, "governor: out of bounds"


@pure
@internal
def _check_rule(rule: IRiskGovernor.WordRule):
    """
    @dev Guarantees that a rule can be computed with.
    @param rule Rule of a word.
    """
    assert rule.maximum <= MAX_WORD, "governor: maximum too large"
    assert rule.increase <= MAX_INCREASE, "governor: increase too large"
    assert rule.decrease <= constants.WAD, "governor: decrease above 1"
    assert rule.tighter <= LOWER, "governor: unknown side"


@pure
@internal
def _key(target: address, selector: bytes4, market: uint256) -> bytes32:
    """
    @dev Name of a setter's rules and rate limit.
    @param target Contract.
    @param selector Setter.
    @param market Market id, 0 for a plain setter.
    @return bytes32 Key.
    """
    return keccak256(abi_encode(target, selector, market))
