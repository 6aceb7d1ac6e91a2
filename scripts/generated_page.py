"""What every script does that writes a page of docs/: write it, or say whether it is out of date."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from sim.core.files import atomic_write_text


def is_check(page: str) -> bool:
    """Parse the command line of a script that writes `page`; return whether ``--check`` was given."""
    parser = ArgumentParser(description=f"Write docs/{page}.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is out of date")
    return bool(parser.parse_args().check)


def write_or_check(path: Path, text: str, *, check: bool) -> int:
    """Write a page, or compare it with what it should say; return the exit code."""
    if not check:
        atomic_write_text(path, text)
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"docs/{path.name} is out of date: run {Path(sys.argv[0]).name}", file=sys.stderr)
    return 1
