"""The command line: ``seawall run | replay | report | scenarios | schema | explain``."""

from sim.cli.entry import main

__all__ = ["main"]
