"""In which mode an account is margined: a key of agents that hold positions."""

from __future__ import annotations

from typing import Any, Final, Literal

from sim.core.documents.sections import choice

AccountMode = Literal["cross", "isolated", "portfolio"]

MODES: Final[tuple[AccountMode, ...]] = ("cross", "isolated", "portfolio")
"""By the contracts' number (``constants.vy``)."""


def mode_choice() -> Any:
    """Return the field of a section."""
    return choice(
        "cross",
        "How accounts are margined: each position alone against one equity, in one market at a time, or all "
        "together by joint scenarios, which needs [protocol.portfolio].",
        source="the contracts' own first mode",
    )


def mode_words(mode: AccountMode) -> str:
    """Return words for reports, empty in cross mode: ``, in portfolio margin``."""
    return "" if mode == "cross" else f", in {mode} margin"
