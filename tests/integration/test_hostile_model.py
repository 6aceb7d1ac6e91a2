"""A designer's formula written to break the process: the run ends with an exit code, never with a signal."""

import subprocess
import sys

import pytest

from tests.support.own_formula import FORMULA_HEAD
from tests.support.small_run import text_with_model

MODEL = """

@deploy
def __init__():
    pass


@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    success: bool = False
    {body}
    return MarginRatios(initial=10**17, maintenance=5 * 10**16)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""
ENDLESS = "for index: uint256 in range(2**64): success = not success"
CALLS = "success = raw_call({target}, {data}, revert_on_failure=False, is_static_call=True)"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (ENDLESS, 2, "hostile.vy: the margin formula of market ETH has no good answer"),
        (CALLS.format(target="self", data="slice(msg.data, 0, 228)"), 0, "Digest"),
        (CALLS.format(target="0x" + "00" * 19 + "01", data='b"\\x01"'), 0, "Digest"),  # not on native
        (CALLS.format(target="msg.sender", data='b"\\xff\\xff\\xff\\xff"'), 0, "Digest"),
    ],
    ids=["endless", "calls itself", "calls what the engine does not do", "calls back"],
)
def test_a_formula_that_misbehaves_ends_the_run_or_nothing(body, code, words, tmp_path):
    (tmp_path / "hostile.vy").write_text(FORMULA_HEAD + MODEL.format(body=body))
    (tmp_path / "hostile.toml").write_text(text_with_model("hostile.vy"))
    short = ["--blocks", "4", "--set", "traders.0.count=6", "--worlds", "none"]
    ended = subprocess.run(
        [sys.executable, "-m", "sim", "run", "hostile.toml", *short, "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert words in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
