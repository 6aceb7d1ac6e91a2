"""Names beside points: no two overlap, and all lie within the plot, on pages of 400, 768 and 1,280 pixels."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reporting.figures.labels import (
    NARROWEST,
    ROW,
    Marker,
    _Box,
    _crosses,
    height_for,
    label_width,
    padded_range,
    place_labels,
)
from sim.reporting.figures.points import Estimates, scatter_figure
from sim.reporting.formatting import shorten

PLOT_WIDTHS = {400: 270.0, 768: 640.0, 1280: 930.0}
"""Page -> plot, pixels: what is left of the page by its padding, and by the axis' title and numbers."""
LETTER, LINE = 6.6, 14.0
"""Pixels of a letter and of a line at the names' 11 pixels: the widest common fonts have a mean of 6.4."""
MARGINS = 184.0
"""Most that colour bar, numbers and an axis title of three lines take of a figure's height."""

names = st.text(alphabet="abz=_.0159 ", min_size=1, max_size=40)
crowded = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(
            st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(lambda xy: (xy[0] ** 3, xy[1])),
            min_size=count,
            max_size=count,
        ),
        st.lists(names, min_size=count, max_size=count),
        st.sampled_from([0.0, 1e-9, 0.01, 0.2, 1.0]),
    )
)


def boxes_of(figure, width, height):
    """Return (left, top, right, bottom) of every name, as plotly puts them: centred on (ax, ay)."""
    (x0, x1), (y0, y1) = (figure.layout[axis]["range"] for axis in ("xaxis", "yaxis"))
    found = []
    for one in figure.layout["annotations"]:
        assert (one["axref"], one["ayref"], one["xanchor"], one["yanchor"]) == ("x", "y", "center", "middle")
        x, y = (one["ax"] - x0) / (x1 - x0) * width, (one["ay"] - y0) / (y1 - y0) * height
        half = LETTER * len(one["text"]) / 2
        found.append((x - half, y - LINE / 2, x + half, y + LINE / 2))
    return found


def overlap(one, two):
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


@given(drawn=crowded)
def test_no_two_names_overlap_and_none_is_cut(drawn):
    places, labels, spread = drawn
    x, y = ([3.0 + spread * place[at] for place in places] for at in (0, 1))
    nothing = [math.nan] * len(places)
    figure = scatter_figure(
        "k", "t", "c",
        x=Estimates(name="x", x=x, values=x, lower=nothing, upper=nothing),
        y=Estimates(name="y", x=y, values=y, lower=[value - spread for value in y], upper=y),
        labels=labels, x_title="x", y_title="y", marked=range(len(places)),
    )  # fmt: skip
    annotations = figure.layout["annotations"]
    assert [one["text"] for one in annotations] == [shorten(label) for label in labels], "each has its name"
    height = figure.height - MARGINS
    for width in PLOT_WIDTHS.values():
        boxes = boxes_of(figure, width, height)
        for one, two in itertools.combinations(boxes, 2):
            assert not overlap(one, two)
        for left, top, right, bottom in boxes:
            assert left >= -0.01
            assert top >= -0.01
            assert right <= width + 0.01
            assert bottom <= height + 0.01


def test_the_test_sees_an_overlap():
    assert overlap((0, 0, 10, 10), (9, 9, 20, 20))
    assert not overlap((0, 0, 10, 10), (10, 0, 20, 10))


def test_a_line_comes_into_a_box_or_does_not():
    box = _Box(10.0, 20.0, 0, 50.0)
    assert _crosses((0.0, 50.0), (30.0, 50.0), box)
    assert _crosses((15.0, 0.0), (15.0, 100.0), box)
    assert _crosses((0.0, 35.0), (30.0, 65.0), box)
    assert _crosses((15.0, 50.0), (15.0, 51.0), box), "within"
    assert not _crosses((0.0, 50.0), (9.0, 50.0), box), "ends before"
    assert not _crosses((15.0, 0.0), (15.0, 41.0), box)
    assert not _crosses((25.0, 0.0), (25.0, 100.0), box)
    assert not _crosses((0.0, 30.0), (12.0, 90.0), box), "passes by a corner"


def test_a_name_stands_beside_its_point_where_there_is_room():
    """The line to it is as short as a row allows, and its own marker is not covered."""
    (spot,) = place_labels([Marker(0.5, 0.5)], ["z=4"], height=240.0)
    assert spot.x == 0.5
    assert 7.0 + ROW / 2 <= abs(spot.y - 0.5) * 240.0 <= 7.0 + 2 * ROW


def test_a_name_leaves_the_markers_of_others_in_sight():
    crowd = [Marker(0.5 + 0.04 * step, 0.5 + 0.09 * side) for step in range(-3, 4) for side in (-1, 1)]
    (spot,) = place_labels([Marker(0.5, 0.5)], ["ramp=0.25"], crowd, height=240.0)
    for one in [Marker(0.5, 0.5), *crowd]:
        across = abs(spot.x - one.x) * NARROWEST < label_width("ramp=0.25") / 2 + one.radius
        assert not (across and abs(spot.y - one.y) * 240.0 < ROW / 2 + one.radius)


def test_a_large_marker_keeps_its_name_further_away():
    small, large = (
        place_labels([Marker(0.5, 0.5, radius)], ["z=4"], height=240.0)[0] for radius in (4.0, 30.0)
    )
    assert abs(large.y - 0.5) * 240.0 >= 30.0 + ROW / 2 > abs(small.y - 0.5) * 240.0


def test_a_figure_grows_with_its_names_and_no_name_is_dropped():
    assert height_for(2) == height_for(12) == 430
    many = height_for(30)
    assert len(place_labels([Marker(0.5, 0.5)] * 30, ["a"] * 30, height=many - MARGINS)) == 30
    with pytest.raises(ValueError, match="31 names need 31 rows"):
        place_labels([Marker(0.5, 0.5)] * 31, ["a"] * 31, height=many - MARGINS)


def test_ranges_hold_everything_drawn():
    assert padded_range([1.0, 2.0, math.nan, math.inf]) == (0.94, 2.06)
    assert padded_range([1.0, 2.0], from_zero=True) == (0.0, 2.12)
    assert padded_range([-1.0, 1.0], from_zero=True) == (-1.12, 1.12)
    low, high = padded_range([5.0, 5.0])
    assert low < 5.0 < high
    assert padded_range([]) == (-0.06, 1.06)
