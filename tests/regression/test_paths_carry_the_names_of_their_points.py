"""``to_pandas()`` of a sweep gave points as numbers, and what they stand for only in another table (R14)."""

import pytest

from sim.api import Sweep
from sim.experiments.sweep.result import SweepResult
from tests.support.small_sweep import small_plan
from tests.support.sweep_folder import write_sweep_folder


def test_every_path_says_which_point_it_is_of_and_where_that_lies(tmp_path):
    plan = small_plan(paths=3, points=2)
    folder = write_sweep_folder(tmp_path / "sweep", plan, missing=[(1, 2)])
    frame = Sweep(result=SweepResult.open(folder)).to_pandas()
    key = "protocol.margin.ramp_per_hour"
    assert list(frame.columns)[:5] == ["point", "name", key, "path", "population"]
    assert list(zip(frame["point"], frame["name"], frame["path"], strict=True)) == [
        (0, "ramp=0.05", 0), (0, "ramp=0.05", 1), (0, "ramp=0.05", 2), (1, "ramp=0.1", 0), (1, "ramp=0.1", 1),
    ]  # fmt: skip
    assert frame.groupby("name")[key].first().to_dict() == pytest.approx({"ramp=0.05": 0.05, "ramp=0.1": 0.1})
    assert frame.groupby("name")["liquidated_share"].count().to_dict() == {"ramp=0.05": 3, "ramp=0.1": 2}
