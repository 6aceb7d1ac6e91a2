"""One comparison for every pure library: the contract's function against its Python twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType
from typing import Any

from boa.contracts.base_evm_contract import BoaError
from hypothesis import strategies as st

from sim.reference.fixed_point import WAD
from tests.support.deployers import CONTRACTS, deployer

AMOUNT = st.one_of(
    st.integers(0, 10**33),
    st.integers(0, 10**12),
    st.sampled_from([0, 1, 10**12 - 1, 10**12, 10**12 + 1, WAD - 1, WAD, WAD + 1, 10**36]),
)
POSITIVE = st.one_of(st.integers(1, 10**33), st.sampled_from([1, WAD - 1, WAD, WAD + 1, 10**36]))
SIGNED = st.one_of(
    st.integers(-(10**33), 10**33),
    st.integers(-(10**13), 10**13),
    st.sampled_from([0, 1, -1, WAD, -WAD, WAD + 1, -WAD - 1, 10**36, -(10**36)]),
)
RATIO = st.one_of(st.integers(0, WAD), st.sampled_from([0, 1, WAD - 1, WAD]))
PRICE = st.one_of(st.integers(1, 10**30), st.sampled_from([1, WAD, 2_000 * WAD, 10**27]))
SECONDS = st.integers(0, 10**7)


@cache
def library(name: str) -> Any:
    """Deploy a pure library, once per session."""
    return deployer(CONTRACTS / "lib" / f"{name}.vy").deploy()


def on_chain(name: str, function: str, *arguments: int) -> int | None:
    """Return what the contract returns, nothing if it reverts."""
    try:
        return int(getattr(library(name).internal, f"_{function}")(*arguments))
    except BoaError:
        return None


def in_python(module: ModuleType, function: str, *arguments: int) -> int | None:
    """Return what the twin returns, nothing if it overflows or divides by zero."""
    twin: Callable[..., int] = getattr(module, function)
    try:
        return twin(*arguments)
    except (OverflowError, ZeroDivisionError):
        return None


def assert_equal(module: ModuleType, function: str, *arguments: int) -> None:
    """Assert that contract and twin agree to the last bit, and that the inputs are in range."""
    name = module.__name__.rsplit(".", 1)[-1]
    expected = in_python(module, function, *arguments)
    assert expected is not None, f"the twin fails in range: {function}{arguments}"
    assert on_chain(name, function, *arguments) == expected


def assert_complete(module: ModuleType, functions: Iterable[str]) -> None:
    """Assert that every function the library declares is among those compared."""
    name = module.__name__.rsplit(".", 1)[-1]
    source = (CONTRACTS / "lib" / f"{name}.vy").read_text()
    heads = [line for line in source.splitlines() if line.startswith("def _")]
    declared = {head.split("(")[0].removeprefix("def _") for head in heads}
    assert declared == set(functions)
