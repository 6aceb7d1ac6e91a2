"""What is said of a parameter: unit, bounds, default, source, meaning, and how the governor may move it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from sim.core.registry import Registry
from sim.core.units import QUANTUM, WAD
from sim.protocol.parameters.words import Number, is_whole, to_chain

Bound = int | float | Decimal
"""A bound in people's units; a decimal where a float would not be exact."""

Side = Literal["", "higher", "lower"]


Checked = Literal["both", "minimum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """How far and how fast the governor may move a parameter.

    Sizes of steps are assumptions throughout: tightening may move a word by half, loosening by a quarter,
    and a word without a safer side may double or halve.
    """

    step: float
    """Change that one execution may always make, so that a parameter can leave zero."""
    tighter: Side = ""
    """Side to which the guardian may move it without delay; empty if neither is safer."""
    minimum: Bound | None = None
    """Only if tighter than the contract's, with a reason."""
    maximum: Bound | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One field of a contract's struct: one row of the table."""

    name: str
    """The contract's, everywhere."""
    unit: str
    minimum: Bound
    """The contract's bound."""
    maximum: Bound
    default: Number
    source: str
    """Where the default comes from, or ``assumption: why``."""
    meaning: str
    above: bool = False
    """Whether the least value itself is refused."""
    below: bool = False
    """Whether the largest value itself is refused."""
    checked: Checked = "both"
    """Which of the bounds the contract checks, on its own or by a condition of its struct; the other one is
    an assumption of this table. A minimum of zero is checked by the type, which has no sign."""
    grain: int = 1
    """Words must be multiples of this."""
    switch: str = ""
    """Key of a scenario that switches the limit off when false; empty if that cannot be."""
    switch_meaning: str = ""
    key: str = ""
    """Key of a scenario that it is computed from, if not of its own name: no parameter itself."""
    governed: Governed | None = None
    """None if nobody can change it after the deployment."""

    @property
    def is_whole(self) -> bool:
        """Whether it goes on chain as the whole number it is."""
        return is_whole(self.name)

    def word(self, value: Bound) -> int:
        """Return a value as the contract has it, exactly."""
        return to_chain(self.name, "uint256", value)

    @property
    def least(self) -> int:
        """The smallest word within its own bounds."""
        return self.word(self.minimum) + self.above

    @property
    def most(self) -> int:
        """The largest word within its own bounds."""
        return self.word(self.maximum) - self.below


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a contract asks of several words at once: the sum of some is below, or not above, something."""

    low: tuple[str, ...]
    high: str | int
    """Name of a word, or a word."""
    strict: bool = False
    """Whether equal is refused."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every word concerned."""
        return (*self.low, self.high) if isinstance(self.high, str) else self.low

    def holds(self, words: Mapping[str, int]) -> bool:
        """Return whether words by name meet it."""
        low = sum(words[name] for name in self.low)
        high = words[self.high] if isinstance(self.high, str) else self.high
        return low < high if self.strict else low <= high


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """The owner's function that changes the words of a struct."""

    function: str
    view: str
    """View of the same contract that returns the words, first ones first."""
    per_market: bool = False
    fixed: tuple[str, ...] = ()
    """Words before them that may never change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the governor and the compiler know a risk model by."""

    number: int
    """The governor's number of its kind."""
    source: str
    """Source file below the contracts folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """The words of one setter or constructor, in the contract's order."""

    name: str
    """Name in the table; of a risk model, its name in a scenario."""
    order: int
    section: str
    """Table of a scenario whose keys set it."""
    meaning: str
    contract: str
    """Contract key, ``risk_model`` for a margin formula."""
    checked_in: str
    """Module that checks the bounds."""
    parameters: tuple[Parameter, ...]
    conditions: tuple[Condition, ...] = ()
    setter: Setter | None = None
    model: Model | None = None

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        """Return the row of a field; KeyError if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Fields, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def defaults(self) -> dict[str, Number]:
        """Defaults by field; of a computed field, none."""
        return {parameter.name: parameter.default for parameter in self.parameters if not parameter.key}

    @property
    def per_market(self) -> bool:
        """Whether every market has its own."""
        return self.model is not None or (self.setter is not None and self.setter.per_market)

    def reach(self, name: str) -> tuple[int, int]:
        """Return the least and the largest word a field can have beside words that are all in bounds."""
        least = {parameter.name: parameter.least for parameter in self.parameters}
        most = {parameter.name: parameter.most for parameter in self.parameters}
        for _ in self.conditions:  # each round carries bounds over one more condition
            for condition in self.conditions:
                gap = int(condition.strict)
                high = condition.high
                top = most[high] if isinstance(high, str) else high
                for low in condition.low:
                    others = sum(least[other] for other in condition.low if other != low)
                    most[low] = min(most[low], top - gap - others)
                if isinstance(high, str):
                    least[high] = max(least[high], sum(least[low] for low in condition.low) + gap)
        return least[name], most[name]


STRUCTS: Final[Registry[Struct]] = Registry("struct of parameters", "sim.protocol.parameters.structs")
"""Every struct of the contracts, in the order governor and documents list them."""


def structs_of(section: str) -> tuple[Struct, ...]:
    """Return the structs that a table of a scenario sets."""
    return tuple(struct for struct in STRUCTS if struct.section == section)


def models() -> dict[str, Struct]:
    """Return the risk models that ship, by name in a scenario."""
    return {struct.name: struct for struct in STRUCTS if struct.model is not None}


def below(low: str, high: str) -> Condition:
    """Return the condition that a word is below another."""
    return Condition(low=(low,), high=high, strict=True)


def not_above(low: str, high: str) -> Condition:
    """Return the condition that a word is not above another."""
    return Condition(low=(low,), high=high)


def sum_at_most_one(names: Sequence[str]) -> Condition:
    """Return the condition that shares are no more than the whole."""
    return Condition(low=tuple(names), high=WAD)


TOKEN_GRAIN: Final = QUANTUM
"""Words of what is paid out in the token are whole units of it."""
