#!/usr/bin/env python3
"""Rewrite the summaries in tests/golden/expected from runs of the scenarios that ship.

The only way to change them; name scenarios to remake those alone.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sim.core.files import atomic_write_text  # noqa: E402  (the project must be on the path first)
from tests.golden.runs import EXPECTED, expected, names, summary_of  # noqa: E402


def main() -> int:
    """Remake the golden summaries and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="NAME", help="scenarios to remake; all by default")
    chosen = parser.parse_args().scenarios or names()
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    EXPECTED.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        path = EXPECTED / f"{name}.json"
        before = expected(name) if path.exists() else {}
        with tempfile.TemporaryDirectory() as folder:
            summary = summary_of(name, Path(folder))
        atomic_write_text(path, json.dumps(summary, indent=2) + "\n")
        changed = [key for key in summary if before.get(key) != summary[key]]
        print(f"{name}: {', '.join(changed) or 'unchanged'}")
    for path in sorted(EXPECTED.glob("*.json")):
        if path.stem not in names():
            path.unlink()
            print(f"{path.stem}: removed, there is no such scenario")
    return 0


if __name__ == "__main__":
    sys.exit(main())
