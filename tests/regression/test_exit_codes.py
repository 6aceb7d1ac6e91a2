"""Exit 2 for what the user can put right, 3 for what the machine refused, and never 0 without the report."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli.entry import main
from tests.support.small_run import SCENARIO
from tests.support.small_sweep import small_experiment

ROOT = Path(__file__).parents[2]
MEBIBYTE = 2**20


def small_disk() -> None:
    """Let no file of this process grow beyond 1 MiB: to a report, which carries its figures, a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEBIBYTE, MEBIBYTE))


def test_a_disk_that_fills_under_the_report_is_told_and_the_results_stand(tmp_path):
    out = tmp_path / "sweep"
    command = ["sweep", small_experiment(tmp_path), "--workers", 0, "--out", out]
    done = subprocess.run(
        [sys.executable, "-m", "sim", *map(str, command)],
        cwd=ROOT, capture_output=True, text=True, preexec_fn=small_disk, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert f"Results  {out}" in done.stdout
    assert "seawall: no report: " in done.stderr
    assert f"seawall: {out}: the results stand; make room and run it again" in done.stderr
    assert json.loads((out / "sweep.json").read_text())["is_complete"]
    assert not (out / "report.html").exists()
    assert main(list(map(str, command))) == 0
    assert (out / "report.html").stat().st_size > MEBIBYTE


@pytest.mark.parametrize(
    "address", ["nonsense", "tcp://nonsense", "host:port", "", "http://host:8786", "tcp://host:8786 x"]
)
def test_an_address_that_is_none_is_bad_input(tmp_path, capsys, address):
    experiment = small_experiment(tmp_path)
    assert main(["sweep", str(experiment), "--dask", address, "--out", str(tmp_path / "sweep")]) == 2
    assert capsys.readouterr().err == (
        f"seawall: --dask {address!r}: must be an address such as tcp://host:8786\n"
    )
    assert not (tmp_path / "sweep").exists()


NO_MODEL = """\
# pragma version 0.4.3
# pragma nonreentrancy on


struct Ratios:
    initial: uint256
    maintenance: uint256


@external
@view
def margin_ratios({inputs}) -> Ratios:
    return Ratios(initial=10**17, maintenance=5 * 10**16)
"""


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("# pragma version 0.4.3\n# pragma nonreentrancy on\n", "margin_ratios is missing"),
        (NO_MODEL.format(inputs="notional: uint256"), "margin_ratios is (uint256) -> ((uint256,uint256))"),
        (NO_MODEL.format(inputs="notional: uint256"), "collateral_haircut is missing"),
    ],
    ids=["empty", "other inputs", "no haircut"],
)  # fmt: skip
def test_a_model_without_its_views_is_bad_input(tmp_path, capsys, source, problem):
    model = tmp_path / "Model.vy"
    model.write_text(source)
    changes = ["--set", f"protocol.risk_model={model}", "--blocks", "2", "--worlds", "none"]
    assert main(["run", str(SCENARIO), *changes, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"seawall: {model}: {problem}" in said
    assert "contracts/interfaces/IRiskModel.vyi" in said
