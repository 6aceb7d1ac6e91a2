"""Scenarios of a fraction of a second, with liquidations and every stage of the waterfall."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.experiments.suites.evidence import run_with_evidence
from sim.experiments.suites.suite import SuiteResult

SMALL = (Path(__file__).parents[4] / "support" / "small_run.toml").read_text()
assert "long_share = 0.7" in SMALL
SMALL = SMALL.replace("long_share = 0.7", "long_share = 0.95")
"""So many lose that the gains of the others do not cover it: the pool bears losses too."""
PASSING = "min_liquidations = 1\nmax_price_drawdown = 0.5\nequals = { invariant_violations = 0 }"


def write_scenario(folder: Path, name: str, expect: str = "", *, blocks: int = 40, body: str = SMALL) -> Path:
    """Write a small scenario with an ``[expect]`` and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    text = body.replace("blocks = 60", f"blocks = {blocks}").replace("count = 60", "count = 40")
    path = folder / f"{name}.toml"
    path.write_text(f"{text}\n[expect]\n{expect}\n" if expect else text)
    return path


QUIET = """\
schema_version = 1
title = "Nobody is there"
question = "Does a run in which nobody acts pass?"
blocks = 3
meant = ["no_accounts", "silent_oracle"]
shocks_outlive_run = true
[[markets]]
name = "ETH"
initial_price = 2_000.0
[markets.price]
kind = "gbm"
[liquidators]
count = 0
[arbitrageurs]
count = 0
[[shocks]]
kind = "keeper_outage"
at_block = 0
duration_minutes = 60.0
size = 1.0
"""


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, SuiteResult]:
    """Return scenarios, evidence and result of a suite in which one passes, one fails and one is bad."""
    folder = tmp_path_factory.mktemp("mixed")
    scenarios = folder / "scenarios"
    write_scenario(scenarios, "a_bad", "min_liquidatons = 1")
    write_scenario(scenarios, "b_failing", "min_liquidations = 1\nmax_liquidations = 2", blocks=15)
    write_scenario(scenarios, "c_passing", PASSING)
    write_scenario(scenarios, "d_silent", "equals = { invariant_violations = 0 }", blocks=5)
    files = sorted(scenarios.glob("*.toml"))
    return scenarios, folder / "evidence", run_with_evidence(files, folder / "evidence")
