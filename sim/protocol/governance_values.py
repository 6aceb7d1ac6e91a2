"""Reads parameters back from a chain, in people's units and by their ABI names."""

from __future__ import annotations

from sim.chain.abi import checksum_address, keccak256
from sim.chain.chain import Chain
from sim.core.units import MAX_UINT256, from_wad
from sim.protocol import governance_rules as rules
from sim.protocol.deployment import Deployment
from sim.protocol.governance_types import Value
from sim.protocol.governor_setup import GOVERNOR
from sim.protocol.parameters import UNLIMITED, Number, to_chain

_WORD = 32
PARAMETERS_SELECTOR = keccak256(b"parameters()")[:4]


def from_chain(name: str, word: int) -> Number:
    """Return the value of a field from its word on chain, the inverse of ``to_chain``."""
    if word == MAX_UINT256:
        return UNLIMITED
    is_plain = to_chain(name, "uint256", 1) == 1
    return word if is_plain else from_wad(word)


def read_setter(
    chain: Chain, deployment: Deployment, setter: rules.Setter, market: int | None
) -> dict[str, Value]:
    """Return the fields of a setter as its view has them now."""
    data = deployment.abis[setter.contract][setter.view].selector
    if setter.per_market and market is not None:
        data += market.to_bytes(_WORD, "big")
    words = _words(chain.call(deployment.addresses[setter.contract], data))[len(setter.fixed) :]
    return {name: from_chain(name, word) for name, word in zip(setter.fields, words, strict=False)}


def read_model(chain: Chain, deployment: Deployment, market: int) -> dict[str, Value]:
    """Return kind and constructor fields of a market's formula; no fields if it is a designer's own."""
    governor = deployment.abis[GOVERNOR]
    number = governor["kind_of"].decode(
        chain.call(deployment.addresses[GOVERNOR], governor["kind_of"].encode(market))
    )
    kind = next((name for name, known in rules.KINDS.items() if known == number), "")
    if not kind:
        return {"kind": kind}
    info = chain.call(
        deployment.addresses["margin_engine"], deployment.abis["margin_engine"]["market_info"].encode(market)
    )
    model = checksum_address(info[12:_WORD])
    answer = _words(chain.call(model, PARAMETERS_SELECTOR))
    fields = rules.MODELS[kind]
    return {
        "kind": kind,
        **{name: from_chain(name, word) for name, word in zip(fields, answer, strict=True)},
    }


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[start : start + _WORD], "big") for start in range(0, len(data), _WORD)]
