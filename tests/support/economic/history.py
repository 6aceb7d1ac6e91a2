"""What is played: a world and a list of actions, and the same as a transcript that a test can hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from tests.support.economic.draws import Draw

Intent = Literal["legal", "hostile", "free"]
"""What whoever made an action up expected: that it works, that it is refused, or nothing."""
LEGAL: Final[Intent] = "legal"
HOSTILE: Final[Intent] = "hostile"
FREE: Final[Intent] = "free"
WHOLE: Final = 10_000
"""A share of one, in basis points."""


class Action(NamedTuple):
    """One thing that somebody does; what each verb's arguments are is said in ``play``."""

    verb: str
    actor: int
    arguments: tuple[int | str, ...] = ()
    intent: Intent = FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A world and what happens in it."""

    draw: Draw
    actions: tuple[Action, ...]
    moving: bool = False
    origin: str = ""
    """Who made it up: a seed, or the seed it was changed from."""

    def text(self) -> str:
        """Return the transcript: JSON, one line an action."""
        head = {"origin": self.origin, "moving": self.moving, "draw": self.draw.as_data()}
        lines = [json.dumps([*action[:2], *action.arguments, action.intent]) for action in self.actions]
        body = ",\n  ".join(lines)
        return json.dumps(head)[:-1] + ', "actions": [\n  ' + body + "\n]}\n"


def read_transcript(text: str | Path) -> History:
    """Return the history of a transcript, given as text or as a file."""
    data: dict[str, Any] = json.loads(text.read_text("utf-8") if isinstance(text, Path) else text)
    actions = tuple(Action(row[0], row[1], tuple(row[2:-1]), row[-1]) for row in data["actions"])
    return History(draw=Draw(**data["draw"]), actions=actions, moving=data["moving"], origin=data["origin"])
