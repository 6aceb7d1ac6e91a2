"""``frontier``, ``sensitivity`` and ``optimise`` from file to report, tiny, through the command line."""

import json
import re
import shutil

import pandas as pd
import pytest

from sim.cli import main
from sim.experiments.sweep.result import SweepResult
from tests.support.remade import assert_remade
from tests.support.small_run import SCENARIO

HEAD = """
schema_version = 1
kind = "{kind}"
title = "Small {kind}"
scenario = "small_run.toml"
seed = 11
paths = {paths}
set = ["blocks=6", "traders.0.count=10", "shocks.0.at_block=2"]
"""

FRONTIER = (
    HEAD.format(kind="frontier", paths=8)
    + """
[frontier]
efficiency = { metric = "mean_initial_margin_ratio" }
loss = { metric = "liquidated_share" }
current = "z=4"
proposed = "z=6"
resamples = 200

[[parameters]]
key = "protocol.risk_model_parameters.z"
values = [4.0, 6.0, 8.0]
"""
)

RANGES = """
[[parameters]]
key = "protocol.risk_model_parameters.z"
low = 3.0
high = 8.0

[[parameters]]
key = "protocol.insurance_fund.target_reserves"
low = 1_000.0
high = 900_000.0
"""

SENSITIVITY = (
    HEAD.format(kind="sensitivity", paths=2)
    + """
[sensitivity]
method = "both"
outputs = [{ metric = "mean_initial_margin_ratio" }, { metric = "liquidated_share" }]
samples = 16
resamples = 100
"""
    + RANGES
)

OPTIMISE = (
    HEAD.format(kind="optimise", paths=4)
    + """
[optimise]
objectives = [{ metric = "mean_initial_margin_ratio" }, { metric = "liquidated_share" }]
constraints = [{ metric = "any_liquidation", at_least = 0.0001 }]
trials = 8
batch = 4
finalists = 2
fresh_paths = 4
resamples = 100
"""
    + RANGES
)


def write(folder, text):
    (folder / SCENARIO.name).write_bytes(SCENARIO.read_bytes())
    file = folder / "experiment.toml"
    file.write_text(text)
    return file


def run(command, file, out, *options):
    return main([command, str(file), "--out", str(out), "--workers", "0", *options])


@pytest.fixture(scope="module")
def frontier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frontier")
    code = run("frontier", write(folder, FRONTIER), folder / "out")
    return folder, code


