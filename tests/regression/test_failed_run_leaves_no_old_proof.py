"""A run that failed into a used --out left the old results, and replay called them identical (R5)."""

from __future__ import annotations

import json

import pytest

from sim.cli import entry
from sim.core.errors import InvariantViolation
from sim.engine import run as engine
from tests.support.small_run import SCENARIO, small_run


def test_replay_does_not_confirm_a_folder_whose_latest_run_failed(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    small_run(out, "blocks=3")
    earlier = (out / "summary.json").read_bytes()

    def broken(*_, **__):
        raise InvariantViolation("A1", 2, "tokens are missing", {})

    with monkeypatch.context() as patch:
        patch.setattr(engine, "execute", broken)
        assert entry.main(["run", str(SCENARIO), "--blocks", "3", "--out", str(out)]) == 1
    for command in (["replay", str(out)], ["report", str(out)]):
        capsys.readouterr()
        assert entry.main(command) == 2
        printed = capsys.readouterr()
        assert "identical" not in printed.out
        assert f"{out}/unfinished.json: a later run into this folder did not finish" in printed.err
    assert (out / "summary.json").read_bytes() == earlier, "and nothing of the earlier run is lost"
    (out / "unfinished.json").unlink()
    assert entry.main(["replay", str(out)]) == 0


def test_the_next_run_that_finishes_takes_the_mark_away(tmp_path):
    out = tmp_path / "run"
    small_run(out, "blocks=2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "execute", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            small_run(out, "blocks=2")
    assert (out / "unfinished.json").is_file()
    small_run(out, "blocks=2")
    assert not (out / "unfinished.json").exists()
    assert entry.main(["replay", str(out)]) == 0


def test_replay_of_a_crash_names_explain(tmp_path, capsys):
    """R17: it said only that the folder held no manifest."""
    folder = tmp_path / "run-crash"
    folder.mkdir()
    (folder / "crash.json").write_text(json.dumps({"invariant": "A1"}))
    assert entry.main(["replay", str(folder)]) == 2
    assert f"see seawall explain {folder}" in capsys.readouterr().err
