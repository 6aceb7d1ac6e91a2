"""``seawall suite``: exit codes, the broken line named, what was never reached."""

from xml.etree import ElementTree as ET

import pytest

from sim.cli.entry import main
from tests.unit.sim.experiments.suites.conftest import PASSING, write_scenario


def test_passing_suite_exits_zero_and_says_what_was_never_reached(tmp_path, capsys):
    write_scenario(tmp_path / "in", "good", PASSING, blocks=12)
    write_scenario(tmp_path / "in", "silent", blocks=2)
    junit = tmp_path / "reports" / "out.xml"
    assert main(["suite", str(tmp_path / "in"), "--junit", str(junit)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    good, silent = (
        next(line for line in printed.out.splitlines() if line.startswith(name))
        for name in ("good", "silent")
    )
    assert good.split()[:2] == ["good", "passed"]
    assert int(good.split()[2]) > 0  # liquidations
    assert silent.rstrip().endswith("(expects nothing)")
    assert "Never reached" in printed.out
    assert "insurance_fund.deposit" in printed.out
    assert printed.out.startswith("2 passed.\nExpects nothing  silent\n")
    assert ET.parse(junit).getroot().get("failures") == "0"  # noqa: S314  (our own output)


def test_one_changed_bound_exits_one_and_names_the_line(tmp_path, capsys):
    good = write_scenario(tmp_path, "good", PASSING, blocks=12)
    text = good.read_text()
    good.write_text(text.replace("min_liquidations = 1", "min_liquidations = 1_000"))
    junit = tmp_path / "out.xml"
    assert main(["suite", str(good), "--junit", str(junit)]) == 1
    printed = capsys.readouterr()
    line = printed.err.strip()
    assert line.startswith("seawall: good: expected liquidations >= 1000: was ")
    # In a narrow terminal the cell goes on in the next line, which has nothing else in it.
    assert line.removeprefix("seawall: good: expected ") in " ".join(printed.out.split())
    assert ET.parse(junit).getroot().find(".//failure").text == line.removeprefix("seawall: good: expected ")  # noqa: S314


def test_bad_file_exits_two_after_the_others_have_run(tmp_path, capsys):
    bad = write_scenario(tmp_path, "bad", "max_nonsense = 1")
    good = write_scenario(tmp_path, "good", PASSING, blocks=12)
    assert main(["suite", str(bad), str(good), "--out", str(tmp_path / "evidence")]) == 2
    printed = capsys.readouterr()
    assert "1 passed, 1 bad input" in printed.out
    assert printed.err.startswith(f"seawall: {bad}:")
    assert "max_nonsense" in printed.err
    assert (tmp_path / "evidence" / "runs" / "good" / "summary.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["suite"], "Missing argument"),
        (["suite", "clam_market"], "clam_market: there is no such scenario, did you mean calm_market?"),
        (["suite", "empty"], "empty: holds no scenario (*.toml)"),
        (["suite", "calm_market", "--junit", "empty"], "--junit empty: is a folder"),
        (
            ["suite", "calm_market", "--out", "e", "--junit", "e/x.xml"],
            "--junit e/x.xml: lies in the folder of --out",
        ),
        (["suite", "calm_market", "--out", "full"], "--out full: holds files that are not the evidence"),
        (["suite", "calm_market", "--out", "."], "--out .: is the current folder or holds it"),
        (["suite", "calm_market", "--engine", "geth"], "Invalid value for '--engine'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    if "." in arguments:
        monkeypatch.chdir(tmp_path / "empty")
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"seawall: {message}" in printed.err


def test_missing_file_is_bad_input(tmp_path, capsys):
    assert main(["suite", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: cannot be read" in capsys.readouterr().err
