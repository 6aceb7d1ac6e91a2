"""Ctrl-C under `timeout` reached a sweep twice and broke off a lock of a library: internal error, exit 3."""

import signal
import time

from tests.integration.test_sweep_recovery import PATIENCE, group_is_gone, start, wait_for_rows
from tests.support.small_sweep import small_experiment


def test_a_signal_that_arrives_twice_is_one(tmp_path):
    experiment = small_experiment(tmp_path, paths=500, blocks=60)
    out = tmp_path / "sweep"
    process = start("sweep", experiment, "--out", out, "--workers", 2)
    wait_for_rows(out, 6, process)
    for _ in range(3):  # from the terminal, and again from what runs us
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert f"go on with: seawall sweep {out} --workers 2" in errors
    assert group_is_gone(process.pid)
