"""Where commands print: what was found on stdout, progress and mistakes on stderr."""

import os
import sys

from rich.console import Console

WIDTH_OF_LOGS = 120
"""Columns where output is no terminal and nobody says how many: a CI system's page is wider than eighty."""


def results_console() -> Console:
    """Return the console of results, which wraps at the terminal's width and colours nothing by itself."""
    told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if told else WIDTH_OF_LOGS)


def errors_console() -> Console:
    """Return the console of progress and mistakes; lines are left to the terminal to wrap."""
    return Console(stderr=True, soft_wrap=True, highlight=False)
