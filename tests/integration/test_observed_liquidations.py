"""The script that holds a model's liquidations against observed ones: what it counts, and what is quoted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from scripts import observed_liquidations as script
from sim.core.errors import InputError
from sim.market.price_file import load_price_file
from tests.support.shared_data import ETH_JANUARY_2021, require

BEGIN = datetime(2021, 5, 1, tzinfo=UTC)


def crash(tmp_path, column="observed_long_liquidations"):
    """Return two hours of minutes: the first stands still, in the second the price falls by a fifth."""
    rows = [f"time,price,{column}"]
    for minute in range(121):
        price = 1_250.0 * (1.0 - 0.2 * min(max(minute - 60, 0) / 30.0, 1.0))
        rows.append(f"{(BEGIN + timedelta(minutes=minute)).isoformat()},{price},{minute % 7}")
    path = tmp_path / "crash.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_liquidations_fall_into_the_hour_they_happen_in(tmp_path):
    path = crash(tmp_path)
    history = load_price_file(path)
    found = script.modelled_hours(script.BOOKS["closed"][0], path, history, seeds=1, days=1)
    assert found[0] == 0.0
    assert found[1] > 10.0
    assert script.falls(history)[:2] == pytest.approx([0.0, 0.2])
    seen = script.observed_hours(history)
    assert seen[0] == sum(minute % 7 for minute in range(60))
    assert seen.sum() == sum(minute % 7 for minute in range(121))


def test_a_file_without_observations_is_refused(tmp_path):
    history = load_price_file(crash(tmp_path, column="volume"))
    with pytest.raises(InputError, match="no column observed_long_liquidations"):
        script.observed_hours(history)


def test_what_ranks_nothing_correlates_with_nothing():
    hours = np.arange(10.0)
    assert script.rank_correlation(np.zeros(10), hours) == 0.0
    assert script.rank_correlation(hours**3, hours) == pytest.approx(1.0)


def test_intervals_are_of_pairs_of_the_same_hours():
    random = np.random.default_rng(3)
    seen = random.normal(size=48)
    found = script.intervals(seen, seen.copy(), seen, 200)
    assert found["model"] == pytest.approx([1.0, 1.0, 1.0])
    assert found["difference"] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    noisy = script.intervals(seen + random.normal(size=48), seen, seen, 200)
    estimate, lower, upper = noisy["model"]
    assert lower < estimate < upper < 1.0
    assert noisy["difference"][2] < 0.0


def test_the_baseline_of_january_2021_is_the_one_quoted():
    history = load_price_file(require(ETH_JANUARY_2021))
    seen, fall = script.observed_hours(history), script.falls(history)
    assert seen.size == 72
    after = slice(script.DAY_HOURS, None)
    assert script.rank_correlation(fall[after], seen[after]) == pytest.approx(0.881, abs=5e-4)
    assert script.rank_correlation(fall[: script.DAY_HOURS], seen[: script.DAY_HOURS]) == pytest.approx(
        0.898, abs=5e-4
    )
