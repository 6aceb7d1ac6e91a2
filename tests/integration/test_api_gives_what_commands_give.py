"""Every command that computes is a function too, and says the same: digests, folders and pages."""

import json

import pytest

import sim
from sim.cli.entry import main
from sim.core.errors import InputError
from tests.integration.test_exploration_commands import FRONTIER, OPTIMISE, SENSITIVITY, write
from tests.support.small_run import SCENARIO
from tests.unit.sim.experiments.backtest.conftest import PLAIN
from tests.unit.sim.experiments.backtest.test_command import QUICK


@pytest.mark.parametrize(
    ("kind", "text", "columns"),
    [
        ("frontier", FRONTIER, {"point", "name", "loss_lower", "on_front"}),
        ("sensitivity", SENSITIVITY, {"parameter", "index", "estimate", "lower", "upper"}),
        ("optimise", OPTIMISE, {"trial", "feasible", "finalist"}),
    ],
)
def test_a_study(tmp_path, kind, text, columns):
    file = write(tmp_path, text)
    done = getattr(sim, kind)(file, workers=0, out=tmp_path / "out")
    assert columns <= set(done.to_pandas().columns)
    assert {"point", "name", "liquidated_share"} <= set(done.paths().columns)
    assert done.content["kind"] == kind
    assert repr(done).startswith(f"{kind.capitalize()}(")
    assert len(repr(done)) < 200 + len(str(tmp_path))
    with pytest.raises(InputError, match="no stage 'none'"):
        done.paths("none")
    page, record = done.report.read_bytes(), (done.folder / f"{kind}.json").read_bytes()
    assert main([kind, str(file), "--workers", "0", "--out", str(tmp_path / "out")]) == 0
    assert (done.report.read_bytes(), (done.folder / f"{kind}.json").read_bytes()) == (page, record)


def test_a_backtest(tmp_path):
    scenario = tmp_path / "plain.toml"
    scenario.write_text(PLAIN)
    done = sim.backtest(scenario, changes={"blocks": 600}, noise_runs=1, out=tmp_path / "api")
    assert main(["backtest", str(scenario), *QUICK, "--out", str(tmp_path / "command")]) == 0
    told = json.loads((tmp_path / "command" / "summary.json").read_text())
    assert json.loads(json.dumps(done.summary)) == told
    assert len(done.to_pandas()) == told["prices"]["steps"]
    assert len(done.to_pandas("impulse")) > 0
    assert repr(done).startswith(f"Backtest({told['prices']['steps']:,} steps, digest {done.digest[:16]}")
    with pytest.raises(InputError, match="no table 'trades'"):
        done.to_pandas("trades")
    with pytest.raises(InputError, match="no option 'windows'"):
        sim.backtest(scenario, out=tmp_path / "api", windows=3)


def test_a_suite(tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(SCENARIO.read_text())
    bad.write_text(SCENARIO.read_text().replace("blocks = 60", "blocks = 0"))
    done = sim.suite(tmp_path, junit=tmp_path / "out.xml")
    rows = done.to_pandas().set_index("scenario")
    assert rows["verdict"].to_dict() == {"bad": "bad input", "good": "passed"}
    assert "blocks" in rows.loc["bad", "failures"]
    assert rows.loc["good", "digest"] == sim.run(good, worlds="none", out=tmp_path / "run").digest
    assert not done.passed
    assert repr(done) == "Suite(1 of 2 passed)"
    assert (tmp_path / "out.xml").is_file()


def test_a_run_prints_as_a_line_and_not_as_its_summary(tmp_path):
    done = sim.run(SCENARIO, blocks=10, worlds="none", out=tmp_path / "run")
    assert repr(done) == (
        f"Run(10 blocks, {done.summary['liquidations']:,} liquidations, digest {done.digest[:16]}, "
        f"{tmp_path / 'run'})"
    )
