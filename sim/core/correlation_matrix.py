"""Correlation matrices: what makes one, and its lower factor, with the same bits on every machine.

Plain Cholesky, row by row: row i of the factor depends on rows 0 to i of the matrix alone, so that a row
added last changes none of those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray

Rows = Sequence[Sequence[float]]

TOLERANCE: Final = 1e-9
"""Smallest pivot that still counts as 0: correlations are written with a few digits, as 0.33 for a third."""


def defects(rows: Rows) -> list[tuple[tuple[int, ...], str]]:
    """Return what keeps rows from being a correlation matrix: the place of an entry or none, and why."""
    size = len(rows)
    found: list[tuple[tuple[int, ...], str]] = [
        ((i,), f"must have {size} entries like the matrix has rows, had {len(row)}")
        for i, row in enumerate(rows)
        if len(row) != size
    ]
    if found:
        return found
    for i, row in enumerate(rows):
        if row[i] != 1.0:
            found.append(((i, i), f"the diagonal must be 1, was {row[i]:g}"))
        for j, value in enumerate(row[:i]):
            if not -1.0 <= value <= 1.0:
                found.append(((i, j), f"must be from -1 to 1, was {value:g}"))
            elif value != rows[j][i]:
                found.append(((i, j), f"must be {rows[j][i]:g} as in row {j}, column {i}, was {value:g}"))
    if found:
        return found
    problem = _not_semidefinite(rows)
    return [] if problem is None else [((), problem)]


def _not_semidefinite(rows: Rows) -> str | None:
    """Return why no variables have these correlations, None if some have."""
    factor: list[list[float]] = []
    for i, row in enumerate(rows):
        line: list[float] = []
        for j in range(i + 1):
            rest = row[j] - sum(line[k] * factor[j][k] for k in range(j)) if j < i else _pivot(line)
            if j == i:
                if rest < -TOLERANCE:
                    return _impossible(i, rest)
                line.append(portable_math.sqrt(rest) if rest > TOLERANCE else 0.0)
            elif factor[j][j] > 0.0:
                line.append(rest / factor[j][j])
            elif rest * rest > TOLERANCE:  # what a variable without a part of its own leaves is 0
                return _impossible(i, -abs(rest))
            else:
                line.append(0.0)
        factor.append(line)
    return None


def _pivot(line: Sequence[float]) -> float:
    return 1.0 - sum(value * value for value in line)


def _impossible(i: int, rest: float) -> str:
    return (
        f"no prices have these correlations together: the matrix is not positive semidefinite, its row {i} "
        f"leaves {rest:.3g} where the rows before it leave room for 0 or more (tolerance {TOLERANCE:g})"
    )


def lower_factor(rows: Sequence[Sequence[FloatArray]]) -> list[list[FloatArray]]:
    """Return L with L L' = R and rows of length 1, for many matrices at once.

    Parameters
    ----------
    rows
        Entry (i, j) of every correlation matrix, float64[n]; only the lower half is read.

    Returns
    -------
    Entries (i, j), j <= i, float64[n]. Where a pivot is 0 to within the tolerance, the row is a combination
    of those before it, scaled to length 1.
    """
    factor: list[list[FloatArray]] = []
    for i, row in enumerate(rows):
        line: list[FloatArray] = []
        for j in range(i):
            rest = row[j]
            for k in range(j):
                rest = rest - line[k] * factor[j][k]
            own = factor[j][j]
            line.append(np.where(own > 0.0, rest / np.where(own > 0.0, own, 1.0), 0.0))
        taken = np.zeros_like(row[0])
        for value in line:
            taken = taken + value * value
        left = 1.0 - taken
        alone = left > TOLERANCE
        scale = portable_math.sqrt(np.where(alone, 1.0, np.where(taken > 0.0, taken, 1.0)))
        line = [value / scale for value in line]
        line.append(portable_math.sqrt(np.where(alone, left, 0.0)))
        factor.append(line)
    return factor
