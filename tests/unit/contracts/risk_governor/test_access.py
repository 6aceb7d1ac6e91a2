"""G1: every function that changes something, called by everybody who should not."""

from __future__ import annotations

import pytest

from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from tests.support.governed import NOBODY, ZERO, Governed

OWNERS = "access: not owner"
OPERATORS = "operators: not operator"
HOLDERS = "margin_checks: not holder of the lock"
POOLS = "pool: not ledger"
DRAWERS = "fund: not drawer"
PROPOSALS = "governor: not by proposal"
SHARES = {
    "transfer", "transferFrom", "approve", "deposit", "mint", "withdraw", "redeem",
    "request_exit", "cancel_exit",
}  # fmt: skip

# Who else may call, and what everybody else hears. Nothing of a role may be missing: the ABI decides.
OPEN = {
    "price_oracle": set(),
    "ledger": set(),
    "market_registry": {"poke", "touch", "touch_one"},
    "risk_engine": set(),
    "trading_desk": {"deposit", "withdraw", "increase_position", "decrease_position", "set_mode"},
    "loss_waterfall": {"cover_deficit", "auto_deleverage", "socialize_loss", "release_held"},
    "liquidity_pool": SHARES | {"request_deposit", "claim_shares", "cancel_deposit"},
    "insurance_fund": SHARES,
    "liquidation_engine": {"liquidate"},
    GOVERNOR: set(),
}  # fmt: skip
OTHER_ROLES = {
    "price_oracle": {"report": ("oracle: not a reporter", {"keeper"})},
    "ledger": {
        **dict.fromkeys(
            (
                "lock", "deposit", "withdraw", "set_mode", "collect_fees", "settle", "draw_fund",
                "write_off", "pay_tip", "use_held", "release_held",
            ),
            (OPERATORS, set()),
        ),
        "unlock": ("operators: not holder", set()),
    },
    "market_registry": {},
    "risk_engine": dict.fromkeys(
        ("check_initial", "check_withdraw", "check_maintenance"), (HOLDERS, set())
    ),
    "trading_desk": {},
    "loss_waterfall": {"resolve": ("loss_waterfall: not holder of the lock", set())},
    "liquidity_pool": dict.fromkeys(("apply_fill", "apply_deleverage", "collect", "pay"), (POOLS, set())),
    "insurance_fund": dict.fromkeys(("draw", "contribute"), (DRAWERS, set())),
    "liquidation_engine": {},
    GOVERNOR: {
        **dict.fromkeys(
            ("transfer_ownership", "seal", "propose", "execute", "take_ownership"), (OWNERS, {"owner"})
        ),
        **dict.fromkeys(
            (
                "set_guardian", "set_delays", "register_setter", "register_call", "register_model",
                "register_market", "set_model_limits", "set_model", "add_market",
            ),
            (PROPOSALS, {"governor"}),
        ),
        "tighten": ("governor: not guardian", {"guardian"}),
        "pause": ("governor: not guardian", {"owner", "guardian"}),
        "cancel": ("governor: not guardian", {"owner", "guardian"}),
    },
}  # fmt: skip
CONTRACTS = (*rules.OWNED, GOVERNOR)


@pytest.fixture(scope="module")
def _deployed():
    return Governed(engine="pyevm")  # revm refuses a contract as the sender of a transaction (EIP-3607)


def owners_functions(key: str) -> set[str]:
    """Return the functions of a contract that its owner alone may call."""
    return (
        {setter.function for setter in rules.SETTERS if setter.contract == key}
        | {call.function for call in rules.CALLS if call.contract == key}
        | {name.split(".")[1] for name in rules.NEVER if name.startswith(f"{key}.")}
    )


def mutators(governed, key: str) -> set[str]:
    return {
        entry["name"]
        for entry in governed.deployment.artifacts[key].abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


def zero(parameter: dict) -> object:
    """Return the zero value of an ABI parameter."""
    kind = parameter["type"]
    if kind.endswith("[]"):
        return []
    if kind == "tuple":
        return tuple(zero(component) for component in parameter["components"])
    if kind == "bytes":
        return b""
    if kind.startswith("bytes"):
        return bytes(int(kind[5:]))
    return {"address": ZERO, "bool": False}.get(kind, 0)


def reasons(governed, key: str, function: str) -> dict[str, str | None]:
    """Return what everybody hears who calls a function with zeros."""
    entry = governed.deployment.abis[key][function]
    data = entry.encode(*(zero(parameter) for parameter in entry.inputs))
    callers = {
        "nobody": NOBODY,
        "trader": governed.trader,
        "liquidator": governed.liquidator,
        "keeper": governed.keepers[0],
        "guardian": GUARDIAN,
        "owner": OWNER,
        "governor": governed.governor,
    }
    to = governed.deployment.addresses[key]
    return {name: governed.refusal(caller, to, data) for name, caller in callers.items()}


@pytest.mark.parametrize("key", CONTRACTS)
def test_every_function_that_changes_something_is_in_the_tables(governed, key):
    expected = OPEN[key] | OTHER_ROLES[key].keys() | {"accept_ownership"}
    assert mutators(governed, key) == expected | (owners_functions(key) if key in rules.OWNED else set())


@pytest.mark.parametrize("key", rules.OWNED)
def test_what_the_owner_may_do_only_the_governor_does(governed, key):
    assert governed.read(key, "owner") == governed.governor
    assert governed.read(key, "pending_owner") == ZERO
    for function in sorted(owners_functions(key)):
        heard = reasons(governed, key, function)
        assert heard.pop("governor") != OWNERS, function
        assert set(heard.values()) == {OWNERS}, function


@pytest.mark.parametrize("key", CONTRACTS)
def test_what_a_role_may_do_nobody_else_does(governed, key):
    for function, (reason, allowed) in OTHER_ROLES[key].items():
        heard = reasons(governed, key, function)
        for caller, text in heard.items():
            assert (text != reason) == (caller in allowed), f"{function} by {caller}: {text}"


@pytest.mark.parametrize("key", CONTRACTS)
def test_ownership_is_taken_only_where_it_was_offered(governed, key):
    assert set(reasons(governed, key, "accept_ownership").values()) == {"access: not pending owner"}


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
            3, len(function.inputs), call.is_long,
        )  # fmt: skip
