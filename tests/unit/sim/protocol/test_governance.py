"""A parameter change as data: named, encoded in legal steps, enacted past the time-lock, read back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.core.errors import RunError
from sim.core.units import QUANTUM, WAD
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.protocol.governance.proposal import diff, enact, encode, rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from sim.protocol.governance.steps import steps
from sim.protocol.parameters.table import STRUCTS, below
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.parameters.words import UNLIMITED
from tests.support.governed import DAY, PRICE, Governed, parameters_of

SCENARIOS = Path(__file__).resolve().parents[4] / "scenarios"


@pytest.fixture(scope="module")
def _deployed():
    return Governed()


@pytest.fixture
def governed(_deployed):
    with _deployed.undone():
        yield _deployed


def changed(parameters: ProtocolParameters, **groups) -> ProtocolParameters:
    """Return parameters with some fields of some structs replaced; ``first`` is market 0 itself."""
    first = parameters.markets[0]
    names = ("pricing_terms", "market", "risk_model", "estimator", "performance")
    own = {name: groups.pop(name) for name in names if name in groups}
    first = replace(first, **groups.pop("first", {}))
    fields = {name: {**getattr(parameters, name), **values} for name, values in groups.items()}
    first = replace(first, **{name: {**getattr(first, name), **values} for name, values in own.items()})
    return replace(parameters, **fields, markets=[first])


def difference(governed: Governed, proposed: ProtocolParameters, kind: str | None = None):
    return diff(
        governed.parameters, proposed, current_kind=governed.kind, proposed_kind=kind or governed.kind
    )


def enacted(governed: Governed, proposed: ProtocolParameters, kind: str | None = None):
    """Encode, enact, and check what must hold of every enactment."""
    found = difference(governed, proposed, kind)
    proposals = encode(found, governed.deployment)
    result = enact(governed.chain, governed.deployment, proposals)
    assert [item.reason for item in result.proposals] == [None] * len(proposals)
    assert {item.early_reason for item in result.proposals} <= {"governor: too early"}
    for item in result.proposals:
        assert item.executed_at - item.queued_at >= rules.DELAY_SECONDS
    assert result.succeeded
    # Nothing is left to do: the chain is what was proposed.
    read = {(item.contract, item.market, item.field): item.after for item in result.readings}
    for change in found.enactable:
        if change.after is not None and (change.contract, change.market, change.field) in read:
            got = read[change.contract, change.market, change.field]
            assert got == pytest.approx(change.after, rel=1e-15) if got != change.after else True
    return found, proposals, result


def test_the_same_parameters_differ_in_nothing(governed):
    found = difference(governed, governed.parameters)
    assert found.changes == ()
    assert encode(found, governed.deployment) == []
    result = enact(governed.chain, governed.deployment, [])
    assert (result.proposals, result.readings, result.seconds, result.succeeded) == ((), (), 0, True)


FAMILIES = {
    "fees": ({"fees": {"trade_fee_rate": 0.0006}}, "trading_desk", "set_parameters"),
    "liquidation": ({"liquidation": {"buffer": 0.2}}, "liquidation_engine", "set_parameters"),
    "fund": ({"fund": {"target_reserves": 30_000.0}}, "insurance_fund", "set_parameters"),
    "pricing": ({"pricing_terms": {"max_premium": 0.01}}, "liquidity_pool", "set_pricing_terms"),
    "cap": ({"market": {"open_interest_cap": 20_000.0}}, "market_registry", "set_market"),
    "formula": ({"risk_model": {"z": 5.0}}, "risk_model", "set_model"),
    "estimator": ({"estimator": {"range_weight": 0.25}}, "volatility_oracle", "set_estimator"),
    "performance": ({"performance": {"red_multiplier": 1.1}}, "volatility_oracle", "set_performance"),
    "no ramp": ({"registry": {"ramp_per_hour": UNLIMITED}}, "market_registry", "set_parameters"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_change_of_each_family_is_enacted(governed, family):
    groups, contract, function = FAMILIES[family]
    found, proposals, result = enacted(governed, changed(governed.parameters, **groups))
    assert [change.obstacle for change in found.changes] == [None]
    last = proposals[-1]
    assert (last.contract, last.function) == (contract, function)
    assert last.changed == (found.changes[0].field,)
    (reading,) = result.readings
    assert reading.before != reading.after == reading.wanted
    assert reading.after == pytest.approx(found.changes[0].after)


def test_another_kind_of_formula_is_enacted(governed):
    static = parameters_of("static")
    proposed = replace(governed.parameters, markets=static.markets)
    found, proposals, result = enacted(governed, proposed, "static")
    assert {change.field for change in found.changes} >= {"kind", "z", "initial_ratio"}
    (proposal,) = proposals
    assert (proposal.before["kind"], proposal.after["kind"]) == ("adaptive", "static")
    assert {item.field: item.after for item in result.readings}["kind"] == "static"
    assert governed.read(GOVERNOR, "kind_of", 0) == rules.KINDS["static"]


def test_everything_at_once_is_enacted_side_by_side(governed):
    proposed = changed(
        governed.parameters,
        risk={"upnl_weight": 0.2, "withdraw_margin_ratio": 0.3},
        liquidation={"fee_base": 0.02, "fee_max": 0.08, "min_bounty": 33.333333},
        fund={"target_reserves": 100_000.0},
        pricing_terms={"skew_scale": 70_000.0},
        market={"open_interest_cap": governed.parameters.markets[0].market["open_interest_cap"] / 3},
        risk_model={"z": 3.0, "haircut": 0.02, "stress_weight": 0.4},
    )
    _, proposals, result = enacted(governed, proposed)
    rounds = {proposal.queue_after_seconds for proposal in proposals}
    assert rounds == {n * 2 * DAY for n in range(len(rounds))}
    assert result.seconds == pytest.approx(len(rounds) * 2 * DAY, abs=60)
    # The formula is named by the proposals of the cap: it is set after the last of them.
    cap = [p.identifier for p in proposals if p.function == "set_market"]
    formula = [p.identifier for p in proposals if p.function == "set_model"]
    assert len(cap) == 2 and cap[-1] < formula[0]  # noqa: PT018  (one statement about one order)


def test_a_change_above_the_rate_limit_takes_the_fewest_steps(governed):
    before = governed.parameters.risk["upnl_weight"]
    _, proposals, _ = enacted(governed, changed(governed.parameters, risk={"upnl_weight": 0.05}))
    assert before == 1.0
    # Halves while that is more than a tenth: 1, 0.5, 0.25, 0.125; then a tenth is always allowed.
    assert [proposal.after["upnl_weight"] for proposal in proposals] == [0.5, 0.25, 0.125, 0.05]
    assert [(proposal.step, proposal.steps) for proposal in proposals] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [proposal.queue_after_seconds for proposal in proposals] == [0, 2 * DAY, 4 * DAY, 6 * DAY]
    assert [proposal.execute_after_seconds for proposal in proposals] == [2 * DAY, 4 * DAY, 6 * DAY, 8 * DAY]
    assert proposals[0].expires_after_seconds == 16 * DAY


def test_calldata_is_what_anyone_can_encode_by_hand(governed):
    proposed = changed(governed.parameters, fund={"target_reserves": 25_000.0})
    (proposal,) = encode(difference(governed, proposed), governed.deployment, first_identifier=7)
    fund = governed.deployment.addresses["insurance_fund"]
    others = list(governed.read("insurance_fund", "parameters"))[1:]  # a setter takes all of its words
    words = "".join(f"{word:064x}" for word in (25_000 * WAD, *others))
    call = "0x" + governed.deployment.abis["insurance_fund"]["set_parameters"].selector.hex() + words
    assert (proposal.target, proposal.call) == (fund, call)
    size = len(call[2:]) // 2
    padded = call[2:].ljust(2 * (-(-size // 32) * 32), "0")
    assert proposal.propose == (
        "0x" + governed.deployment.abis[GOVERNOR]["propose"].selector.hex()
        + fund[2:].lower().rjust(64, "0") + f"{64:064x}" + f"{size:064x}" + padded
    )  # fmt: skip
    selector = governed.deployment.abis[GOVERNOR]["execute"].selector.hex()
    assert proposal.execute == f"0x{selector}{7:064x}"
    assert proposal.governor == governed.governor


OBSTACLES = {
    "oracle": ({"oracle": {"max_return": 0.4}}, "fixed at deployment"),
    "bound": ({"fees": {"trade_fee_rate": 0.05}}, "outside the governor's bounds 0 to 0.01"),
    "no ramp at all": ({"registry": {"ramp_per_hour": 0.0}}, "outside the governor's bounds 0.01"),
    "price": ({"first": {"initial_price": 1_000.0}}, "where a run starts"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_no_setter_can_change_says_so(governed, name):
    groups, reason = OBSTACLES[name]
    found = difference(governed, changed(governed.parameters, **groups))
    (change,) = found.changes
    assert found.obstacles == (change,)
    assert found.enactable == ()
    assert reason in change.obstacle
    assert encode(found, governed.deployment) == []


def test_reporters_markets_and_own_models_are_obstacles(governed):
    current = governed.parameters
    found = difference(governed, changed(current, reporter={"heartbeat_seconds": 60}))
    assert [change.field for change in found.obstacles] == ["heartbeat_seconds"]
    found = difference(governed, replace(current, markets=[*current.markets, current.markets[0]]))
    assert [(change.field, change.after) for change in found.obstacles] == [("markets", 2)]
    own = replace(current, markets=[replace(current.markets[0], risk_model={"slope": 1.0})])
    found = difference(governed, own, "own.vy")
    assert all("own model" in change.obstacle for change in found.changes)
    assert encode(found, governed.deployment) == []


def test_a_formula_with_one_value_out_of_bounds_is_not_set_at_all(governed):
    static = parameters_of("static")
    model = {"initial_ratio": 0.05, "maintenance_ratio": 0.001, "haircut": 0.0}
    proposed = replace(governed.parameters, markets=[replace(static.markets[0], risk_model=model)])
    found = difference(governed, proposed, "static")
    assert found.enactable == ()
    assert "maintenance_ratio: outside" in found.changes[0].obstacle
    assert encode(found, governed.deployment) == []


def test_the_other_changes_are_made_beside_an_obstacle(governed):
    proposed = changed(governed.parameters, fees={"trade_fee_rate": 0.05, "pool_fee_share": 0.5})
    (proposal,) = encode(difference(governed, proposed), governed.deployment)
    assert proposal.changed == ("pool_fee_share",)
    assert proposal.after["trade_fee_rate"] == governed.parameters.fees["trade_fee_rate"]


def test_proposals_that_would_undo_what_somebody_did_since_are_not_sent(governed):
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.3})
    proposals = encode(difference(governed, proposed), governed.deployment)
    governed.must(
        GUARDIAN, GOVERNOR, "tighten", governed.deployment.addresses["risk_engine"],
        governed.setting(upnl_weight=WAD * 9 // 10, withdraw_margin_ratio=WAD * 11 // 100),
    )  # fmt: skip
    result = enact(governed.chain, governed.deployment, proposals)
    assert not result.succeeded
    (first,) = result.proposals
    assert (first.queued_at, first.executed_at) == (None, None)
    assert first.reason.startswith("encoded against another state: upnl_weight is 0.9, not 1.0")
    assert governed.read(GOVERNOR, "proposal_count") == 0


def test_one_stale_proposal_holds_its_round_back_and_nothing_foreign_is_executed(governed):
    """Somebody else's proposals have the numbers and are ripe: neither they nor the round is executed."""
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.9}, fund={"target_reserves": 21_000.0})
    proposals = encode(difference(governed, proposed), governed.deployment)
    assert [proposal.contract for proposal in proposals] == ["risk_engine", "insurance_fund"]
    words = list(governed.read("liquidation_engine", "parameters"))
    for buffer in (WAD * 20 // 100, WAD * 18 // 100):
        data = governed.data("liquidation_engine", "set_parameters", (buffer, *words[1:]))
        governed.propose("liquidation_engine", data)
    governed.must(
        GUARDIAN, GOVERNOR, "tighten", governed.deployment.addresses["risk_engine"],
        governed.setting(upnl_weight=WAD * 8 // 10), at=governed.now + 3 * DAY,
    )  # fmt: skip
    result = enact(governed.chain, governed.deployment, proposals)
    reasons = [item.reason for item in result.proposals]
    assert reasons[0].startswith("encoded against another state: upnl_weight is 0.8, not 1.0")
    assert reasons[1] == "not sent: another of its round is stale"
    assert [item.executed_at for item in result.proposals] == [None, None]
    assert [governed.read(GOVERNOR, "proposal", number)[5] for number in (0, 1)] == [1, 1]
    assert list(governed.read("liquidation_engine", "parameters")) == words
    assert not result.succeeded


def test_what_is_executed_is_what_was_queued_when_a_round_loses_a_proposal(governed):
    """The governor refuses the first of two, so the second has the first one's number."""
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.9}, fund={"target_reserves": 21_000.0})
    first, second = encode(difference(governed, proposed), governed.deployment)
    first = replace(first, propose=first.propose[:10])
    result = enact(governed.chain, governed.deployment, [first, second])
    assert [item.executed_at is not None for item in result.proposals] == [False, True]
    assert governed.read("insurance_fund", "target_reserves") == 21_000 * WAD
    assert governed.read(GOVERNOR, "proposal", 0)[5] == 2
    assert not result.succeeded


