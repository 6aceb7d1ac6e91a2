import pandas as pd
import pytest

from sim.reporting.findings.run.cascades import biggest_cascades, cascade_tree
from sim.reporting.run_folder import load_run


@pytest.fixture(scope="module")
def run(crash_run):
    return load_run(crash_run)


def test_toy_run_has_cascades_worth_drawing(run):
    assert len(run.liquidations) > 40
    assert run.liquidations["depth"].max() >= 3


def test_biggest_cascades_agree_with_a_direct_count(run):
    counts = run.liquidations["cascade"].value_counts()
    found = biggest_cascades(run, 5)
    assert [one.liquidations for one in found] == sorted((n for n in counts if n > 1), reverse=True)[:5]
    for one in found:
        mine = run.liquidations[run.liquidations["cascade"] == one.identifier]
        assert one.notional == pytest.approx(mine["notional"].sum())
        assert one.generations == mine["depth"].max()


def test_first_domino_is_the_root_of_its_cascade(run):
    top = biggest_cascades(run, 1)[0]
    root = run.liquidations[run.liquidations["id"] == top.identifier].iloc[0]
    assert root["parent"] == -1
    assert f"account {root['account']} (" in top.first_domino
    assert f"{root['leverage_at_entry']:.1f}×" in top.first_domino


@pytest.mark.parametrize("nodes", [12, 40, 10_000])
def test_tree_keeps_every_unit_of_notional_within_its_budget(run, nodes):
    chosen = biggest_cascades(run, 3)
    tree = cascade_tree(run, cascades=3, nodes=nodes)
    members = run.liquidations[run.liquidations["cascade"].isin([one.identifier for one in chosen])]
    assert sum(node.notional for node in tree) == pytest.approx(members["notional"].sum())
    known = {""}
    for node in tree:
        assert node.parent in known, "a parent must come before its children"
        known.add(node.key)
    assert len(known) == len(tree) + 1, "keys must be unique"
    drawn = [node for node in tree if node.cause]
    assert len(drawn) <= max(12 * len(chosen), nodes)
    if nodes == 10_000:
        assert len(drawn) == len(members)


def test_lone_liquidations_are_no_cascade(make_run, tmp_path):
    run = load_run(make_run(tmp_path / "calm", crash=0.05, impact=0.0, blocks=300))
    table = run.liquidations if run.liquidations is not None else pd.DataFrame({"parent": [-1]})
    assert (table["parent"] == -1).all()
    assert biggest_cascades(run) == []
    assert cascade_tree(run) == []
