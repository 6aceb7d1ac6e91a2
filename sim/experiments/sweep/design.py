"""Where a sweep looks: points from axes, and inputs drawn anew for every path.

Points are what is compared; every point sees the same paths. Draws are uncertain inputs: path k has the same
values at every point, so that they do not blur the comparison.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.documents.toml_text import toml_value
from sim.core.rng import Streams

Value = float | int | str | bool
"""What a point or a draw sets a key to."""

Scale = Literal["linear", "log"]
Method = Literal["random", "sobol"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An interval of values of one key."""

    key: str
    """Dotted path into the scenario, as for ``--set``."""
    low: float
    high: float
    scale: Scale = "linear"
    whole: bool = False
    """Whether only whole numbers are meant; both ends are among them."""

    def at(self, quantile: float) -> float | int:
        """Return the value at a quantile in [0, 1] of the uniform distribution on the scale."""
        top = self.high + 1 if self.whole else self.high
        if self.scale == "log":
            low, high = portable_math.log(self.low), portable_math.log(top)
            value = _within(portable_math.exp(low + quantile * (high - low)), self.low, top)
        else:
            value = _within(self.low + quantile * (top - self.low), self.low, top)
        return min(math.floor(value), int(self.high)) if self.whole else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Range):
    """An input drawn for every path."""

    method: Method = "random"


def grid(axes: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    """Yield every combination of the axes' values, the last axis fastest; one empty one without axes."""
    for combination in itertools.product(*axes.values()):
        yield dict(zip(axes, combination, strict=True))


def random_points(ranges: Sequence[Range], samples: int, seed: int) -> Iterator[dict[str, Value]]:
    """Yield independent uniform points; one more axis or sample never moves the others."""
    streams = Streams(seed)
    columns = [streams.series(f"design:{axis.key}").uniform(0, samples) for axis in ranges]
    for row in zip(*columns, strict=True):
        yield {axis.key: axis.at(float(quantile)) for axis, quantile in zip(ranges, row, strict=True)}


def sobol_points(
    ranges: Sequence[Range], samples: int, replicates: int, seed: int
) -> Iterator[dict[str, Value]]:
    """Yield the points of independently scrambled Sobol sequences, one sequence after the other.

    Parameters
    ----------
    samples
        Points of one sequence, a power of two.
    replicates
        Sequences; the spread of their means is the error of the whole.
    """
    for replicate in range(replicates):
        for row in scrambled_sobol(len(ranges), samples, seed, f"design:{replicate}").tolist():
            yield {axis.key: axis.at(quantile) for axis, quantile in zip(ranges, row, strict=True)}


def draw_values(
    draws: Sequence[Draw], path: int, *, seed: int, sobol_points_per_replicate: int
) -> dict[str, float | int]:
    """Return the drawn inputs of one path, by key in the order of the draws.

    Parameters
    ----------
    path
        Number from 0. Of Sobol draws it is point ``path % n`` of replicate ``path // n``.
    sobol_points_per_replicate
        n, a power of two.
    """
    if not draws:
        return {}
    streams = Streams(seed)
    ranked = [draw for draw in draws if draw.method == "sobol"]
    row: list[float] = []
    if ranked:
        replicate, position = divmod(path, sobol_points_per_replicate)
        name = f"draws:{replicate}"
        row = scrambled_sobol(len(ranked), sobol_points_per_replicate, seed, name)[position].tolist()
    quantiles = iter(row)
    return {
        draw.key: draw.at(
            next(quantiles)
            if draw.method == "sobol"
            else float(streams.draw(f"draws:{draw.key}", path).uniform(1)[0])
        )
        for draw in draws
    }


@lru_cache(maxsize=8)
def scrambled_sobol(dimensions: int, points: int, seed: int, name: str) -> FloatArray:
    """Return float64[points, dimensions] in [0, 1): a Sobol sequence scrambled by (seed, name).

    Owen's scrambling as scipy does it (linear matrix scramble and digital shift); `points` is a power of two.
    """
    from scipy.stats import qmc  # noqa: PLC0415  (half a second to import)

    words = hashlib.sha256(f"seawall sobol\0{seed}\0{name}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(words[:16], "big"))
    found: FloatArray = qmc.Sobol(dimensions, scramble=True, rng=generator).random(points)
    found.setflags(write=False)
    return found


def override_text(key: str, value: Value) -> str:
    """Return ``key=value`` with the value in TOML, as ``--set`` reads it."""
    return f"{key}={toml_value(value)}"


def point_names(points: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return a name for each point: its values, keys cut to the shortest ending that tells them apart."""
    keys = list(dict.fromkeys(key for point in points for key in point))
    short = {key: _shortest_ending(key, keys) for key in keys}
    return [
        ", ".join(f"{short[key]}={_shown(value)}" for key, value in point.items()) or "base"
        for point in points
    ]


def _shortest_ending(key: str, keys: Sequence[str]) -> str:
    parts = key.split(".")
    for length in range(1, len(parts)):
        ending = ".".join(parts[-length:])
        if not any(other != key and f".{other}".endswith(f".{ending}") for other in keys):
            return ending
    return key


def _shown(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
