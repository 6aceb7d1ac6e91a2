"""Two engines as one: every message runs on native and on py-evm, which must agree to the unit of gas.

Taken for an engine by `installed`, it lets whole simulations be held against py-evm message by message: a
difference is named where it arises, not by the digest at the end.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sim.chain import chain
from sim.chain.backend import CALL_GAS, BlockEnvironment, Outcome
from sim.chain.native.backend import NativeBackend
from sim.chain.pyevm import PyevmBackend

compared: collections.Counter[str] = collections.Counter()
"""What was compared since the process began, or since `installed` was entered."""


class EnginesDifferError(AssertionError):
    """The two engines made different things of one message."""


class Lockstep:
    """See `sim.chain.backend.Backend`."""

    first: type[Any] = NativeBackend
    second: type[Any] = PyevmBackend

    def __init__(self, genesis_timestamp: int) -> None:
        self._both = (self.first(genesis_timestamp), self.second(genesis_timestamp))
        self._block = 0

    def start_block(self, environment: BlockEnvironment) -> None:
        """Open a block on both."""
        self._block = environment.number
        for engine in self._both:
            engine.start_block(environment)

    def end_block(self) -> None:
        """Seal the open block on both."""
        for engine in self._both:
            engine.end_block()

    def deploy(self, sender: str, nonce: int, code: bytes) -> tuple[str, Outcome]:
        """Run creation code on both; addresses and outcomes must agree."""
        (here, mine), (there, theirs) = (engine.deploy(sender, nonce, code) for engine in self._both)
        self._compare("deployment", here, b"", mine, theirs)
        if here != there:
            raise EnginesDifferError(f"block {self._block}: deployed at {here} and at {there}")
        return here, mine

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:
        """Execute a transaction on both; the outcomes must agree, gas included."""
        mine, theirs = (engine.transact(sender, nonce, to, data) for engine in self._both)
        self._compare("transaction", to, data, mine, theirs)
        return mine  # type: ignore[no-any-return]

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        """Execute a message on both; the outcomes must agree. py-evm counts no gas of a call."""
        mine, theirs = (engine.call(sender, to, data, gas) for engine in self._both)
        self._compare("call", to, data, mine._replace(exact_gas=None), theirs)
        return mine  # type: ignore[no-any-return]

    def _compare(self, kind: str, to: str, data: bytes, mine: Outcome, theirs: Outcome) -> None:
        compared[kind] += 1
        compared[f"{kind}, reverted"] += not mine.status
        compared["logs"] += len(mine.logs)
        for name, here, there in zip(Outcome._fields, mine, theirs, strict=True):
            if here != there:
                where = f"block {self._block}, {kind} to {to} {data[:4].hex()}"
                raise EnginesDifferError(f"{where}: {name}: {here!r:.200} and {there!r:.200}")

    def storage(self, address: str, slot: int) -> int:
        """Return one storage word, the same on both."""
        here, there = (engine.storage(address, slot) for engine in self._both)
        if here != there:
            raise EnginesDifferError(f"block {self._block}, slot {slot} of {address}: {here} and {there}")
        return here  # type: ignore[no-any-return]

    def code(self, address: str) -> bytes:
        """Return the code at an address, the same on both."""
        here, there = (engine.code(address) for engine in self._both)
        if here != there:
            raise EnginesDifferError(f"block {self._block}, code of {address} differs")
        return here  # type: ignore[no-any-return]

    def snapshot(self) -> int:
        """Remember the state of both."""
        here, there = (engine.snapshot() for engine in self._both)
        assert here == there
        return here  # type: ignore[no-any-return]

    def restore(self, handle: int) -> None:
        """Go back to a remembered state of both."""
        for engine in self._both:
            engine.restore(handle)

    def close(self) -> None:
        """Release the memory of both."""
        for engine in self._both:
            engine.close()


@contextmanager
def installed() -> Iterator[None]:
    """Let the engine `pyevm` be both engines in lockstep, and count afresh."""
    kept = chain._BACKENDS["pyevm"]
    chain._BACKENDS["pyevm"] = (__name__, Lockstep.__name__, "")
    compared.clear()
    try:
        yield
    finally:
        chain._BACKENDS["pyevm"] = kept
