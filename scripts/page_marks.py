"""Tables that scripts make in pages of ``docs/``: what stands between two marks is theirs alone."""

from __future__ import annotations

from pathlib import Path

from sim.core.files import atomic_write_text


def put_between(page: Path, begin: str, end: str, made: str) -> None:
    """Replace what a page has between two marks, an empty line on either side.

    Raises
    ------
    SystemExit
        The page has no such place.
    """
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page.name} has no place for the table: {begin} ... {end}")
    atomic_write_text(page, f"{before}{begin}\n\n{made}\n\n{end}{after}")
