"""Names beside points, placed so that no name covers another on a page of any width.

A name stands in one of the rows that divide the height of the plot and is tied to its point by a thin line.
Its place is chosen on the narrowest page and written in the units of the axes. Names are centred on their
places, and a name has as many pixels on a wide page as on a narrow one; a wider or higher plot only moves
places further apart. So what does not overlap on the narrowest page overlaps on none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sim.reporting.figures.style import COLORS, Layout, plain

FONT_SIZE = 11
PIXELS_PER_CHARACTER = 6.6
"""Of a name at its font size: no less than the mean over the letters, digits and signs of parameter names."""
ROW = 16.0
"""Least height of a row, pixels: a line of the font and a gap."""
NARROWEST = 250.0
"""Width of the plot itself on a page of 400 pixels: without margins, the axis' title and its numbers."""
FURNITURE = 184.0
"""Pixels of a figure's height that are not the plot: colour bar, numbers, an axis title of three lines."""
_COVERED, _CROSSED = 90.0, 60.0
"""Pixels of way that are worth not covering a marker, and not crossing another name or line."""
_SIDEWAYS = 2.0
"""A step to the side costs more than one up or down: on wide pages it is longer."""
_PAD = 0.06


class _Box(NamedTuple):
    left: float
    right: float
    row: int
    middle: float
    """Vertical, pixels."""

    def meets(self, other: _Box) -> bool:
        return self.row == other.row and self.left < other.right and other.left < self.right


class Marker(NamedTuple):
    """A point as it is drawn; coordinates in the units of the axes, or as shares of their ranges."""

    x: float
    y: float
    radius: float = 7.0
    """Pixels."""


class Spot(NamedTuple):
    """Where the middle of a name stands, each coordinate as a share of its axis' range."""

    x: float
    y: float


def height_for(names: int, least: int = 430) -> int:
    """Return the height of a figure in pixels that has a row for each of its names."""
    return max(least, math.ceil(FURNITURE + ROW * names))


def padded_range(values: Iterable[float], *, from_zero: bool = False) -> tuple[float, float]:
    """Return an axis' range around all finite values, with room at both ends; `from_zero` takes zero in."""
    finite = [value for value in values if math.isfinite(value)] + ([0.0] if from_zero else [])
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    pad = _PAD * (high - low) or abs(high) or 1.0
    return (low if from_zero and low == 0.0 else low - pad), high + pad


def add_labels(
    layout: Layout,
    points: Sequence[Marker],
    names: Mapping[int, str],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    height: int,
) -> None:
    """Name points of a figure: fixes both ranges of its layout and adds an annotation for each name.

    Parameters
    ----------
    points
        All that are drawn, in the units of the axes; one without a finite coordinate is left out.
    names
        Name of each point that has one, by its place in `points`.
    height
        Of the figure, pixels; at least `height_for` as many names.
    """
    layout["xaxis"]["range"], layout["yaxis"]["range"] = list(x_range), list(y_range)
    shown = {at: one for at, one in enumerate(points) if math.isfinite(one.x) and math.isfinite(one.y)}
    shares = {
        at: Marker(
            (one.x - x_range[0]) / (x_range[1] - x_range[0]),
            (one.y - y_range[0]) / (y_range[1] - y_range[0]),
            one.radius,
        )
        for at, one in shown.items()
    }
    named = [at for at in names if at in shown]
    spots = place_labels(
        [shares[at] for at in named],
        [names[at] for at in named],
        [one for at, one in shares.items() if at not in names],
        height=height - FURNITURE,
    )
    layout.setdefault("annotations", []).extend(
        _annotation(shown[at], names[at], spot, x_range, y_range)
        for at, spot in zip(named, spots, strict=True)
    )


