"""A custom model that imports a file beside it ran, but could not be replayed or swept (R1).

Only the named file was copied. Its imports could also climb out of the scenario's folder.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sim.chain.compile import own_imports
from sim.cli import entry
from sim.core.errors import InputError
from sim.engine.options import RunOptions
from sim.engine.replay import replay_run
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.foundation import foundation_key
from sim.experiments.sweep.expansion import plan_of as plan_of_experiment
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from sim.experiments.sweep.inputs import gather, point_identities, read_plan
from sim.experiments.sweep.plan import Plan, Point
from sim.experiments.sweep.runner import run_plan
from tests.support.small_run import SCENARIO, text_with_model
from tests.support.small_sweep import small_experiment

SHIPPED = Path(__file__).parents[2] / "scenarios" / "models" / "LinearRiskModel.vy"
TINY = ("blocks=3", "traders.0.count=5", "shocks=[]")
PARAMETERS = "{base_ratio = 0.04, slope = 0.06, initial_max = 0.5, maintenance_share = 0.5, haircut = 0.0}"


def write_model(folder: Path) -> Path:
    """Write the shipped example with its arithmetic in modules beside it, one of which imports another."""
    source = SHIPPED.read_text().replace(
        "from interfaces import IRiskModel",
        "from interfaces import IRiskModel\nfrom .shapes import (\n    line,  # and nothing else\n)",
    )
    line = "(PARAMETERS.slope * volatility + WAD - 1) // WAD"
    assert line in source
    (folder / "shapes" / "deep").mkdir(parents=True)
    model = folder / "Bent.vy"
    model.write_text(source.replace(line, "line.rise(PARAMETERS.slope, volatility)"))
    head = "# pragma version 0.4.3\n# pragma nonreentrancy on\n"
    (folder / "shapes" / "line.vy").write_text(
        f"{head}from .deep import one\n\n@internal\n@pure\n"
        "def rise(slope: uint256, volatility: uint256) -> uint256:\n"
        "    return (slope * volatility + one.WAD - 1) // one.WAD\n"
    )
    (folder / "shapes" / "deep" / "one.vy").write_text(f"{head}WAD: constant(uint256) = 10**18\n")
    return model


@pytest.fixture
def scenario(tmp_path) -> Path:
    """Return a scenario that names the model in its folder."""
    folder = tmp_path / "mine"
    folder.mkdir()
    write_model(folder / "models")
    file = folder / "bent.toml"
    file.write_text(text_with_model("models/Bent.vy", PARAMETERS))
    return file


def forget(scenario: Path) -> None:
    """Remove what the results were made from."""
    shutil.rmtree(scenario.parent)


def test_a_run_replays_without_the_files_it_was_made_from(scenario, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = [word for change in TINY for word in ("--set", change)]
    assert entry.main(["run", str(scenario), "--worlds", "none", *arguments, "--out", str(out)]) == 0
    forget(scenario)
    kept = {path.relative_to(out / "inputs").as_posix() for path in out.rglob("*.vy")}
    names = ("Bent.vy", "shapes/line.vy", "shapes/deep/one.vy")
    assert kept == {f"protocol_risk_model/{name}" for name in names}
    assert {f"inputs/{name}" for name in kept} <= json.loads((out / "manifest.json").read_text())[
        "files"
    ].keys()
    assert entry.main(["replay", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("identical")
    (out / "inputs" / "protocol_risk_model" / "shapes" / "line.vy").unlink()
    assert entry.main(["replay", str(out)]) == 2


def test_one_path_has_them_too(scenario, tmp_path):
    out = tmp_path / "run"
    changes = [word for change in TINY for word in ("--set", change)]
    assert (
        entry.main(["run", str(scenario), "--path", "2", "--worlds", "none", *changes, "--out", str(out)])
        == 0
    )
    forget(scenario)
    assert replay_run(out, None).identical


def plan_of(scenario: Path, **changes) -> Plan:
    point = Point(index=0, name="all", overrides=TINY)
    return replace(Plan(scenario=scenario, seed=3, paths=1, points=(point,)), **changes)


def chosen(model: Path) -> list[str]:
    """Return the changes by which a user names a model on the command line."""
    return [f'protocol.risk_model="{model}"', f"protocol.risk_model_parameters={PARAMETERS}"]


def test_a_sweep_resumes_from_its_folder_alone(scenario, tmp_path):
    out = tmp_path / "sweep"
    first = run_plan(plan_of(scenario), out)
    assert first.is_complete
    forget(scenario)
    assert (out / "inputs" / "models" / "shapes" / "deep" / "one.vy").is_file()
    again = run_plan(replace(read_plan(out), paths=2), out)
    assert again.completed == 2
    assert again.paths()["digest"].iloc[0] == first.paths()["digest"].iloc[0]


def test_a_model_of_a_point_brings_its_own(scenario, tmp_path):
    model = scenario.parent / "models" / "Bent.vy"
    point = Point(
        index=0,
        name="own",
        overrides=(*TINY, f'protocol.risk_model="{model}"', f"protocol.risk_model_parameters={PARAMETERS}"),
    )
    plan = plan_of(SCENARIO, points=(point,))
    before = point_identities(plan, gather(plan))
    out = tmp_path / "sweep"
    assert run_plan(plan, out).is_complete
    one = scenario.parent / "models" / "shapes" / "deep" / "one.vy"
    one.write_text(one.read_text() + "# another content\n")
    assert point_identities(plan, gather(plan)) != before, "an import is part of what a point is"
    forget(scenario)
    assert run_plan(replace(read_plan(out), paths=2), out).completed == 2


def test_another_import_is_another_foundation(scenario):
    def key() -> str:
        loaded = load_scenario(scenario, overrides=list(TINY))
        return foundation_key(
            loaded, engine="revm", population_seed=1, start_timestamp=0, prices=(1.0,),
            custom_model=loaded.file("protocol.risk_model"), contracts=None,
        )  # fmt: skip

    before = key()
    line = scenario.parent / "models" / "shapes" / "line.vy"
    line.write_text(line.read_text().replace("- 1)", "- 2)"))
    assert key() != before


@pytest.mark.parametrize("how", ["climbs", "link"])
def test_an_import_from_outside_the_folder_is_refused(scenario, tmp_path, how, capsys):
    models = scenario.parent / "models"
    if how == "climbs":
        (tmp_path / "secret.vy").write_text("# pragma version 0.4.3\nX: constant(uint256) = 1\n")
        model = models / "Bent.vy"
        model.write_text(model.read_text().replace("from .shapes", "from ... import secret\nfrom .shapes"))
    else:
        one = models / "shapes" / "deep" / "one.vy"
        one.rename(tmp_path / "elsewhere.vy")
        one.symlink_to(tmp_path / "elsewhere.vy")
    with pytest.raises(InputError, match=r"bent\.toml:\d+: protocol\.risk_model: Bent\.vy imports \.\./"):
        load_scenario(scenario)
    assert entry.main(["run", str(scenario), "--out", str(tmp_path / "run")]) == 2
    # The person at the command line may choose any file.
    load_scenario(
        scenario,
        overrides=[
            f'protocol.risk_model="{models / "Bent.vy"}"',
            f"protocol.risk_model_parameters={PARAMETERS}",
        ],
    )
    assert len(own_imports(models / "Bent.vy")) >= 2


def test_an_experiment_may_not_import_from_outside_its_folder_either(tmp_path):
    folder = tmp_path / "experiment"
    folder.mkdir()
    (tmp_path / "secret.vy").write_text("# pragma version 0.4.3\nX: constant(uint256) = 1\n")
    model = write_model(folder / "models")
    model.write_text(model.read_text().replace("from .shapes", "from ... import secret\nfrom .shapes"))
    extra = "\n[[points]]\nname = 'own'\nset = ['protocol.risk_model=models/Bent.vy']\n"
    experiment = small_experiment(folder, paths=1)
    parameters = experiment.read_text()
    experiment.write_text(parameters[: parameters.index("[[parameters]]")] + extra)
    with pytest.raises(InputError, match=r"ramp\.toml:\d+: points\.0\.set\.0: protocol\.risk_model: Bent"):
        plan_of_experiment(load_experiment(experiment, SweepExperiment))


def test_our_own_contracts_may_be_imported_and_stay_where_they_are(scenario):
    assert {path.name for path in own_imports(scenario.parent / "models" / "Bent.vy")} == {
        "line.vy",
        "one.vy",
    }


def test_a_planted_import_is_refused(scenario, tmp_path):
    """A file more in the folder of inputs could stand in for one that is imported."""
    out = tmp_path / "run"
    run_scenario(load_scenario(scenario, overrides=list(TINY)), RunOptions(out=out, worlds="none"))
    (out / "inputs" / "protocol_risk_model" / "interfaces.vyi").write_text("x")
    with pytest.raises(InputError, match=r"interfaces\.vyi: is not a file that the record names"):
        replay_run(out, None)
