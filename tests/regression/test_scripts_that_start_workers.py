"""A script that asks for workers and would be run anew by each is refused, where it hung for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.core.errors import InputError
from sim.experiments.sweep import executors
from sim.experiments.sweep.executors import Workers, require_guarded_script

ROOT = Path(__file__).parents[2]
CALL = """
from pathlib import Path
from sim import sweep
{guard}print("paths", sweep({experiment!r}, workers={workers}, out={out!r}).result.completed)
"""
EXPERIMENT = """
schema_version = 1
kind = "sweep"
title = "t"
scenario = "small_run.toml"
paths = 2
set = ["blocks=2", "traders.0.count=2"]

[[points]]
name = "as it is"
"""


def started(tmp_path, *, guard, workers):
    (tmp_path / "small_run.toml").write_text((ROOT / "tests" / "support" / "small_run.toml").read_text())
    experiment = tmp_path / "two.toml"
    experiment.write_text(EXPERIMENT)
    script = tmp_path / "script.py"
    out = str(tmp_path / "out")
    script.write_text(CALL.format(guard=guard, experiment=str(experiment), workers=workers, out=out))
    command, environment = [sys.executable, str(script)], {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_script_without_the_line_is_told_what_to_write(tmp_path):
    done = started(tmp_path, guard="", workers=1)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("sim.core.errors.InputError: ")
    assert f"{tmp_path / 'script.py'}: starts worker processes" in last
    assert 'if __name__ == "__main__":' in last
    assert "workers=0" in last
    assert not (tmp_path / "out").exists(), "nothing was begun"


@pytest.mark.parametrize(("guard", "workers"), [("if __name__ == '__main__': ", 1), ("", 0)])
def test_with_the_line_or_without_workers_it_runs(tmp_path, guard, workers):
    assert started(tmp_path, guard=guard, workers=workers).stdout.splitlines()[-1] == "paths 2"


def test_where_no_file_is_imported_nothing_is_asked(tmp_path, monkeypatch):
    class Main:
        pass

    monkeypatch.setitem(executors.sys.modules, "__main__", Main())
    require_guarded_script(Workers.of(2))
    Main.__file__ = str(tmp_path / "gone.py")
    require_guarded_script(Workers.of(2))
    (tmp_path / "gone.py").write_text("x = 1\n")
    require_guarded_script(Workers.of(0))
    with pytest.raises(InputError, match="starts worker processes"):
        require_guarded_script(Workers.of(2))
