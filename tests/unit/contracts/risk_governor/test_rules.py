"""G2: the tables on chain are those of the Python side; bounds and largest steps of every word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.chain.abi import words_of
from sim.core.units import MAX_UINT256, WAD
from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from tests.support.governed import DAY, Governed

NOTHING = "governor: nothing changes"
FIELDS = [(setter, name) for setter in rules.SETTERS for name in setter.fields]


def current_words(governed: Governed, setter: rules.Setter) -> list[int]:
    data = governed.deployment.abis[setter.contract][setter.view].selector + (
        bytes(32) if setter.per_market else b""
    )
    answer = governed.chain.call(governed.deployment.addresses[setter.contract], data)
    count = len(setter.word_rules())
    return [int.from_bytes(answer[32 * i : 32 * i + 32], "big") for i in range(count)]


def calldata(governed: Governed, setter: rules.Setter, words: list[int]) -> bytes:
    selector = governed.deployment.abis[setter.contract][setter.function].selector
    head = bytes(32) if setter.per_market else b""
    return selector + head + b"".join(word.to_bytes(32, "big") for word in words)


def probes(rule: rules.WordRule, old: int) -> list[int]:
    """Return values at and beyond every limit that a rule has."""
    least, most = rule.reach(old)
    edges = (rule.minimum, rule.maximum, least, most, old)
    near = {edge + d for edge in edges for d in (-1, 0, 1)} | {0, MAX_UINT256}
    return sorted(word for word in near if 0 <= word <= MAX_UINT256)


@pytest.mark.parametrize(("setter", "name"), FIELDS, ids=lambda x: x if isinstance(x, str) else x.contract)
def test_every_word_stops_at_its_bounds_and_its_step(governed, setter, name):
    index = len(setter.fixed) + list(setter.fields).index(name)
    words, rule = current_words(governed, setter), setter.word_rules()[index]
    seen = set()
    for word in probes(rule, words[index]):
        changed = [*words[:index], word, *words[index + 1 :]]
        expected = NOTHING if word == words[index] else rule.refusal(words[index], word)
        data = calldata(governed, setter, changed)
        assert governed.proposing(setter.contract, data) == expected, word
        only = rule.refusal(words[index], word, only_tighter=True) if word != words[index] else NOTHING
        assert governed.tightening(setter.contract, data) in (only, *contract_reasons(setter)), word
        seen.add(expected)
    assert {None, NOTHING, "governor: out of bounds"} <= seen


def contract_reasons(setter: rules.Setter) -> tuple[str, ...]:
    """Return what the setter itself says to words that break a condition on several of them."""
    return {
        "trading_desk": ("fee_params: out of bounds",),
        "volatility_oracle": ("estimator_params: out of bounds", "estimator_performance: out of bounds"),
        "liquidation_engine": (
            "liquidation_params: out of bounds",
            "liquidation_params: not whole quanta",
        ),
    }.get(setter.contract, ())


@pytest.mark.parametrize("kind", rules.MODELS)
def test_every_constructor_word_stops_at_its_bounds_and_its_step(kind):
    governed = Governed(kind)
    words = governed.model_words()
    for index, (name, field) in enumerate(rules.MODELS[kind].items()):
        rule = field.words(name)
        for word in probes(rule, words[index]):
            if word == words[index]:
                continue
            data = governed.set_model([*words[:index], word, *words[index + 1 :]])
            assert governed.proposing(GOVERNOR, data) == rule.refusal(words[index], word), (name, word)
    assert governed.proposing(GOVERNOR, governed.set_model(words)) == NOTHING
    assert governed.proposing(GOVERNOR, governed.set_model(words[1:])) == "governor: wrong length"


words_like = st.one_of(
    st.integers(0, 2 * WAD), st.integers(0, MAX_UINT256), st.sampled_from([0, MAX_UINT256, 2**128])
)


@given(data=st.data())
def test_any_words_are_judged_as_the_twin_judges_them(governed, data):
    setter = data.draw(st.sampled_from(rules.SETTERS))
    words = current_words(governed, setter)
    changes = data.draw(st.dictionaries(st.integers(0, len(words) - 1), words_like, max_size=3))
    near = data.draw(st.sets(st.integers(0, len(words) - 1), max_size=3))
    after = list(words)
    for index, word in changes.items():
        after[index] = word
    for index in near:
        least, most = setter.word_rules()[index].reach(words[index])
        after[index] = data.draw(st.integers(max(least - 2, 0), max(least, most) + 2))
    refusals = [
        rule.refusal(old, new)
        for old, new, rule in zip(words, after, setter.word_rules(), strict=True)
        if old != new
    ]
    expected = next((reason for reason in refusals if reason), None) if refusals else NOTHING
    assert governed.proposing(setter.contract, calldata(governed, setter, after)) == expected


@given(
    old=st.integers(0, MAX_UINT256),
    target=st.integers(0, 10**24),
    step=st.integers(1, 10**18),
    relative=st.integers(1, WAD),
)
def test_the_twin_always_gets_nearer(old, target, step, relative):
    rule = rules.WordRule(
        minimum=0, maximum=10**24, increase=relative, decrease=relative, step=step, tighter=0, unlimited=False
    )
    word = rule.next(old, target)
    assert word == target or rule.refusal(old, word) is None
    clamped = min(old, rule.maximum)
    assert abs(word - target) < abs(clamped - target) or word == target


def test_a_word_out_of_bounds_is_measured_from_the_nearer_bound():
    rule = rules.GOVERNED["fees"]["trade_fee_rate"].words("trade_fee_rate")
    assert rule.reach(rule.maximum * 5) == rule.reach(rule.maximum)


def test_a_limit_can_be_switched_off_and_on_again_in_one_step(governed):
    governed.enact("market_registry", governed.setting(ramp_per_hour=MAX_UINT256))
    assert governed.read("market_registry", "parameters")[0] == MAX_UINT256
    governed.enact("market_registry", governed.setting(ramp_per_hour=WAD // 10))
    assert governed.read("market_registry", "parameters")[0] == WAD // 10
    assert governed.proposing("risk_engine", governed.setting(upnl_cap=MAX_UINT256)) == (
        "governor: out of bounds"
    )


def test_calldata_must_have_exactly_the_words(governed):
    data = governed.setting(trade_fee_rate=0)
    for wrong in (data[:-32], data + bytes(32), data[:-1], data[:4]):
        assert governed.proposing("trading_desk", wrong) == "governor: wrong length"
    assert governed.proposing("trading_desk", data[:3]) == "governor: no selector"
    assert governed.proposing("trading_desk", b"\x12\x34\x56\x78" + data[4:]) == "governor: not callable"
    assert governed.proposing("lens", data) == "governor: not callable"
    pool = governed.data("liquidity_pool", "set_pricing_terms", 1, 10**24, 10**16)
    assert governed.proposing("liquidity_pool", pool) == "governor: no rule"  # there is no market 1


@pytest.mark.parametrize("name", sorted(rules.NEVER))
def test_what_no_proposal_can_call(governed, name):
    key, function = name.split(".")
    entry = governed.deployment.abis[key][function]
    data = entry.selector + bytes(32 * len(entry.inputs))
    assert governed.proposing(key, data) == "governor: not callable"


def there_and_back(governed) -> tuple[int, int]:
    """Return a proposal whose words have changed and changed back, and when they last did."""
    there = governed.propose("trading_desk", governed.setting(trade_fee_rate=6 * WAD // 10_000))
    waiting = governed.propose("trading_desk", governed.setting(trade_fee_rate=4 * WAD // 10_000))
    assert governed.execute(there).status
    back = governed.propose("trading_desk", governed.setting(trade_fee_rate=5 * WAD // 10_000))
    assert governed.execute(back).status
    return waiting, governed.now


def test_a_proposal_that_is_legal_again_still_keeps_its_distance(governed):
    waiting, changed = there_and_back(governed)
    assert governed.execute(waiting, at=changed + DAY - 1).revert_reason == "governor: too soon"
    assert governed.execute(waiting, at=changed + DAY).status


def test_a_rate_limit_keeps_executions_apart(governed):
    first = governed.propose("risk_engine", governed.setting(upnl_weight=WAD * 9 // 10))
    assert governed.execute(first).status
    # The delay lasts longer than the interval, so the next is not held up.
    later = governed.propose("risk_engine", governed.setting(upnl_weight=WAD * 8 // 10))
    assert governed.ready_at(later) == governed.now + rules.DELAY_SECONDS
    selector = governed.deployment.abis["risk_engine"]["set_parameters"].selector
    address = governed.deployment.addresses["risk_engine"]
    assert governed.read(GOVERNOR, "changed_at", address, selector, 0) < governed.now
    # The guardian tightens just before: what was proposed is void, and another step must wait for a day.
    governed.must(
        GUARDIAN, GOVERNOR, "tighten", address, governed.setting(upnl_weight=WAD // 2),
        at=governed.ready_at(later) - 1,
    )  # fmt: skip
    assert governed.execute(later).revert_reason == "governor: changed since"
    assert governed.tightening("risk_engine", governed.setting(upnl_weight=WAD // 4)) == "governor: too soon"


def test_a_long_interval_moves_the_window_of_a_proposal(governed):
    setter = rules.SETTERS[0]
    abi = governed.deployment.abis["trading_desk"]
    week = 7 * 86_400
    rule = (abi["parameters"].selector, week, [word.encoded() for word in setter.word_rules()])
    governed.enact(
        GOVERNOR,
        governed.data(
            GOVERNOR, "register_setter", governed.deployment.addresses["trading_desk"],
            abi["set_parameters"].selector, 0, False, rule,
        ),
    )  # fmt: skip
    governed.enact("trading_desk", governed.setting(trade_fee_rate=6 * WAD // 10_000))
    changed = governed.now
    later = governed.propose("trading_desk", governed.setting(trade_fee_rate=7 * WAD // 10_000))
    assert governed.ready_at(later) == changed + week


FINE = rules.RESULTS["haircut"].words("haircut").encoded()


@pytest.mark.parametrize(
    ("index", "value", "reason"),
    [
        (1, 2**128, "governor: maximum too large"),
        (2, 1_000 * WAD + 1, "governor: increase too large"),
        (3, WAD + 1, "governor: decrease above 1"),
        (5, 3, "governor: unknown side"),
    ],
)
def test_a_rule_that_cannot_be_computed_with_is_refused(governed, index, value, reason):
    word = list(rules.GOVERNED["fees"]["trade_fee_rate"].words("trade_fee_rate").encoded())
    word[index] = value
    data = governed.data(GOVERNOR, "set_model_limits", tuple(word), FINE, 0)
    assert governed.execute(governed.propose(GOVERNOR, data)).revert_reason == reason
    data = governed.data(GOVERNOR, "set_model_limits", FINE, tuple(word), 0)
    assert governed.execute(governed.propose(GOVERNOR, data)).revert_reason == reason
    address = governed.deployment.addresses["trading_desk"]
    data = governed.data(
        GOVERNOR, "register_setter", address, b"\x01\x02\x03\x04", 0, False, (b"\0\0\0\0", 0, [tuple(word)])
    )
    assert governed.execute(governed.propose(GOVERNOR, data)).revert_reason == reason


def test_rules_cannot_be_shed_by_registering_a_setter_as_a_call(governed):
    abi = governed.deployment.abis["trading_desk"]["set_parameters"]
    address = governed.deployment.addresses["trading_desk"]
    data = governed.data(GOVERNOR, "register_call", address, abi.selector, 3, False)
    assert governed.execute(governed.propose(GOVERNOR, data)).revert_reason == "governor: other kind"
    data = governed.data(GOVERNOR, "register_call", governed.governor, b"\x01\x02\x03\x04", 0, False)
    assert governed.execute(governed.propose(GOVERNOR, data)).revert_reason == (
        "governor: cannot register itself"
    )


def test_a_setter_can_be_forbidden_again(governed):
    abi = governed.deployment.abis["trading_desk"]
    address = governed.deployment.addresses["trading_desk"]
    data = governed.data(
        GOVERNOR, "register_setter", address, abi["set_parameters"].selector, 0, False,
        (abi["parameters"].selector, 0, []),
    )  # fmt: skip
    governed.enact(GOVERNOR, data)
    assert governed.proposing("trading_desk", governed.setting(trade_fee_rate=0)) == "governor: no rule"


def test_owner_is_who_proposes(governed):
    data = governed.setting(trade_fee_rate=WAD // 2_000 + 1)
    assert governed.proposing("trading_desk", data) is None
    assert governed.proposing("trading_desk", data, sender=governed.trader) == "access: not owner"
    assert governed.read("trading_desk", "owner") != OWNER


def test_the_governor_is_sealed_and_its_owner_is_governance(governed):
    assert governed.read(GOVERNOR, "owner") == OWNER
    assert governed.read(GOVERNOR, "guardian") == GUARDIAN
    assert governed.read(GOVERNOR, "sealed") is True
    assert governed.refusal(OWNER, governed.governor, governed.data(GOVERNOR, "seal")) == "governor: sealed"
    assert governed.read(GOVERNOR, "delay_seconds") == rules.DELAY_SECONDS
    assert governed.read(GOVERNOR, "long_delay_seconds") == rules.LONG_DELAY_SECONDS
    for key in ("market_registry", "trading_desk"):
        assert governed.read(GOVERNOR, key) == governed.deployment.addresses[key]


def test_every_field_of_every_setter_and_constructor_has_a_rule(governed):
    for setter in rules.SETTERS:
        inputs = list(governed.deployment.abis[setter.contract][setter.function].inputs)
        if setter.per_market:
            assert inputs.pop(0)["name"] == "market"
        words = [c["name"] for item in inputs for c in item.get("components", (item,))]
        assert words == [*setter.fixed, *setter.fields]
    for kind, fields in rules.MODELS.items():
        model = governed.deployment.artifacts["risk_model"]
        if kind == governed.kind:
            constructor = next(entry for entry in model.abi if entry["type"] == "constructor")
            owner, struct = constructor["inputs"]
            assert owner["name"] == "owner"
            assert [component["name"] for component in struct["components"]] == list(fields)


def test_the_rules_on_chain_are_the_table(governed):
    for setter in rules.SETTERS:
        selector = governed.deployment.abis[setter.contract][setter.function].selector
        address = governed.deployment.addresses[setter.contract]
        view, interval, words = governed.read(GOVERNOR, "setter_rule", address, selector, 0)
        assert view == governed.deployment.abis[setter.contract][setter.view].selector
        assert interval == rules.INTERVAL_SECONDS
        assert [tuple(word) for word in words] == [word.encoded() for word in setter.word_rules()]
    for kind, number in rules.KINDS.items():
        _, words = governed.read(GOVERNOR, "model_rule", number)
        expected = [rule.words(name).encoded() for name, rule in rules.MODELS[kind].items()]
        assert [tuple(word) for word in words] == expected
    for call in rules.CALLS:
        function = governed.deployment.abis[call.contract][call.function]
        address = governed.deployment.addresses[call.contract]
        assert tuple(governed.read(GOVERNOR, "route", address, function.selector)) == (
            3, len(words_of(function.inputs)), call.is_long,
        )  # fmt: skip
