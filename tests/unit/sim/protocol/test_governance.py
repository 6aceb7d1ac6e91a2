"""A parameter change as data: named, encoded in legal steps, enacted past the time-lock, read back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.errors import InputError, RunError
from sim.core.units import QUANTUM, WAD
from sim.protocol import governance_rules as rules
from sim.protocol.governance import diff, enact, encode
from sim.protocol.governance_steps import COUPLINGS, steps
from sim.protocol.governor_setup import GOVERNOR, GUARDIAN
from sim.protocol.parameters import UNLIMITED, ProtocolParameters
from tests.support.governed import DAY, Governed, parameters_of


@pytest.fixture(scope="module")
def _deployed():
    return Governed()


@pytest.fixture
def governed(_deployed):
    with _deployed.undone():
        yield _deployed


def changed(parameters: ProtocolParameters, **groups) -> ProtocolParameters:
    """Return parameters with some fields of some groups replaced; ``market`` is those of market 0."""
    market = dict(groups.pop("market", {}))
    model = market.pop("risk_model", {})
    first = parameters.markets[0]
    first = replace(first, **market, risk_model={**first.risk_model, **model})
    fields = {name: {**getattr(parameters, name), **values} for name, values in groups.items()}
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
    "margin": ({"margin": {"trade_fee_rate": 0.0006}}, "margin_engine", "set_parameters"),
    "liquidation": ({"liquidation": {"buffer": 0.2}}, "liquidation_engine", "set_parameters"),
    "fund": ({"fund": {"target_reserves": 30_000.0}}, "insurance_fund", "set_parameters"),
    "pricing": ({"market": {"max_premium": 0.06}}, "liquidity_pool", "set_pricing_terms"),
    "cap": ({"market": {"open_interest_cap": 20_000.0}}, "margin_engine", "set_market"),
    "formula": ({"market": {"risk_model": {"z": 5.0}}}, "risk_model", "set_model"),
    "no ramp": ({"margin": {"ramp_per_hour": UNLIMITED}}, "margin_engine", "set_parameters"),
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
        margin={"upnl_weight": 0.2, "withdraw_margin_ratio": 0.3},
        liquidation={"fee_base": 0.02, "fee_max": 0.08, "min_bounty": 33.333333},
        fund={"target_reserves": 100_000.0},
        market={
            "skew_scale": 70_000.0,
            "open_interest_cap": governed.parameters.markets[0].open_interest_cap / 3,
            "risk_model": {"z": 3.0, "haircut": 0.02, "stress_weight": 0.4},
        },
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
    before = governed.parameters.margin["upnl_weight"]
    _, proposals, _ = enacted(governed, changed(governed.parameters, margin={"upnl_weight": 0.05}))
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
    word = f"{25_000 * WAD:064x}"
    call = "0x" + governed.deployment.abis["insurance_fund"]["set_parameters"].selector.hex() + word
    assert (proposal.target, proposal.call) == (fund, call)
    padded = call[2:].ljust(128, "0")
    assert proposal.propose == (
        "0x" + governed.deployment.abis[GOVERNOR]["propose"].selector.hex()
        + fund[2:].lower().rjust(64, "0") + f"{64:064x}" + f"{36:064x}" + padded
    )  # fmt: skip
    selector = governed.deployment.abis[GOVERNOR]["execute"].selector.hex()
    assert proposal.execute == f"0x{selector}{7:064x}"
    assert proposal.governor == governed.governor


OBSTACLES = {
    "oracle": ({"oracle": {"max_return": 0.4}}, "fixed at deployment"),
    "bound": ({"margin": {"trade_fee_rate": 0.05}}, "outside the governor's bounds 0 to 0.01"),
    "no ramp at all": ({"margin": {"ramp_per_hour": 0.0}}, "outside the governor's bounds 0.01"),
    "price": ({"market": {"initial_price": 1_000.0}}, "where a run starts"),
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
    found = difference(governed, replace(current, reporter_heartbeat_seconds=60, reporter_weight=2))
    assert [change.field for change in found.obstacles] == ["reporter_weight", "reporter_heartbeat_seconds"]
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
    proposed = changed(governed.parameters, margin={"trade_fee_rate": 0.05, "upnl_weight": 0.9})
    (proposal,) = encode(difference(governed, proposed), governed.deployment)
    assert proposal.changed == ("upnl_weight",)
    assert proposal.after["trade_fee_rate"] == governed.parameters.margin["trade_fee_rate"]


def test_proposals_that_would_undo_what_somebody_did_since_are_not_sent(governed):
    proposed = changed(governed.parameters, margin={"upnl_weight": 0.3})
    proposals = encode(difference(governed, proposed), governed.deployment)
    governed.must(
        GUARDIAN, GOVERNOR, "tighten", governed.deployment.addresses["margin_engine"],
        governed.setting(upnl_weight=WAD * 9 // 10, withdraw_margin_ratio=WAD * 11 // 100),
    )  # fmt: skip
    result = enact(governed.chain, governed.deployment, proposals)
    assert not result.succeeded
    (first,) = result.proposals
    assert (first.queued_at, first.executed_at) == (None, None)
    assert first.reason.startswith("encoded against another state: upnl_weight is 0.9, not 1.0")
    assert governed.read(GOVERNOR, "proposal_count") == 0


def test_ratios_that_would_more_than_double_are_refused_at_execution(governed):
    model = {"initial_ratio": 1.0, "maintenance_ratio": 0.5, "haircut": 0.0}
    market = replace(governed.parameters.markets[0], risk_model=model)
    found = difference(governed, replace(governed.parameters, markets=[market]), "static")
    result = enact(governed.chain, governed.deployment, encode(found, governed.deployment))
    assert [item.reason for item in result.proposals] == ["governor: step too large"]
    assert not result.succeeded


@pytest.mark.parametrize("engine", ["pyevm", pytest.param("ethtester", marks=pytest.mark.evidence)])
def test_every_engine_enacts_alike(governed, engine):
    proposed = changed(
        governed.parameters, margin={"upnl_weight": 0.3}, market={"risk_model": {"z": 5.0, "haircut": 0.01}}
    )
    found = difference(governed, proposed)
    other = Governed(engine=engine)
    here = enact(governed.chain, governed.deployment, encode(found, governed.deployment))
    there = enact(other.chain, other.deployment, encode(found, other.deployment))
    assert here == there
    assert here.succeeded


def test_proposals_encoded_for_another_state_are_not_sent_on(governed):
    proposed = changed(governed.parameters, margin={"upnl_weight": 0.9})
    proposals = encode(difference(governed, proposed), governed.deployment, first_identifier=3)
    with pytest.raises(RunError, match="first_identifier"):
        enact(governed.chain, governed.deployment, proposals)


# Steps


def rule(step: int = 0, increase: int = WAD // 2, decrease: int = WAD // 4, grain: int = 1) -> rules.WordRule:
    return rules.WordRule(
        minimum=0, maximum=10**24, increase=increase, decrease=decrease, step=step, tighter=0,
        unlimited=False, grain=grain,
    )  # fmt: skip


def test_steps_keep_what_a_contract_demands_of_several_words():
    """Each word alone would cross the other: the straight line does not."""
    rules_ = [rule(), rule(increase=10 * WAD)]
    (below,) = (lambda w: w["low"] < w["high"],)
    old, target = [1_000, 100], [4_000, 3_900]  # high rises by half a step, low at once
    path = steps(old, target, rules_, ["high", "low"], (below,))
    assert path[-1] == target
    for before, after in pairwise([old, *path]):
        assert after[1] < after[0]
        for word, new, each in zip(before, after, rules_, strict=True):
            assert word == new or each.refusal(word, new) is None


def test_steps_that_lead_nowhere_are_refused():
    with pytest.raises(InputError, match="in no"):
        steps([0], [10], [rule(step=0)], ["stuck"], ())


words = st.integers(1, 10**22)


@given(old=words, target=words, step=st.integers(10**18, 10**21), grain=st.sampled_from([1, QUANTUM]))
def test_every_step_is_legal_and_none_is_wasted(old, target, step, grain):
    each = rule(step=step, grain=grain)
    old, target = old // grain * grain, target // grain * grain
    path = steps([old], [target], [each], ["word"], ())
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
    path = steps(old, target, [f.words(n) for n, f in fields.items()], list(fields), COUPLINGS[kind])
    for after in path:
        assert all(coupling(dict(zip(fields, after, strict=True))) for coupling in COUPLINGS[kind])
