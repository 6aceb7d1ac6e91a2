"""The shipped scenario, cut short and with a small crowd: what one position gains by several accounts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.engine.paths import PathOptions, run_path
from sim.engine.scenario.load import load_scenario

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "split_whale.toml"
SHORT = ("blocks=110", "traders.0.count=20", "expect={}")


@cache
def metrics(*overrides: str):
    scenario = load_scenario(SCENARIO, overrides=[*SHORT, *overrides])
    return run_path(scenario, PathOptions(path=0)).metrics


def test_twenty_accounts_owe_what_one_of_their_size_does_not():
    one, twenty = metrics("whales.0.accounts=1"), metrics()
    assert one["bad_debt"] == 0.0
    assert twenty["bad_debt"] > 200_000.0


def test_as_a_cluster_they_bring_more_and_owe_less():
    one, twenty = metrics("whales.0.accounts=1"), metrics()
    declared = metrics("whales.0.declared=true")
    assert (
        declared["capital_added_at_set_up"]
        > one["capital_added_at_set_up"] / 2
        > twenty["capital_added_at_set_up"]
        == 0.0
    )
    assert declared["bad_debt"] < 0.8 * twenty["bad_debt"]
