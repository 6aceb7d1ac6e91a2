"""Margin formulas: from blueprints only, within bounds, and within limits on what they do to the ratios."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.core.errors import RunError
from sim.core.units import WAD
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.protocol.contracts import compile_risk_models
from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, blueprint
from tests.support.governed import DAY, NOBODY, PRICE, ZERO, Governed

SCENARIOS = Path(__file__).resolve().parents[4] / "scenarios"
STATIC = [8 * WAD // 100, 4 * WAD // 100, 0]


def ratios(governed) -> tuple[int, int]:
    snapshot = governed.read("market_registry", "market_snapshot", 0)
    return snapshot[-3], snapshot[-2]


def deploy(governed, artifact, arguments: bytes = b"") -> str:
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    address = governed.chain.deploy(artifact, arguments, NOBODY)
    governed.chain.end_block()
    return address


def test_a_formula_is_deployed_from_its_blueprint_and_set(governed):
    cap = governed.read("market_registry", "market_info", 0)[1]
    queued = governed.propose(GOVERNOR, governed.set_model(STATIC, "static"))
    assert governed.ready_at(queued) == governed.now + 2 * DAY
    receipt = governed.execute(queued)
    assert receipt.status, receipt.revert_reason
    assert governed.read(GOVERNOR, "kind_of", 0) == rules.KINDS["static"]
    assert governed.read("market_registry", "market_info", 0)[:2] == (governed.model(), cap)
    assert ratios(governed) == (STATIC[0], STATIC[1])
    # The code is the shipped one's; the immutables behind it are what was asked for.
    runtime = compile_risk_models()["static"].runtime_bytecode
    code = governed.chain.code_at(governed.model())
    assert code[: len(runtime)] == runtime
    assert OWNER[2:].lower() in code[len(runtime) :].hex()
    for word in STATIC:
        assert word.to_bytes(32, "big") in code[len(runtime) :]
    events = [governed.deployment.abis[GOVERNOR].decode_log(log.topics, log.data) for log in receipt.logs]
    deployed = next(event.args for event in events if event and event.name == "ModelDeployed")
    assert (deployed["market"], deployed["kind"], list(deployed["words"])) == (0, 1, STATIC)


def test_words_of_another_kind_are_held_by_their_bounds(governed):
    low = rules.MODELS["static"]["maintenance_ratio"].words("maintenance_ratio").minimum
    outside = [STATIC[0], low - 1, 0]
    assert governed.proposing(GOVERNOR, governed.set_model(outside, "static")) == "governor: out of bounds"


@pytest.mark.parametrize(("factor", "is_legal"), [(0.49, False), (0.51, True), (1.99, True), (2.01, False)])
def test_a_new_kind_may_halve_or_double_the_ratios(governed, factor, is_legal):
    initial, maintenance = ratios(governed)
    words = [int(initial * factor), int(maintenance * factor), 0]
    before = governed.model()
    queued = governed.propose(GOVERNOR, governed.set_model(words, "static"))
    assert governed.execute(queued).revert_reason == (None if is_legal else "governor: step too large")
    assert (governed.model() != before) == is_legal


def test_words_that_the_formula_refuses_are_refused(static):
    words = static.model_words()  # 10 % and 5 %: both may become 7.5 %
    queued = static.propose(GOVERNOR, static.set_model([words[0] * 3 // 4, words[1] * 3 // 2, 0]))
    assert static.execute(queued).revert_reason == "risk_model: maintenance not below initial"


@pytest.mark.parametrize(("haircut", "is_legal"), [(WAD // 100, True), (WAD // 100 + 1, False)])
def test_a_new_kind_moves_the_haircut_by_no_more_than_its_step(governed, haircut, is_legal):
    queued = governed.propose(GOVERNOR, governed.set_model([*STATIC[:2], haircut], "static"))
    assert governed.execute(queued).revert_reason == (None if is_legal else "governor: step too large")


@pytest.mark.parametrize("count", [2, 4])
def test_a_formula_that_takes_other_words_than_its_rules_is_never_deployed(governed, count):
    """A constructor ignores words too many and reads words too few as zero: both are noticed."""
    blueprint_ = governed.read(GOVERNOR, "model_rule", 1)[0]
    words = [*STATIC, 0][:count]
    word_rules = [rule.words(name).encoded() for name, rule in rules.MODELS["static"].items()]
    stated = [*word_rules, word_rules[-1]][:count]
    governed.enact(GOVERNOR, governed.data(GOVERNOR, "register_model", 1, blueprint_, stated))
    queued = governed.propose(GOVERNOR, governed.set_model(words, "static"))
    assert governed.execute(queued).revert_reason == "governor: other words"
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "add_market", 1, words, WAD))
    assert governed.execute(queued).revert_reason == "governor: other words"


def test_a_market_cannot_be_pointed_at_unknown_code(governed):
    model, cap = governed.read("market_registry", "market_info", 0)[:2]
    data = governed.data("market_registry", "set_market", 0, NOBODY, cap)
    assert governed.proposing("market_registry", data) == "governor: out of bounds"
    data = governed.data("market_registry", "set_market", 0, model, cap // 2)
    assert governed.proposing("market_registry", data) is None
    for kind in (0, 5):
        data = governed.data(GOVERNOR, "set_model", 0, kind, STATIC)
        assert governed.proposing(GOVERNOR, data) == "governor: unknown kind"
    data = governed.data(GOVERNOR, "set_model", 1, 1, STATIC)
    assert governed.proposing(GOVERNOR, data) == "governor: unknown market"
    assert (
        governed.send(OWNER, GOVERNOR, "set_model", 0, 1, STATIC).revert_reason == "governor: not by proposal"
    )


def test_a_formula_that_was_changed_since_voids_a_proposal(static):
    words = static.model_words()
    first = static.propose(GOVERNOR, static.set_model([words[0] + 1, words[1], words[2]]))
    second = static.propose(GOVERNOR, static.set_model([words[0] + 2, words[1], words[2]]))
    assert static.execute(first).status
    assert static.execute(second).revert_reason == "governor: changed since"


def test_a_cap_survives_a_change_of_formula_and_the_other_way_round(governed):
    model, cap = governed.read("market_registry", "market_info", 0)[:2]
    lower = governed.propose(
        "market_registry", governed.data("market_registry", "set_market", 0, model, cap // 2)
    )
    formula = governed.propose(GOVERNOR, governed.set_model(STATIC, "static"))
    assert governed.execute(lower).status
    assert governed.execute(formula).status
    assert governed.read("market_registry", "market_info", 0)[1] == cap // 2


def test_a_designers_formula_is_admitted_with_the_long_delay(governed):
    """A blueprint that is registered by proposal can be set afterwards, within the rules given for it."""
    address = deploy(governed, blueprint(compile_risk_models()["static"]))
    words = [rule.words(name).encoded() for name, rule in rules.MODELS["static"].items()]
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "register_model", 7, address, words))
    assert governed.ready_at(queued) == governed.now + 7 * DAY
    own = governed.data(GOVERNOR, "set_model", 0, 7, STATIC)
    assert governed.proposing(GOVERNOR, own) == "governor: unknown kind"
    assert governed.execute(queued).status
    governed.enact(GOVERNOR, own)
    assert governed.read(GOVERNOR, "kind_of", 0) == 7


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        (7, "runtime", "governor: not a blueprint"),
        (7, "nothing", None),  # slicing no code reverts without a reason
        (1, "blueprint", "governor: other blueprint"),
        (0, "blueprint", "governor: kind zero"),
    ],
)
def test_what_is_not_a_blueprint_is_not_admitted(governed, kind, code, reason):
    model = compile_risk_models()["static"]
    address = NOBODY
    if code == "blueprint":
        address = deploy(governed, blueprint(model))
    elif code == "runtime":
        address = governed.model()
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "register_model", kind, address, []))
    receipt = governed.execute(queued)
    assert not receipt.status
    assert reason is None or receipt.revert_reason == reason


def test_a_formula_of_unknown_origin_can_be_replaced(static):
    """A market deployed with a designer's own model has kind 0: bounds and ratio limits still hold."""
    static.enact(GOVERNOR, static.data(GOVERNOR, "register_market", 0, 0))
    words = static.model_words()
    assert static.proposing(GOVERNOR, static.set_model(words)) is None  # not comparable with what there is
    assert (
        static.tightening(GOVERNOR, static.set_model([words[0] + 1, words[1], 0])) == "governor: other kind"
    )
    static.enact(GOVERNOR, static.set_model(words))
    assert static.read(GOVERNOR, "kind_of", 0) == 1
    queued = static.propose(GOVERNOR, static.data(GOVERNOR, "register_market", 0, 9))
    assert static.execute(queued).revert_reason == "governor: unknown kind"


