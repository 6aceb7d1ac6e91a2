"""Parameters as words on chain, by one rule for every contract, a designer's own risk model included.

A parameter is a plain number in people's units. What it is on chain follows from its name: names that end in
``_seconds``, ``_blocks``, ``_count`` and the like are whole numbers as they are, everything else has 18
decimals (WAD). A name that may mean either, such as ``atr_period``, is refused with what to call it instead,
unless the contract declares an integer too narrow for 18 decimals (``uint64`` and below): a whole number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sim.core.errors import InputError
from sim.core.units import MAX_UINT256, from_wad, to_wad

Number = int | float

UNLIMITED: Final = float("inf")
"""Value of a parameter that switches its limit off (``max_value(uint256)`` on chain)."""

WHOLE: Final = ("seconds", "blocks", "at", "id", "count", "status", "sources", "root")
"""Last words of the names of whole numbers."""

UNCLEAR: Final = (
    "minutes", "hours", "days", "weeks", "years", "period", "periods", "window", "lookback", "lag", "length",
    "rounds", "steps", "samples", "observations", "bps", "percent", "decimals", "exponent", "number",
)  # fmt: skip
"""Last words that may mean a whole number or one with 18 decimals."""

_INTEGER: Final = re.compile(r"(u?)int(\d+)")
_WIDEST_WHOLE: Final = 64
"""Bits below which a number with 18 decimals has no room: 2**64 is 18.4."""


def is_whole(name: str, kind: str = "uint256") -> bool:
    """Return whether a field is a whole number on chain; if not, it has 18 decimals."""
    found = _INTEGER.fullmatch(kind)
    narrow = found is not None and int(found[2]) <= _WIDEST_WHOLE
    return narrow or kind == "bool" or _last_word(name) in WHOLE


def _last_word(name: str) -> str:
    return name.rpartition("_")[2]


def unclear(name: str, kind: str = "uint256") -> str | None:
    """Return why a field cannot be filled in, None if it can: its name or its type does not say how."""
    if _INTEGER.fullmatch(kind) is None and kind != "bool":
        return f"{name}: a risk model's parameters are numbers, and this is {kind}"
    if not is_whole(name, kind) and _last_word(name) in UNCLEAR:
        return (
            f"{name}: is it a whole number or one with 18 decimals? For a whole number, let its name in the"
            f" contract end in one of {', '.join(f'_{word}' for word in WHOLE)}, or declare it uint64; for 18"
            f" decimals, in something else than _{_last_word(name)}, for example _ratio or _coefficient"
        )
    return None


def to_chain(name: str, kind: str, value: Number | Decimal) -> int:
    """Return one parameter as the integer its ABI field wants.

    Raises
    ------
    InputError
        The value cannot be a value of that field.
    """
    if value == UNLIMITED:
        return MAX_UINT256
    plain = is_whole(name, kind)
    if plain and value != int(value):
        raise InputError(f"{name}: must be a whole number, was {value!r}")
    result = int(value) if plain else to_wad(value)
    if kind.startswith("uint") and result < 0:
        raise InputError(f"{name}: must not be negative, was {value!r}")
    return result


def from_chain(name: str, word: int) -> Number:
    """Return the value of a field from its word on chain, the inverse of `to_chain`."""
    if word == MAX_UINT256:
        return UNLIMITED
    return word if is_whole(name) else from_wad(word)


def fill_struct(
    components: Sequence[Mapping[str, Any]], values: Mapping[str, Number], where: str
) -> tuple[int, ...]:
    """Return the fields of an ABI struct in order, taken by name from ``values``.

    Raises
    ------
    InputError
        A field without a value, a value without a field, a field whose unit nobody can know; one line each.
    """
    names = [str(component["name"]) for component in components]
    problems = [f"{where}: {name} is missing" for name in names if name not in values]
    problems += [
        f"{where}: unknown parameter {name!r}; it takes {', '.join(names) or 'none'}"
        for name in values
        if name not in names
    ]
    found = [unclear(str(component["name"]), str(component["type"])) for component in components]
    problems += [f"{where}: {problem}" for problem in found if problem is not None]
    if problems:
        raise InputError(problems)
    return tuple(
        to_chain(str(component["name"]), str(component["type"]), values[str(component["name"])])
        for component in components
    )


def fill_inputs(
    inputs: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any], values: Mapping[str, Number], where: str
) -> tuple[Any, ...]:
    """Return the arguments of a function: ``fixed`` by name, structs and scalars from ``values``.

    Raises
    ------
    InputError
        As `fill_struct`, over all inputs together.
    """
    components: list[Mapping[str, Any]] = []
    for entry in inputs:
        if entry["name"] in fixed:
            continue
        components.extend(entry["components"] if entry["type"] == "tuple" else (entry,))
    filled = dict(
        zip((str(item["name"]) for item in components), fill_struct(components, values, where), strict=True)
    )
    arguments: list[Any] = []
    for entry in inputs:
        if entry["name"] in fixed:
            arguments.append(fixed[entry["name"]])
        elif entry["type"] == "tuple":
            arguments.append(tuple(filled[str(item["name"])] for item in entry["components"]))
        else:
            arguments.append(filled[str(entry["name"])])
    return tuple(arguments)


def inputs_of(abi: Sequence[Mapping[str, Any]], function: str | None = None) -> Sequence[Mapping[str, Any]]:
    """Return the inputs of a function, of the constructor without a name; none if there is no such entry."""
    for entry in abi:
        if entry["type"] == "constructor" if function is None else entry.get("name") == function:
            inputs: Sequence[Mapping[str, Any]] = entry["inputs"]
            return inputs
    return ()
