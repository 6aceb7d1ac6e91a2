"""Seawall: stress tests of on-chain margin protocols on their own bytecode.

>>> from sim import run, sweep, compare    # doctest: +SKIP

The functions of `sim.api`, one for each command that computes, are loaded when they are first asked for:
importing `sim` stays quick, and no layer below imports what stands above it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_API = ("backtest", "compare", "frontier", "optimise", "run", "sensitivity", "suite", "sweep")


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(import_module("sim.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted((*globals(), *_API))
