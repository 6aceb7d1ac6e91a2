"""The command line: ``seawall --help`` lists its commands."""

from sim.cli.entry import main

__all__ = ["main"]
