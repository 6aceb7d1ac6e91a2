"""Where the scenarios are that ship."""

from __future__ import annotations

from pathlib import Path

import sim


def shipped_folder() -> Path:
    """Return the folder of the scenarios that ship: inside the package, or beside it in a checkout."""
    package = Path(sim.__file__).resolve().parent
    packaged = package / "_scenarios"
    return packaged if packaged.is_dir() else package.parent / "scenarios"


def shipped_scenarios() -> dict[str, Path]:
    """Return the scenario files that ship, by bare name."""
    return {file.stem: file for file in sorted(shipped_folder().glob("*.toml"))}
