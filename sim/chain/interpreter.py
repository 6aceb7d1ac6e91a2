"""A quicker inner loop for py-evm: the arithmetic, stack, memory and jump instructions inlined.

py-evm spends several Python calls on every instruction. Here the commonest ones, nine tenths of what Vyper
emits, are a few lines of one loop; every other instruction, and every step that cannot succeed (gas, stack,
jump), is left to py-evm's own function on py-evm's own objects. Gas is the same to the unit:
``tests/unit/sim/chain/test_interpreter.py`` runs both loops side by side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from eth.exceptions import Halt, InsufficientStack
from eth.vm.computation import NO_RESULT
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.logic.invalid import InvalidOpcode

_MASK: Final = 2**256 - 1
_SIGN: Final = 2**255
_STACK_LIMIT: Final = 1024

_ADD, _MUL, _SUB, _DIV = 0x01, 0x02, 0x03, 0x04
_LT, _GT, _SLT, _SGT, _EQ, _ISZERO = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
_AND, _OR, _XOR = 0x16, 0x17, 0x18
_SHL, _SHR = 0x1B, 0x1C
_SHIFTS: Final = frozenset((_SHL, _SHR))
_BINARY: Final = frozenset((_ADD, _MUL, _SUB, _DIV, _LT, _GT, _SLT, _SGT, _EQ, _AND, _OR, _XOR))
_POP, _MLOAD, _MSTORE, _JUMP, _JUMPI, _JUMPDEST = 0x50, 0x51, 0x52, 0x56, 0x57, 0x5B
_PUSH0, _PUSH32, _DUP16, _SWAP16 = 0x5F, 0x7F, 0x8F, 0x9F


class _Program(NamedTuple):
    """What is known of some code before it runs."""

    code: bytes
    """Followed by zeros: running off the end is STOP."""
    jumpdests: frozenset[int]
    immediates: dict[int, tuple[int, int]]
    """Position of each PUSH -> its value and the position after it."""
    headroom: int
    """Stack items that this much code without a jump target can add at most."""


@lru_cache(maxsize=256)
def _program(code: bytes) -> _Program:
    jumpdests: set[int] = set()
    immediates: dict[int, tuple[int, int]] = {}
    position = run = headroom = 0
    padded = code + bytes(33)
    while position < len(code):
        op = code[position]
        run += 1
        if op == _JUMPDEST:
            jumpdests.add(position)
            run = 0
        step = 1
        if _PUSH0 <= op <= _PUSH32:
            step += op - _PUSH0
            immediates[position] = (
                int.from_bytes(padded[position + 1 : position + step], "big"),
                position + step,
            )
        headroom = max(headroom, run)
        position += step
    return _Program(padded, frozenset(jumpdests), immediates, headroom)


class FastComputation(PragueComputation):
    """py-evm's computation with the loop of `_run`."""

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """Do what py-evm's method of this name does."""
        with cls(state, message, transaction_context) as computation:
            if computation.is_origin_computation:
                computation.contracts_created = []
                if message.is_create:
                    cls.consume_initcode_gas_cost(computation)
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = computation.precompiles.get(message.code_address, NO_RESULT)
            if precompile is not NO_RESULT:
                if not message.is_delegation:
                    precompile(computation)
                return computation
            _run(computation, bytes(message.code))
        return computation


class FastState(PragueState):
    """py-evm's state of the Prague fork, running the quicker loop."""

    computation_class = FastComputation


