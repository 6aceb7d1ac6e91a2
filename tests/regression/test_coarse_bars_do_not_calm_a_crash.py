"""A file's bars were walked straight, so that the same fall was calmer the coarser its bars were.

Found by replaying one crash at one minute, ten minutes and an hour a bar: bad debt 0, 0 and 5.5k by accident
of where the corners fell, and none at all where half an hour held -88 %.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from sim.cli.entry import main
from sim.core.rng import Streams
from sim.market.price_file import load_price_file
from sim.market.price_paths import BlockClock
from sim.market.price_processes.replay import Replay

START, STEP, DAYS = 1_600_000_000, 12, 5


def realised_variance(prices) -> float:
    steps = np.diff(np.log(prices))
    return float(np.sum(steps * steps))


@pytest.fixture(scope="module")
def ticks():
    steps = np.random.default_rng(7).normal(0.0, 0.0006, DAYS * 86_400 // STEP)
    return 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(steps))))


def variance_from_bars(folder, ticks, seconds: int, inside: str) -> float:
    every = seconds // STEP
    rows = ["timestamp,open,high,low,close"]
    for first in range(0, ticks.size - every, every):
        bar = ticks[first : first + every + 1].tolist()
        prices = (bar[0], max(bar), min(bar), bar[-1])
        rows.append(f"{START + first * STEP},{','.join(map(repr, prices))}")
    path = folder / f"{seconds}-{inside}.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    history = load_price_file(path)
    clock = BlockClock(start_time=START, seconds_per_block=STEP, blocks=ticks.size - 1)
    process = Replay(kind="replay", file=path.name, inside_bars=inside)
    found = process.path(clock, initial_price=1.0, streams=Streams(3), name="price:X", history=history)
    return realised_variance(found.prices)


@pytest.mark.parametrize("seconds", [600, 3_600])
def test_the_path_is_as_rough_as_what_was_recorded(tmp_path, ticks, seconds):
    # Parkinson's estimate of one bar has a relative deviation of 0.64 (its variance is 0.41 of the square),
    # that of n bars 0.64 / n^0.5; three of them. A range seen in n steps is too small by about 0.6 steps at
    # each end, its square by 2.4 / (1.6 n^0.5); the four points of a bar concern at most 8 of its steps.
    bars, steps = DAYS * 86_400 // seconds, seconds // STEP
    ratio = variance_from_bars(tmp_path, ticks, seconds, "drawn") / realised_variance(ticks)
    chance, edges = 3 * 0.64 / bars**0.5, 8 / steps
    assert 1.0 - chance - edges - 1.5 / steps**0.5 < ratio < 1.0 + chance + edges


def test_walked_straight_an_hour_is_calm(tmp_path, ticks):
    assert variance_from_bars(tmp_path, ticks, 3_600, "straight") < 0.1 * realised_variance(ticks)


@pytest.mark.parametrize(
    ("header", "row", "inside", "told"),
    [
        (
            "time,open,high,low,close",
            "{t},2000,2010,1990,2001",
            "drawn",
            "within a bar the price is drawn as rough",
        ),
        (
            "time,open,high,low,close",
            "{t},2000,2010,1990,2001",
            "straight",
            "within it the price walks straight",
        ),
        ("time,price", "{t},2000", "drawn", "within it the price walks straight or stands still"),
    ],
)
def test_the_report_says_what_a_bar_hides(tmp_path, header, row, inside, told):
    rows = [row.format(t=START + 600 * hour) for hour in range(4)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join((header, *rows)) + "\n")
    small = Path(__file__).parents[1] / "support" / "small_run.toml"
    command = [
        "run",
        str(small),
        "--prices",
        str(file),
        "--blocks",
        "60",
        "--worlds",
        "none",
    ]
    price = f'markets.0.price={{ kind = "replay", file = "{file}", inside_bars = "{inside}" }}'
    out = tmp_path / "out"
    assert main([*command, "--set", price, "--out", str(out), "--set", "traders.0.count=5"]) == 0
    page = re.sub(r"<[^>]*>", "", (out / "report.html").read_text())
    assert f"rows.csv: has a row every 600 s; {told}" in page
