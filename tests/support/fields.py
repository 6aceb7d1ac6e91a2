"""Every declared field of a scenario, and a run in which changing it alone can be seen."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic.fields import FieldInfo

from sim.core.documents.sections import Section
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario

SCENARIO = Path(__file__).with_name("every_field.toml")

_warm = WarmStarts()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field that a scenario file can give."""

    path: str
    """Dotted, the first entry of a list for all; an arm of a union after a colon (``size:fixed.value``)."""
    field: FieldInfo

    @property
    def key(self) -> str:
        """The path as an override names it."""
        return ".".join(part.partition(":")[0] for part in self.path.split("."))


def leaves(model: type[Section], where: str = "") -> Iterator[Leaf]:
    """Yield every field below a section that holds a value and could hold another."""
    for name, field in model.model_fields.items():
        tables = [inner for inner in _inside(field.annotation) if issubclass(inner, Section)]
        listed = any(typing.get_origin(one) is tuple for one in (field.annotation, *_arguments(field)))
        for table in tables:
            arm = f":{_tag(table)}" if len(tables) > 1 else ""
            yield from leaves(table, f"{where}{name}{'.0' if listed else ''}{arm}.")
        if not tables and len(_choices(field)) != 1:
            yield Leaf(f"{where}{name}", field)


def other_value(field: FieldInfo, value: object) -> object:
    """Return another value the field may have: its opposite, the next choice, or twice as much."""
    if isinstance(value, bool):
        return not value
    if choices := _choices(field):
        return choices[(choices.index(value) + 1) % len(choices)]
    if isinstance(value, str):
        return f"{value}_too"
    limits = {type(limit).__name__: limit for limit in field.metadata}
    highest = limits["Le"].le
    if isinstance(value, int):
        return value + 1 if value < highest else value - 1
    if isinstance(value, float):
        raised = 2.0 * value + 0.1
        return raised if raised <= highest else value / 2.0
    raise TypeError(f"no other value for {value!r}")


def value_at(scenario: Scenario, key: str) -> object:
    """Return what a scenario holds under a dotted key."""
    found: typing.Any = scenario
    for part in key.split("."):
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    return found


@cache
def scenario_with(*overrides: str) -> Scenario:
    """Return the scenario with some values changed."""
    return load_scenario(SCENARIO, overrides=list(overrides))


@cache
def digest_with(*overrides: str) -> str:
    """Return the digest of the scenario with some values changed."""
    return run_path(scenario_with(*overrides), PathOptions(path=0), _warm).digest


def setting(key: str, value: object) -> str:
    """Return the override that sets a value; text is TOML already."""
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def _arguments(field: FieldInfo) -> tuple[object, ...]:
    return typing.get_args(field.annotation)


def _inside(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    if typing.get_origin(annotation) is not dict:
        for argument in typing.get_args(annotation):
            yield from _inside(argument)


def _choices(field: FieldInfo) -> tuple[object, ...]:
    return _arguments(field) if typing.get_origin(field.annotation) is typing.Literal else ()


def _tag(table: type[Section]) -> str:
    for name in ("kind", "distribution"):
        if name in table.model_fields:
            return str(_choices(table.model_fields[name])[0])
    raise TypeError(f"{table.__name__} is an arm of a union without a tag")