def place_labels(
    points: Sequence[Marker],
    names: Sequence[str],
    others: Sequence[Marker] = (),
    *,
    width: float = NARROWEST,
    height: float,
) -> list[Spot]:
    """Return a place for each name such that no two boxes overlap and all lie within the plot.

    Each name takes the free place with the shortest line that covers the fewest markers and crosses the
    fewest names and lines. As there are no fewer rows than names, a row is always free.

    Parameters
    ----------
    points
        The points to be named, as shares of the axes' ranges.
    others
        Points drawn without a name, likewise, which names had better not cover.
    width, height
        Of the plot itself where it is smallest, pixels.

    Raises
    ------
    ValueError
        There are more names than rows.
    """
    rows = int(height // ROW)
    if len(points) > rows:
        raise ValueError(f"{len(points)} names need {len(points)} rows of {ROW:g} pixels, there are {rows}")
    markers = [Marker(one.x * width, one.y * height, one.radius) for one in [*points, *others]]
    found: dict[int, _Box] = {}
    lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for at in sorted(range(len(points)), key=lambda index: (points[index], index)):
        half = min(label_width(names[at]), width) / 2.0
        options = [
            box
            for box in _boxes(markers[at], half, rows=rows, width=width, height=height)
            if not any(box.meets(other) for other in found.values())
        ]
        chosen = min(
            options, key=lambda box: (_cost(markers[at], box, markers, list(found.values()), lines), box)
        )
        found[at] = chosen
        lines.append((markers[at][:2], _middle(chosen)))
    return [Spot(_middle(found[at])[0] / width, _middle(found[at])[1] / height) for at in range(len(points))]


def label_width(name: str) -> float:
    """Return the width of a name in pixels, a gap to its neighbour included."""
    return PIXELS_PER_CHARACTER * len(name) + 4.0


def _boxes(point: Marker, half: float, *, rows: int, width: float, height: float) -> Iterable[_Box]:
    """Return the places looked at: every row, above the point and by steps to both sides, within the plot."""
    steps = (0.0, *(sign * step for step in (half / 2, half + 10, half + 40, width) for sign in (1, -1)))
    middles = dict.fromkeys(min(max(point.x + step, half), width - half) for step in steps)
    for row in range(rows):
        for middle in middles:
            yield _Box(middle - half, middle + half, row, (row + 0.5) * height / rows)


def _cost(
    point: Marker,
    box: _Box,
    markers: Sequence[Marker],
    placed: Sequence[_Box],
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]],
) -> float:
    x, y = _middle(box)
    way = _SIDEWAYS * abs(x - point.x) + abs(y - point.y)
    covered = sum(
        box.left - one.radius < one.x < box.right + one.radius and abs(one.y - y) < ROW / 2 + one.radius
        for one in markers
    )
    crossed = sum(_crosses(point[:2], (x, y), other) for other in placed)
    crossed += sum(_crosses(start, end, box) for start, end in lines)
    return way + _COVERED * covered + _CROSSED * crossed


def _crosses(start: tuple[float, float], end: tuple[float, float], box: _Box) -> bool:
    """Return whether a line comes into a box: the parts of it within both of the box's extents overlap."""
    enters, leaves = 0.0, 1.0
    for at, low, high in ((0, box.left, box.right), (1, box.middle - ROW / 2, box.middle + ROW / 2)):
        way = end[at] - start[at]
        if way == 0.0:
            if not low < start[at] < high:
                return False
            continue
        first, last = sorted(((low - start[at]) / way, (high - start[at]) / way))
        enters, leaves = max(enters, first), min(leaves, last)
    return enters < leaves


def _middle(box: _Box) -> tuple[float, float]:
    return (box.left + box.right) / 2.0, box.middle


def _annotation(
    point: Marker, name: str, spot: Spot, x_range: tuple[float, float], y_range: tuple[float, float]
) -> dict[str, Any]:
    return {
        "x": point.x, "y": point.y, "xref": "x", "yref": "y",
        "ax": x_range[0] + spot.x * (x_range[1] - x_range[0]), "axref": "x",
        "ay": y_range[0] + spot.y * (y_range[1] - y_range[0]), "ayref": "y",
        "xanchor": "center", "yanchor": "middle", "text": plain(name), "font": {"size": FONT_SIZE},
        "showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": COLORS["neutral"],
        "standoff": min(point.radius, 6.0), "borderpad": 0,
    }  # fmt: skip
