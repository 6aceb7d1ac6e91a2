"""A table that is one of several sections, told apart by one key, where a registry says which there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, Protocol, get_args

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import core_schema, to_json

from sim.core.documents.sections import Section


class Declarations(Protocol):
    """What :class:`OneOf` reads of a registry of sections."""

    def all(self) -> Sequence[type[Section]]:
        """Return the sections there are now, in their order."""
        ...


class OneOf:
    """Annotation of a field that holds a section of a registry: ``Annotated[Base, OneOf(REGISTRY, KEY)]``.

    The registry is read whenever a value is checked or a schema is asked for: a section that a plug-in adds
    while the program runs is known from then on, in every class that has such a field. Nothing is rebuilt.

    Parameters
    ----------
    declared
        Registry of section classes.
    key
        Field whose literal tells them apart.
    otherwise
        Literal meant where the key is left out; None demands the key.
    """

    def __init__(self, declared: Declarations, key: str, otherwise: str | None = None) -> None:
        self.key = key
        self._declared = declared
        self._otherwise = otherwise
        self._adapter: tuple[tuple[type[Section], ...], TypeAdapter[Any]] | None = None

    def sections(self) -> tuple[type[Section], ...]:
        """Return the sections a value may be."""
        return tuple(self._declared.all())

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return a schema that asks the registry when a value is checked."""
        return core_schema.with_info_plain_validator_function(
            self._validated, metadata={"pydantic_js_functions": [self._json_schema]}
        )

    def _validated(self, value: Any, info: core_schema.ValidationInfo[Any]) -> Any:
        if self._otherwise is not None and isinstance(value, Mapping):
            value = {self.key: self._otherwise, **value}
        adapter = self._current()
        # From JSON a list may be a tuple and text a date, as everywhere else in the document.
        return (
            adapter.validate_json(to_json(value)) if info.mode == "json" else adapter.validate_python(value)
        )

    def _json_schema(self, _: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self._current().core_schema)

    def _current(self) -> TypeAdapter[Any]:
        sections = self.sections()
        if self._adapter is None or self._adapter[0] != sections:
            union: Any = Annotated[reduce(or_, sections), Field(discriminator=self.key)]
            self._adapter = (sections, TypeAdapter(union))
        return self._adapter[1]


def literal_of(section: type[Section], key: str) -> str:
    """Return the literal of a section's ``key`` field, which names it.

    Raises
    ------
    TypeError
        The section has no such field, or not one literal.
    """
    field = section.model_fields.get(key)
    literals = get_args(field.annotation) if field is not None else ()
    if len(literals) != 1 or not isinstance(literals[0], str):
        raise TypeError(f"{section.__name__}: {key} must be a Literal of one word")
    return literals[0]


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Yield the section classes inside an annotation: in tuples, unions, registries and ``Annotated``."""
    if isinstance(annotation, OneOf):
        yield from annotation.sections()
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from sections_in(argument)