@pytest.fixture(scope="module")
def sensitivity(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensitivity")
    code = run("sensitivity", write(folder, SENSITIVITY), folder / "out")
    return folder, code


@pytest.fixture(scope="module")
def optimised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimise")
    code = run("optimise", write(folder, OPTIMISE), folder / "out")
    return folder, code


def found(folder, name):
    return json.loads((folder / "out" / f"{name}.json").read_text())


def test_a_frontier_says_what_its_paths_say(frontier):
    folder, code = frontier
    assert code == 0
    content = found(folder, "frontier")
    paths = SweepResult.open(folder / "out" / "points").paths()
    means = paths.groupby("point")[["mean_initial_margin_ratio", "liquidated_share"]].mean()
    for at, point in enumerate(content["front"]["points"]):
        estimates = [interval["estimate"] for interval in point["objectives"]]
        assert estimates == pytest.approx(means.loc[at].tolist())
        assert all(i["lower"] is None for i in point["objectives"])  # 8 paths: none holds
    assert means["mean_initial_margin_ratio"].is_monotonic_increasing  # z scales margin
    changes = [point["candidate"]["changes"] for point in content["front"]["points"]]
    assert changes[0] == 0  # z = 4 is the model's default
    assert changes[1:] == [1, 1]
    change = content["comparison"]["objectives"][0]["estimate"]
    assert change == pytest.approx(
        means.loc[1, "mean_initial_margin_ratio"] - means.loc[0, "mean_initial_margin_ratio"]
    )
    assert content["stages"]["points"]["completed"] == 24
    assert len(pd.read_parquet(folder / "out" / "frontier.parquet")) == 3
    assert [bound["upper"] > 0 for bound in content["sizes"]] == [True] * 3


def test_screening_drops_what_changes_nothing(sensitivity):
    folder, code = sensitivity
    assert code == 0
    content = found(folder, "sensitivity")["found"]
    assert content["screening"]["kept"] == [0]  # the fund's target moves neither margin nor liquidations
    target = content["screening"]["indices"][0][1]["mu_star"]
    assert (target["estimate"], target["upper"]) == (0.0, None)  # 4 paths: no interval
    assert [axis["key"] for axis in content["variance"]["axes"]] == ["protocol.risk_model_parameters.z"]
    share = content["variance"]["indices"][0]["parameters"][0]
    assert share["total"]["estimate"] == pytest.approx(1.0, abs=0.35)  # alone, it explains everything; N = 16
    assert any("N = 16" in flag for flag in content["flags"])
    table = pd.read_parquet(folder / "out" / "sensitivity.parquet")
    assert set(table["index"]) == {"mu", "mu_star", "sigma", "S1", "ST"}


def test_finalists_are_judged_on_paths_the_search_never_saw(optimised):
    folder, code = optimised
    assert code == 0
    content = found(folder, "optimise")["found"]
    assert [trial["number"] for trial in content["trials"]] == list(range(8))
    assert content["trials"][0]["values"]["protocol.risk_model_parameters.z"] == 4.0  # as it stands, first
    stages = {name: SweepResult.open(folder / "out" / name).paths() for name in ("finalists", "fresh")}
    margin = {name: paths.groupby("point")["mean_initial_margin_ratio"] for name, paths in stages.items()}
    searched, fresh = margin["finalists"].mean(), margin["fresh"].mean()
    for at, one in enumerate(content["contenders"]):
        assert one["fresh"][0]["estimate"] == pytest.approx(fresh[at])
        assert one["searched"][0]["estimate"] == pytest.approx(searched[at])
        assert one["shrinkage"][0]["estimate"] == pytest.approx(fresh[at] - searched[at])
        if one["trial"] is not None:  # what the finalists' own stage computes is what the search was told
            told = content["trials"][one["trial"]]["answer"]["objectives"]
            assert [interval["estimate"] for interval in one["searched"]] == pytest.approx(told)
    assert content["fresh_paths"] == 4


@pytest.mark.parametrize("name", ["frontier", "sensitivity", "optimised"])
def test_reports_are_whole_and_name_no_machine(name, request):
    folder, _ = request.getfixturevalue(name)
    page = (folder / "out" / "report.html").read_text()
    assert page.count("<h2") >= 4
    assert "Method and provenance" in page
    assert "NaN" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    for figure in re.findall(r'id="figure-([a-z0-9-]+)"', page):
        assert f'"{figure}"' in page  # its data is there


def test_a_resumed_search_gives_the_same_trials_and_runs_nothing_twice(optimised, tmp_path):
    folder, _ = optimised
    shutil.copytree(folder / "out", tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "finalists")
    before = SweepResult.open(tmp_path / "out" / "search").paths()["digest"].tolist()
    assert run("optimise", folder / "experiment.toml", tmp_path / "out") == 0
    again = json.loads((tmp_path / "out" / "optimise.json").read_text())
    assert again == found(folder, "optimise")
    timing = json.loads((tmp_path / "out" / "search" / "timing.json").read_text())
    assert timing["paths_run"] == 0
    assert SweepResult.open(tmp_path / "out" / "search").paths()["digest"].tolist() == before


def test_two_workers_find_what_one_finds(optimised, tmp_path):
    folder, _ = optimised
    file = folder / "experiment.toml"
    assert main(["optimise", str(file), "--out", str(tmp_path / "out"), "--workers", "2"]) == 0
    assert json.loads((tmp_path / "out" / "optimise.json").read_text()) == found(folder, "optimise")


def test_a_search_that_was_killed_goes_on(optimised, tmp_path, monkeypatch):
    from sim.experiments.exploration import stages

    folder, _ = optimised
    plain, calls = stages.run_plan, []

    def killed_in_the_second_batch(plan, *arguments, **options):
        calls.append(plan)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(plan, *arguments, **options)

    monkeypatch.setattr(stages, "run_plan", killed_in_the_second_batch)
    file = folder / "experiment.toml"
    assert run("optimise", file, tmp_path / "out") == 130
    monkeypatch.setattr(stages, "run_plan", plain)
    assert run("optimise", file, tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "optimise.json").read_text()) == found(folder, "optimise")


def test_json_is_the_only_output(frontier, capsys):
    folder, _ = frontier
    assert run("frontier", folder / "experiment.toml", folder / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out) == found(folder, "frontier")


