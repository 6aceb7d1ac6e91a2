"""The evidence folder: complete, the same every time, and recomputed by its own script."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.core.errors import InputError, RunError
from sim.engine.blocks.tables import TABLES
from sim.engine.options import RunOptions
from sim.experiments.suites import evidence as module
from sim.experiments.suites import suite
from sim.experiments.suites.evidence import KIND, rerun_script, run_with_evidence, suite_markdown
from sim.experiments.suites.suite import ScenarioOutcome, SuiteResult, Verdict
from tests.support.sealed import seal
from tests.unit.sim.experiments.suites.conftest import PASSING, write_scenario

REPOSITORY = Path(__file__).parents[5]


@pytest.fixture
def copied(mixed, tmp_path):
    """Return a copy of the evidence, in a path with a space, without its slowest run."""
    return Path(shutil.copytree(mixed[1], tmp_path / "some evidence"))


def rerun(folder, tmp_path, *arguments, seawall=None):
    """Run the script of a folder with the seawall of this checkout."""
    command = tmp_path / "sea wall"
    command.write_text(f'#!/bin/sh\ncd "{REPOSITORY}" && exec "{sys.executable}" -m sim "$@"\n')
    command.chmod(0o755)
    return subprocess.run(
        [str(folder / "rerun"), *arguments],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "SEAWALL": seawall or str(command)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_folder_holds_runs_without_report_and_their_proof(mixed):
    _, out, result = mixed
    assert sorted(item.name for item in out.iterdir()) == [
        "README.md", "manifest.json", "rerun", "runs", "timing.json",
    ]  # fmt: skip
    assert sorted(item.name for item in (out / "runs").iterdir()) == ["b_failing", "c_passing", "d_silent"]
    assert not list(out.rglob("report.html"))
    assert [outcome.folder for outcome in result.outcomes] == [
        None, *(out / "runs" / name for name in ("b_failing", "c_passing", "d_silent")),
    ]  # fmt: skip
    assert [item.name for item in out.parent.iterdir() if item.name.startswith(".")] == []


def test_manifest_states_versions_contracts_and_digests(mixed):
    _, out, result = mixed
    stated = json.loads((out / "manifest.json").read_bytes())
    assert stated["kind"] == KIND
    assert stated["versions"]["vyper"] == "0.4.3"
    by_name = {entry["name"]: entry for entry in stated["scenarios"]}
    run = json.loads((out / "runs" / "c_passing" / "manifest.json").read_bytes())
    passing = by_name["c_passing"]
    for key in ("digest", "contracts", "scenario_sha256", "seed", "engine"):
        assert passing[key] == run[key]
    assert "Ledger" in passing["contracts"]
    assert passing["expectations"][0]["met"] is True
    assert by_name["a_bad"]["digest"] is None
    assert by_name["a_bad"]["file"] == "a_bad.toml"
    assert stated["coverage"]["entry_points"] == result.coverage.entry_points
    assert "market_registry.poke" in stated["never_reached"]["entry_points"]


def test_page_has_table_coverage_and_what_is_not_claimed(mixed):
    text = (mixed[1] / "README.md").read_text()
    passing = mixed[2].outcomes[2]
    assert f"| c_passing | passed | 3 of 3 | {passing.summary['liquidations']} |" in text
    assert "| d_silent | passed, expects nothing |" in text
    assert "| a_bad | bad input |" in text
    assert "- b_failing: expected liquidations <= 2: was" in text
    assert "`liquidation_engine.liquidate`:" in text
    never = next(line for line in text.splitlines() if "never: " in line)
    assert "`insurance_fund.deposit`" in never
    claims = text.partition("## What this does not claim")[2]
    assert claims.count("\n- Not ") == 9
    assert "Not a probability" in claims


def test_page_is_not_broken_by_what_a_file_is_called():
    outcome = ScenarioOutcome(
        name="a|b\n## c", source=Path("x"), verdict=Verdict.BAD_INPUT, problems=("one|two\nthree",)
    )
    text = suite_markdown(SuiteResult(outcomes=(outcome,)))
    assert "| a\\|b ## c | bad input |" in text
    assert "- a\\|b ## c: one\\|two three\n" in text


def test_evidence_is_the_same_every_time_but_for_times(tmp_path):
    file = write_scenario(tmp_path / "in", "again", PASSING, blocks=12)
    contents = []
    for name in ("one", "two"):
        out = tmp_path / name
        run_with_evidence([file], out)
        contents.append(
            {
                path.relative_to(out).as_posix(): path.read_bytes()
                for path in sorted(out.rglob("*"))
                if path.is_file() and path.name != "timing.json"
            }
        )
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5 + len(TABLES)  # beside the tables: two manifests, summary, page, script


def test_rerun_recomputes_every_digest(copied, mixed, tmp_path):
    done = rerun(copied, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for outcome in mixed[2].outcomes[1:]:
        assert outcome.digest in done.stdout
    assert "3 of 3 recomputed" in done.stdout


def test_rerun_finds_what_was_changed(copied, mixed, tmp_path):
    digest = mixed[2].outcomes[1].digest
    stated = copied / "runs" / "b_failing" / "manifest.json"
    stated.write_text(stated.read_text().replace(digest, "0" * 64))
    summary = copied / "runs" / "d_silent" / "summary.json"
    values = json.loads(summary.read_bytes())
    summary.write_text(json.dumps({**values, "liquidations": values["liquidations"] + 1}))
    seal(summary.parent)
    shutil.rmtree(copied / "runs" / "c_passing")
    done = rerun(copied, tmp_path)
    assert done.returncode == 1
    assert f"b_failing: its folder does not have the digest {digest}" in done.stdout
    assert "different: summary.json: liquidations" in done.stdout
    assert "0 of 3 recomputed" in done.stdout


def test_rerun_without_the_command_says_so(copied, tmp_path):
    done = rerun(copied, tmp_path, seawall="no-such-command")
    assert done.returncode == 3
    assert "there is no command no-such-command" in done.stderr


def test_rerun_without_a_run_proves_nothing(tmp_path):
    script = tmp_path / "rerun"
    script.write_text(rerun_script(SuiteResult(outcomes=()), tmp_path))
    script.chmod(0o755)
    done = rerun(tmp_path, tmp_path, seawall="true")
    assert (done.returncode, done.stdout.strip()) == (1, "0 of 0 recomputed")


def test_rerun_repeats_a_crash(tmp_path):
    (tmp_path / "runs" / "broken-crash").mkdir(parents=True)
    (tmp_path / "runs" / "broken-crash" / "crash.json").write_text("{}")
    outcome = ScenarioOutcome(name="broken", source=Path("x"), verdict=Verdict.FAILED, problems=("C7",))
    script = tmp_path / "rerun"
    script.write_text(rerun_script(SuiteResult(outcomes=(outcome,)), tmp_path / "runs"))
    script.chmod(0o755)
    done = rerun(tmp_path, tmp_path, seawall="echo")
    assert done.stdout.splitlines() == [f"explain {tmp_path}/runs/broken-crash", "1 of 1 recomputed"]


@pytest.mark.parametrize(
    "content",
    [
        {"notes.txt": ""},
        {"manifest.json": "{}"},
        {"manifest.json": '{"digest": "1"}'},
        {"manifest.json": "x"},
    ],
)
def test_anything_but_earlier_evidence_is_left_alone(content, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name, text in content.items():
        (out / name).write_text(text)
    with pytest.raises(InputError, match="choose another folder"):
        run_with_evidence([write_scenario(tmp_path, "x", blocks=1)], out)
    assert {item.name: item.read_text() for item in out.iterdir()} == content


def test_earlier_evidence_is_replaced(copied, tmp_path):
    run_with_evidence([write_scenario(tmp_path, "x", blocks=1)], copied)
    assert [item.name for item in (copied / "runs").iterdir()] == ["x"]


def test_what_lies_beside_earlier_evidence_is_left_alone(copied, tmp_path):
    (copied / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt beside evidence"):
        run_with_evidence([write_scenario(tmp_path, "x", blocks=1)], copied)
    assert (copied / "runs" / "c_passing").is_dir()


def test_messages_name_the_folder_the_user_chose(tmp_path, monkeypatch):
    def full(scenario: object, options: RunOptions) -> None:
        raise RunError(f"{options.out}: cannot write: No space left on device")

    monkeypatch.setattr(suite, "run_scenario", full)
    out = tmp_path / "out"
    result = run_with_evidence([write_scenario(tmp_path / "in", "x", blocks=1)], out)
    assert result.outcomes[0].problems == (f"{out}/runs/x: cannot write: No space left on device",)
    assert f".{out.name}." not in (out / "manifest.json").read_text()


def test_interrupted_suite_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_evidence", interrupt)
    file = write_scenario(tmp_path / "in", "x", blocks=1)
    with pytest.raises(KeyboardInterrupt):
        run_with_evidence([file], tmp_path / "out")
    assert [item.name for item in tmp_path.iterdir()] == ["in"]
