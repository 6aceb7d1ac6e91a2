"""``seawall compare`` as a user runs it, on the example that ships, made smaller still."""

import hashlib
import json
from pathlib import Path

import pytest

from sim.cli import main
from sim.cli.options import shipped_folder
from tests.support.remade import assert_remade

EXAMPLE = shipped_folder() / "experiments" / "compare"
PLAN = """
paths = 18
unseen = 0.2                # 17 paths are enough: a test, not a decision
price_models = ["gbm", "kou", "garch_t"]

[[endpoints]]
metric = "bad_debt_ratio"
role = "solvency"
margin = 0.005
largest = 0.02

[[endpoints]]
metric = "insolvent"
role = "solvency"
margin = 0.3

[[endpoints]]
metric = "max_1h_margin_increase"
role = "guardrail"
margin = 0.3
largest = 3.0
superiority = true

[[endpoints]]
metric = "liquidated_share"
role = "guardrail"
margin = 0.3
largest = 1.0

[[endpoints]]
metric = "mean_initial_margin_ratio"
role = "efficiency"
margin = 0.1
largest = 0.2
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The example's scenario with fewer accounts and blocks, and a plan to match."""
    folder = tmp_path_factory.mktemp("compare")
    text = (EXAMPLE / "thin_market.toml").read_text()
    for old, new in (
        ("blocks = 45", "blocks = 14"), ("count = 80", "count = 12"),
        ("at_minute = 5", "at_minute = 1"), ("duration_minutes = 20", "duration_minutes = 10"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (folder / "market.toml").write_text(text)
    (folder / "plan.toml").write_text(PLAN)
    return folder


def arguments(files: Path, out: Path, *more: str, proposed: str = "proposed") -> list[str]:
    return [
        "compare", str(EXAMPLE / "current.toml"), str(EXAMPLE / f"{proposed}.toml"),
        "--scenario", str(files / "market.toml"), "--plan", str(files / "plan.toml"),
        "--workers", "0", "--out", str(out), *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def better(files):
    """The example, run once: exit code and results folder."""
    out = files / "better"
    return main(arguments(files, out)), out


def record(out: Path) -> dict:
    return json.loads((out / "compare.json").read_text())


def test_the_known_better_set_is_better_and_confirmed(better):
    code, out = better
    found = record(out)
    assert (code, found["word"], found["exit_code"]) == (0, "better", 0), found["reasons"]
    assert found["decision"]["word"] == found["confirmation"]["word"] == "better"
    assert found["paths"]["seed"] != found["confirmation_paths"]["seed"]
    assert found["paths"]["digest"] != found["confirmation_paths"]["digest"]
    assert found["paths"]["completed"] == found["paths"]["total"] == 18 * 6 * 2
    assert len(found["decision"]["cells"]) == 6
    (rise,) = [item for item in found["decision"]["pooled"] if item["endpoint"] == "max_1h_margin_increase"]
    assert rise["superior"]
    assert rise["upper"] < 0.0


def test_everything_is_registered_before_and_quoted_after(better):
    _, out = better
    found = record(out)
    registration = (out / "registration.json").read_bytes()
    assert hashlib.sha256(registration).hexdigest() == found["registration_sha256"]
    assert hashlib.sha256((out / "plan.toml").read_bytes()).hexdigest() == found["plan_sha256"]
    written = json.loads(registration)
    assert written["confirmation_seed"] == found["confirmation_paths"]["seed"]
    assert written["changes"] == [["protocol.margin.maintenance_ramp", False, True]]
    assert {"RiskGovernor", "Ledger"} <= set(written["contracts"])
    assert (out / "registration.json").stat().st_mtime <= (out / "paths" / "ledger.sqlite").stat().st_mtime
    for name in ("report.html", "report.md"):
        text = (out / name).read_text()
        assert found["registration_sha256"] in text
        assert "better" in text


def test_the_change_was_enacted_on_a_fresh_chain(better):
    _, out = better
    (proposal,) = json.loads((out / "calldata.json").read_text())["proposals"]
    assert proposal["function"] == "set_parameters"
    assert proposal["changed"] == {"ramp_per_hour": ["unlimited", 0.25]}
    assert proposal["executed"]
    assert proposal["refused_one_second_early"] == "governor: too early"
    (parameter,) = record(out)["enactment"]["parameters"]
    assert (parameter["before"], parameter["after"], parameter["simulated"]) == ("unlimited", 0.25, 0.25)
    assert parameter["agrees"]
    for name in ("calldata.txt", "report.md", "report.html"):
        assert proposal["propose"] in (out / name).read_text()


def test_worst_paths_come_with_commands_for_both_arms(better):
    _, out = better
    for item in record(out)["worst_paths"]:
        assert item["margins"] > 0.0
        for command in item["commands"]:
            assert f"--path {item['path']} " in command
        assert "maintenance_ramp=true" in item["commands"][1]
        assert "maintenance_ramp" not in item["commands"][0]


def test_reports_name_no_machine(better):
    _, out = better
    for name in ("registration.json", "plan.toml", "calldata.json"):
        assert str(out.parent) not in (out / name).read_text()


def test_a_second_run_resumes_and_says_the_same(better, files, capsys):
    _, out = better
    before = (out / "compare.json").read_bytes()
    assert main(arguments(files, out, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["word"] == "better"
    assert (out / "compare.json").read_bytes() == before


def test_identical_sets_are_not_worse_with_zero_exactly(files, tmp_path, capsys):
    code = main(arguments(files, tmp_path / "out", "--paths", "2", proposed="current"))
    found = record(tmp_path / "out")
    assert (code, found["word"], found["identical"]) == (0, "not worse", True)
    assert all(item["difference"] == 0.0 for item in found["decision"]["results"])
    assert found["enactment"]["proposals"] == []
    assert "identical parameters: every difference is exactly zero" in capsys.readouterr().out


def test_noise_is_undetermined(files, tmp_path):
    """A change that moves which accounts are closed but not, for all these paths can tell, how many."""
    (tmp_path / "noise.toml").write_text("[protocol.liquidation]\nbuffer = 0.16\n")
    (tmp_path / "plan.toml").write_text(
        PLAN.replace("margin = 0.3\nlargest = 1.0", "margin = 0.01\nlargest = 1.0")
    )
    code = main(
        ["compare", str(files / "market.toml"), str(tmp_path / "noise.toml"), "--plan",
         str(tmp_path / "plan.toml"), "--paths", "17", "--workers", "0", "--out", str(tmp_path / "out")]
    )  # fmt: skip
    found = record(tmp_path / "out")
    assert (code, found["word"]) == (1, "undetermined")
    (liquidated,) = [item for item in found["decision"]["pooled"] if item["endpoint"] == "liquidated_share"]
    assert liquidated["lower"] < 0.0 < liquidated["upper"]
    assert liquidated["differing"] > 0
    assert found["confirmation"] is None


def test_a_folder_of_another_comparison_is_refused(better, files, capsys):
    _, out = better
    assert main(arguments(files, out, "--paths", "19")) == 2
    assert "holds another comparison (registration.json differs)" in capsys.readouterr().err


def test_a_foreign_folder_is_left_alone(files, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(arguments(files, tmp_path)) == 2
    assert "holds files that are not a comparison" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_very_many_runs_need_a_yes(files, tmp_path, capsys):
    assert main(arguments(files, tmp_path / "out", "--paths", "100000")) == 2
    assert "2,400,000 runs" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        ("paths = 1", "plan.toml:1: paths: must be at least 2, was 1"),
        ("confidence = 2.0", "plan.toml:1: confidence: must be at most 0.9999, was 2.0"),
        (PLAN.replace("margin = 0.3\n\n", "margin = 1.0\n\n"), "endpoints.1.margin: must be below 1, was 1"),
        (PLAN.replace('"bad_debt_ratio"', '"price_start"'), "price_start has no direction"),
    ],
)
def test_bad_plans_are_refused(files, tmp_path, capsys, plan, line):
    (tmp_path / "plan.toml").write_text(plan)
    code = main([*arguments(files, tmp_path / "out"), "--plan", str(tmp_path / "plan.toml")])
    assert code == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_scenarios_that_differ_in_more_than_the_protocol_are_refused(files, tmp_path, capsys):
    other = tmp_path / "other.toml"
    other.write_text((files / "market.toml").read_text().replace("long_share = 0.8", "long_share = 0.7"))
    assert main(["compare", str(files / "market.toml"), str(other), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert "traders.0.long_share: differs from" in message
    assert "only protocol parameters may differ" in message


def test_page_and_post_are_made_again(better, tmp_path, capsys):
    _, out = better
    assert_remade(out, tmp_path / "copy", capsys, "compare.json", "registration.json")
