"""Faults of the sample that change nothing, each with its proof."""

from __future__ import annotations

from typing import Final

Key = tuple[str, str, str]
"""(file below ``contracts/``, source line without indentation, the same line with the fault)."""

EQUIVALENT: Final[dict[Key, str]] = {
    ("modules/deficits.vy", "if held > left:", "if held >= left:"): (
        "with as much held as pends nothing is freed; with nothing of both, the pot of the epoch has never "
        "held anything, since an epoch ends when its pot becomes empty, so that the next one is no other"
    ),
}
