#!/usr/bin/env python3
"""Call everything as everybody and write docs/access.md, or with --check say whether it is out of date.

scripts/update_access.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.generated_page import is_check, write_or_check  # noqa: E402  (the path must be set first)
from tests.support.access.page import artifacts, differences, missing, page  # noqa: E402
from tests.support.access.world import AccessWorld  # noqa: E402

PAGE = ROOT / "docs" / "access.md"


def main() -> int:
    """Write the page or compare it; return the exit code."""
    check = is_check(PAGE.name)
    contracts = artifacts()
    problems = [f"{name} is not in both the ABI and the table" for name in missing(contracts)]
    problems = problems or differences(AccessWorld().observe())
    if problems:
        print(*problems, "mend tests/support/access/table.py or the contracts", sep="\n", file=sys.stderr)
        return 1
    return write_or_check(PAGE, page(contracts), check=check)


if __name__ == "__main__":
    sys.exit(main())
