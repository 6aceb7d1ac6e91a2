"""Copies of the contracts with one fault each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sim.chain.compile import contracts_root
from tests.mutants.catalogue import Mutant


@pytest.fixture
def mutate(tmp_path):
    """Return a function that copies the contracts, puts one fault in, and returns the folder."""

    def make(mutant: Mutant) -> Path:
        folder = tmp_path / "contracts"
        shutil.copytree(contracts_root(), folder)
        path = folder / mutant.file
        source = path.read_text()
        assert source.count(mutant.old) == 1, f"{mutant.file}: the text to replace must occur exactly once"
        path.write_text(source.replace(mutant.old, mutant.new))
        return folder

    return make
