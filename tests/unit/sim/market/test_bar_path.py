"""Paths through bars: what they touch, what they never leave, how rough they are."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.rng import Streams
from sim.market.price_file import load_price_file
from sim.market.price_paths import BlockClock
from sim.market.price_processes.replay import Replay

START = 1_600_000_000


def bars_file(folder: Path, rows, seconds: int) -> Path:
    path = folder / "bars.csv"
    lines = [
        f"{START + seconds * index},{','.join(repr(price) for price in row)}"
        for index, row in enumerate(rows)
    ]
    path.write_text("\n".join(["timestamp,open,high,low,close", *lines]) + "\n", encoding="utf-8")
    return path


def drawn(path: Path, blocks: int, *, seed: int = 1, step: int = 12, inside: str = "drawn", start: int = 0):
    history = load_price_file(path)
    process = Replay(kind="replay", file="bars.csv", inside_bars=inside)
    clock = BlockClock(start_time=START + start, seconds_per_block=step, blocks=blocks)
    return process.path(
        clock, initial_price=1.0, streams=Streams(seed), name="price:X", history=history
    ).prices


HOURS = [
    (100.0, 104.0, 70.0, 80.0),
    (80.0, 85.0, 79.0, 84.0),
    (84.0, 84.0, 84.0, 84.0),
    (84.0, 90.0, 60.0, 61.0),
]


def test_it_touches_open_high_low_and_close_and_never_leaves_the_bar(tmp_path):
    prices = drawn(bars_file(tmp_path, HOURS, 3_600), 1_200)
    for index, (opened, high, low, _) in enumerate(HOURS):
        inside = prices[300 * index : 300 * index + 300]
        assert inside[0] == opened
        assert inside.max() == high
        assert inside.min() == low
    assert prices[1_200] == HOURS[-1][3]


@pytest.mark.parametrize("start", [5, 7])
def test_it_touches_the_extremes_of_bars_whose_points_fall_between_blocks(tmp_path, start):
    path = bars_file(tmp_path, HOURS, 3_600)
    times = start + 12 * np.arange(1_190)
    prices = drawn(path, 1_189, start=start)
    for index, (_, high, low, _) in enumerate(HOURS):
        inside = prices[times // 3_600 == index]
        assert (inside.min(), inside.max()) == (low, high)


def test_a_flat_bar_stays_flat_and_straight_is_the_old_walk(tmp_path):
    path = bars_file(tmp_path, HOURS, 3_600)
    assert set(drawn(path, 1_200)[600:900]) == {84.0}
    straight = drawn(path, 1_200, inside="straight")
    assert np.allclose(np.diff(straight[:100]), 0.04)  # to the high, which is nearer, in twenty minutes


def realised_variance(prices) -> float:
    steps = np.diff(np.log(prices))
    return float(np.sum(steps * steps))


def test_it_is_as_rough_as_the_range_implies(tmp_path):
    path = bars_file(tmp_path, [(100.0, 101.0, 99.0, 100.0)] * 40, 3_600)
    found = [realised_variance(drawn(path, 12_000, seed=seed)) / 40 for seed in range(1, 21)]
    implied = math.log(101.0 / 99.0) ** 2 / (4.0 * math.log(2.0))
    # 240,000 squared steps: their sum has a relative deviation of (2 / n)^0.5, 0.3 %. What is systematic is
    # at the four points of each bar: a step at the mirror may be shorter, one onto an extreme longer. That
    # concerns at most 8 of 300 steps.
    assert abs(sum(found) / len(found) / implied - 1.0) < 8 / 300 + 0.01


def test_the_straight_walk_has_hardly_any_variance(tmp_path):
    path = bars_file(tmp_path, [(100.0, 101.0, 99.0, 100.0)] * 40, 3_600)
    straight = realised_variance(drawn(path, 12_000, inside="straight"))
    assert straight < 0.1 * realised_variance(drawn(path, 12_000))


@given(
    blocks=st.integers(1, 700),
    more=st.integers(1, 400),
    start=st.integers(0, 3_599),
    seconds=st.sampled_from([5, 60, 1_800, 3_600]),
)
def test_the_path_to_a_block_does_not_depend_on_the_length_of_the_run(
    tmp_path_factory, blocks, more, start, seconds
):
    rows = [((100.0, 104.0, 70.0, 80.0), (80.0, 101.0, 79.0, 100.0))[n % 2] for n in range(14_400 // seconds)]
    path = bars_file(tmp_path_factory.mktemp("bars"), rows, seconds)
    short = drawn(path, blocks, start=start)
    assert short.tolist() == drawn(path, blocks + more, start=start)[: blocks + 1].tolist()


def test_another_seed_is_another_path_and_the_same_seed_the_same(tmp_path):
    path = bars_file(tmp_path, HOURS, 3_600)
    assert drawn(path, 1_200).tolist() == drawn(path, 1_200).tolist()
    assert drawn(path, 1_200).tolist() != drawn(path, 1_200, seed=2).tolist()


@pytest.mark.parametrize("seconds", [1, 5, 12, 13, 60])
def test_bars_no_longer_than_a_few_blocks_stay_within_their_range(tmp_path, seconds):
    rows = [(100.0, 103.0, 98.0, 101.0), (101.0, 102.0, 95.0, 100.0)] * 60
    prices = drawn(bars_file(tmp_path, rows, seconds), max(1, 120 * seconds // 12 - 1))
    assert prices.min() >= 95.0
    assert prices.max() <= 103.0
