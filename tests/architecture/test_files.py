"""Rules about files: length, machine paths, imports, nothing that does not belong."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 700  # a file holds one idea, however long; beyond this it surely holds a second
FOLDERS = ("contracts", "docs", "scenarios", "scripts", "sim", "tests", ".ci", ".github")
LOOSE = ("pyproject.toml", "constraints.txt", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
         ".gitignore", ".editorconfig", ".pre-commit-config.yaml")  # fmt: skip
TEXT = {
    ".py", ".pyi", ".vy", ".vyi", ".toml", ".md", ".txt", ".sh", ".json", ".html", ".css", ".js", ".j2",
    ".yml", ".yaml", "",
}  # fmt: skip
TOP_LEVEL = {
    "pyproject.toml", "constraints.txt", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
    "LICENSE",
    "contracts", "sim", "tests", "scenarios", "scripts", "docs", "results",
}  # fmt: skip


def project_files() -> list[Path]:
    """Return every text file of the project, in a fixed order."""
    found = [ROOT / name for name in LOOSE]
    for folder in FOLDERS:
        found += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts
        ]
    return sorted(path for path in found if path.exists())


def test_top_level_holds_only_what_the_design_names():
    present = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert present - TOP_LEVEL - {"build", "dist"} == set()


def test_code_files_are_short():
    long = []
    for path in project_files():
        if path.suffix not in {".py", ".vy", ".vyi"}:
            continue
        count = len(path.read_text().splitlines())
        if count > MAX_LINES:
            long.append(f"{path.relative_to(ROOT)}: {count} lines")
    assert long == []


# Written so that this file does not contain what it looks for.
HOMES = ("work", "root", "home", "Users", "opt/pypi", "tmp/plan")
MACHINE_PATHS = re.compile(rf"(?<![\w.])/(?:{'|'.join(HOMES)})(?:/|\b)")


def test_no_file_names_a_path_of_somebodys_machine():
    found = []
    for path in project_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MACHINE_PATHS.search(line) and "MACHINE_PATHS" not in line and path != Path(__file__):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("open('/ro" + "ot/x')", True),
        ("see /wo" + "rk/shared", True),
        ("/ho" + "me/somebody/x", True),
        ("the home/away game", False),
        ("sim/work/x", False),
        ("https://example.org/home/page", False),
    ],
)
def test_machine_path_pattern_finds_what_it_should(line, is_found):
    assert bool(MACHINE_PATHS.search(line)) is is_found


def test_scripts_without_suffix_are_executable():
    for path in (ROOT / "scripts" / "demo", ROOT / "scripts" / "test", ROOT / ".ci" / "run"):
        assert path.stat().st_mode & 0o111, path.name
        assert path.read_text().startswith("#!/bin/sh\n"), path.name


def test_constraints_pin_one_version_each_and_name_no_host():
    names = []
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==[A-Za-z0-9.]+(?: ; .+)?", line)
        assert match, line
        names.append(re.sub(r"[-_.]+", "-", match.group(1)).lower())
    assert len(names) == len(set(names))
    assert "vyper" in names


def test_every_package_of_sim_says_what_it_is():
    for path in sorted((ROOT / "sim").rglob("*.py")):
        text = path.read_text()
        if text.strip():
            assert text.lstrip().startswith(('"""', "'''", 'r"""')), (
                f"{path.relative_to(ROOT)} has no docstring"
            )
