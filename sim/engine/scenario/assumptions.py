"""Every number and choice of a scenario, with its unit and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic.fields import FieldInfo

from sim.core.documents.fields import choosing_key, chosen_by, inner_tables, own_sources
from sim.core.documents.sections import Section
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.engine.scenario.schema import Scenario

SET = "set by the scenario"


def assumptions(scenario: Scenario) -> list[dict[str, Any]]:
    """Return every number and choice of the scenario with its unit and where it comes from, in schema order.

    Entries have the keys ``parameter`` (dotted path), ``value``, ``unit`` and ``source``. A value that
    differs from the default has the source ``"set by the scenario"``. Risk-model parameters are per market.
    """
    listed = list(_entries("", scenario))
    model = BUILT_IN_MODELS.get(scenario.protocol.risk_model)
    for index in range(len(scenario.markets)):
        place, values = f"markets.{index}.risk_model_parameters.", scenario.risk_parameters(index)
        if model is not None:
            listed += _entries(place, model.model_validate(values))
        else:
            listed += [_entry(f"{place}{name}", value, "", SET) for name, value in values.items()]
    return listed


def _entries(
    place: str, section: Section, default: Section | None = None, sources: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the fields of a section and of those in it.

    Parameters
    ----------
    default
        The section that stands there when the file says nothing, if its fields have other defaults there than
        in their class.
    sources
        Where those come from.
    """
    below: list[Iterator[dict[str, Any]]] = []
    for name, field in type(section).model_fields.items():
        value, extra = getattr(section, name), field.json_schema_extra
        extra = extra if isinstance(extra, dict) else {}
        usual = field.default if default is None else getattr(default, name)
        if isinstance(value, Section):
            yield from _choice_of(f"{place}{name}", value, usual, field)
            stated = usual if type(usual) is type(value) else None
            below.append(_entries(f"{place}{name}.", value, stated, own_sources(field)))
        elif isinstance(value, tuple) and any(isinstance(item, Section) for item in value):
            below += [_entries(f"{place}{name}.{index}.", item) for index, item in enumerate(value)]
        elif "source" in extra and value is not None:
            own = (sources or {}).get(name, str(extra["source"]))
            yield _entry(
                f"{place}{name}",
                _plain(value),
                str(extra["unit"]),
                own if value == usual else SET,
            )
    for entries in below:
        yield from entries


def _choice_of(place: str, value: Section, usual: object, field: FieldInfo) -> Iterator[dict[str, Any]]:
    """Yield which table stands in a field, where it is one of several."""
    if len(inner_tables(field)) > 1:
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        source = str(extra.get("source", SET)) if type(value) is type(usual) else SET
        yield _entry(f"{place}.{choosing_key(type(value))}", chosen_by(type(value)), "", source)


def _entry(parameter: str, value: object, unit: str, source: str) -> dict[str, Any]:
    return {"parameter": parameter, "value": value, "unit": unit, "source": source}


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