def test_what_is_verified_are_words_not_floats(governed):
    """One unit off in a word that did not change looks the same as a float, but is not what was wanted."""
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.9})
    (proposal,) = encode(difference(governed, proposed), governed.deployment)
    words = list(proposal.words_after)
    cap = list(rules.GOVERNED["risk"]).index("upnl_cap")
    words[cap] += 1
    result = enact(governed.chain, governed.deployment, [replace(proposal, words_after=tuple(words))])
    assert [item.reason for item in result.proposals] == [None]
    assert [reading.after == reading.wanted for reading in result.readings] == [True]
    assert result.mismatches == (f"risk_engine: upnl_cap is {words[cap] - 1}, not {words[cap]}",)
    assert not result.succeeded
    stale = replace(proposal, words_before=tuple(words))
    (item,) = enact(governed.chain, governed.deployment, [stale]).proposals
    assert f"upnl_cap is {words[cap] - 1}, not {words[cap]}" in item.reason


def test_a_designers_own_model_is_replaced_by_a_shipped_one():
    scenario = load_scenario(SCENARIOS / "custom_risk_model.toml")
    kind = scenario.protocol.risk_model
    current = protocol_parameters(scenario, [PRICE])
    own = Governed(custom=SCENARIOS / "models" / "LinearRiskModel.vy", parameters=current)
    static = parameters_of("static").markets[0].risk_model
    proposed = replace(current, markets=[replace(current.markets[0], risk_model=static)])
    found = diff(current, proposed, current_kind=kind, proposed_kind="static")
    result = enact(own.chain, own.deployment, encode(found, own.deployment))
    assert [item.reason for item in result.proposals] == [None]
    assert result.succeeded
    assert own.read(GOVERNOR, "kind_of", 0) == rules.KINDS["static"]


