"""A run on other contracts than the shipped ones was replayed, and its crash explained, on the shipped ones.

The folder of contracts is an input like any other: it is copied into the run folder and used from there.
Inputs also changed their file names, so that a custom risk model came back under another name.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sim.chain.compile import contracts_root
from sim.core.errors import InputError
from sim.engine.options import RunOptions
from sim.engine.replay import replay_run
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from tests.support.sealed import edit_sealed, seal
from tests.support.small_run import small_run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture(scope="module")
def run_on_a_copy(tmp_path_factory):
    """Return the folder of a run whose contracts no longer exist where they were."""
    folder = tmp_path_factory.mktemp("copy")
    contracts = shutil.copytree(contracts_root(), folder / "contracts")
    result = small_run(folder / "run", "blocks=9", contracts=contracts)
    shutil.rmtree(contracts)
    return result.folder


def test_the_run_folder_holds_the_contracts(run_on_a_copy):
    stored = run_on_a_copy / "inputs" / "contracts"
    for source in sorted(contracts_root().rglob("*.vy*")):
        assert (stored / source.relative_to(contracts_root())).read_bytes() == source.read_bytes()
    assert replay_run(run_on_a_copy, None).identical


def test_replay_uses_them(run_on_a_copy, tmp_path):
    """A stored contract that does not compile stops it: the copies are what is executed."""
    folder = shutil.copytree(run_on_a_copy, tmp_path / "run")
    lens = folder / "inputs" / "contracts" / "Lens.vy"
    lens.write_text("this is not Vyper")
    seal(folder)
    with pytest.raises(InputError, match="does not compile"):
        replay_run(folder, None)


def test_contracts_outside_the_run_folder_are_refused(run_on_a_copy, tmp_path):
    folder = shutil.copytree(run_on_a_copy, tmp_path / "run")
    edit_sealed(folder, "manifest.json", lambda manifest: manifest["inputs"].update(contracts="../elsewhere"))
    with pytest.raises(InputError, match=r"manifest\.json: inputs\.contracts: \.\./elsewhere is not among"):
        replay_run(folder, None)


def test_a_custom_risk_model_keeps_its_name(tmp_path):
    scenario = load_scenario(
        SCENARIOS / "custom_risk_model.toml", overrides=["blocks=5", "traders.0.count=20"]
    )
    result = run_scenario(scenario, RunOptions(out=tmp_path / "run", worlds="none"))
    model = Path(scenario.protocol.risk_model).name
    assert [path.name for path in (result.folder / "inputs").rglob("*.vy")] == [model]
    replayed = replay_run(result.folder, None)
    assert replayed.identical, replayed.first_difference
