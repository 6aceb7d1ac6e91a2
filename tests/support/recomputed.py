"""The digest of a results folder by the script that knows nothing of Seawall."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "recompute_digest.py"


def recomputed(folder: Path) -> str:
    """Return the digest if the script, isolated from this project, finds that it is the one stated."""
    finished = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(folder)],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout.removeprefix("equal: ").strip()