def test_a_haircut_beyond_its_step_follows_a_change_of_kind(governed):
    static = parameters_of("static", "protocol.risk_model_parameters.haircut=0.018")
    _, proposals, _ = enacted(governed, replace(governed.parameters, markets=static.markets), "static")
    assert [proposal.after["haircut"] for proposal in proposals] == [0.01, 0.018]


def test_ratios_that_would_more_than_double_are_refused_at_execution(governed):
    model = {"initial_ratio": 1.0, "maintenance_ratio": 0.5, "haircut": 0.0}
    market = replace(governed.parameters.markets[0], risk_model=model)
    found = difference(governed, replace(governed.parameters, markets=[market]), "static")
    result = enact(governed.chain, governed.deployment, encode(found, governed.deployment))
    assert [item.reason for item in result.proposals] == ["governor: step too large"]
    assert not result.succeeded


@pytest.mark.parametrize("engine", ["pyevm", pytest.param("ethtester", marks=pytest.mark.evidence)])
def test_every_engine_enacts_alike(governed, engine):
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.3}, risk_model={"z": 5.0, "haircut": 0.01})
    found = difference(governed, proposed)
    other = Governed(engine=engine)
    here = enact(governed.chain, governed.deployment, encode(found, governed.deployment))
    there = enact(other.chain, other.deployment, encode(found, other.deployment))
    assert here == there
    assert here.succeeded


