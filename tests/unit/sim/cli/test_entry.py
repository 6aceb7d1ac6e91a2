"""Exit codes and messages: every failure is a line on stderr, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import app as commands
from sim.cli import entry
from sim.core.errors import InputError, InvariantViolation, RunError

REPOSITORY = Path(__file__).parents[4]


@pytest.mark.parametrize("command", ["run", "replay", "report", "scenarios", "schema", "explain"])
def test_main_help_of_every_command_exits_zero(command, capsys):
    assert entry.main([command, "--help"]) == 0
    assert "Usage: seawall" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rn"], "No such command 'rn'"),
        (["run"], "Missing argument 'scenario'"),
        (["run", "calm_market", "--engine", "geth"], "Invalid value for '--engine'"),
        (["run", "calm_market", "--seed", "x"], "Invalid value for '--seed'"),
        (["run", "calm_market", "--seed", "-1"], "--seed -1: seed: must be at least 0, was -1"),
        (["run", "calm_market", "--blocks", "0"], "--blocks 0: blocks: must be at least 1, was 0"),
        (["run", "calm_market", "--set", "chain.x=1"], "--set chain.x=1: chain.x: unknown key"),
        (["run", "clam_market"], "clam_market: there is no such scenario, did you mean calm_market?"),
        (["run", "missing.toml"], "missing.toml: cannot be read: No such file or directory"),
        (["run", "calm_market", "--prices", "none.csv"], "none.csv: there is no such file"),
        (["replay", "no_such_folder"], "no_such_folder: there is no such folder"),
        (["report", "no_such_folder"], "no_such_folder: there is no such folder"),
        (["explain", "no_such_report.json"], "no_such_report.json: there is no such file"),
    ],
)
def test_main_bad_input_exits_two_with_a_line(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert entry.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"seawall: {message}" in captured.err
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError(["a.toml:1: x: wrong", "a.toml:2: y: wrong"]), 2, "seawall: a.toml:2: y: wrong"),
        (RunError("disk is full"), 3, "seawall: disk is full"),
        (InvariantViolation("SOLV-1", 5, "balances differ", {"left": 1}), 1, "SOLV-1 broken at block 5"),
        (KeyboardInterrupt(), 130, "seawall: interrupted"),
        (PermissionError(13, "Permission denied", "/x/y"), 3, "seawall: /x/y: Permission denied"),
        (MemoryError(), 3, "seawall: not enough memory"),
    ],
)
def test_main_error_in_a_command_gives_its_code(error, code, message, capsys, monkeypatch):
    def fail(_: object) -> Path:
        raise error

    monkeypatch.setattr(commands, "_existing_folder", fail)
    assert entry.main(["report", "somewhere"]) == code
    assert message in capsys.readouterr().err


def test_main_defect_gives_one_line_and_a_log(capsys, monkeypatch, tmp_path):
    def fail(_: object) -> Path:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr(commands, "_existing_folder", fail)
    monkeypatch.setattr(entry.tempfile, "tempdir", str(tmp_path))
    assert entry.main(["report", "somewhere"]) == 3
    message = capsys.readouterr().err.strip()
    assert message.startswith("seawall: internal error, ZeroDivisionError: first; details in ")
    assert "\n" not in message
    log = Path(message.rsplit(" ", 1)[1])
    assert log.parent == tmp_path
    assert "ZeroDivisionError: first" in log.read_text()


def test_module_run_in_a_process_prints_no_traceback(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text("blocks = nan\n")
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", str(bad)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"seawall: {bad}:1: blocks: must be" in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_pipe_is_not_a_traceback():
    shell = f"{sys.executable} -m sim schema | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
