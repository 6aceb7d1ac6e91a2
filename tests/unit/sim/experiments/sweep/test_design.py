"""Points and drawn inputs: where they fall, and what they do not depend on."""

import math
import tomllib

import numpy as np
import pytest

from sim.experiments.sweep.design import (
    Draw,
    Range,
    draw_values,
    grid,
    override_text,
    point_names,
    random_points,
    scrambled_sobol,
    sobol_points,
)

WIDE = Range(key="a.x", low=0.01, high=100.0, scale="log")


def test_a_grid_counts_like_an_odometer():
    assert list(grid({"a": [1, 2], "b": ["x", "y"]})) == [
        {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
    ]  # fmt: skip
    assert list(grid({})) == [{}]


def test_a_logarithmic_range_is_even_in_the_logarithm():
    assert WIDE.at(0.0) == 0.01
    assert WIDE.at(1.0) == 100.0
    assert WIDE.at(0.5) == pytest.approx(1.0, rel=1e-12)


def test_whole_numbers_move_evenly_in_the_logarithm_too():
    """One in ten: log(11) in all, log(11 / 10) of it for ten."""
    tens = Range(key="n", low=1, high=10, scale="log", whole=True)
    drawn = [tens.at((index + 0.5) / 100_000) for index in range(100_000)]
    assert (min(drawn), max(drawn), tens.at(1.0)) == (1, 10, 10)
    assert all(isinstance(value, int) for value in drawn[::1_000])
    assert drawn.count(10) / 100_000 == pytest.approx(math.log(1.1) / math.log(11), abs=1e-4)
    assert drawn.count(1) / 100_000 == pytest.approx(math.log(2) / math.log(11), abs=1e-4)


def test_whole_numbers_are_equally_likely_and_include_both_ends():
    die = Range(key="n", low=1, high=6, whole=True)
    found = [die.at((index + 0.5) / 600) for index in range(600)]
    assert {value: found.count(value) for value in set(found)} == dict.fromkeys(range(1, 7), 100)
    assert die.at(0.0) == 1
    assert die.at(1.0) == 6
    assert isinstance(die.at(0.3), int)


def test_random_points_are_uniform_and_do_not_depend_on_their_neighbours():
    first = Range(key="a", low=2.0, high=4.0)
    alone = [point["a"] for point in random_points([first], 4_000, seed=1)]
    beside = [point["a"] for point in random_points([WIDE, first], 4_000, seed=1)]
    assert beside == alone
    assert [point["a"] for point in random_points([first], 10, seed=1)] == alone[:10]
    # Uniform on [2, 4]: mean 3, standard deviation 2 / sqrt(12); 4.5 standard errors.
    assert abs(np.mean(alone) - 3.0) < 4.5 * 2.0 / math.sqrt(12 * 4_000)


def test_sobol_points_fill_every_cell_once_in_each_replicate():
    axes = [Range(key="a", low=0.0, high=1.0), Range(key="b", low=0.0, high=1.0)]
    points = list(sobol_points(axes, 64, 2, seed=3))
    for replicate in (points[:64], points[64:]):
        for key in ("a", "b"):  # scrambled or not, each interval of width 1 / 64 holds one point
            assert sorted(int(64 * point[key]) for point in replicate) == list(range(64))
    assert points[:64] != points[64:]


def test_sobol_beats_random_where_it_should():
    """The integral of x y over the unit square, 1 / 4: error far below that of as many random points."""
    errors = [scrambled_sobol(2, 256, seed, "t").prod(axis=1).mean() - 0.25 for seed in range(20)]
    random_error = math.sqrt((1 / 9 - 1 / 16) / 256)
    assert math.sqrt(np.mean(np.square(errors))) < 0.2 * random_error


def test_a_draw_depends_on_seed_key_and_path_alone():
    size, count = Draw(key="size", low=-0.2, high=-0.1), Draw(key="n", low=1, high=9, whole=True)

    def values(draws, path, seed=5):
        return draw_values(draws, path, seed=seed, sobol_points_per_replicate=1)

    assert values([size, count], 7)["size"] == values([size], 7)["size"]
    assert values([size], 7) != values([size], 8)
    assert values([size], 7) != values([size], 7, seed=6)
    assert -0.2 <= values([size], 7)["size"] <= -0.1


def test_sobol_draws_take_path_k_to_point_k_modulo_n_of_replicate_k_over_n():
    draws = [
        Draw(key="a", low=0.0, high=1.0, method="sobol"),
        Draw(key="b", low=0.0, high=1.0),
        Draw(key="c", low=0.0, high=1.0, method="sobol"),
    ]
    found = [draw_values(draws, path, seed=9, sobol_points_per_replicate=16) for path in range(32)]
    for start in (0, 16):
        for key in ("a", "c"):
            assert sorted(int(16 * row[key]) for row in found[start : start + 16]) == list(range(16))
    assert [row["a"] for row in found[:16]] != [row["a"] for row in found[16:]]
    assert found[20]["a"] == scrambled_sobol(2, 16, 9, "draws:1")[4, 0]
    assert list(found[0]) == ["a", "b", "c"]


@pytest.mark.parametrize("value", [True, 3, 0.1, 1e-7, -2.5e20, "static", 'say "so"\n', ""])
def test_an_override_reads_back_as_the_same_value(value):
    key, _, written = override_text("a.b", value).partition("=")
    read = tomllib.loads(f"x = {written}")["x"]
    assert (key, read, type(read)) == ("a.b", value, type(value))


def test_points_are_named_by_the_shortest_keys_that_differ():
    points = [{"protocol.margin.ratio": 0.5, "protocol.pool.ratio": 1.0, "blocks": 10}]
    assert point_names(points) == ["margin.ratio=0.5, pool.ratio=1, blocks=10"]
    assert point_names([{}]) == ["base"]