def test_proposals_encoded_for_another_state_are_not_sent_on(governed):
    proposed = changed(governed.parameters, risk={"upnl_weight": 0.9})
    proposals = encode(difference(governed, proposed), governed.deployment, first_identifier=3)
    with pytest.raises(RunError, match="first_identifier"):
        enact(governed.chain, governed.deployment, proposals)


# Steps

BELOW = below("low", "high")


def rule(step: int = 0, increase: int = WAD // 2, decrease: int = WAD // 4, grain: int = 1) -> rules.WordRule:
    return rules.WordRule(
        minimum=0, maximum=10**24, increase=increase, decrease=decrease, step=step, tighter=0,
        unlimited=False, grain=grain,
    )  # fmt: skip


def test_steps_keep_what_a_contract_demands_of_several_words():
    """Each word alone would cross the other: the straight line does not."""
    rules_ = [rule(), rule(increase=10 * WAD)]
    old, target = [1_000, 100], [4_000, 3_900]  # high rises by half a step, low at once
    path = steps(old, target, rules_, ["high", "low"], (BELOW,)).path
    assert path[-1] == target
    for before, after in pairwise([old, *path]):
        assert after[1] < after[0]
        for word, new, each in zip(before, after, rules_, strict=True):
            assert word == new or each.refusal(word, new) is None


def test_a_word_that_no_step_moves_stays_and_says_why():
    found = steps([0, 10], [10, 12], [rule(step=0), rule()], ["stuck", "free"], ())
    assert found.path == [[0, 12]]
    assert found.reasons == {"stuck": "the governor's rules do not lead there in 1000 steps"}


def test_only_the_words_of_a_condition_leave_the_fastest_way():
    """A word beside them is out of bounds: the straight line through all of them would be barred."""
    narrow = rules.WordRule(
        minimum=0, maximum=100, increase=WAD, decrease=WAD // 2, step=0, tighter=0, unlimited=False
    )
    rules_ = [rule(), rule(increase=10 * WAD), narrow]
    old, target = [1_000, 100, 200], [4_000, 3_900, 60]
    alone = steps(old[:2], target[:2], rules_[:2], ["high", "low"], (BELOW,)).path
    beside = steps(old, target, rules_, ["high", "low", "narrow"], (BELOW,))
    assert beside.reasons == {}
    assert [words[:2] for words in beside.path] == alone
    assert [words[2] for words in beside.path] == [60] * len(alone)


def test_words_that_start_out_of_bounds_go_one_after_the_other():
    """The line would have to reach the low word's bound in one step, and the high one cannot come along."""
    low = replace(rule(increase=10 * WAD), minimum=500)
    old, target = [90, 80], [4_000, 500]
    found = steps(old, target, [rule(), low], ["high", "low"], (BELOW,))
    assert found.reasons == {}
    assert found.path[-1] == target
    assert all(words[1] < words[0] for words in found.path)


words = st.integers(1, 10**22)


@given(old=words, target=words, step=st.integers(10**18, 10**21), grain=st.sampled_from([1, QUANTUM]))
def test_every_step_is_legal_and_none_is_wasted(old, target, step, grain):
    each = rule(step=step, grain=grain)
    old, target = old // grain * grain, target // grain * grain
    path = steps([old], [target], [each], ["word"], ()).path
    assert path == [] if old == target else path[-1] == [target]
    for (before,), (after,) in pairwise([[old], *path]):
        assert each.refusal(before, after) is None
        assert after % grain == 0
    for (before,), (after,) in pairwise([[old], *path[:-1]]):
        beyond = after + grain if target > old else after - grain
        assert each.refusal(before, beyond) is not None  # it went as far as it could


@given(st.data())
def test_every_path_between_formulas_a_contract_takes_stays_among_them(data):
    kind = data.draw(st.sampled_from(sorted(rules.MODELS)))
    fields = rules.MODELS[kind]

    def draw() -> list[int]:
        values = {}
        for name, field in fields.items():
            word = field.words(name)
            values[name] = data.draw(st.integers(word.minimum, min(word.maximum, 50 * max(word.step, 1))))
        for part in ("notional", "initial", "maintenance"):
            names = [name for name in values if name.startswith("tier_") and name.endswith(part)]
            for place, (name, value) in enumerate(zip(names, sorted(map(values.get, names)), strict=True)):
                values[name] = value + place if part == "notional" else value
        for name in [name for name in values if name.startswith("tier_") and name.endswith("maintenance")]:
            values[name] = min(values[name], values[name.replace("maintenance", "initial")] // 2)
        for coupled in (
            ("maintenance_ratio", "initial_ratio"), ("maintenance_min", "initial_min"),
            ("maintenance_floor", "initial_floor"), ("open_interest_lower", "open_interest_upper"),
            ("maintenance_horizon_seconds", "initial_horizon_seconds"),
        ):  # fmt: skip
            if coupled[0] in values and values[coupled[0]] >= values[coupled[1]]:
                values[coupled[0]] = max(
                    values[coupled[1]] // 2, fields[coupled[0]].words(coupled[0]).minimum
                )
                values[coupled[1]] = max(values[coupled[1]], values[coupled[0]] + 1)
        return list(values.values())

    old, target = draw(), draw()
    word_rules = [field.words(name) for name, field in fields.items()]
    found = steps(old, target, word_rules, list(fields), STRUCTS[kind].conditions)
    assert found.reasons == {}
    for after in found.path:
        words = dict(zip(fields, after, strict=True))
        assert all(condition.holds(words) for condition in STRUCTS[kind].conditions)


SHARES = {"pool_fee_share": 0.98, "fund_fee_share": 0.02}


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ("trade_fee_rate=0.02", {"trade_fee_rate": 0.01}),  # starts out of bounds
        ("trade_fee_rate=0.0", {"trade_fee_rate": 0.01}),  # its first step is a twentieth of the way
    ],
)
def test_a_condition_on_some_words_does_not_bar_another_ones_way(governed, override, change):
    current = parameters_of(
        "adaptive", f"protocol.margin.{override}", "protocol.margin.pool_fee_share=0.5",
        "protocol.margin.fund_fee_share=0.5",
    )  # fmt: skip

    def count(fields: dict[str, float]) -> int:
        proposed = changed(current, fees=fields)
        found = diff(current, proposed, current_kind="adaptive", proposed_kind="adaptive")
        assert found.obstacles == ()
        proposals = encode(found, governed.deployment)
        assert {name: proposals[-1].after[name] for name in fields} == fields
        return len(proposals)

    assert count({**change, **SHARES}) == max(count(change), count(SHARES))