def _run(computation: Any, code_bytes: bytes) -> None:  # noqa: PLR0912, PLR0915  (one loop: calls are what costs)
    code, jumpdests, immediates, headroom = _program(code_bytes)
    lookup = computation.opcodes
    stream, meter = computation.code, computation._gas_meter  # noqa: SLF001
    stack: list[Any] = computation._stack.values  # noqa: SLF001  (integers only: see the end of the loop)
    push, pop = stack.append, stack.pop
    deepest = _STACK_LIMIT - headroom
    pc = 0
    gas: int = meter.gas_remaining
    memory: bytearray = computation._memory._bytes  # noqa: SLF001
    size = len(memory)
    is_slow = deepest < 0
    try:
        while True:
            op = code[pc]
            if is_slow:
                pass
            elif _PUSH0 <= op <= _SWAP16:
                if op <= _PUSH32:
                    if gas >= 3:
                        if op == _PUSH0:
                            gas -= 2
                            push(0)
                            pc += 1
                            continue
                        gas -= 3
                        value, pc = immediates[pc]
                        push(value)
                        continue
                elif gas >= 3:
                    if op <= _DUP16:
                        push(stack[_PUSH32 - op])
                    else:
                        place = _DUP16 - op - 1
                        stack[-1], stack[place] = stack[place], stack[-1]
                    gas -= 3
                    pc += 1
                    continue
            elif op == _MLOAD:
                start = stack[-1]
                stop = start + 32
                if stop <= size and gas >= 3:
                    gas -= 3
                    stack[-1] = int.from_bytes(memory[start:stop], "big")
                    pc += 1
                    continue
            elif op == _MSTORE:
                start = stack[-1]
                stop = start + 32
                if stop <= size and gas >= 3:
                    gas -= 3
                    pop()
                    memory[start:stop] = pop().to_bytes(32, "big")
                    pc += 1
                    continue
            elif op == _JUMPDEST:
                if gas >= 1:
                    gas -= 1
                    pc += 1
                    is_slow = len(stack) > deepest
                    continue
            elif op == _JUMPI:
                if gas >= 10:
                    target = stack[-1]
                    if not stack[-2]:
                        gas -= 10
                        pc += 1
                        del stack[-2:]
                        continue
                    if target in jumpdests:
                        gas -= 10
                        pc = target
                        del stack[-2:]
                        continue
            elif op == _JUMP:
                if gas >= 8 and stack[-1] in jumpdests:
                    gas -= 8
                    pc = pop()
                    continue
            elif gas >= 5:
                if op == _POP:
                    gas -= 2
                    pop()
                    pc += 1
                    continue
                if op == _ISZERO:
                    gas -= 3
                    stack[-1] = 0 if stack[-1] else 1
                    pc += 1
                    continue
                if op <= _XOR and op in _BINARY:
                    left = pop()
                    right = stack[-1]
                    gas -= 3
                    if op == _ADD:
                        stack[-1] = (left + right) & _MASK
                    elif op == _SUB:
                        stack[-1] = (left - right) & _MASK
                    elif op == _XOR:
                        stack[-1] = left ^ right
                    elif op == _AND:
                        stack[-1] = left & right
                    elif op == _MUL:
                        gas -= 2
                        stack[-1] = (left * right) & _MASK
                    elif op == _DIV:
                        gas -= 2
                        stack[-1] = left // right if right else 0
                    elif op == _LT:
                        stack[-1] = 1 if left < right else 0
                    elif op == _GT:
                        stack[-1] = 1 if left > right else 0
                    elif op == _EQ:
                        stack[-1] = 1 if left == right else 0
                    elif op == _OR:
                        stack[-1] = left | right
                    elif op == _SLT:  # flipping the sign bit turns signed order into unsigned order
                        stack[-1] = 1 if left ^ _SIGN < right ^ _SIGN else 0
                    else:
                        stack[-1] = 1 if left ^ _SIGN > right ^ _SIGN else 0
                    pc += 1
                    continue
                if op in _SHIFTS:
                    shift = pop()
                    if shift > 255:
                        stack[-1] = 0
                    elif op == _SHL:
                        stack[-1] = (stack[-1] << shift) & _MASK
                    else:
                        stack[-1] >>= shift
                    gas -= 3
                    pc += 1
                    continue
            # Everything else by py-evm itself, which sees the state as its own loop would have left it.
            stream.program_counter = pc + 1
            meter.gas_remaining = gas
            function = lookup[op] if op in lookup else InvalidOpcode(op)
            try:
                function(computation=computation)
            except Halt:
                return
            if stack and type(stack[-1]) is bytes:
                stack[-1] = int.from_bytes(stack[-1], "big")
            pc = stream.program_counter
            gas = meter.gas_remaining
            memory = computation._memory._bytes  # noqa: SLF001  (replaced when it grows)
            size = len(memory)
    except IndexError:
        raise InsufficientStack(f"too few stack items at {pc}") from None
