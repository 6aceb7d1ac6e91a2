"""Protocol parameters by the contracts' own field names, converted by one rule.

A parameter is a plain number in people's units; its ABI field decides how it goes on chain: names that
end in ``_seconds``, ``_status`` and the like are integers as they are, everything else is WAD. The rule also
fills the constructor of a designer's own risk model, which is how one is swapped without touching Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.errors import InputError
from sim.core.units import to_wad

Number = int | float

UNLIMITED = float("inf")
"""Value of a parameter that switches its limit off (``max_value(uint256)`` on chain)."""

_PLAIN_SUFFIXES = ("_seconds", "_at", "_id", "_count", "_status", "_sources")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParameters:
    """One market: oracle start values, pool pricing, caps and its own risk model."""

    name: str
    initial_price: float
    initial_variance_fast: float
    initial_variance_slow: float
    skew_scale: float
    """Base units of skew at a premium of 100 %."""
    max_premium: float
    open_interest_cap: float
    """Base units per side."""
    risk_model: Mapping[str, Number]
    """Constructor values of the risk model, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolParameters:
    """Everything the contracts are deployed with; each mapping is keyed by ABI field name."""

    margin: Mapping[str, Number]
    liquidation: Mapping[str, Number]
    oracle: Mapping[str, Number]
    fund: Mapping[str, Number]
    markets: Sequence[MarketParameters]
    reporter_weight: int = 1
    reporter_heartbeat_seconds: int = 3_600


def to_chain(name: str, kind: str, value: Number) -> int:
    """Return one parameter as the integer its ABI field wants.

    Raises
    ------
    InputError
        The value cannot be a value of that field.
    """
    if value == UNLIMITED:
        return 2**256 - 1
    plain = name.endswith(_PLAIN_SUFFIXES) or kind in ("uint8", "uint64")
    if plain and value != int(value):
        raise InputError(f"{name}: must be a whole number, was {value!r}")
    result = int(value) if plain else to_wad(value)
    if kind.startswith("uint") and result < 0:
        raise InputError(f"{name}: must not be negative, was {value!r}")
    return result


def fill_struct(
    components: Sequence[Mapping[str, Any]], values: Mapping[str, Number], where: str
) -> tuple[int, ...]:
    """Return the fields of an ABI struct in order, taken by name from ``values``.

    Raises
    ------
    InputError
        A field without a value, or a value without a field; one line each.
    """
    names = [str(component["name"]) for component in components]
    problems = [f"{where}: {name} is missing" for name in names if name not in values]
    problems += [
        f"{where}: unknown parameter {name!r}; it takes {', '.join(names) or 'none'}"
        for name in values
        if name not in names
    ]
    if problems:
        raise InputError(problems)
    return tuple(
        to_chain(str(component["name"]), str(component["type"]), values[str(component["name"])])
        for component in components
    )


def fill_constructor(
    abi: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any], values: Mapping[str, Number], where: str
) -> tuple[Any, ...]:
    """Return constructor arguments: ``fixed`` by name, structs and scalars from ``values``.

    Raises
    ------
    InputError
        As ``fill_struct``, over all inputs together.
    """
    constructor = next((entry for entry in abi if entry["type"] == "constructor"), {"inputs": ()})
    components: list[Mapping[str, Any]] = []
    for entry in constructor["inputs"]:
        if entry["name"] in fixed:
            continue
        components.extend(entry["components"] if entry["type"] == "tuple" else (entry,))
    filled = dict(
        zip((str(item["name"]) for item in components), fill_struct(components, values, where), strict=True)
    )
    arguments: list[Any] = []
    for entry in constructor["inputs"]:
        if entry["name"] in fixed:
            arguments.append(fixed[entry["name"]])
        elif entry["type"] == "tuple":
            arguments.append(tuple(filled[str(item["name"])] for item in entry["components"]))
        else:
            arguments.append(filled[str(entry["name"])])
    return tuple(arguments)
