"""Reads parameters back from a chain, as words and in people's units, by their ABI names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.chain.abi import checksum_address, keccak256
from sim.chain.chain import Chain
from sim.protocol.deployed import Deployment
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR
from sim.protocol.governance.types import Value
from sim.protocol.parameters.words import from_chain

_WORD = 32
PARAMETERS_SELECTOR = keccak256(b"parameters()")[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Arguments of a setter as the chain has them."""

    fields: tuple[str, ...]
    words: tuple[int, ...]
    kind: str | None = None
    """Kind of a market's formula, empty for a designer's own, whose fields are not known; None otherwise."""

    @property
    def values(self) -> dict[str, Value]:
        """The arguments in people's units."""
        kind: dict[str, Value] = {} if self.kind is None else {"kind": self.kind}
        return kind | {
            name: from_chain(name, word) for name, word in zip(self.fields, self.words, strict=True)
        }

    def differences(self, kind: Value | None, words: Sequence[int]) -> list[str]:
        """Return what is not as it should be, exact to the last digit."""
        wanted_kind = None if kind is None else known_kind(kind)
        if wanted_kind != self.kind:
            return [f"kind is {self.kind or 'not a shipped one'}, not {kind}"]
        found = []
        for name, word, wanted in zip(self.fields, self.words, words, strict=True):
            if word != wanted:
                value, other = from_chain(name, word), from_chain(name, wanted)
                found.append(
                    f"{name} is {value}, not {other}" if value != other else f"{name} is {word}, not {wanted}"
                )
        return found


def known_kind(kind: Value) -> str:
    """Return a kind as the governor tells it apart: empty for the file of a designer's own model."""
    return kind if isinstance(kind, str) and kind in rules.KINDS else ""


def read_setter(chain: Chain, deployment: Deployment, setter: rules.Setter, market: int | None) -> State:
    """Return the arguments of a setter as its view has them now."""
    data = deployment.abis[setter.contract][setter.view].selector
    if setter.per_market and market is not None:
        data += market.to_bytes(_WORD, "big")
    words = _words(chain.call(deployment.addresses[setter.contract], data))[len(setter.fixed) :]
    return State(fields=tuple(setter.fields), words=tuple(words[: len(setter.fields)]))


def read_model(chain: Chain, deployment: Deployment, market: int) -> State:
    """Return kind and constructor arguments of a market's formula; no arguments if it is a designer's own."""
    governor = deployment.abis[GOVERNOR]
    number = governor["kind_of"].decode(
        chain.call(deployment.addresses[GOVERNOR], governor["kind_of"].encode(market))
    )
    kind = next((name for name, known in rules.KINDS.items() if known == number), "")
    if not kind:
        return State(fields=(), words=(), kind=kind)
    info = chain.call(
        deployment.addresses["market_registry"],
        deployment.abis["market_registry"]["market_info"].encode(market),
    )
    model = checksum_address(info[12:_WORD])
    return State(
        fields=tuple(rules.MODELS[kind]),
        words=tuple(_words(chain.call(model, PARAMETERS_SELECTOR))),
        kind=kind,
    )


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[start : start + _WORD], "big") for start in range(0, len(data), _WORD)]
