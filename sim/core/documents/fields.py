"""Every key that a document of some class may have, table by table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from sim.core.documents.sections import Section
from sim.core.documents.variants import sections_in

_NONE: Mapping[str, str] = MappingProxyType({})


class Table(NamedTuple):
    """A table that a document may have."""

    place: str
    """Dotted; ``0`` stands for every entry of a list, and a table that is one of several has the word that
    chooses it after a colon: ``traders.0.leverage:uniform``."""
    section: type[Section]
    default: Section | None
    """What stands there if the document says nothing, where that is not what the class says."""
    sources: Mapping[str, str]
    """Key -> where its default comes from, where that is not what the class says."""

    def path(self, name: str) -> str:
        """Return the place of one of its keys."""
        return f"{self.place}.{name}".lstrip(".")


def tables_in(
    model: type[Section], where: str = "", default: Section | None = None, sources: Mapping[str, str] = _NONE
) -> Iterator[Table]:
    """Yield every table at or below a section, parents first."""
    yield Table(where, model, default, sources)
    for name, field in model.model_fields.items():
        found = inner_tables(field)
        place = ".".join(filter(None, (where, name, "0" if _is_list(field) else "")))
        usual = field.default if default is None else getattr(default, name)
        for table in found:
            below = f"{place}:{chosen_by(table)}" if len(found) > 1 else place
            yield from tables_in(table, below, usual if type(usual) is table else None, own_sources(field))


def own_sources(field: FieldInfo) -> dict[str, str]:
    """Return where the defaults of a table come from that are not those of its class, by key."""
    extra = field.json_schema_extra
    stated = extra.get("sources") if isinstance(extra, dict) else None
    return {str(key): str(source) for key, source in stated.items()} if isinstance(stated, dict) else {}


def values_in(model: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys of a table that hold a value, without the one that chooses the table."""
    for name, field in model.model_fields.items():
        if not inner_tables(field) and len(choices_of(field)) != 1:
            yield name, field


def inner_tables(field: FieldInfo) -> tuple[type[Section], ...]:
    """Return the tables a key may hold; none if it holds a value."""
    found = dict.fromkeys(table for one in (field.annotation, *field.metadata) for table in sections_in(one))
    # What stands for a registry is the class its sections have in common, and no section itself.
    return tuple(found) if len(found) < 2 else tuple(table for table in found if _key_of_one_word(table))


def choices_of(field: FieldInfo) -> tuple[Any, ...]:
    """Return the words a key may be; none if it is no choice."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def chosen_by(table: type[Section]) -> str:
    """Return the word that chooses a table among others."""
    return str(choices_of(table.model_fields[choosing_key(table)])[0])


def choosing_key(table: type[Section]) -> str:
    """Return the key whose only word tells a table from others.

    Raises
    ------
    TypeError
        It has none.
    """
    key = _key_of_one_word(table)
    if key is None:
        raise TypeError(f"{table.__name__}: nothing tells it from others")
    return key


def _key_of_one_word(table: type[Section]) -> str | None:
    return next((name for name, field in table.model_fields.items() if len(choices_of(field)) == 1), None)


def _is_list(field: FieldInfo) -> bool:
    return any(get_origin(one) is tuple for one in (field.annotation, *get_args(field.annotation)))
