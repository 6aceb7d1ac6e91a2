"""The engine `native`: whole simulations on our own interpreter, with exact gas."""

from __future__ import annotations

import ctypes
from struct import Struct
from typing import Final

from sim.chain.abi import checksum_address
from sim.chain.backend import (
    BLOCK_GAS_LIMIT,
    CALL_GAS,
    CHAIN_ID,
    COINBASE,
    HALT_INVALID,
    HALT_OUT_OF_GAS,
    TRANSACTION_GAS,
    BlockEnvironment,
    EngineRefused,
    Log,
    Outcome,
)
from sim.chain.native.library import OUT_OF_GAS, REFUSED, REVERTED, SUCCESS, Result, library
from sim.core.errors import RunError

_PRAGUE: Final = 1
_ZERO: Final = bytes(32)
_COINBASE: Final = bytes.fromhex(COINBASE[2:])
_NO_LOGS: Final[list[Log]] = []
_ROUTES_KEPT: Final = 1 << 16
_LOG_HEAD: Final = Struct("<20sIQ")
"""Head of a record of `append_log` (``frame.h``): address, number of topics, length of the data."""


class NativeBackend:
    """See `sim.chain.backend.Backend`."""

    def __init__(self, genesis_timestamp: int) -> None:
        self._library = library()
        self._worlds: list[int] = []
        self._environments: list[BlockEnvironment] = []
        self._world = self._made(self._library.seawall_new())
        self._result = Result()
        self._pointer = ctypes.byref(self._result)
        self._run = self._library.seawall_run
        self._routes: dict[tuple[str, str], bytes] = {}
        self._texts: dict[bytes, str] = {}
        self.start_block(BlockEnvironment(number=0, timestamp=genesis_timestamp, prevrandao=_ZERO))

    @staticmethod
    def _made(world: int | None) -> int:
        if not world:
            raise RunError("engine native: not enough memory")
        return world

    def start_block(self, environment: BlockEnvironment) -> None:
        """Open a block."""
        self._environment = environment
        self._library.seawall_block(
            self._world,
            environment.number,
            environment.timestamp,
            environment.prevrandao,
            _COINBASE,
            BLOCK_GAS_LIMIT,
            CHAIN_ID,
            0,
        )

    def end_block(self) -> None:
        """Seal the open block."""

    def deploy(self, sender: str, nonce: int, code: bytes) -> tuple[str, Outcome]:  # noqa: ARG002
        """Run creation code."""
        self._library.seawall_message(
            self._world,
            bytes.fromhex(sender[2:]),
            None,
            _ZERO,
            code,
            len(code),
            TRANSACTION_GAS,
            _ZERO,
            None,
            0,
            _PRAGUE,
            1,
            1,
            self._pointer,
        )
        return checksum_address(bytes(self._result.created)), self._outcome(keeps=True)

    def transact(self, sender: str, nonce: int, to: str, data: bytes) -> Outcome:  # noqa: ARG002
        """Execute a transaction and keep its effects."""
        route = self._routes.get((sender, to)) or self._route(sender, to)
        self._run(self._world, route, data, len(data), TRANSACTION_GAS, 1, self._pointer)
        return self._outcome(keeps=True)

    def call(self, sender: str, to: str, data: bytes, gas: int = CALL_GAS) -> Outcome:
        """Execute a message and discard its effects."""
        route = self._routes.get((sender, to)) or self._route(sender, to)
        self._run(self._world, route, data, len(data), gas, 0, self._pointer)
        return self._outcome(keeps=False)

    def _route(self, sender: str, to: str) -> bytes:
        if len(self._routes) >= _ROUTES_KEPT:  # most accounts of a large world send in its set-up alone
            self._routes.clear()
        route = self._routes[sender, to] = bytes.fromhex(sender[2:] + to[2:])
        return route

    def _outcome(self, *, keeps: bool) -> Outcome:
        # Fields by position: naming them takes as long as a short message does.
        result = self._result
        status = result.status
        length = result.output_length
        output = ctypes.string_at(result.output, length) if length else b""
        if status == SUCCESS:
            logs = self._logs() if keeps and result.log_count else _NO_LOGS
            return Outcome(True, output, None, logs, result.gas_used)  # noqa: FBT003
        if status == REVERTED:
            return Outcome(False, output, None, _NO_LOGS, result.gas_used)  # noqa: FBT003
        if status == REFUSED:
            raise EngineRefused(result.refusal.decode("ascii"))
        halt = HALT_OUT_OF_GAS if status == OUT_OF_GAS else HALT_INVALID
        return Outcome(False, b"", halt, _NO_LOGS, result.gas_used)  # noqa: FBT003

    def _logs(self) -> list[Log]:
        """Cut the records of `append_log` (``frame.h``) apart."""
        result = self._result
        data = ctypes.string_at(result.logs, result.log_bytes)
        texts, logs, at = self._texts, [], 0
        for _ in range(result.log_count):
            address, count, length = _LOG_HEAD.unpack_from(data, at)
            body = at + _LOG_HEAD.size + 32 * count
            text = texts.get(address)
            if text is None:
                text = texts[address] = checksum_address(address)
            topics = [data[start : start + 32] for start in range(at + _LOG_HEAD.size, body, 32)]
            at = body + length
            logs.append(Log(text, topics, data[body:at]))
        return logs

    def storage(self, address: str, slot: int) -> int:
        """Return one storage word."""
        value = ctypes.create_string_buffer(32)
        self._library.seawall_slot(self._world, bytes.fromhex(address[2:]), slot.to_bytes(32, "big"), value)
        return int.from_bytes(value.raw, "big")

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        pointer = ctypes.c_void_p()
        length = self._library.seawall_code(self._world, bytes.fromhex(address[2:]), ctypes.byref(pointer))
        return ctypes.string_at(pointer.value, length) if length and pointer.value else b""

    def snapshot(self) -> int:
        """Copy the state."""
        self._worlds.append(self._made(self._library.seawall_copy(self._world)))
        self._environments.append(self._environment)
        return len(self._worlds) - 1

    def restore(self, handle: int) -> None:
        """Go on with a copy of a copy."""
        if not 0 <= handle < len(self._worlds):
            raise RunError(f"no snapshot {handle}")
        while len(self._worlds) > handle + 1:
            self._library.seawall_free(self._worlds.pop())
            self._environments.pop()
        world = self._made(self._library.seawall_copy(self._worlds[handle]))
        self._library.seawall_free(self._world)
        self._world = world
        self.start_block(self._environments[handle])

    def close(self) -> None:
        """Release the memory; an empty world remains."""
        for world in self._worlds:
            self._library.seawall_free(world)
        self._worlds.clear()
        self._environments.clear()
        self._library.seawall_free(self._world)
        self._world = self._made(self._library.seawall_new())

    def __del__(self) -> None:
        """Release the memory of a chain that nobody closed."""
        for world in (*getattr(self, "_worlds", ()), getattr(self, "_world", None)):
            if world:
                self._library.seawall_free(world)