def test_a_value_that_fits_only_beside_one_that_cannot_change_is_an_obstacle(governed):
    current = governed.parameters
    base, most = current.liquidation["fee_max"] * 2, 0.9
    found = difference(governed, changed(current, liquidation={"fee_base": base, "fee_max": most}))
    reasons = {change.field: change.obstacle for change in found.obstacles}
    assert "outside the governor's bounds" in reasons["fee_max"]
    assert reasons["fee_base"] == "the contract does not take fee_base and fee_max together as they would be"
    assert encode(found, governed.deployment) == []


@given(st.data())
@settings(max_examples=200)
def test_between_any_two_sets_of_words_a_contract_takes_a_change_is_encoded_or_has_a_reason(data):
    """Also out of the governor's own bounds, at their edges, and a unit beside them."""
    key = data.draw(st.sampled_from(sorted(key for key in rules.GOVERNED if STRUCTS[key].conditions)))
    fields, couplings = rules.GOVERNED[key], STRUCTS[key].conditions

    def draw(*, within: bool) -> list[int]:
        values = {}
        for name, field in fields.items():
            word = field.words(name)
            edges = [word.minimum, word.maximum, word.step, (word.minimum + word.maximum) // 2]
            if not within:
                edges += [0, 1, 2 * word.maximum, max(word.minimum - 1, 0), word.maximum + 1]
            values[name] = data.draw(st.sampled_from(edges) | st.integers(word.minimum, word.maximum))
            if within:
                values[name] = min(max(values[name], word.minimum), word.maximum)
        assume(all(coupling.holds(values) for coupling in couplings))
        return list(values.values())

    old, target = draw(within=False), draw(within=True)
    word_rules = [field.words(name) for name, field in fields.items()]
    found = steps(old, target, word_rules, list(fields), couplings)
    for name, word, wanted in zip(fields, (found.path or [old])[-1], target, strict=True):
        assert (word == wanted) != (name in found.reasons)
    for before, after in pairwise([old, *found.path]):
        for word, new, each in zip(before, after, word_rules, strict=True):
            assert word == new or each.refusal(word, new) is None
    assert all(c.holds(dict(zip(fields, words, strict=True))) for words in found.path for c in couplings)
