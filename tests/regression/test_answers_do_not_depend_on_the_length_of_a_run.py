"""T21, T23: bad debt was 9 at 300 blocks and 10,339 in full, and the optimum went from z = 5.66 to 3.32."""

import numpy as np
import pytest

from scripts import run_length
from sim.experiments.exploration.studies import STUDIES
from sim.experiments.sweep.experiment import load_experiment


def test_a_crash_loses_the_same_wherever_its_run_ends(monkeypatch):
    small = ("traders.0.count=60", "protocol.pool.deposit=1500000.0")
    monkeypatch.setattr(run_length, "EARLIER", (*run_length.EARLIER, *small))
    cut, longer = run_length.losses((185, 240), range(12))
    # The surge of gas ends in the last block of the first: accounts under water are left to its settlement.
    assert longer[:, 1].mean() > 100.0
    # Single paths differ by as much as seeds do: asked is that on average half of neither key is missing.
    # Without settlement a loss is there and not booked, which the first of them shows.
    for key in range(len(run_length.KEYS)):
        apart, width = run_length.difference(cut[:, key], longer[:, key])
        assert abs(apart) + width < longer[:, key].mean() / 2.0


def test_a_length_that_loses_more_is_told_from_the_full_run():
    full = np.array([100.0, 400.0, 250.0, 300.0])
    same = np.stack([np.stack([full, full], axis=-1)] * 2)
    assert run_length.losses_table(same, (240, 720))[1]
    more = same.copy()
    more[0, :, 1] += [50.0, 60.0, 40.0, 55.0]
    lines, agrees = run_length.losses_table(more, (240, 720))
    assert not agrees
    assert "+51" in lines[2]


def test_searches_that_recommend_another_set_are_told_apart():
    def found(*simple):
        points = [
            {"simple": z in simple, "candidate": {"values": {"z": z, "fast_weight": 0.0}}}
            for z in (2.0, 2.55, 4.0)
        ]
        return run_length.recommended({"found": {"front": {"points": points}}})

    assert found(2.55, 4.0) == {(2.55, 0.0), (4.0, 0.0)}
    assert run_length.choices_table([("a", found(2.0)), ("b", found(2.0))])[1]
    assert not run_length.choices_table([("a", found(2.0)), ("b", found(4.0))])[1]


@pytest.mark.parametrize("kind", ["optimise", "frontier", "sensitivity"])
def test_examples_that_conclude_draw_what_sources_leave_open(kind):
    fields, _ = STUDIES[kind]
    experiment = load_experiment(run_length.EXPERIMENT.with_name(f"{kind}.toml"), fields)
    drawn = {section.key: (section.low, section.high, section.scale) for section in experiment.fields.draws}
    assert drawn == {
        "markets.0.impact.impact_half_life_seconds": (180, 7_200, "log"),
        "markets.0.impact.depth_withdrawal": (0.13, 0.86, "log"),
    }
