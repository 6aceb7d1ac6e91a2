"""Packages that only experiments need: whoever asks for one that is absent is told its name.

A run, its replay and its report do without them, and `scripts/demo` installs none; ``pip install
'seawall[experiments]'`` brings all.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from sim.core.errors import RunError

MODULES: Final[Mapping[str, str]] = {
    "arch": "arch",
    "distributed": "distributed",
    "optuna": "optuna",
    "salib": "SALib",
}
"""Package of the extra -> the module it brings."""

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "seawall sensitivity": ("salib",),
    "seawall optimise": ("optuna",),
    "seawall backtest": ("arch",),
    "--dask": ("distributed",),
}
"""What is asked for -> the packages it needs."""


def require(purpose: str) -> None:
    """Say which packages are missing for a purpose, before any work is done; one not in `NEEDS` needs none.

    Raises
    ------
    RunError
        One is not installed.
    """
    missing = [package for package in NEEDS.get(purpose, ()) if find_spec(MODULES[package]) is None]
    if missing:
        raise RunError(
            f"{purpose} needs {', '.join(missing)}: pip install 'seawall[experiments]' (in a checkout: "
            ".venv/bin/python -m pip install -c constraints.txt -e '.[experiments]')"
        )