def test_another_experiment_does_not_take_over_a_folder(frontier, tmp_path, capsys):
    folder, _ = frontier
    other = write(tmp_path, FRONTIER.replace("seed = 11", "seed = 12"))
    assert run("frontier", other, folder / "out") == 2
    assert "holds another experiment" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "text", "change", "line"),
    [
        ("frontier", FRONTIER, ('"liquidated_share"', '"liquidated_shar"'), "did you mean liquidated_share?"),
        ("frontier", FRONTIER, ('proposed = "z=6"', 'proposed = "z=66"'), "no point is called 'z=66'"),
        ("frontier", FRONTIER, ("resamples = 200", 'size = "bad_debt"'), "must be an event"),
        ("frontier", FRONTIER, ("[4.0, 6.0, 8.0]", "[4.0]"), "at least two points"),
        ("frontier", FRONTIER, ("paths = 8", "paths = 1"), "one path has no interval"),
        ("frontier", FRONTIER, ("paths = 8", "paths = 1_000_000_000"), "add --yes"),
        (
            "frontier",
            FRONTIER,
            ('kind = "frontier"', 'kind = "sensitivity"'),
            "run it with seawall sensitivity",
        ),
        ("sensitivity", SENSITIVITY, ("samples = 16", "samples = 20"), "must be a power of two"),
        ("sensitivity", SENSITIVITY, ("samples = 16", "trajectories = 5"), "must be at least 20, was 5"),
        ("sensitivity", SENSITIVITY, ("samples = 16", "sampels = 16"), "sensitivity.sampels: unknown key"),
        ("sensitivity", SENSITIVITY, ("high = 8.0", "high = 2.0"), "must be above low 3, was 2"),
        ("sensitivity", SENSITIVITY, ("low = 3.0\nhigh = 8.0", "values = [3.0]"), "needs low and high"),
        ("sensitivity", SENSITIVITY, ("parameters.z", "parameters.zz"), "did you mean z?"),
        ("sensitivity", SENSITIVITY, ("samples = 16", "samples = 8_192\nlevels = 5"), "must be even"),
        ("optimise", OPTIMISE, ('metric = "any_liquidation", ', ""), "constraints.0.metric: is required"),
        ("optimise", OPTIMISE, ("at_least = 0.0001", "at_least = 0.9"), "needs at least 29 paths"),
        ("optimise", OPTIMISE, ("at_least = 0.0001", "at_least = 0.1, at_most = 0.2"), "exactly one of"),
        ("optimise", OPTIMISE, ('[{ metric = "mean_initial_margin_ratio" }, ', "["), "at least two"),
        ("optimise", OPTIMISE, ('"liquidated_share"', '"blocks"'), "must say minimise or maximise"),
        ("optimise", OPTIMISE, ("batch = 4", "batch = 40"), "must be at most trials 8, was 40"),
        ("optimise", OPTIMISE, ("trials = 8", "trials = 90_000"), "add --yes"),
    ],
)
def test_bad_files_are_refused_in_a_line(command, text, change, line, tmp_path, capsys):
    assert change[0] in text
    file = write(tmp_path, text.replace(*change, 1))
    assert run(command, file, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert line in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_ranges_that_contradict_one_another_are_refused_before_anything_runs(tmp_path, capsys):
    text = SENSITIVITY.replace("protocol.insurance_fund.target_reserves", "protocol.liquidation.fee_max")
    text = text.replace("low = 1_000.0\nhigh = 900_000.0", "low = 0.001\nhigh = 0.05")
    assert run("sensitivity", write(tmp_path, text), tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "must be at most fee_max 0.001" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["frontier", "sensitivity", "optimise"])
def test_the_page_is_made_again(name, request, tmp_path, capsys):
    folder, _ = request.getfixturevalue("optimised" if name == "optimise" else name)
    assert_remade(folder / "out", tmp_path / "copy", capsys, f"{name}.json", f"{name}.parquet")


def test_a_frontier_of_what_changes_nothing_is_no_frontier(tmp_path, capsys):
    """R15: three undominated points and a hypervolume, where all paths were the same."""
    text = FRONTIER.replace("protocol.risk_model_parameters.z", "protocol.insurance_fund.target_reserves")
    text = text.replace("values = [4.0, 6.0, 8.0]", "values = [800_000.0, 900_000.0, 950_000.0]")
    text = text.replace('current = "z=4"\nproposed = "z=6"\n', "")
    assert run("frontier", write(tmp_path, text), tmp_path / "out") == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    words = "All 3 points are identical on every path, in every metric, over 8 paths"
    for told in (page, " ".join(capsys.readouterr().out.split())):
        assert words in told
        assert "There is no front" in told
        assert "are not dominated by the estimates" not in told
