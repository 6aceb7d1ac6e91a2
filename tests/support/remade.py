"""Whether a results folder's page can be made again, and is refused once a file of the folder is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from sim.cli import main

MADE = ("report.html", "report.md")


def assert_remade(folder: Path, copy: Path, capsys, *tables: str) -> None:
    """Assert that ``seawall report`` writes the command's bytes, from a copy, and checks the tables named."""
    again = shutil.copytree(folder, copy)
    written = {name: (folder / name).read_bytes() for name in MADE if (folder / name).exists()}
    assert "report.html" in written
    for name in written:
        (again / name).unlink()
    assert main(["report", str(again)]) == 0
    assert {name: (again / name).read_bytes() for name in MADE if (again / name).exists()} == written
    for name in ("findings.json", *tables):
        place = again / name
        content = place.read_bytes()
        place.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
        capsys.readouterr()
        assert main(["report", str(again)]) == 2
        printed = capsys.readouterr()
        assert name in printed.err
        assert printed.err.count("\n") == 1
        place.write_bytes(content)
    assert main(["report", str(again)]) == 0
    found = json.loads((folder / "findings.json").read_text())
    assert f"Seawall {found['command']} report".encode() in written["report.html"]
    assert str(Path.cwd()) not in (folder / "findings.json").read_text(), (
        "a page names no place of its author's"
    )
    assert str(folder) not in (folder / "findings.json").read_text()
