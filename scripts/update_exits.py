#!/usr/bin/env python3
"""Write docs/exits.md from the words of the table of ways out, or with --check say whether it is out of date.

scripts/update_exits.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.core.files import atomic_write_text  # noqa: E402  (the path must be set first)
from tests.support.exit_table import page  # noqa: E402

PAGE = ROOT / "docs" / "exits.md"


def main() -> int:
    """Write the page or compare it; return the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/exits.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is out of date")
    if not parser.parse_args().check:
        atomic_write_text(PAGE, page())
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} is out of date: run scripts/update_exits.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
