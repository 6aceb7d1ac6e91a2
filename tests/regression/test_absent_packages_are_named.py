"""A package that only experiments need may be absent: whoever asks for it is told its name."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sim.core.extras import MODULES, NEEDS
from tests.support.small_run import SCENARIO
from tests.support.small_sweep import small_experiment

ROOT = Path(__file__).parents[2]
WITHOUT = """
import importlib.util, sys
absent = {absent}
for name in absent:
    sys.modules[name] = None  # importing it now fails
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in absent else known(name, package)
from sim.cli.entry import main
sys.exit(main(sys.argv[1:]))
"""


def seawall(*arguments: object, absent: tuple[str, ...] = tuple(MODULES.values())):
    """Run the command line in a process of its own, in which some modules cannot be found."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=set(absent)), *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["sensitivity", "EXPERIMENT"], "seawall sensitivity needs salib"),
        (["optimise", "EXPERIMENT"], "seawall optimise needs optuna"),
        (["backtest", "SCENARIO"], "seawall backtest needs arch"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_names_what_it_needs(tmp_path, command, missing):
    files = {"EXPERIMENT": small_experiment(tmp_path), "SCENARIO": SCENARIO}
    done = seawall(*(files.get(word, word) for word in command), "--out", tmp_path / "out")
    assert done.returncode == 3
    assert done.stderr.startswith(f"seawall: {missing}: pip install 'seawall[experiments]'")
    assert not (tmp_path / "out").exists()


def test_a_cluster_needs_its_client(tmp_path):
    arguments = [
        "sweep",
        small_experiment(tmp_path),
        "--dask",
        "tcp://127.0.0.1:1",
        "--out",
        tmp_path / "out",
    ]
    done = seawall(*arguments, absent=("distributed",))
    assert done.returncode == 3
    assert done.stderr.startswith("seawall: --dask needs distributed: pip install")


def test_runs_sweeps_their_replay_and_reports_and_the_lists_need_none(tmp_path):
    out = tmp_path / "out"
    for arguments in (
        ["run", SCENARIO, "--blocks", "10", "--worlds", "none", "--out", out],
        ["replay", out],
        ["report", out],
        ["sweep", small_experiment(tmp_path, paths=2), "--workers", "0", "--out", tmp_path / "sweep"],
        ["report", tmp_path / "sweep"],
        ["scenarios"],
        ["schema"],
    ):
        done = seawall(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments[0]


def test_the_extra_and_the_list_of_its_modules_are_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["experiments"]}
    assert extra == set(MODULES)
    assert {package for needed in NEEDS.values() for package in needed} == set(MODULES)
