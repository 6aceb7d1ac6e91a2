"""The shipped scenario with a small crowd: what one position gains by several accounts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.engine.paths import PathOptions, run_path
from sim.engine.scenario.load import load_scenario

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "split_whale.toml"
SMALL = ("traders.0.count=20", "expect={}")


@cache
def summary(*overrides: str):
    scenario = load_scenario(SCENARIO, overrides=[*SMALL, *overrides])
    return run_path(scenario, PathOptions(path=0)).summary


def test_twenty_accounts_owe_what_one_of_their_size_does_not():
    one, twenty = summary("whales.0.accounts=1"), summary()
    assert twenty["bad_debt"] > 200_000.0 > 100 * one["bad_debt"]  # what others owe in either


def test_as_a_cluster_they_bring_more_and_owe_less():
    one, twenty = summary("whales.0.accounts=1"), summary()
    declared = summary("whales.0.declared=true")
    assert (
        declared["capital_added_at_set_up"]
        > one["capital_added_at_set_up"] / 2
        > twenty["capital_added_at_set_up"]
        == 0.0
    )
    # At the bottom of the fall; what is booked of it depends on the price of each close as well.
    assert declared["negative_equity_max"] < twenty["negative_equity_max"]
