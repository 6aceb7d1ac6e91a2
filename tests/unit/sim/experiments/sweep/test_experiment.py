"""Experiment files: what they mean, and one clear line for everything that is wrong with one."""

import time

import pytest

from sim.core.errors import InputError
from sim.experiments.shipped import shipped_folder
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from tests.support.small_run import SCENARIO

HEAD = """schema_version = 1
kind = "sweep"
title = "T"
scenario = "small_run.toml"
paths = 4
"""
AXIS = """[[parameters]]
key = "protocol.margin.ramp_per_hour"
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "small_run.toml").write_bytes(SCENARIO.read_bytes())

    def write(text):
        file = tmp_path / "e.toml"
        file.write_text(text)
        return file

    return write


def plan(file, **options):
    return plan_of(load_experiment(file, SweepExperiment), **options)


def test_an_experiment_of_nothing_but_paths_has_one_point(written):
    (point,) = plan(written(HEAD)).points
    assert (point.name, point.overrides, dict(point.values)) == ("base", (), {})


def test_a_grid_has_every_combination_the_last_axis_fastest(written):
    second = '[[parameters]]\nkey = "protocol.risk_model"\nvalues = ["static", "adaptive"]\n'
    found = plan(written(f'{HEAD}set = ["blocks=9"]\n{AXIS}values = [0.1, 1]\n{second}'))
    assert [point.name for point in found.points] == [
        "ramp_per_hour=0.1, risk_model=static", "ramp_per_hour=0.1, risk_model=adaptive",
        "ramp_per_hour=1, risk_model=static", "ramp_per_hour=1, risk_model=adaptive",
    ]  # fmt: skip
    assert found.points[1].overrides == (
        "blocks=9", "protocol.margin.ramp_per_hour=0.1", 'protocol.risk_model="adaptive"',
    )  # fmt: skip
    assert dict(found.points[2].values) == {
        "protocol.margin.ramp_per_hour": 1,
        "protocol.risk_model": "static",
    }


def test_named_points_are_combined_with_the_axes(written):
    points = '[[points]]\nname = "a"\n[[points]]\nname = "b"\nset = ["blocks=8"]\n'
    found = plan(written(f"{HEAD}{points}{AXIS}values = [0.1, 0.2]"))
    assert [point.name for point in found.points] == [
        "a, ramp_per_hour=0.1", "a, ramp_per_hour=0.2", "b, ramp_per_hour=0.1", "b, ramp_per_hour=0.2",
    ]  # fmt: skip
    assert found.points[3].overrides == ("blocks=8", "protocol.margin.ramp_per_hour=0.2")
    assert found.points[3].values["arm"] == "b"


@pytest.mark.parametrize(("design", "count"), [("random", 5), ("sobol", 8)])
def test_a_design_puts_its_points_into_the_range(written, design, count):
    samples = 5 if design == "random" else 4
    replicates = "replicates = 2" if design == "sobol" else ""
    text = (
        f'{HEAD}[design]\nmethod = "{design}"\nsamples = {samples}\n{replicates}\n{AXIS}low = 0.1\nhigh = 0.9'
    )
    values = [point.values["protocol.margin.ramp_per_hour"] for point in plan(written(text)).points]
    assert len(set(values)) == count
    assert all(0.1 <= value <= 0.9 for value in values)


def test_the_seed_is_the_experiments_or_else_the_scenarios(written):
    assert plan(written(HEAD)).seed == 5
    assert plan(written(HEAD + "seed = 3")).seed == 3


def test_a_scenario_that_ships_goes_by_its_name(written):
    text = HEAD.replace("small_run.toml", "flash_crash")
    assert load_experiment(written(text), SweepExperiment).scenario == shipped_folder() / "flash_crash.toml"


@pytest.mark.parametrize(
    "file", sorted((shipped_folder() / "experiments").glob("*.toml")), ids=lambda file: file.stem
)
def test_every_experiment_that_ships_loads(file):
    if 'kind = "sweep"' in file.read_text():
        assert plan(file).points


# Each case: the file's text and the one line it is refused with. {e} is the file, {p} a table, {n} a number.
BAD = {
    "empty grid": (HEAD + AXIS + "values = []", "{e}:8: parameters.0.values: needs at least 1 entries"),
    "no values": (HEAD + AXIS, "{e}:6: parameters.0.low: low and high are needed"),
    "unknown parameter": (
        HEAD + AXIS.replace("ramp_per_hour", "ramp_per_hr") + "values = [1.0]",
        "{e}:6: parameters.0: protocol.margin.ramp_per_hr: unknown key, did you mean ramp_per_hour?",
    ),
    "value out of bounds": (
        HEAD + AXIS + "values = [0.1, -1.0]",
        "{e}:6: parameters.0: protocol.margin.ramp_per_hour: must be at least 0, was -1.0",
    ),
    "value of another type": (
        HEAD + AXIS + 'values = ["fast"]',
        "{e}:6: parameters.0: protocol.margin.ramp_per_hour: must be a number, was 'fast'",
    ),
    "value twice": (
        HEAD + AXIS + "values = [1.0, 1.0]",
        "{e}:8: parameters.0.values.1: 1.0 is there already",
    ),
    "key twice": (
        HEAD + AXIS + "values = [1.0]\n" + AXIS + "values = [2.0]",
        "{e}:10: parameters.1.key: protocol.margin.ramp_per_hour is set by parameters.0 already",
    ),
    "inconsistent bounds": (
        HEAD + '[design]\nmethod = "random"\nsamples = 2\n' + AXIS + "low = 1.0\nhigh = 0.5",
        "{e}:12: parameters.0.high: must be above low 1, was 0.5",
    ),
    "inconsistent margins": (
        HEAD + "set = ['protocol.risk_model_parameters={maintenance_floor=0.5, initial_floor=0.1}']",
        "{e}:6: set.0: {p}.maintenance_floor: must be below initial_floor 0.1, was 0.5",
    ),
    "log scale from zero": (
        HEAD + '[design]\nmethod = "random"\nsamples = 2\n' + AXIS + 'low = 0\nhigh = 1\nscale = "log"',
        "{e}:11: parameters.0.low: must be above 0 on a log scale, was 0",
    ),
    "whole numbers that are none": (
        HEAD + '[[draws]]\nkey = "liquidators.count"\nlow = 1.5\nhigh = 3\nwhole = true',
        "{e}:10: draws.0.whole: low and high must be whole numbers",
    ),
    "range in a grid": (
        HEAD + AXIS + "low = 0.1\nhigh = 0.2",
        '{e}:6: parameters.0: a grid needs values; for a range give [design] method = "sobol" or "random"',
    ),
    "values and range": (
        HEAD + AXIS + "values = [0.1]\nlow = 0.1\nhigh = 0.2",
        "{e}:8: parameters.0.values: give values or low and high, not both",
    ),
    "sobol that is no power of two": (
        HEAD + '[design]\nmethod = "sobol"\nsamples = 100\n' + AXIS + "low = 0\nhigh = 1",
        "{e}:8: design.samples: must be a power of two for method sobol, was 100",
    ),
    "design without parameters": (
        HEAD + '[design]\nmethod = "sobol"\nsamples = 4',
        "{e}:7: design.method: sobol needs at least one entry in [[parameters]]",
    ),
    "sobol draws that do not fit the paths": (
        HEAD.replace("paths = 4", "paths = 100")
        + '[[draws]]\nkey = "shocks.0.size"\nlow = -0.2\nhigh = -0.1\nmethod = "sobol"',
        "{e}:5: paths: must be a power of two times draw_replicates 1 for Sobol draws, was 100",
    ),
    "draw out of bounds": (
        HEAD + '[[draws]]\nkey = "shocks.0.size"\nlow = -1.5\nhigh = -0.1',
        "{e}:6: draws.0: shocks.0.size: must be above -0.99, was -1.5",
    ),
    "draw of an axis": (
        HEAD + AXIS + 'values = [1.0]\n[[draws]]\nkey = "protocol.margin.ramp_per_hour"\nlow = 0.1\nhigh = 1',
        "{e}:10: draws.0.key: protocol.margin.ramp_per_hour is set by parameters.0 already",
    ),
    "no such shock": (
        HEAD + 'set = ["shocks.7.size=-0.1"]',
        "{e}:6: set.0: there is no entry 7, the list has 2",
    ),
    "unknown key": (HEAD + "path = 3", "{e}:6: path: unknown key, did you mean paths?"),
    "unknown key of an axis": (
        HEAD + AXIS + "value = [1.0]",
        "{e}:8: parameters.0.value: unknown key, did you mean values?",
    ),
    "unknown metric": (
        HEAD + 'metrics = ["bad_dept_ratio"]',
        "{e}:6: metrics.0: unknown metric 'bad_dept_ratio', did you mean bad_debt_ratio?",
    ),
    "unknown stopping metric": (
        HEAD.replace("paths = 4", "paths = 400") + '[stopping]\nmetric = "insolvency"\nhalf_width = 0.1',
        "{e}:7: stopping.metric: unknown metric 'insolvency', did you mean insolvent?",
    ),
    "stopping at no width": (
        HEAD.replace("paths = 4", "paths = 400") + '[stopping]\nmetric = "insolvent"',
        "{e}:6: stopping.half_width: half_width or relative is required",
    ),
    "stopping after the end": (
        HEAD + '[stopping]\nmetric = "insolvent"\nhalf_width = 0.1',
        "{e}:6: stopping: paths 4 end before it may stop; give more paths or smaller numbers",
    ),
    "names twice": (
        HEAD + '[[points]]\nname = "a"\n[[points]]\nname = "a"',
        "{e}:9: points.1.name: 'a' is already the name of points.0",
    ),
    "no name": (HEAD + "[[points]]\nset = []", "{e}:6: points.0.name: is required"),
    "bad scenario path": (
        HEAD.replace("small_run.toml", "missing.toml"),
        "{e}:4: scenario: there is no file 'missing.toml'",
    ),
    "scenario outside": (
        HEAD.replace("small_run.toml", "../x.toml"),
        "{e}:4: scenario: must lie in the experiment's folder, was '../x.toml'",
    ),
    "unknown shipped scenario": (
        HEAD.replace("small_run.toml", "flash_crush"),
        "{e}:4: scenario: no scenario 'flash_crush' ships, did you mean flash_crash?",
    ),
    "model outside": (
        HEAD + "set = ['protocol.risk_model=\"../m.vy\"']",
        "{e}:6: set.0: protocol.risk_model: must lie in the experiment's folder, was '../m.vy'",
    ),
    "price file outside": (
        HEAD + '[[points]]\nname = "a"\nset = ["markets.0.price.file=/etc/passwd"]',
        "{e}:8: points.0.set.0: markets.0.price.file: must lie in the experiment's folder, was '/etc/passwd'",
    ),
    "price file in a table": (
        HEAD + """set = ['markets.0.price={kind="replay", file="/etc/passwd"}']""",
        '{e}:6: set.0: a file must be set by its own key, for example "markets.0.price.file=..."',
    ),
    "negative paths": (HEAD.replace("paths = 4", "paths = -1"), "{e}:5: paths: must be at least 1, was -1"),
    "no paths": (HEAD.replace("paths = 4", "paths = 0"), "{e}:5: paths: must be at least 1, was 0"),
    "half a path": (
        HEAD.replace("paths = 4", "paths = 1.5"),
        "{e}:5: paths: must be a whole number, was 1.5",
    ),
    "odd pairs": (
        HEAD.replace("paths = 4", "paths = 5") + "antithetic = true",
        "{e}:5: paths: must be even with antithetic, was 5",
    ),
    "seed as a change": (
        HEAD + 'set = ["seed=3"]',
        "{e}:6: set.0: every point has the same seed: give it as seed at the top",
    ),
    "seed as an axis": (
        HEAD + '[[parameters]]\nkey = "seed"\nvalues = [1, 2]',
        "{e}:7: parameters.0.key: every point has the same seed: give it as seed at the top",
    ),
    "change that is none": (
        HEAD + 'set = ["blocks"]',
        "{e}:6: set.0: must look like section.key=value, was 'blocks'",
    ),
    "another kind": (HEAD.replace('"sweep"', '"optimise"'), "{e}:2: kind: run it with seawall optimise {e}"),
    "no such kind": (
        HEAD.replace('"sweep"', '"sweeep"'),
        "{e}:2: kind: must be one of 'sweep', was 'sweeep'",
    ),
    "no kind": (HEAD.replace('kind = "sweep"\n', ""), "{e}: kind: is required"),
    "another version": (
        HEAD.replace("schema_version = 1", "schema_version = 2"),
        "{e}:1: schema_version: must be one of 1, was 2",
    ),
    "not TOML": (HEAD + "x = ", "{e}:6: not valid TOML: Invalid value"),
    "empty": ("", "{e}: is empty"),
    "thousand million runs": (
        HEAD.replace("paths = 4", "paths = 1_000_000_000"),
        "{e}: asks for {n} runs (1 points x {n} paths), more than 100,000; add --yes if that is meant",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_one_clear_line(written, case):
    text, line = BAD[case]
    file = written(text)
    with pytest.raises(InputError) as caught:
        plan(file)
    (found,) = caught.value.problems
    assert found == line.format(e=file, p="protocol.risk_model_parameters", n="1,000,000,000")


def test_every_problem_is_named_at_once(written):
    text = HEAD.replace("paths = 4", "paths = 0") + 'metrics = ["x"]\nseed = -1\n[design]\nmethod = "best"'
    with pytest.raises(InputError) as caught:
        plan(written(text))
    places = [line.split(": ")[1] for line in caught.value.problems]
    assert places == ["seed", "paths", "design.method"]  # then what needs several keys, once these are right


def test_a_grid_of_a_thousand_million_points_is_refused_without_making_one(written):
    keys = ("protocol.margin.ramp_per_hour", "protocol.pool.deposit", "protocol.insurance_fund.deposit")
    values = ", ".join(f"{value}.0" for value in range(1, 1_001))
    axes = "".join(f'[[parameters]]\nkey = "{key}"\nvalues = [{values}]\n' for key in keys)
    experiment = load_experiment(written(HEAD.replace("paths = 4", "paths = 1") + axes), SweepExperiment)
    clock = time.perf_counter()
    with pytest.raises(InputError, match="asks for 1,000,000,000 runs"):
        plan_of(experiment)
    with pytest.raises(InputError, match="1,000,000,000 points, more than 100,000"):
        plan_of(experiment, confirmed=True)
    assert time.perf_counter() - clock < 0.5


def test_more_runs_than_usual_are_run_when_they_are_meant(written):
    file = written(HEAD.replace("paths = 4", "paths = 1_000_000"))
    assert plan(file, confirmed=True).runs == 1_000_000


def test_the_example_of_the_document_loads(tmp_path):
    text = (shipped_folder().parent / "docs" / "experiments.md").read_text()
    file = tmp_path / "example.toml"
    file.write_text(text.split("```toml\n")[1].split("```")[0])
    found = plan(file)
    assert [point.name for point in found.points] == [
        "static, deposit=50000", "static, deposit=150000",
        "adaptive, deposit=50000", "adaptive, deposit=150000",
    ]  # fmt: skip
    assert found.stopping.half_width == 0.0005
