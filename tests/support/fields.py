"""Every declared field of a scenario, and a run in which changing it alone can be seen."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic.fields import FieldInfo

from sim.core.documents.fields import choices_of, tables_in, values_in
from sim.core.documents.toml_text import toml_value
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.scenario.compose import scenario_class
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario

SCENARIO = Path(__file__).with_name("every_field.toml")

_USDX = (
    'name = "USDX", initial_price = 1.0, price = { kind = "gbm", volatility = 0.5 }, '
    "pool_depth = 200000.0, deposit_cap = 1000000.0, initial_volatility = 0.5"
)
ASSET = f"collaterals=[{{ {_USDX} }}]"
TWO_ASSETS = f"collaterals=[{{ {_USDX} }}, {{ {_USDX.replace('USDX', 'USDY')} }}]"
PLEDGED = (ASSET, 'traders.0.collateral={ asset = "USDX", share = 0.9 }')
"""Accounts with hardly any quote, whose asset is sold when they owe; the pool takes little at a time."""

_warm = WarmStarts()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field that a scenario file can give."""

    path: str
    """Place of its table and its name."""
    field: FieldInfo

    @property
    def key(self) -> str:
        """The path as an override names it."""
        return ".".join(part.partition(":")[0] for part in self.path.split("."))


def leaves() -> Iterator[Leaf]:
    """Yield every field of a scenario."""
    for table in tables_in(scenario_class()):
        for name, field in values_in(table.section):
            yield Leaf(table.path(name), field)


def other_value(field: FieldInfo, value: object) -> object:
    """Return another value the field may have: its opposite, the next choice, or about twice as much."""
    if isinstance(value, bool):
        return not value
    if words := choices_of(field):
        return words[(words.index(value) + 1) % len(words)]
    if isinstance(value, str):
        return f"{value}_too"
    if isinstance(value, int):
        return value + 1 if _is_below(value + 1, field) else value - 1
    if isinstance(value, float):
        raised = 2.0 * value + 0.1
        return raised if _is_below(raised, field) else value / 2.0
    raise TypeError(f"no other value for {value!r}")


def _is_below(value: float, field: FieldInfo) -> bool:
    """Return whether a field may be that much: some may not reach their bound."""
    bound = next(limit for limit in field.metadata if hasattr(limit, "le") or hasattr(limit, "lt"))
    return value <= bound.le if hasattr(bound, "le") else value < bound.lt


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
    """Return the override that sets a value."""
    return f"{key}={value.isoformat() if isinstance(value, datetime) else toml_value(value)}"
