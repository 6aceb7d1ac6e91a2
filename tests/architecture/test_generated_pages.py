"""Pages of docs/ that are read off declarations say what the declarations say."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = runpy.run_path(str(ROOT / "scripts" / "update_tables.py"))["PAGES"]


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: path.name)
def test_the_page_is_current(path):
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run scripts/update_tables.py"


@pytest.mark.parametrize("script", ["update_access", "mechanisms"])
def test_the_page_is_what_its_script_writes(script):
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


RECORD = ROOT.parent / "shared" / "data" / "prices" / "btc_usd_1h_2018-05_2022-03.csv.gz"


@pytest.mark.skipif(not RECORD.is_file(), reason=f"{RECORD.name} is no part of the project")
@pytest.mark.parametrize("script", ["estimators", "portfolio_coverage"])
def test_the_table_is_what_its_script_makes_of_the_record(script):
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
