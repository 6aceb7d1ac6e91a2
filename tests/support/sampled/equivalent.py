"""Faults of the sample that change nothing, each with its proof."""

from __future__ import annotations

from typing import Final

Key = tuple[str, str, str]
"""(file below ``contracts/``, source line without indentation, the same line with the fault)."""

_SEAMS: Final = "LN_NEAR_ONE_LOW <= x and x <= LN_NEAR_ONE_HIGH"

EQUIVALENT: Final[dict[Key, str]] = {
    ("modules/deficits.vy", "if held > left:", "if held >= left:"): (
        "with as much held as pends nothing is freed; with nothing of both, the pot of the epoch has never "
        "held anything, since an epoch ends when its pot becomes empty, so that the next one is no other"
    ),
    **{
        ("lib/fixed_point.vy", f"if {seam}:", f"if {other}:"): (
            "both ways to work out the logarithm give the same at either end of the range that is near one, "
            "346573590279972654 below and above nothing: the test of seams holds them against the twin"
        )
        for seam, other in (
            (_SEAMS, _SEAMS.replace("<=", "<", 1)),
            (_SEAMS, "<".join(_SEAMS.rsplit("<=", 1))),
        )
    },
}
