"""Correlations estimated on chain, in a run: who samples, what margin follows, each parameter alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from sim.core.errors import InputError
from sim.core.units import WAD
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, run_path
from sim.engine.run import execute, run_scenario
from sim.engine.scenario.load import load_scenario
from sim.protocol.parameters.table import STRUCTS
from tests.support.deployers import ROOT

SCENARIO = ROOT / "scenarios" / "fading_correlation.toml"
SMALL = (
    "traders.0.count=12",
    "blocks=150",
    "settlement_blocks=0",
    "protocol.portfolio.sample_seconds=1200",
    "protocol.portfolio.least_sample_count=3",
    "protocol.portfolio.fall_per_hour=1.0",
    "shocks.0.at_minute=150",
    "chain.base_fee_gwei=20.0",
)
OTHER = {
    "sample_seconds": 3_600,
    "tau_seconds": 1_200,
    "max_return": 0.001,
    "least_sample_count": 8,
    "fall_per_hour": 0.1,
    "expiry_seconds": 2_400,
}
"""Another value than the default, or than that of the small run."""


def small(*overrides):
    return load_scenario(SCENARIO, overrides=[*SMALL, *overrides])


@cache
def digest(*overrides: str) -> str:
    return run_path(small(*overrides), PathOptions(path=0)).digest


def test_the_mirror_believes_what_the_contracts_do():
    """Levels as told by events, forgotten by the same second; what accounts must hold, from above."""
    execution = execute(small(), RunOptions(out=Path("unused"), worlds="none"), {})
    world = execution.world
    client, mirror = world.client, world.mirror
    found = client.read("volatility_oracle", "correlation", 0, 1)
    level, valid_until = int(found[0]), int(found[4])
    assert level < 0.7 * WAD  # of 0.9 that is stated
    assert mirror.screen.estimates == {0: (level / WAD, valid_until)}
    members = np.flatnonzero(mirror.portfolio & (np.count_nonzero(mirror.size, axis=0) > 1))
    assert len(members) > 4
    markets, curves = client.markets(), client.curves()
    asked = [
        mirror.value(markets, curves, None, now).maintenance_requirement[members]
        for now in (world.chain.timestamp, valid_until, valid_until + 1)
    ]
    exact = [state.maintenance_requirement / WAD for state in client.account_states(members)]
    assert (asked[0] >= np.array(exact) * (1.0 - 1e-9)).all()
    assert (asked[0] <= np.array(exact) * 1.2).all()
    assert (asked[1] == asked[0]).all()
    assert (asked[2] <= asked[1]).all()
    assert asked[2].sum() < 0.95 * asked[1].sum()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("estimated") / "run"
    result = run_scenario(small(), RunOptions(out=folder, worlds="none"))
    assert result.summary["invariant_violations"] == 0
    return folder


def test_every_parameter_has_another_value():
    assert set(OTHER) == set(STRUCTS["correlation"].names)


@pytest.mark.parametrize("name", sorted(OTHER))
def test_a_parameter_alone_changes_the_outcome(name):
    assert digest(f"protocol.portfolio.{name}={OTHER[name]}") != digest()


def test_the_switch_changes_the_outcome_and_without_it_nobody_samples():
    off = "protocol.portfolio.estimated=false"
    assert digest(off) != digest()
    for name, value in OTHER.items():
        assert digest(off, f"protocol.portfolio.{name}={value}") == digest(off)


def test_keepers_sample_once_a_period_and_are_seldom_refused(run):
    calls = [
        row
        for row in parquet.read_table(run / "transactions.parquet").to_pylist()
        if row["kind"] == "volatility_oracle.update_pair"
    ]
    taken = [row["block"] // 10 for row in calls if row["status"]]  # a period has ten blocks of 120 seconds
    assert len(taken) == len(set(taken)) >= 8
    assert len(calls) < 4 * len(taken)


@pytest.mark.parametrize(
    ("override", "place", "message"),
    [
        ("protocol.portfolio.sample_seconds=59", "protocol.portfolio.sample_seconds", "60"),
        ("protocol.portfolio.max_return=0.6", "protocol.portfolio.max_return", "0.5"),
        ("protocol.portfolio.tau_seconds=1000", "sample_seconds", "tau_seconds"),
        ("protocol.portfolio.expiry_seconds=2399", "sample_seconds", "expiry_seconds 2399, was 2400"),
    ],
)
def test_what_the_contract_refuses_is_refused_before(override, place, message):
    with pytest.raises(InputError) as refused:
        small(override)
    assert any(place in problem and message in problem for problem in refused.value.problems)
