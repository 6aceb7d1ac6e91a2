#!/usr/bin/env python3
"""Execute the example notebook and keep its outputs; a test compares them with a fresh execution.

scripts/update_notebook.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import nbformat  # noqa: E402  (the path must be set first)

from sim.core.files import atomic_write_text  # noqa: E402
from tests.support.notebook import NOTEBOOK, executed  # noqa: E402


def main() -> None:
    """Execute and save."""
    notebook = executed(nbformat.read(NOTEBOOK, as_version=4))
    atomic_write_text(NOTEBOOK, nbformat.writes(notebook) + "\n")
    print(NOTEBOOK)


if __name__ == "__main__":
    main()
