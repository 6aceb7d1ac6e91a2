"""What stands at ``--out`` was lost too easily.

A folder with any ``manifest.json``, such as a web application's, passed for a run and was deleted with all
it held; so was what somebody had put beside a run. ``--out .`` and a mount point failed only after the whole
run. The report was written after an earlier run had been replaced, so a disk full by then left a run
without one. SIGTERM left a hidden folder behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli import entry
from sim.core.errors import InputError, RunError
from sim.engine.options import RunOptions
from sim.engine.results.result import UNFINISHED, ResultsFolder, settled_folder
from sim.engine.run import run_scenario
from tests.support.small_run import SCENARIO, small_run, small_scenario


def options(out: Path) -> RunOptions:
    return RunOptions(out=out, worlds="none")


def short_run(options: RunOptions) -> Path:
    return run_scenario(small_scenario("blocks=2"), options).folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones included; not the mark of a run that did not finish."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != UNFINISHED
    }


@pytest.mark.parametrize("manifest", ['{"name": "a web application"}', "[]", "no json"])
def test_a_manifest_of_something_else_is_not_a_run(manifest, tmp_path, capsys):
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "manifest.json").write_text(manifest)
    (tmp_path / "web" / "src" / "main.js").write_text("precious")
    before = contents(tmp_path)
    assert entry.main(["run", str(SCENARIO), "--blocks", "2", "--out", str(tmp_path / "web")]) == 2
    assert "holds files that are not a run" in capsys.readouterr().err
    with pytest.raises(InputError, match="not a run"):
        short_run(options(tmp_path / "web"))
    assert contents(tmp_path) == before


def test_notes_beside_a_run_are_not_lost(tmp_path):
    folder = short_run(options(tmp_path / "run"))
    (folder / ".DS_Store").write_text("a file manager looked here")
    (folder / ".summary.json.x1.tmp").write_text("a killed process was here")
    assert short_run(options(folder)) == folder
    assert not (folder / ".DS_Store").exists()
    (folder / "notes.md").write_text("what I think of it")
    with pytest.raises(InputError, match=r"holds notes\.md beside a run"):
        short_run(options(folder))
    assert (folder / "notes.md").is_file()


@pytest.mark.parametrize("out", [".", "..", "below/.."])
def test_the_current_folder_is_refused_before_the_run(out, tmp_path, monkeypatch):
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="current folder or holds it"):
        short_run(options(Path(out)))


def test_a_mount_point_is_refused_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "volume")
    with pytest.raises(InputError, match="is a mount point"):
        short_run(options(tmp_path / "volume"))


def test_a_link_to_a_run_keeps_being_one(tmp_path):
    folder = short_run(options(tmp_path / "run"))
    (tmp_path / "latest").symlink_to("run")
    assert short_run(options(tmp_path / "latest")) == folder.resolve()
    assert (tmp_path / "latest").is_symlink()
    assert settled_folder(tmp_path / "latest") == folder.resolve()


def test_a_report_without_room_leaves_the_earlier_run(tmp_path):
    folder = short_run(options(tmp_path / "run"))
    before = contents(tmp_path)

    def no_room(place: Path) -> None:
        raise RunError(f"{place / 'report.html'}: cannot write: No space left on device")

    with pytest.raises(RunError) as caught:
        short_run(replace(options(folder), finish=no_room))
    assert str(caught.value) == f"{folder / 'report.html'}: cannot write: No space left on device"
    assert contents(tmp_path) == before


def test_a_mistake_in_the_report_loses_no_run(tmp_path):
    def mistaken(place: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        short_run(replace(options(tmp_path / "run"), finish=mistaken))
    assert (tmp_path / "run" / "manifest.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_earlier_run_comes_back_if_the_new_one_cannot_take_its_place(tmp_path):
    folder = small_run(tmp_path / "run", "blocks=2").folder
    before = contents(tmp_path)
    results = ResultsFolder(folder)
    results.discard()  # so that the rename into place fails
    with pytest.raises(RunError, match="cannot write"):
        results.publish()
    assert contents(tmp_path) == before


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM")
def test_a_terminated_run_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", "import sys; from sim.cli import main; sys.exit(main())"]
    run = subprocess.Popen(
        [*command, "run", str(SCENARIO), "--blocks", "1000", "--out", str(tmp_path / "run")],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if any(tmp_path.iterdir()) or run.poll() is not None:
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    _, printed = run.communicate(timeout=60)
    assert (run.returncode, printed) == (130, "seawall: interrupted\n")
    assert list(tmp_path.iterdir()) == []
