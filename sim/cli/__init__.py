"""The command line: ``seawall run | replay | suite | report | scenarios | schema | explain``."""

from sim.cli.entry import main

__all__ = ["main"]
