"""Takes out of a finding whatever it does not need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.support.economic.history import WHOLE, Action, History
from tests.support.economic.play import ROUNDING_UNITS, Outcome, Player

MOST_TRIES: Final = 600


def replay(history: History, contracts: Path | None = None, *, checks: bool | None = None) -> Outcome:
    """Play a history in a new world and return what it led to."""
    player = Player(history, contracts, checks=checks)
    try:
        return player.run()
    finally:
        player.close()


def minimised(history: History, still: Callable[[History], bool]) -> History:
    """Return a shorter history for which something still holds: delta debugging, then rounder numbers.

    Parameters
    ----------
    still
        Whether a history still shows the finding.
    """
    tries = 0

    def holds(actions: tuple[Action, ...]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= MOST_TRIES and still(replace(history, actions=actions))

    actions = history.actions
    size = max(len(actions) // 2, 1)
    while True:
        place, shorter = 0, False
        while place < len(actions):
            fewer = actions[:place] + actions[place + size :]
            if holds(fewer):
                actions, shorter = fewer, True
            else:
                place += size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    for place, action in enumerate(actions):
        for simpler in _simpler(action):
            if holds((*actions[:place], simpler, *actions[place + 1 :])):
                actions = (*actions[:place], simpler, *actions[place + 1 :])
                break
    return replace(history, actions=actions)


def _simpler(action: Action) -> list[Action]:
    """Return the same action with rounder numbers, roundest first."""
    made = []
    for digits in (1, 2):
        arguments = tuple(
            _rounded(value, digits) if isinstance(value, int) and abs(value) > WHOLE else value
            for value in action.arguments
        )
        if arguments != action.arguments:
            made.append(action._replace(arguments=arguments))
    return made


def _rounded(value: int, digits: int) -> int:
    scale = 10 ** max(len(str(abs(value))) - digits, 0)
    return value // scale * scale


def still_profitable(least: int, contracts: Path | None = None) -> Callable[[History], bool]:
    """Return what tells whether a history still makes a profit above rounding, a tenth of it at least."""
    floor = max(least // 10, ROUNDING_UNITS)
    return lambda history: replay(history, contracts, checks=False).best.profit > floor


def still_broken(identifier: str, contracts: Path | None = None) -> Callable[[History], bool]:
    """Return what tells whether a history still breaks an invariant."""
    return lambda history: any(
        broken == identifier for broken, _, _ in replay(history, contracts, checks=True).broken
    )


def regression_test(history: History, what: str, broken: str | None = None) -> str:
    """Return a test file that holds what a history shows not to come back.

    Parameters
    ----------
    what
        The finding in words.
    broken
        Rule that it breaks; None: it makes a profit.
    """
    name = f"rule_{broken}_holds".lower() if broken else "nobody_gains"
    held = (
        f'assert "{broken}" not in {{name for name, _, _ in outcome.broken}}'
        if broken
        else "assert outcome.best.profit <= ROUNDING_UNITS"
    )
    used = "replay\n" if broken else "replay\nfrom tests.support.economic.play import ROUNDING_UNITS\n"
    return (
        f'"""Found by the attacker of the test bench: {what}."""\n\n'
        "from tests.support.economic.history import read_transcript\n"
        f"from tests.support.economic.minimise import {used}\n"
        f'TRANSCRIPT = """{history.text()}"""\n\n\n'
        f"def test_{name}():\n"
        f"    outcome = replay(read_transcript(TRANSCRIPT), checks={bool(broken)})\n"
        f"    {held}\n"
    )
