"""An interrupted suite discarded every scenario that was finished (R17)."""

from __future__ import annotations

import json

import pytest

from sim.cli import entry
from sim.engine.blocks.loop import BlockLoop
from tests.support.small_run import SCENARIO


@pytest.fixture
def scenarios(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    text = SCENARIO.read_text().replace("blocks = 60", "blocks = 4")
    for name in ("a", "b", "c"):
        (folder / f"{name}.toml").write_text(text)
    return folder


def interrupt_the_second(monkeypatch) -> None:
    """Press Ctrl-C in the second run."""
    runs = []
    real = BlockLoop.run

    def run(self, *arguments):
        runs.append(self)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(BlockLoop, "run", run)


def test_what_is_finished_is_kept_and_counted(scenarios, tmp_path, capsys, monkeypatch):
    interrupt_the_second(monkeypatch)
    out, junit = tmp_path / "evidence", tmp_path / "junit.xml"
    command = ["suite", str(scenarios), "--out", str(out), "--junit", str(junit)]
    assert entry.main(command) == 130
    printed = capsys.readouterr()
    assert "Broken off: 1 of 3 scenarios" in printed.out
    assert "interrupted" in printed.err
    stated = json.loads((out / "manifest.json").read_text())
    assert (stated["finished"], stated["asked"]) == (1, 3)
    assert [entry["name"] for entry in stated["scenarios"]] == ["a"]
    assert "Broken off: 1 of 3 scenarios" in (out / "README.md").read_text()
    assert junit.read_text().count("<testsuite ") == 1
    assert entry.main(["replay", str(out / "runs" / "a")]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_whole_evidence_is_not_lost_for_a_part(scenarios, tmp_path, capsys, monkeypatch):
    out = tmp_path / "evidence"
    assert entry.main(["suite", str(scenarios), "--out", str(out)]) == 0
    before = (out / "README.md").read_bytes()
    interrupt_the_second(monkeypatch)
    assert entry.main(["suite", str(scenarios), "--out", str(out)]) == 130
    assert f"Evidence {tmp_path / 'evidence-partial'}" in capsys.readouterr().out
    assert (out / "README.md").read_bytes() == before
    assert (tmp_path / "evidence-partial" / "runs" / "a" / "manifest.json").is_file()


def test_nothing_finished_leaves_nothing(scenarios, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(BlockLoop, "run", interrupt)
    assert entry.main(["suite", str(scenarios), "--out", str(tmp_path / "evidence")]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["scenarios"]
