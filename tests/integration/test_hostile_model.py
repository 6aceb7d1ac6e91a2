"""A designer's formula written to break the process: the run ends with an exit code, never with a signal."""

import subprocess
import sys

import pytest

from tests.support.failing_formula import ENDLESS, scenario_with

CALLS = "success = raw_call({target}, {data}, revert_on_failure=False, is_static_call=True)"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (ENDLESS, 2, "own.vy: the margin formula of market ETH has no good answer"),
        (CALLS.format(target="self", data="slice(msg.data, 0, 228)"), 0, "Digest"),
        (CALLS.format(target="0x" + "00" * 19 + "01", data='b"\\x01"'), 0, "Digest"),  # not on native
        (CALLS.format(target="msg.sender", data='b"\\xff\\xff\\xff\\xff"'), 0, "Digest"),
    ],
    ids=["endless", "calls itself", "calls what the engine does not do", "calls back"],
)
def test_a_formula_that_misbehaves_ends_the_run_or_nothing(body, code, words, tmp_path):
    scenario = scenario_with(tmp_path, body, when="True")
    short = ["--blocks", "4", "--set", "traders.0.count=6", "--worlds", "none"]
    ended = subprocess.run(
        [sys.executable, "-m", "sim", "run", scenario.name, *short, "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert words in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
