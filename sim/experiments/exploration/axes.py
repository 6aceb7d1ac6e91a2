"""Parameters as the methods see them: a range or a list of choices, with the scenario key it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sim.core.arrays import FloatArray
from sim.experiments.sweep.design import Value, override_text

RowKey = tuple[tuple[str, str, Value], ...]

SIGNIFICANT_DIGITS = 4
"""Assumption: a risk parameter is set to four digits; more would be noise in a proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One parameter: `low` to `high`, or `choices`."""

    key: str
    low: float = 0.0
    high: float = 1.0
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False
    """Only whole numbers are allowed."""
    choices: tuple[Value, ...] = ()

    @property
    def is_range(self) -> bool:
        """Whether the parameter moves along a range."""
        return not self.choices

    def at(self, position: float) -> Value:
        """Return the value at a position from 0 to 1 of a range, rounded as parameters are written."""
        if self.scale == "log":
            value = math.exp(math.log(self.low) + position * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + position * (self.high - self.low)
        return self.written(min(max(value, self.low), self.high))

    def written(self, value: float) -> Value:
        """Return a number as a parameter: whole, or with four significant digits and still in the range."""
        if self.whole:
            return round(value)
        return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), self.low), self.high)

    def holds(self, value: object) -> bool:
        """Return whether a value lies on the axis."""
        if self.choices:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        )


def rows_of(axes: Sequence[Axis], design: FloatArray) -> list[dict[str, Value]]:
    """Return the parameter values of each row of a design in the unit cube."""
    return [
        {axis.key: axis.at(float(position)) for axis, position in zip(axes, row, strict=True)}
        for row in design
    ]


def overrides_of(values: Mapping[str, Value]) -> tuple[str, ...]:
    """Return ``key=value`` texts as ``--set`` takes them."""
    return tuple(override_text(key, value) for key, value in values.items())


def distinct(rows: Sequence[Mapping[str, Value]]) -> tuple[list[dict[str, Value]], list[int]]:
    """Return the different rows in order of appearance, and for each row its place among them.

    Trajectories on a grid visit the same point again and again; it is run once.
    """
    places: dict[RowKey, int] = {}
    which = [places.setdefault(row_key(row), len(places)) for row in rows]
    return [dict(rows[which.index(place)]) for place in range(len(places))], which


def row_key(row: Mapping[str, Value]) -> RowKey:
    """Return what tells parameter sets apart: 1, 1.0 and true are different values."""
    return tuple((key, type(value).__name__, value) for key, value in row.items())
