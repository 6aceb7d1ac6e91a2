"""Documents that are part of the program: they must agree with it."""

import re
from pathlib import Path

import pytest

from sim.protocol.invariants import INVARIANTS

ROOT = Path(__file__).parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "scenarios/README.md")
DOCUMENTS = sorted([*(ROOT / name for name in TOP), *(ROOT / "docs").rglob("*.md")])


def test_invariants_document_lists_the_checks_that_exist():
    rows = re.findall(
        r"^\| ([A-Z]\w+) \| (.+) \|$", (ROOT / "docs" / "invariants.md").read_text(), re.MULTILINE
    )
    assert dict(rows) == {invariant.id: invariant.statement for invariant in INVARIANTS}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_scenarios_readme_lists_every_scenario():
    text = (ROOT / "scenarios" / "README.md").read_text()
    assert [
        path.name for path in sorted((ROOT / "scenarios").glob("*.toml")) if f"`{path.name}`" not in text
    ] == []
