"""Deploys the ``RiskGovernor`` behind a deployed protocol and hands it every owner's power.

Last of all, so that no other contract's address depends on it, and from the same account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sim.chain.abi import ContractAbi, words_of
from sim.chain.accounts import account
from sim.chain.compile import Artifact
from sim.protocol.contracts import contract_of
from sim.protocol.governance import rules

GUARDIAN: Final = account("guardian").address

GOVERNOR: Final = "risk_governor"
"""Contract key."""

FORWARDER: Final = "forwarding_risk_model"
"""Contract key of the formula that asks another one (``contracts/testing/ForwardingRiskModel.vy``)."""
HALVES: Final = 2
"""Words that the address of that other one takes."""

_BLUEPRINT_PREAMBLE: Final = b"\xfe\x71\x00"
"""ERC-5202: magic, version 0, no data section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What the set-up needs of whoever deploys."""

    owner: str
    create: Callable[[Artifact, bytes], str]
    """(artifact, packed constructor arguments) -> address."""
    send: Callable[..., Any]
    """(contract key, function, *arguments); stops if it reverts."""


def blueprint(artifact: Artifact) -> Artifact:
    """Return an artifact whose deployment stores the creation code of another (ERC-5202)."""
    code = _BLUEPRINT_PREAMBLE + artifact.bytecode
    # PUSH2 length, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN: the code that follows.
    initcode = b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code
    return replace(artifact, name=f"{artifact.name}Blueprint", bytecode=initcode, runtime_bytecode=code)


def kind_of(model: Artifact, models: Mapping[str, Artifact]) -> int:
    """Return the governor's number of a risk model: the shipped one with the same code, else 0."""
    return next((rules.KINDS[kind] for kind, known in models.items() if known.bytecode == model.bytecode), 0)


def _keys(addresses: Mapping[str, str], name: str) -> list[str]:
    """Return the keys of the contracts of a name: one, one for each asset, or none."""
    return [key for key in addresses if key == name or key.startswith(f"{name}:")]


def hand_over(
    hands: Hands,
    addresses: dict[str, str],
    abis: Mapping[str, ContractAbi],
    artifacts: Mapping[str, Artifact],
    models: Mapping[str, Artifact],
    markets: int,
    *,
    assets: int = 0,
    bounds_nothing: bool = False,
) -> None:
    """Deploy the governor, register every rule, make it the owner of every contract, and seal it.

    Parameters
    ----------
    addresses
        Of the protocol by contract key; the governor's is added.
    models
        Shipped risk models by kind, which become blueprints.
    markets
        Number of markets.
    assets
        Number of assets of the collateral registry.
    bounds_nothing
        Register rules that let any word become any other in one step, the time-lock as ever: what a simulated
        change takes that is to meet the book whole (`sim.protocol.whole_change`).
    """

    def encoded(rule: rules.WordRule) -> tuple[int, int, int, int, int, int, bool]:
        # A word that may never change is a formula's address: its change is `set_model`, in every deployment.
        return (rules.ANYTHING if bounds_nothing and rule is not rules.FIXED else rule).encoded()

    addresses[GOVERNOR] = hands.create(
        artifacts[GOVERNOR],
        abis[GOVERNOR].constructor.encode(
            hands.owner,
            GUARDIAN,
            addresses["market_registry"],
            addresses["trading_desk"],
            rules.DELAY_SECONDS,
            rules.LONG_DELAY_SECONDS,
        ),
    )
    for setter, count in (*((setter, markets) for setter in rules.SETTERS), (rules.ASSET_SETTER, assets)):
        abi = abis[setter.contract]
        rule = (
            abi[setter.view].selector,
            rules.INTERVAL_SECONDS,
            [encoded(word) for word in setter.word_rules()],
        )
        for market in range(count if setter.per_market else 1):
            hands.send(
                GOVERNOR,
                "register_setter",
                addresses[setter.contract],
                abi[setter.function].selector,
                market,
                setter.per_market,
                rule,
            )
    for call in (*rules.CALLS, *rules.ASSET_CALLS):
        function = abis[contract_of(call.contract)][call.function]
        for address in (addresses[key] for key in _keys(addresses, call.contract)):
            hands.send(
                GOVERNOR,
                "register_call",
                address,
                function.selector,
                len(words_of(function.inputs) or ()),
                call.is_long,
            )
    limits = [encoded(rule.words(name)) for name, rule in rules.RESULTS.items()]
    hands.send(GOVERNOR, "set_model_limits", *limits, rules.INTERVAL_SECONDS)
    for kind, model in models.items():
        created = hands.create(blueprint(model), b"")
        words = [encoded(rule.words(name)) for name, rule in rules.MODELS[kind].items()]
        hands.send(GOVERNOR, "register_model", rules.KINDS[kind], created, words)
    if bounds_nothing:
        created = hands.create(blueprint(artifacts[FORWARDER]), b"")
        hands.send(
            GOVERNOR, "register_model", rules.FORWARDER_KIND, created, [rules.ANYTHING.encoded()] * HALVES
        )
    kind_number = kind_of(artifacts["risk_model"], models)
    for market in range(markets):
        hands.send(GOVERNOR, "register_market", market, kind_number)
    for key in (key for name in (*rules.OWNED, *rules.ASSET_OWNED) for key in _keys(addresses, name)):
        hands.send(key, "transfer_ownership", addresses[GOVERNOR])
        hands.send(GOVERNOR, "take_ownership", addresses[key])
    hands.send(GOVERNOR, "seal")
