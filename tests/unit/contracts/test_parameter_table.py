"""The table of parameters and the contracts agree, to the last unit of every bound.

Every struct is deployed, or set by the owner, with one word at a bound of its row and with that word one unit
beyond; the other words are moved only as far as a condition of the struct asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import pytest

from sim.chain.abi import ContractAbi
from sim.chain.compile import Artifact
from sim.chain.transaction import Transaction
from sim.core.errors import InputError, RunError
from sim.core.units import MAX_UINT256, WAD
from sim.protocol.contracts import compile_risk_models
from sim.protocol.deployed import OWNER
from sim.protocol.parameters.table import STRUCTS, Parameter, Struct
from sim.protocol.parameters.words import inputs_of
from sim.reference.portfolio_math import PAIRS
from tests.support.governed import NOBODY, Governed

WHERE = [(struct, row) for struct in STRUCTS for row in struct]
CONDITIONS = [(struct, condition) for struct in STRUCTS for condition in struct.conditions]
SET_ALONE = "correlation"
"""Struct of no market that no constructor takes."""
NAMES = {"ids": lambda item: item.name if isinstance(item, Struct | Parameter) else None}


@pytest.fixture(scope="module")
def governed() -> Governed:
    return Governed()


@pytest.fixture(scope="module")
def models() -> dict[str, Artifact]:
    return compile_risk_models()


class Owned:
    """Contracts whose owner is a person, who can call every setter without a governor."""

    def __init__(self, models: Mapping[str, Artifact]) -> None:
        self.governed = Governed()
        self.models = models
        self.addresses = dict(self.governed.deployment.addresses)
        self.chain = self.governed.chain
        self.chain.start_block(self.chain.block_number + 1, self.governed.now + 12)
        for key in ("price_oracle", "ledger", "volatility_oracle", "liquidity_pool", "market_registry"):
            struct = next((struct for struct in STRUCTS if struct.contract == key), None)
            is_given = struct is not None and struct.model is None and not struct.per_market
            words = struct.defaults if is_given else {}
            given = {name: struct[name].word(value) for name, value in words.items()} if struct else {}
            self.addresses[key] = self.deploy(self.governed.deployment.artifacts[key], given)
        # Its ratio carries every premium that the table allows.
        static = {"initial_ratio": WAD, "maintenance_ratio": WAD - 1, "haircut": 0}
        self.addresses["risk_model:0"] = self.deploy(models["static"], static)
        get = self.addresses
        for key, function, arguments in (
            ("price_oracle", "add_asset", (2_000 * WAD, WAD, WAD)),
            ("volatility_oracle", "add_market", (WAD, OWNER)),
            ("ledger", "connect", (get["liquidity_pool"], get["insurance_fund"])),
            ("liquidity_pool", "connect", (get["market_registry"],)),
            ("liquidity_pool", "add_market", (WAD, 0)),
            ("market_registry", "add_market", (get["risk_model:0"], WAD)),
        ):
            data = self.governed.data(key, function, *arguments)
            receipt = self.chain.execute(Transaction(OWNER, self.addresses[key], data))
            assert receipt.status, f"{key}.{function}: {receipt.revert_reason}"
        self.chain.end_block()

    def deploy(self, artifact: Artifact, words: Mapping[str, int]) -> str:
        """Deploy a contract with the words of its struct."""
        known = {
            "owner": OWNER,
            "quote_token": self.addresses["token"],
            "correlations": [0] * PAIRS,
            **self.addresses,
        }
        arguments = [
            tuple(words.values()) if entry["type"] == "tuple" else known[entry["name"]]
            for entry in inputs_of(artifact.abi)
        ]
        return self.chain.deploy(artifact, ContractAbi(artifact.abi).constructor.encode(*arguments), NOBODY)

    def refusal(self, struct: Struct, words: Mapping[str, int]) -> str | None:
        """Return why a contract refuses the words of a struct, None if it takes them."""
        call = None
        if struct.name == "reporter":
            call = self.governed.data(struct.contract, "add_reporter", 0, NOBODY, 1, *words.values())
        elif struct.name == SET_ALONE:
            data = tuple(words.values())
            call = self.governed.data(struct.contract, struct.setter.function, data)
        elif struct.per_market and struct.setter is not None:
            fixed = [self.addresses["risk_model:0"] for _ in struct.setter.fixed]
            given = list(words.values())
            if struct.contract == "volatility_oracle":
                given = [tuple(given)]
            call = self.governed.data(struct.contract, struct.setter.function, 0, *fixed, *given)
        if call is not None:
            return self.governed.refusal(OWNER, self.addresses[struct.contract], call)
        artifacts = self.governed.deployment.artifacts
        artifact = self.models[struct.name] if struct.model else artifacts[struct.contract]
        self.chain.start_block(self.chain.block_number + 1, self.governed.now + 12)
        try:
            self.deploy(artifact, words)
        except RunError as error:
            return re.fullmatch(f"deployment of {artifact.name} failed: (.+)", str(error))[1]
        finally:
            self.chain.end_block()
        return None


@pytest.fixture(scope="module")
def refusal(models) -> Callable[[Struct, Mapping[str, int]], str | None]:
    """Return a function that says why a contract refuses the words of a struct, None if it takes them."""
    return Owned(models).refusal


def beside(struct: Struct, name: str, word: int) -> dict[str, int]:
    """Return the defaults with one word, and what conditions tie to it moved out of its way."""
    words = {row.name: row.word(row.default) for row in struct}
    return settled(struct, {**words, name: word}, (name,))


def settled(struct: Struct, words: Mapping[str, int], fixed: Iterable[str]) -> dict[str, int]:
    """Return words that meet the conditions, as far as fixed ones let them; each moves once."""
    words, fixed = dict(words), set(fixed)
    for _ in struct.conditions:  # each round carries a move over one more condition
        for condition in struct.conditions:
            free = [low for low in condition.low if low not in fixed]
            limit = condition.high if isinstance(condition.high, int) else words[condition.high]
            excess = sum(words[low] for low in condition.low) + condition.strict - limit
            if excess <= 0:
                continue
            if isinstance(condition.high, str) and condition.high not in fixed:
                step = min(excess, struct[condition.high].most - limit)
                words[condition.high] += step
                fixed.add(condition.high)
                excess -= step
            for low in free if excess > 0 else ():
                step = min(excess, words[low] - struct[low].least)
                words[low] -= step
                fixed.add(low)
                excess -= step
    return words


def test_the_table_is_whole():
    assert len(WHERE) > 70
    assert {struct.contract for struct in STRUCTS} > {"market_registry", "price_oracle", "risk_model"}


@pytest.mark.parametrize("struct", STRUCTS, **NAMES)
def test_rows_are_the_contracts_words_in_order(governed, models, struct):
    artifacts = governed.deployment.artifacts
    if struct.name == "reporter":
        names = [entry["name"] for entry in inputs_of(artifacts["price_oracle"].abi, "add_reporter")]
        assert names == ["asset", "reporter", "weight", *struct.names]
        return
    if struct.setter is not None and (struct.per_market or struct.name == SET_ALONE):
        abi = artifacts[struct.contract].abi
        names = [
            item["name"]
            for entry in inputs_of(abi, struct.setter.function)
            for item in entry.get("components", (entry,))
        ]
        market = ["market"] if struct.per_market else []
        assert names == [*market, *struct.setter.fixed, *struct.names]
        return
    artifact = models[struct.name] if struct.model else artifacts[struct.contract]
    (components,) = (entry["components"] for entry in inputs_of(artifact.abi) if entry["type"] == "tuple")
    assert tuple(item["name"] for item in components) == struct.names
    assert {item["type"] for item in components} == {"uint256"}
    if struct.setter is not None:
        (entry,) = inputs_of(artifact.abi, struct.setter.function)
        assert tuple(item["name"] for item in entry["components"]) == struct.names
        assert struct.setter.view in {item.get("name") for item in artifact.abi}


@pytest.mark.parametrize(("struct", "row"), WHERE, **NAMES)
def test_the_largest_word_is_taken_and_the_next_is_not(refusal, struct, row):
    most = struct.reach(row.name)[1]
    assert refusal(struct, beside(struct, row.name, most)) is None
    beyond = refusal(struct, beside(struct, row.name, most + row.grain))
    if row.checked == "minimum":
        assert beyond is None  # the table says that the contract has no bound there
    else:
        assert beyond is not None


@pytest.mark.parametrize(("struct", "row"), WHERE, **NAMES)
def test_the_smallest_word_is_taken_and_the_one_before_is_not(refusal, struct, row):
    least = struct.reach(row.name)[0]
    assert refusal(struct, beside(struct, row.name, least)) is None
    if least == 0:
        with pytest.raises(InputError, match="must not be negative"):
            row.word(-1)
    else:
        assert refusal(struct, beside(struct, row.name, least - row.grain)) is not None


@pytest.mark.parametrize(("struct", "row"), WHERE, **NAMES)
def test_a_limit_can_be_switched_off_where_the_table_says_so(refusal, struct, row):
    found = refusal(struct, beside(struct, row.name, MAX_UINT256))
    assert (found is None) == (bool(row.switch) or row.checked == "minimum")


@pytest.mark.parametrize(("struct", "row"), [(s, r) for s, r in WHERE if r.grain > 1], **NAMES)
def test_words_between_two_grains_are_refused(refusal, struct, row):
    word = row.word(row.default)
    assert refusal(struct, beside(struct, row.name, word + row.grain)) is None
    assert refusal(struct, beside(struct, row.name, word + row.grain // 2)) is not None


@pytest.mark.parametrize(("struct", "condition"), CONDITIONS, **NAMES)
def test_a_condition_is_the_contracts(refusal, struct, condition):
    """At equality, and one unit beside it, other words as they are by default or out of the way."""
    words = {row.name: row.word(row.default) for row in struct}
    high = words[condition.high] if isinstance(condition.high, str) else condition.high
    last = condition.low[-1]
    equal = high - sum(words[name] for name in condition.low if name != last)
    for word in (equal - 1, equal, equal + 1):
        if not struct[last].least <= word <= struct[last].most:
            continue  # its own bound, which has its own test
        tried = settled(struct, {**words, last: word}, condition.names)
        assert (refusal(struct, tried) is None) == condition.holds(tried), word - equal


@pytest.mark.parametrize(("struct", "row"), WHERE, **NAMES)
def test_a_rows_own_bounds_are_as_far_as_conditions_let_it_go(struct, row):
    """To a unit a condition: the last of three that are above zero and one another is at least three."""
    least, most = struct.reach(row.name)
    assert 0 <= least - row.least <= 2
    assert 0 <= row.most - most <= 2


@pytest.mark.parametrize(("struct", "row"), WHERE, **NAMES)
def test_defaults_and_the_governors_bounds_lie_within(struct, row):
    assert row.key or row.least <= row.word(row.default) <= row.most
    governed = row.governed
    assert (governed is None) == (struct.setter is None and struct.model is None)
    for bound in (governed.minimum, governed.maximum) if governed else ():
        assert bound is None or row.least <= row.word(bound) <= row.most
        assert bound is None or governed.reason
