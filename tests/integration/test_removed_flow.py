"""``--without-flow-of``: the run once more with one account's forced closes moving no price outside."""

import json

import pyarrow.parquet as pq
import pytest

from sim.cli import entry
from sim.engine.removals import ORDERS, largest
from sim.engine.replay import replay_run
from tests.support.sealed import seal
from tests.support.small_run import CASCADE, SCENARIO, small_execution

SMALL = ("traders.0.count=24", *CASCADE)
"""Closes move the price enough for others to follow, so that whoever's flow is taken out is missed."""

TINY = ("--blocks", "24", *(word for change in SMALL for word in ("--set", change)), "--worlds", "none")


@pytest.fixture(scope="module")
def accounts():
    """Return the account that closed most by force, and one that closed nothing."""
    run = small_execution("blocks=24", *SMALL)
    closed = {close.account for close in run.recorder.closes}
    idle = next(account for account in range(run.world.accounts) if account not in closed)
    return largest(run)[0], idle


def test_the_world_without_an_accounts_flow_is_written_and_replayed(tmp_path, accounts):
    account, idle = accounts
    out = tmp_path / "run"
    words = ["run", str(SCENARIO), *TINY, "--out", str(out)]
    removals = ["--without-flow-of", str(account), "--without-flow-of", str(idle)]
    assert entry.main([*words, *removals]) == 0
    rows = pq.read_table(out / "counterfactual.parquet").to_pylist()
    assert {row["world"] for row in rows} == {f"without_flow_of_{account}", f"without_flow_of_{idle}"}
    changed = {row["world"] for row in rows if row["notional"] != row["notional_there"]}
    assert changed == {f"without_flow_of_{account}"}  # who closed nothing moved nothing
    assert json.loads((out / "manifest.json").read_text())["without_flow_of"] == [account, idle]
    removals = pq.read_table(out / "removals.parquet").to_pylist()
    assert [(row["account"], row["order"]) for row in removals] == [
        (one, order) for one in sorted((account, idle)) for order in range(ORDERS)
    ]
    wholes = {row["liquidated_notional"] for row in removals}
    assert 1 < len(wholes) <= ORDERS  # the order of equal bids alone changes the run
    of_nothing = [row for row in removals if row["closed_of_it"] == 0.0]
    assert (idle, 0) in {(row["account"], row["order"]) for row in of_nothing}
    assert all(row["liquidated_notional"] == row["liquidated_notional_without"] for row in of_nothing)
    assert replay_run(out, None).identical
    stored = pq.read_table(out / "removals.parquet")
    pq.write_table(stored.slice(0, stored.num_rows - 1), out / "removals.parquet")
    seal(out)
    lacking = f"removals.parquet has {stored.num_rows - 1} rows, recomputed {stored.num_rows}"
    assert lacking in replay_run(out, None).first_difference


def test_an_account_that_is_not_there_is_refused(tmp_path, capsys):
    words = ["run", str(SCENARIO), *TINY, "--out", str(tmp_path / "run"), "--without-flow-of", "9999"]
    assert entry.main(words) == 2
    assert "--without-flow-of 9999: the run has accounts 0 to " in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_largest_are_those_of_which_most_was_closed():
    run = small_execution("blocks=24", *SMALL)
    closed = {}
    for close in run.recorder.closes:
        closed[close.account] = closed.get(close.account, 0.0) + close.notional
    assert [closed[account] for account in largest(run)] == sorted(closed.values(), reverse=True)[:3]
