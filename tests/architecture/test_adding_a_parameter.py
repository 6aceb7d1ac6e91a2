"""One row and one word of a contract add a parameter the governor can change, and nothing else is edited.

A copy of the tree gets a word in the fixed risk model and its row in the table. That it is set, run, swept
and reported by its name is in ``test_extension.py``; here, that its bound and its steps are the row's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.small_run import SCENARIO

ROOT = Path(__file__).resolve().parents[2]

MODEL = "contracts/risk_models/StaticRiskModel.vy"
HAIRCUT = "    haircut: uint256  # of the quote collateral (WAD)\n"
WORD = "    surcharge: uint256  # on the initial ratio (WAD)\n"
RATIO = "initial=PARAMETERS.initial_ratio,"
DEARER = "initial=min(PARAMETERS.initial_ratio + PARAMETERS.surcharge, 10**18),"
TABLE = "sim/protocol/parameters/structs/static.py"
ROW = """            HAIRCUT,
            Parameter(
                name="surcharge",
                unit="1",
                minimum=0,
                maximum=0.5,
                default=0.0,
                source="assumption: none",
                meaning="Added to the initial ratio.",
                checked="minimum",
                governed=Governed(step=0.01, tighter="higher"),
            ),
"""
IMPORT = "from sim.protocol.parameters.table import STRUCTS, Governed, Model, Parameter, Struct, below\n"
KEY = "protocol.risk_model_parameters.surcharge"
STATIC = ("--set", 'protocol.risk_model="static"', "--set", "blocks=12", "--set", "traders.0.count=20")

GOVERNED = """
import sys
from pathlib import Path
from sim.core.units import to_wad
from sim.protocol.governance import rules
from sim.protocol.governance.proposal import diff, encode, enact
from tests.support.governed import Governed, parameters_of
governed = Governed("static")
proposed = parameters_of("static", "protocol.risk_model_parameters.surcharge=0.01")
found = diff(governed.parameters, proposed, current_kind="static", proposed_kind="static")
result = enact(governed.chain, governed.deployment, encode(found, governed.deployment))
assert result.succeeded, result
print(governed.model_words()[-1] == to_wad(0.01))
"""


class Tree:
    """A copy of the program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("sim", "contracts", "tests/support"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        edit(folder / MODEL, lambda text: text.replace(HAIRCUT, HAIRCUT + WORD).replace(RATIO, DEARER))
        edit(folder / TABLE, add_row)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the copy's Python."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


def edit(file: Path, change) -> None:
    text = file.read_text()
    changed = change(text)
    assert changed != text
    file.write_text(changed)


def add_row(text: str) -> str:
    lines = text.splitlines(keepends=True)
    imported = next(line for line in lines if line.startswith("from sim.protocol.parameters.table import"))
    return text.replace(imported, IMPORT).replace("            HAIRCUT,\n", ROW)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Tree:
    return Tree(tmp_path_factory.mktemp("tree"))


def test_its_bound_is_the_rows(tree):
    done = tree.python("-m", "sim", "run", str(SCENARIO), *STATIC, "--set", f"{KEY}=0.6")
    assert done.returncode == 2
    assert f"{KEY}: must be at most 0.5, was 0.6" in done.stderr


def test_the_governor_changes_it(tree):
    done = tree.python("-c", GOVERNED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"