def test_a_designers_own_model_is_of_no_kind():
    scenario = load_scenario(SCENARIOS / "custom_risk_model.toml")
    governed = Governed(
        custom=SCENARIOS / "models" / "LinearRiskModel.vy",
        parameters=protocol_parameters(scenario, [PRICE]),
    )
    assert governed.read(GOVERNOR, "kind_of", 0) == 0
    assert governed.proposing(GOVERNOR, governed.set_model(STATIC, "static")) is None


def test_a_market_is_added_in_three_structural_steps(governed):
    governed.enact("price_oracle", governed.data("price_oracle", "add_asset", 100 * WAD, WAD // 4, WAD // 4))
    governed.enact("liquidity_pool", governed.data("liquidity_pool", "add_market", 10**24, WAD // 100))
    data = governed.data(GOVERNOR, "add_market", 1, STATIC, 10**24)
    queued = governed.propose(GOVERNOR, data)
    assert governed.ready_at(queued) == governed.now + 7 * DAY
    assert governed.execute(queued).status
    assert governed.read("market_registry", "market_count") == 2
    assert governed.read(GOVERNOR, "kind_of", 1) == 1
    outside = governed.data(GOVERNOR, "add_market", 1, [WAD, 1, 0], 10**24)
    assert governed.execute(governed.propose(GOVERNOR, outside)).revert_reason == "governor: out of bounds"


@pytest.mark.parametrize(
    ("registry", "desk", "missing"), [(ZERO, NOBODY, "registry"), (NOBODY, ZERO, "desk")]
)
def test_the_governor_needs_a_registry_and_a_desk(governed, registry, desk, missing):
    entry = governed.deployment.abis[GOVERNOR].constructor
    artifact = governed.deployment.artifacts[GOVERNOR]
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    with pytest.raises(RunError, match=f"governor: zero {missing}"):
        governed.chain.deploy(artifact, entry.encode(OWNER, NOBODY, registry, desk, 2 * DAY, 7 * DAY), NOBODY)
    governed.chain.end_block()
