"""Faults of the sample that change nothing, each with its proof."""

from __future__ import annotations

from typing import Final

Key = tuple[str, str, str]
"""(file below ``contracts/``, source line without indentation, the same line with the fault)."""

EQUIVALENT: Final[dict[Key, str]] = {}
