"""Pages of docs/ that are read off declarations say what the declarations say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = runpy.run_path(str(ROOT / "scripts" / "update_tables.py"))["PAGES"]


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: path.name)
def test_the_page_is_current(path):
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run scripts/update_tables.py"
