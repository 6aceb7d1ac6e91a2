"""The table of access is shown to work: without a guard, who was refused is told something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sim.chain.compile import contracts_root
from tests.support.access.table import TABLE
from tests.support.access.world import AccessWorld

GUARDS = sorted({row.others for row in TABLE if row.others})


def without_guards(folder: Path) -> Path:
    """Copy the contracts and let every assertion that refuses somebody hold for everybody."""
    shutil.copytree(contracts_root(), folder)
    for guard in GUARDS:
        found = 0
        for path in folder.rglob("*.vy"):
            head, *parts = path.read_text().split(f', "{guard}"')
            for part in parts:
                found += 1
                head = f'{head} or True, "{guard}"{part}'
            path.write_text(head)
        assert found, f"no contract says {guard!r}"
    return folder


@pytest.mark.slow
def test_every_refusal_needs_its_guard(tmp_path):
    seen = AccessWorld(without_guards(tmp_path / "contracts")).observe()
    for row in TABLE:
        told = seen[row.contract, row.function, row.case]
        assert row.others not in told.values() or not row.others, f"{row.contract}.{row.function}"
