"""Plug-ins from the command line: copied, hashed, swept on any workers, executed only when they are named."""

import json
import shutil
from pathlib import Path

import pytest

from sim.cli.entry import main
from sim.core.errors import InputError
from sim.core.plugins import Plugin, active, loaded
from sim.core.registry import revision
from sim.experiments.sweep.api import Workers, run_plan
from tests.support.small_sweep import small_plan

EXAMPLES = Path(__file__).parents[1] / "support" / "extension"
METRIC = EXAMPLES / "metric_reverted_share.py"
PROCESS = EXAMPLES / "price_process_staircase.py"
SMALL = Path(__file__).parents[1] / "support" / "small_run.toml"

EXPERIMENT = """
schema_version = 1
kind = "sweep"
title = "With a process and a metric from outside"
scenario = "small_run.toml"
paths = 2
set = ["blocks=8", "traders.0.count=8", 'markets.0.price={ kind = "staircase" }']
metrics = ["reverted_share"]

[[parameters]]
key = "markets.0.price.step"
values = [0.01, 0.05]
"""


@pytest.fixture
def experiment(tmp_path):
    shutil.copy(SMALL, tmp_path / "small_run.toml")
    file = tmp_path / "outside.toml"
    file.write_text(EXPERIMENT)
    return file


def swept(experiment, out, *words):
    return main(["sweep", str(experiment), "--out", str(out), *map(str, words)])


def digest(folder):
    return json.loads((folder / "sweep.json").read_text())["digest"]


def test_a_sweep_with_plug_ins_has_one_digest_whoever_works(experiment, tmp_path):
    plugins = ("--plugin", METRIC, "--plugin", PROCESS)
    assert swept(experiment, tmp_path / "here", "--workers", "0", *plugins) == 0
    assert swept(experiment, tmp_path / "beside", "--workers", "2", *plugins) == 0
    assert digest(tmp_path / "here") == digest(tmp_path / "beside")
    assert active() == ()
    stored = json.loads((tmp_path / "here" / "inputs" / "plan.json").read_text())["plugins"]
    assert [record["file"] for record in stored] == [METRIC.name, PROCESS.name]
    copy = tmp_path / "here" / "inputs" / "plugins" / METRIC.name
    assert copy.read_bytes() == METRIC.read_bytes()


def test_workers_of_a_cluster_load_the_copies(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra `experiments`")
    plugin = Plugin.read(METRIC)
    plan = small_plan(paths=2, points=1, metrics=("reverted_share",))
    with loaded([plugin]):
        alone = run_plan(plan, tmp_path / "alone")
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            out = tmp_path / "cluster"
            spread = run_plan(plan, out, workers=Workers.of(dask=cluster.scheduler_address))
    assert spread.digest == alone.digest
    assert spread.paths()["reverted_share"].notna().all()


def test_going_on_with_a_sweep_needs_the_same_files_named_again(experiment, tmp_path, capsys):
    out = tmp_path / "out"
    plugins = ("--plugin", METRIC, "--plugin", PROCESS)
    assert swept(experiment, out, "--workers", "0", *plugins) == 0
    before = revision()
    assert main(["sweep", str(out), "--workers", "0"]) == 2
    assert "unless you name the file" in capsys.readouterr().err
    assert revision() == before
    changed = tmp_path / METRIC.name
    changed.write_text(METRIC.read_text() + "\n# changed\n")
    assert main(["sweep", str(out), "--plugin", str(changed), "--plugin", str(PROCESS)]) == 2
    assert "is not the plug-in that took part" in capsys.readouterr().err
    assert main(["sweep", str(out), "--workers", "0", *map(str, plugins)]) == 0
    # The experiment's own command with other plug-ins is another sweep.
    assert swept(experiment, out, "--workers", "0", "--plugin", changed, "--plugin", PROCESS) == 2
    assert "other plug-ins" in capsys.readouterr().err


def test_a_copy_that_was_altered_is_not_executed(experiment, tmp_path, capsys):
    out, mark = tmp_path / "out", tmp_path / "mark"
    plugins = ("--plugin", METRIC, "--plugin", PROCESS)
    assert swept(experiment, out, "--workers", "0", *plugins) == 0
    copy = out / "inputs" / "plugins" / METRIC.name
    copy.write_text(f"open({str(mark)!r}, 'w')\n" + METRIC.read_text())
    code = main(["sweep", str(out), "--workers", "2", *map(str, plugins)])
    assert not mark.exists()
    assert code in {0, 2}  # put right from the named file, or refused: never executed
    # Even named by the user it is compared first: it is not what took part.
    for command in ("sweep", "replay"):
        assert main([command, str(out), "--plugin", str(copy), "--plugin", str(PROCESS)]) == 2
        assert not mark.exists()


def test_nothing_of_a_strangers_folder_is_executed(tmp_path, capsys):
    out, mark = tmp_path / "run", tmp_path / "mark"
    words = ["run", str(SMALL), "--blocks", "4", "--worlds", "none", "--out", str(out)]
    assert main([*words, "--plugin", str(METRIC)]) == 0
    copy = out / "inputs" / "plugins" / METRIC.name
    copy.write_text(f"open({str(mark)!r}, 'w')\n" + METRIC.read_text())
    for command in ("replay", "report", "explain", "account"):
        extra = ["0"] if command == "account" else []
        main([command, str(out), *extra])
        assert not mark.exists(), command
    capsys.readouterr()


def test_the_interface_for_notebooks_takes_them_too(tmp_path):
    from sim import run

    changes = {"traders.0.count": 8, "markets.0.price": {"kind": "staircase", "step": 0.01}}
    found = run(
        SMALL, changes=changes, blocks=6, worlds="none", out=tmp_path / "run", plugins=[METRIC, PROCESS]
    )
    assert found.summary["reverted_share"] is not None
    assert active() == ()
    with pytest.raises(InputError, match="staircase"):
        run(SMALL, changes=changes, blocks=6, worlds="none", out=tmp_path / "again", plugins=METRIC)
