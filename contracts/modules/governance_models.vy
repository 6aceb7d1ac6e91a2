# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Governance of margin formulas
@custom:contract-name governance_models
@license Apache-2.0
@author Seawall contributors
@notice A change of a formula's parameters is a new contract. The governor deploys it from a
        registered blueprint (ERC-5202), so that no market is ever pointed at code that did
        not pass the long delay, and limits what the change does to the market's ratios.
"""

from ..interfaces import IMarketRegistry
from ..interfaces import IRiskGovernor
from ..interfaces import IRiskModel
from ..lib import constants
from ..lib import risk_inputs
from . import access
from . import governance_roles
from . import governance_rules

uses: access
uses: governance_roles
uses: governance_rules


# What the market registry offers its owner.
interface IOwnedRegistry:
    def set_market(market: uint256, risk_model: address, open_interest_cap: uint256): nonpayable
    def add_market(risk_model: address, open_interest_cap: uint256) -> uint256: nonpayable


SET_MODEL: constant(bytes4) = method_id("set_model(uint256,uint256,uint256[])", output_type=bytes4)
# Start of every blueprint's code (ERC-5202, version 0, no data).
PREAMBLE: constant(Bytes[3]) = x"FE7100"
# How far a ratio may be from a straight line for its roundings (WAD): a billionth of notional.
ROUNDING: constant(uint256) = 10**9

MARKET_REGISTRY: immutable(IMarketRegistry)

_models: HashMap[uint256, IRiskGovernor.ModelRule]
# @dev Kind of each market's formula; 0 if it did not come from a blueprint.
kind_of: public(reentrant(HashMap[uint256, uint256]))
# @dev What a change of formula may do to a market's initial and maintenance ratio.
ratio_rule: public(reentrant(IRiskGovernor.WordRule))
# @dev What it may do to the haircut of collateral.
haircut_rule: public(reentrant(IRiskGovernor.WordRule))
# @dev Least time between two changes of one market's formula.
model_interval_seconds: public(reentrant(uint256))


@deploy
def __init__(market_registry: address):
    """
    @notice Fixes the registry whose markets are governed.
    @param market_registry Market registry.
    """
    assert market_registry != empty(address), "governor: zero registry"
    MARKET_REGISTRY = IMarketRegistry(market_registry)


@external
@reentrant
def register_model(
    kind: uint256, blueprint: address, rules: DynArray[IRiskGovernor.WordRule, 20]
):
    """
    @notice Admits a formula, or changes the rules of one. By proposal, with the long delay.
    @param kind Number of the formula, above 0; its blueprint never changes.
    @param blueprint ERC-5202 blueprint of a model whose constructor takes the owner and one
           word for each rule, in the order in which its `parameters` returns them.
    @param rules Rules of the words.
    """
    governance_roles._check_administration()
    assert kind != 0, "governor: kind zero"
    known: address = self._models[kind].blueprint
    assert known == empty(address) or known == blueprint, "governor: other blueprint"
    assert slice(blueprint.code, 0, 3) == PREAMBLE, "governor: not a blueprint"
    for rule: IRiskGovernor.WordRule in rules:
        governance_rules._check_rule(rule)
    self._models[kind] = IRiskGovernor.ModelRule(blueprint=blueprint, rules=rules)
    log IRiskGovernor.ModelRegistered(kind=kind, blueprint=blueprint, rules=rules)


@external
@reentrant
def register_market(market: uint256, kind: uint256):
    """
    @notice States which formula a market has that the governor did not deploy. By proposal,
            with the long delay.
    @param market Market id.
    @param kind Kind of its formula, 0 if no blueprint is its source.
    """
    governance_roles._check_administration()
    if kind != 0:
        assert self._models[kind].blueprint != empty(address), "governor: unknown kind"
    self.kind_of[market] = kind


@external
@reentrant
def set_model_limits(
    ratio_rule: IRiskGovernor.WordRule,
    haircut_rule: IRiskGovernor.WordRule,
    interval_seconds: uint256,
):
    """
    @notice Limits what a change of formula may do. By proposal, with the long delay.
    @param ratio_rule What may become of a market's ratios, at zero notional and as of then.
    @param haircut_rule What may become of the haircut of collateral.
    @param interval_seconds Least time between two changes of one market's formula.
    """
    governance_roles._check_administration()
    governance_rules._check_rule(ratio_rule)
    governance_rules._check_rule(haircut_rule)
    self.ratio_rule = ratio_rule
    self.haircut_rule = haircut_rule
    self.model_interval_seconds = interval_seconds
    log IRiskGovernor.ModelLimitsSet(
        ratio_rule=ratio_rule, haircut_rule=haircut_rule, interval_seconds=interval_seconds
    )


@external
@reentrant
def set_model(market: uint256, kind: uint256, words: DynArray[uint256, 20]):
    """
    @notice Points a market at a new instance of a formula; its cap stays. By proposal.
    @param market Market id.
    @param kind Kind of the formula.
    @param words Constructor words after the owner.
    """
    assert msg.sender == self, "governor: not by proposal"
    self._set_model(market, kind, words, False)


@external
@reentrant
def add_market(kind: uint256, words: DynArray[uint256, 20], open_interest_cap: uint256):
    """
    @notice Adds the registry's next market, which oracle and pool must know. By proposal, with
            the long delay.
    @param kind Kind of the formula.
    @param words Constructor words after the owner, within their bounds.
    @param open_interest_cap Base units per side (WAD).
    """
    assert msg.sender == self, "governor: not by proposal"
    rules: DynArray[IRiskGovernor.WordRule, 20] = self._rules(kind, len(words))
    for i: uint256 in range(len(rules), bound=20):
        governance_rules._check_bounds(words[i], rules[i])
    model: address = self._deploy(kind, words)
    market: uint256 = extcall IOwnedRegistry(MARKET_REGISTRY.address).add_market(
        model, open_interest_cap
    )
    self.kind_of[market] = kind
    log IRiskGovernor.ModelDeployed(market=market, kind=kind, risk_model=model, words=words)


@view
@external
@reentrant
def model_rule(kind: uint256) -> IRiskGovernor.ModelRule:
    """
    @notice A formula that markets may be pointed at.
    @param kind Kind of the formula.
    @return ModelRule Blueprint and rules, empty if there is none.
    """
    return self._models[kind]


@view
@external
@reentrant
def market_registry() -> address:
    """
    @notice Market registry.
    @return address Registry.
    """
    return MARKET_REGISTRY.address


@internal
def _set_model(
    market: uint256, kind: uint256, words: DynArray[uint256, 20], only_tighter: bool
):
    """
    @dev Deploys, sets, and compares the market's ratios and haircut before and after. A
         formula that no longer answers can be replaced by one that is within its bounds, as
         there is nothing to compare with.
    @param market Market id.
    @param kind Kind of the formula.
    @param words Constructor words after the owner, checked.
    @param only_tighter Whether nobody may be asked for less.
    """
    model: address = self._deploy(kind, words)
    self.kind_of[market] = kind
    log IRiskGovernor.ModelDeployed(market=market, kind=kind, risk_model=model, words=words)
    info: IMarketRegistry.MarketInfo = staticcall MARKET_REGISTRY.market_info(market)
    cap: uint256 = info.open_interest_cap
    before: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    if not (only_tighter or self._answers(before)):
        extcall IOwnedRegistry(MARKET_REGISTRY.address).set_market(market, model, cap)
        return
    extcall IOwnedRegistry(MARKET_REGISTRY.address).set_market(market, model, cap)
    after: IMarketRegistry.MarketSnapshot = staticcall MARKET_REGISTRY.market_snapshot(market)
    rule: IRiskGovernor.WordRule = self.ratio_rule
    self._check_result(before.initial_ratio, after.initial_ratio, rule, only_tighter)
    self._check_result(before.maintenance_ratio, after.maintenance_ratio, rule, only_tighter)
    self._check_result(
        staticcall IRiskModel(info.risk_model).collateral_haircut(),
        staticcall IRiskModel(model).collateral_haircut(),
        self.haircut_rule,
        only_tighter,
    )
    if only_tighter:
        self._check_tightening(before, after)


@view
@internal
def _answers(market: IMarketRegistry.MarketSnapshot) -> bool:
    """
    @dev Whether a market's formula answers, in its range and in bounded time.
    @param market Market.
    @return bool True if it does.
    """
    if market.risk_model == 0:
        return False
    has_haircut: bool = raw_call(
        convert(market.risk_model, address),
        method_id("collateral_haircut()"),
        gas=constants.FORMULA_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return has_haircut


@internal
def _deploy(kind: uint256, words: DynArray[uint256, 20]) -> address:
    """
    @dev A new instance; whoever owns the governor answers for it. What it says of itself must
         be exactly the words: a constructor ignores words too many and reads words too few
         as zero.
    @param kind Kind of the formula.
    @param words Constructor words after the owner.
    @return address Model.
    """
    encoded: Bytes[704] = abi_encode(words)
    asked: Bytes[704] = slice(encoded, 64, 32 * len(words))
    arguments: Bytes[736] = concat(convert(convert(access.owner, uint256), bytes32), asked)
    model: address = create_from_blueprint(
        self._models[kind].blueprint, arguments, raw_args=True
    )
    # One word more than there can be: a longer answer is cut, but not to the same length.
    found: Bytes[672] = raw_call(
        model, method_id("parameters()"), max_outsize=672, is_static_call=True
    )
    assert keccak256(found) == keccak256(asked), "governor: other words"
    return model


@view
@internal
def _check_model(
    market: uint256,
    kind: uint256,
    words: DynArray[uint256, 20],
    before: bytes32,
    only_tighter: bool,
) -> (bytes32, bytes32, uint256):
    """
    @dev Guarantees that a market may be pointed at a formula with these words. Words of
         another kind than the market's cannot be compared: bounds hold them, and the limits
         on the ratios that result.
    @param market Market id.
    @param kind Kind of the formula.
    @param words Constructor words after the owner.
    @param before Hash that the current formula's address must have, empty for any.
    @param only_tighter Whether every changed word must move to its tighter side.
    @return bytes32 Hash of the current formula's address.
    @return bytes32 Key of the rate limit.
    @return uint256 First second at which the rate limit lets it through.
    """
    rules: DynArray[IRiskGovernor.WordRule, 20] = self._rules(kind, len(words))
    assert market < staticcall MARKET_REGISTRY.market_count(), "governor: unknown market"
    current: address = (staticcall MARKET_REGISTRY.market_info(market)).risk_model
    found: bytes32 = keccak256(abi_encode(current))
    governance_rules._check_before(before, found)
    if self.kind_of[market] == kind:
        old_words: Bytes[640] = raw_call(
            current, method_id("parameters()"), max_outsize=640, is_static_call=True
        )
        has_changed: bool = False
        for i: uint256 in range(len(rules), bound=20):
            old: uint256 = extract32(old_words, 32 * i, output_type=uint256)
            if words[i] != old:
                has_changed = True
                governance_rules._check_word(old, words[i], rules[i], only_tighter)
        assert has_changed, "governor: nothing changes"
    else:
        assert not only_tighter, "governor: other kind"
        for i: uint256 in range(len(rules), bound=20):
            governance_rules._check_bounds(words[i], rules[i])
    key: bytes32 = governance_rules._key(self, SET_MODEL, market)
    return found, key, governance_rules._changed_at[key] + self.model_interval_seconds


@view
@internal
def _rules(kind: uint256, count: uint256) -> DynArray[IRiskGovernor.WordRule, 20]:
    """
    @dev Rules of a formula that is admitted and takes this many words.
    @param kind Kind of the formula.
    @param count Number of words.
    @return DynArray Rules.
    """
    model: IRiskGovernor.ModelRule = self._models[kind]
    assert model.blueprint != empty(address), "governor: unknown kind"
    assert count == len(model.rules), "governor: wrong length"
    return model.rules


@pure
@internal
def _check_result(
    old: uint256, new: uint256, rule: IRiskGovernor.WordRule, only_tighter: bool
):
    """
    @dev Guarantees that what a formula asks may become something else.
    @param old Ratio or haircut before (WAD).
    @param new Ratio or haircut after (WAD).
    @param rule What may become of it.
    @param only_tighter Whether it must move to its tighter side.
    """
    if new != old:
        governance_rules._check_word(old, new, rule, only_tighter)


@view
@internal
def _check_tightening(
    before: IMarketRegistry.MarketSnapshot, after: IMarketRegistry.MarketSnapshot
):
    """
    @dev Guarantees that a formula whose words are all tighter asks no open position for less
         and caps funding no lower, as of now. No position is larger than the open interest,
         and a position must hold min(t, max(t * ramped/base, entry)) of its notional, t being
         the formula's ratio at that notional: a base that rises ahead of the ramp scales the
         part of t that grows with the position down. Proof: docs/governance.md.
    @param before Market under the formula in force.
    @param after Market under the new one, in the same block.
    """
    assert (
        after.initial_ratio - after.maintenance_ratio
        >= before.initial_ratio - before.maintenance_ratio
    ), "governor: funding cap falls"
    for side: int256 in [1, -1]:
        self._check_side(before, after, side)


@view
@internal
def _check_side(
    before: IMarketRegistry.MarketSnapshot,
    after: IMarketRegistry.MarketSnapshot,
    side: int256,
):
    """
    @dev Guarantees it for the positions of one side; an account's whole notional is taken to
         be the position's.
    @param before Market under the formula in force.
    @param after Market under the new one, in the same block.
    @param side 1 long, -1 short.
    """
    old: IRiskModel.MarginRatios = self._ratios(before, before.open_interest, side)
    new: IRiskModel.MarginRatios = self._ratios(after, before.open_interest, side)
    assert (
        new.initial >= old.initial and new.maintenance >= old.maintenance
    ), "governor: not tighter"
    let_through: uint256 = after.ramped_maintenance_ratio * before.maintenance_ratio
    # The ramp lets as large a part through as before, or what it lets through covers the
    # largest position alone.
    if let_through >= before.ramped_maintenance_ratio * min(
        after.maintenance_ratio, old.maintenance
    ):
        return
    # Or the largest position is asked for no less, and what is asked of smaller ones is on a
    # straight line in the root of their notional, below the cap at 1.
    assert (
        let_through * new.maintenance
        >= before.ramped_maintenance_ratio * after.maintenance_ratio * old.maintenance
    ), "governor: ramp loosens"
    assert new.maintenance < constants.WAD - 1, "governor: ramp loosens"
    # Two points: a bend below the line and an arc above it may cancel at one.
    for part: uint256 in [2, 4]:
        found: uint256 = part * self._ratios(
            after, before.open_interest // (part * part), side
        ).maintenance
        line: uint256 = (part - 1) * after.maintenance_ratio + new.maintenance
        assert (
            max(found, line) - min(found, line) <= part * ROUNDING
        ), "governor: ramp loosens"


@view
@internal
def _ratios(
    market: IMarketRegistry.MarketSnapshot, notional: uint256, side: int256
) -> IRiskModel.MarginRatios:
    """
    @dev What a market's formula asks of a position, as the risk engine asks it.
    @param market Market.
    @param notional Notional of the position, its account's only one (WAD quote).
    @param side 1 long, -1 short.
    @return MarginRatios Target ratios.
    """
    return staticcall IRiskModel(convert(market.risk_model, address)).margin_ratios(
        risk_inputs._position_inputs(market, notional, side, notional)
    )
