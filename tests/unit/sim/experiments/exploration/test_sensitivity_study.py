"""Both stages together on a function with known indices, evaluated as a sweep would be."""

import math

import numpy as np
import pytest

from sim.core.rng import Streams
from sim.experiments.exploration.axes import Axis
from sim.experiments.exploration.objectives import Objective
from sim.experiments.exploration.samples import Samples
from sim.experiments.exploration.sensitivity import Settings, find_sensitivity

PATHS = 30
LOSS = Objective(metric="bad_debt_ratio", statistic="mean", sign=1)
AXES = [Axis(key=key, low=-math.pi, high=math.pi) for key in ("a", "b", "c", "idle")]
SETTINGS = Settings(
    method="both", outputs=(LOSS,), trajectories=40, levels=4, keep_share=0.05, samples=512,
    second_order=False, resamples=200, confidence=0.95, seed=3,
)  # fmt: skip


class Sweep:
    """Ishigami's function plus noise of the paths, the same at every point."""

    def __init__(self):
        self.seen = {}

    def run(self, stage, rows):
        self.seen[stage] = rows
        values = np.array([[row.get(key, 0.0) for key in ("a", "b", "c")] for row in rows])
        a, b, c = values.T
        loss = np.sin(a) + 7.0 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)
        noise = Streams(8).draw("paths").normal(PATHS)
        return Samples(
            values={"bad_debt_ratio": loss[:, None] + noise},
            paths=np.arange(PATHS), clusters=np.arange(PATHS), planned=PATHS,
        )  # fmt: skip


@pytest.fixture(scope="module")
def study():
    sweep = Sweep()
    return sweep, find_sensitivity(AXES, SETTINGS, sweep.run)


def test_screening_passes_on_what_matters_alone(study):
    sweep, found = study
    assert found.screening.kept == (0, 1, 2)
    assert [axis.key for axis in found.variance.axes] == ["a", "b", "c"]
    assert all("idle" not in row for row in sweep.seen["indices"])  # stays at the scenario's value


def test_coinciding_points_are_run_once(study):
    sweep, found = study
    rows = [tuple(row.values()) for row in sweep.seen["screening"]]
    assert (
        len(rows) == len(set(rows)) == found.screening.extent.points < found.screening.extent.rows == 40 * 5
    )


def test_the_indices_are_the_known_ones(study):
    _, found = study
    b = 0.1
    total = 49 / 8 + b * math.pi**4 / 5 + b**2 * math.pi**8 / 18 + 0.5
    first = [(1 + b * math.pi**4 / 5) ** 2 / 2 / total, 49 / 8 / total, 0.0]
    pair = b**2 * math.pi**8 * 8 / 225 / total
    for index, s1, st in zip(
        found.variance.indices[0].parameters, first, (first[0] + pair, first[1], pair), strict=True
    ):
        for interval, truth in ((index.first, s1), (index.total, st)):
            # 1.96 standard errors of independent points are half an interval; 4.5 are allowed.
            assert abs(interval.estimate - truth) <= 4.5 / 1.96 * (interval.upper - interval.lower) / 2


def test_what_a_reader_must_know_is_said(study):
    _, found = study
    assert any("N = 512, below 1,024" in flag for flag in found.flags)
    assert any("the interval includes 0 for c" in flag for flag in found.flags)  # S1 of c is 0 exactly


def test_nothing_is_apportioned_where_nothing_varies():
    class Flat(Sweep):
        def run(self, stage, rows):
            found = super().run(stage, rows)
            return Samples(
                values={"bad_debt_ratio": 0.0 * found.values["bad_debt_ratio"]},
                paths=found.paths, clusters=found.clusters, planned=PATHS,
            )  # fmt: skip

    sweep = Flat()
    found = find_sensitivity(AXES, SETTINGS, sweep.run)
    assert found.variance is None
    assert "indices" not in sweep.seen
    assert any("nothing to apportion" in flag for flag in found.flags)
