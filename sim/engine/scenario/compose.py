"""The scenario as it is now: its own sections, and one table for each declaration in the registries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict, ValidationError, create_model

from sim.agents.kind import AGENTS, MAX_SECTIONS, AgentKind
from sim.core.documents.toml_file import refusals
from sim.core.errors import InputError
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.engine.scenario.schema import Scenario


def scenario_class() -> type[Scenario]:
    """Return the class of scenario files: composed anew whenever a registry has changed."""
    return _composed(AGENTS.all())


def scenario_of(data: Mapping[str, Any], files: Mapping[str, Path] | None = None) -> Scenario:
    """Return the scenario of canonical data, as stored in a run folder.

    Raises
    ------
    InputError
        If the data is not a valid scenario.
    """
    try:
        scenario = scenario_class().model_validate_json(json.dumps(data))
    except ValidationError as error:
        found = refusals(error, scenario_class(), data)
        raise InputError([f"{'.'.join(map(str, where))}: {message}" for where, message in found]) from None
    return scenario.with_files(files or {})


@lru_cache(maxsize=8)
def _composed(agents: tuple[AgentKind[Any], ...]) -> type[Scenario]:
    for kind in agents:
        if not isinstance(kind, AgentKind):
            raise InputError(f"agent {kind.name!r}: must be an AgentKind, was {type(kind).__name__}")
        if hasattr(Scenario, kind.name) or kind.name in Scenario.model_fields:
            raise InputError(f"agent {kind.name!r}: a scenario has such a key already; choose another")
    tables: dict[str, Any] = {kind.name: _agent_table(kind) for kind in agents}
    composed = create_model("Scenario", __base__=Scenario, __doc__=Scenario.__doc__, **tables)
    composed.kinds = agents
    return composed


def _agent_table(kind: AgentKind[Any]) -> tuple[Any, Any]:
    """Return annotation and default of an agent's key."""
    if not kind.repeated:
        return kind.section, Field(kind.section(), description=kind.description)
    # A TOML list is a Python list; strictness is lifted for the container alone, its entries stay strict.
    tables = Annotated[tuple[kind.section, ...], Strict(strict=False), Field(max_length=MAX_SECTIONS)]  # type: ignore[name-defined]
    return tables, Field((), description=kind.description)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, units and sources of defaults included."""
    schema = scenario_class().model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Seawall scenario",
        "$defs": {
            **schema.get("$defs", {}),
            **{model.__name__: model.model_json_schema() for model in BUILT_IN_MODELS.values()},
        },
    }
