"""``RunOptions.contracts`` could be reached by neither the command line nor the API."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import sim
from sim.chain.compile import contracts_root
from sim.cli import entry
from tests.support.small_run import SCENARIO


@pytest.fixture
def contracts(tmp_path) -> Path:
    """Return a copy of the contracts in which one, and nothing else, has another text in a revert."""
    folder = Path(shutil.copytree(contracts_root(), tmp_path / "mine"))
    module = folder / "modules" / "liquidation.vy"
    text = module.read_text()
    assert '"liquidation: healthy"' in text
    module.write_text(text.replace('"liquidation: healthy"', '"liquidation: sound"'))
    return folder


def bytecode(folder: Path) -> dict[str, str]:
    return json.loads((folder / "manifest.json").read_text())["contracts"]


def test_they_are_deployed_copied_and_replayed(contracts, tmp_path):
    plain, other, again = (tmp_path / name for name in ("plain", "other", "again"))
    command = ["run", str(SCENARIO), "--blocks", "2", "--worlds", "none", "--out"]
    assert entry.main([*command, str(plain)]) == 0
    assert entry.main([*command, str(other), "--contracts", str(contracts)]) == 0
    run = sim.run(SCENARIO, blocks=2, worlds="none", contracts=contracts, out=again)
    before, after = bytecode(plain), bytecode(other)
    assert {name for name in before if before[name] != after[name]} == {"LiquidationEngine"}
    assert bytecode(run.folder) == after
    shutil.rmtree(contracts)
    assert entry.main(["replay", str(other)]) == 0


@pytest.mark.parametrize("missing", ["", "Ledger.vy", "risk_models/StaticRiskModel.vy"])
def test_a_folder_that_is_not_laid_out_alike_is_refused(contracts, tmp_path, missing, capsys):
    if missing:
        (contracts / missing).unlink()
    else:
        shutil.rmtree(contracts)
    command = ["run", str(SCENARIO), "--contracts", str(contracts), "--out", str(tmp_path / "run")]
    assert entry.main(command) == 2
    assert f"--contracts {contracts}: " in capsys.readouterr().err


def test_contracts_of_a_results_folder_may_import_nothing_from_outside(contracts, tmp_path, capsys):
    out = tmp_path / "run"
    (tmp_path / "secret.vyi").write_text("# pragma version 0.4.3\n")
    command = ["run", str(SCENARIO), "--blocks", "2", "--worlds", "none", "--out", str(out)]
    assert entry.main([*command, "--contracts", str(contracts)]) == 0
    from tests.support.sealed import seal

    lens = out / "inputs" / "contracts" / "Lens.vy"
    lens.write_text(lens.read_text().replace("from .interfaces import IERC20", "from .... import secret"))
    seal(out)
    assert entry.main(["replay", str(out)]) == 2
    assert "Lens.vy: Lens.vy imports ../../secret.vyi, which is not in its folder" in capsys.readouterr().err
