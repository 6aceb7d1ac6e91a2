"""Where commands print: what was found on stdout, progress and mistakes on stderr."""

import os
import sys
import textwrap

from rich.console import Console

WIDTH_OF_LOGS = 120
"""Columns where output is no terminal and nobody says how many: a CI system's page is wider than eighty."""


def results_console() -> Console:
    """Return the console of results, which wraps at the terminal's width and colours nothing by itself."""
    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, emoji=False, width=None if told else WIDTH_OF_LOGS)


def errors_console() -> Console:
    """Return the console of progress and mistakes; commands in it are left to the terminal to wrap."""
    return Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def say(console: Console, text: str) -> None:
    """Print a message in one line; on a terminal broken between words, never in one.

    What shall be copied whole, a command, is printed as it is: a terminal joins what it has broken itself.
    """
    lines = [text]
    if console.is_terminal and " go on with: " not in text:
        lines = textwrap.wrap(
            text, console.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        ) or [""]
    for line in lines:
        console.print(line, markup=False)
