"""Sections of a scenario, read off the table of contract parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import create_model

from sim.core.documents.sections import Problem, Section, choice, number
from sim.core.units import TOKEN_DECIMALS
from sim.protocol.parameters.table import TOKEN_GRAIN, Bound, Condition, Parameter, Struct
from sim.protocol.parameters.words import UNLIMITED, Number, from_chain


class StructSection(Section):
    """A section whose keys are the fields of one or more structs, by the contracts' names."""

    structs: ClassVar[tuple[Struct, ...]] = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def values(self, struct: str) -> dict[str, Number]:
        """Return what one of its structs is deployed with, by field name; computed fields are left out."""
        found: dict[str, Number] = {}
        for parameter in next(one for one in self.structs if one.name == struct):
            if not parameter.key:
                is_off = parameter.switch and not getattr(self, parameter.switch)
                found[parameter.name] = UNLIMITED if is_off else getattr(self, parameter.name)
        return found

    def problems(self) -> Iterator[Problem]:
        """Yield what the contracts refuse of several fields together, or of the last digits of one."""
        for struct in self.structs:
            values = self.values(struct.name)
            words = {name: struct[name].word(value) for name, value in values.items()}
            for name, word in words.items():
                problem = _alone(struct[name], word, values[name])
                if problem is not None:
                    yield (name,), problem
            for condition in struct.conditions:
                if not condition.holds(words):
                    yield _told(condition, words, values)


def _alone(parameter: Parameter, word: int, value: Number) -> str | None:
    """Return what the contract refuses of a word that is within bounds as a float; None if nothing."""
    if parameter.grain == TOKEN_GRAIN and word % TOKEN_GRAIN:
        return f"must have at most {TOKEN_DECIMALS} decimals, as the token has, was {value!r}"
    if value != UNLIMITED and not parameter.least <= word <= parameter.most:
        return f"is {from_chain(parameter.name, word)!r} on chain, out of its bounds, was {value!r}"
    return None


def _told(condition: Condition, words: Mapping[str, int], values: Mapping[str, Number]) -> Problem:
    relation = "must be below" if condition.strict else "must be at most"
    last = condition.low[-1]
    if isinstance(condition.high, str):
        limit = f"{condition.high} {values[condition.high]:g}"
    else:
        limit = f"{from_chain(last, condition.high):g}"
    if len(condition.low) == 1:
        return (last,), f"{relation} {limit}, was {values[last]:g}"
    total = sum(words[name] for name in condition.low)
    return (last,), f"{' + '.join(condition.low)} {relation} {limit}, was {from_chain(last, total):g}"


_S = TypeVar("_S", bound=StructSection)


def composed_of(*structs: Struct) -> Callable[[type[_S]], type[_S]]:
    """Return a decorator that adds a key for each row of some structs, after the section's own keys."""

    def compose(section: type[_S]) -> type[_S]:
        fields: dict[str, Any] = {}
        for struct in structs:
            for parameter in struct:
                fields.update(_keys(parameter))
        made = create_model(
            section.__name__,
            __base__=section,
            __doc__=section.__doc__,
            __module__=section.__module__,
            **fields,
        )
        made.structs = structs
        return made

    return compose


def _keys(parameter: Parameter) -> Iterator[tuple[str, Any]]:
    if parameter.switch:
        switch = choice(default=True, description=parameter.switch_meaning, source=parameter.source)
        yield parameter.switch, (bool, switch)
    if not parameter.key:
        yield parameter.name, (int if parameter.is_whole else float, parameter_number(parameter))


def parameter_number(parameter: Parameter) -> Any:
    """Return the bounded numeric field of a row."""
    return number(
        parameter.default,
        _plain(parameter.minimum),
        _plain(parameter.maximum),
        parameter.unit,
        parameter.meaning,
        source=parameter.source,
        above=parameter.above,
        below=parameter.below,
    )


def _plain(bound: Bound) -> float:
    return float(bound) if isinstance(bound, Decimal) else bound
