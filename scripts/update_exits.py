#!/usr/bin/env python3
"""Write docs/exits.md from the words of the table of ways out, or with --check say whether it is out of date.

scripts/update_exits.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.generated_page import is_check, write_or_check  # noqa: E402  (the path must be set first)
from tests.support.exit_table import page  # noqa: E402

PAGE = ROOT / "docs" / "exits.md"


def main() -> int:
    """Write the page or compare it; return the exit code."""
    return write_or_check(PAGE, page(), check=is_check(PAGE.name))


if __name__ == "__main__":
    sys.exit(main())
