#!/usr/bin/env python3
"""Call everything as everybody and write docs/access.md, or with --check say whether it is out of date.

scripts/update_access.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.core.files import atomic_write_text  # noqa: E402  (the path must be set first)
from tests.support.access.page import artifacts, differences, missing, page  # noqa: E402
from tests.support.access.world import AccessWorld  # noqa: E402

PAGE = ROOT / "docs" / "access.md"


def main() -> int:
    """Write the page or compare it; return the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/access.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is out of date")
    asked = parser.parse_args()
    contracts = artifacts()
    problems = [f"{name} is not in both the ABI and the table" for name in missing(contracts)]
    problems = problems or differences(AccessWorld().observe())
    if problems:
        print(*problems, "mend tests/support/access/table.py or the contracts", sep="\n", file=sys.stderr)
        return 1
    if not asked.check:
        atomic_write_text(PAGE, page(contracts))
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page(contracts):
        return 0
    print(f"{PAGE.relative_to(ROOT)} is out of date: run scripts/update_access.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
