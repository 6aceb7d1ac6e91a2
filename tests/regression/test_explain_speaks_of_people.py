"""``explain`` printed raw WAD and "-1" for a contract (R17)."""

from __future__ import annotations

import re

from sim.cli import entry
from sim.core.errors import InvariantViolation
from sim.engine.blocks.loop import BlockLoop
from tests.support.small_run import SCENARIO


def test_events_of_the_block_are_told_in_names_and_units(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    real = BlockLoop.run

    def broken(self, blocks, *arguments):
        real(self, min(blocks, 8), *arguments)
        raise InvariantViolation("A1", 8, "tokens are missing", {})

    monkeypatch.setattr(BlockLoop, "run", broken)
    assert entry.main(["run", str(SCENARIO), "--worlds", "none", "--out", str(out)]) == 1
    capsys.readouterr()
    assert entry.main(["explain", str(tmp_path / "run-crash")]) == 0
    told = capsys.readouterr().out
    assert "A1 broken at block 8" in told
    assert re.search(r"\(participant \d+\)", told)
    assert re.search(r"(price|collateral) +-?[\d,]+(\.\d+)?\n", told)
    assert not re.search(r"\d{17}", told), "an amount in WAD"
    assert "=-1" not in told
    assert " of -1" not in told
