"""The worlds beside a run: what a word of cause is a difference to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

OtherWorld = Literal["no_price_feedback", "no_margin_feedback", "no_feedback"]
"""On the run's random numbers: without the impact of flow that originates in a forced close, with margin
ratios as at the start, with neither."""

Worlds = Literal["none", "forced", "all"]
"""Which of them are run, as ``--worlds`` says it."""

WORLDS: Final[Mapping[Worlds, tuple[OtherWorld, ...]]] = {
    "none": (),
    "forced": ("no_price_feedback",),
    "all": get_args(OtherWorld),
}

WHY_NOT: Final[Mapping[OtherWorld, str]] = {
    "no_price_feedback": "the world without price feedback was not run (--worlds forced)",
    "no_margin_feedback": "the world without margin feedback was not run (--worlds all)",
    "no_feedback": "the world without any feedback was not run (--worlds all)",
}


def fewest(needed: Iterable[OtherWorld]) -> Worlds:
    """Return the fewest worlds to run that have all of these among them."""
    wanted = set(needed)
    return next(choice for choice, worlds in WORLDS.items() if wanted <= set(worlds))
