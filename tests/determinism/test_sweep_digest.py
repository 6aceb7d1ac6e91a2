"""A sweep has one digest, whoever runs it, in whatever pieces, and each path is the run its command names."""

import json
import os
import shlex
import shutil
import signal
from dataclasses import replace

import pytest

from sim.cli import main
from sim.core.errors import InputError
from sim.experiments.sweep.executors import Workers
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.inputs import read_plan
from sim.experiments.sweep.runner import run_plan
from tests.support.small_sweep import small_experiment, small_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    file = small_experiment(tmp_path_factory.mktemp("experiment"))
    return plan_of(load_experiment(file, SweepExperiment))


@pytest.fixture(scope="module")
def reference(plan, tmp_path_factory):
    """Return the sweep run in this process alone."""
    result = run_plan(plan, tmp_path_factory.mktemp("sweep") / "reference")
    assert (result.completed, result.total, result.failures) == (12, 12, ())
    return result


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return the address of a Dask scheduler on loopback with two workers in processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as running:
        yield running.scheduler_address


@pytest.mark.parametrize("count", [1, 2])
def test_processes_give_the_same_digest_as_this_process(plan, reference, tmp_path, count):
    result = run_plan(plan, tmp_path / "sweep", workers=Workers.of(count))
    assert result.digest == reference.digest
    assert result.paths().equals(reference.paths())


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_digest(plan, reference, tmp_path, cluster):
    result = run_plan(plan, tmp_path / "sweep", workers=Workers.of(dask=cluster))
    assert result.digest == reference.digest


def test_the_digest_does_not_depend_on_the_pieces(plan, reference, tmp_path):
    """First two paths of one point, then all paths of it, then both points: each piece extends the last."""
    out = tmp_path / "sweep"
    first = run_plan(replace(plan, paths=2, points=plan.points[:1]), out)
    assert (first.completed, first.total) == (2, 2)
    assert run_plan(replace(plan, points=plan.points[:1]), out).completed == 6
    assert run_plan(plan, out).digest == reference.digest


def test_a_finished_sweep_runs_nothing_again(plan, reference):
    again = run_plan(plan, reference.folder)
    assert again.digest == reference.digest
    assert json.loads((reference.folder / "timing.json").read_text())["paths_run"] == 0


def test_the_folder_alone_is_enough_even_when_it_was_moved(reference, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(reference.folder, moved)
    (moved / "sweep.json").unlink()
    assert run_plan(read_plan(moved), moved).digest == reference.digest


def test_another_seed_gives_another_digest(plan, reference, tmp_path):
    other = replace(plan, seed=plan.seed + 1, paths=2)
    same = replace(plan, paths=2)
    assert run_plan(other, tmp_path / "a").digest != run_plan(same, tmp_path / "b").digest


def test_each_path_is_the_run_that_its_command_names(reference, tmp_path, capsys):
    command = shlex.split(json.loads((reference.folder / "sweep.json").read_text())["example_command"])
    assert command[:2] == ["seawall", "run"]
    assert main([*command[1:], "--out", str(tmp_path / "run"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    row = reference.paths().query("point == 0 and path == 0").iloc[0]
    assert row["digest"] == summary["digest"]
    assert row["liquidations"] == summary["liquidations"]


def test_points_share_their_paths_and_their_drawn_inputs(reference):
    table = reference.paths()
    first, second = (table[table["point"] == point].reset_index() for point in (0, 1))
    assert first["shocks.0.size"].equals(second["shocks.0.size"])
    assert first["price_start"].equals(second["price_start"])
    assert first["shocks.0.size"].nunique() == len(first)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 12}, "another seed"),
        ({"populations": 2}, "another populations"),
        ({"worlds": "forced"}, "another worlds"),
        ({"paths": 1}, "2 paths, this one has 1"),
    ],
)
def test_a_folder_belongs_to_one_plan(tmp_path, changes, what):
    plan = small_plan(paths=2, points=1)
    run_plan(plan, tmp_path / "sweep")
    with pytest.raises(InputError, match=f"holds a sweep with {what}"):
        run_plan(replace(plan, **changes), tmp_path / "sweep")


@pytest.mark.slow
def test_a_dask_worker_that_is_killed_costs_nothing(plan, reference, tmp_path, cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))
    killed = []

    def kill(progress):
        if not killed:
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    result = run_plan(plan, tmp_path / "sweep", workers=Workers.of(dask=cluster), progress=kill)
    assert killed
    assert (result.digest, result.failures) == (reference.digest, ())
