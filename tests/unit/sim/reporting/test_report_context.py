import json
import shutil

import pytest

from sim.reporting.findings.run.context import group_label, replaced_by_prices, scripted_shocks
from sim.reporting.run_folder import load_run
from tests.support.sealed import seal

SHOCKS = [
    {"kind": "price_drift", "at_minute": 5, "duration_minutes": 5, "size": -0.1, "market": 0},
    {"kind": "price_jump", "at_minute": 6, "size": -0.1, "market": 1},
    {"kind": "gas_demand", "at_minute": 7, "duration_minutes": 5, "size": 2.0},
    {"kind": "keeper_outage", "at_minute": 8, "duration_minutes": 5, "size": 1.0},
]


@pytest.fixture
def load_with(crash_run, tmp_path):
    def load(**manifest):
        folder = tmp_path / "run"
        shutil.copytree(crash_run, folder)
        content = json.loads((folder / "manifest.json").read_text())
        content["scenario"]["shocks"] = SHOCKS
        (folder / "manifest.json").write_text(json.dumps(content | manifest))
        seal(folder)
        return load_run(folder)

    return load


def kinds(run):
    return [shock.kind for shock in scripted_shocks(run)]


def test_scripted_events_are_told_in_order(load_with):
    assert kinds(load_with()) == ["price_drift", "price_jump", "gas_demand", "keeper_outage"]


def test_events_that_a_price_file_replaced_are_not_told(load_with):
    run = load_with(
        inputs={"prices": "inputs/prices/minutes.csv"}, prices={"markets.0": {"file": "minutes.csv"}}
    )
    assert replaced_by_prices(run) == "minutes.csv"
    assert kinds(run) == ["price_jump", "keeper_outage"]


def test_a_price_file_of_the_scenario_itself_replaces_nothing(load_with):
    run = load_with(
        inputs={"markets.0.price.file": "inputs/minutes.csv"}, prices={"markets.0": {"file": "minutes.csv"}}
    )
    assert replaced_by_prices(run) == ""
    assert len(kinds(run)) == 4


@pytest.mark.parametrize(
    ("group", "label"),
    [
        ("liquidators:liquidators_1_static", "liquidators, 1 block late, fixed fee"),
        ("fund_backers", "fund backers"),
        ("traders:late_retail", "late retail traders"),
    ],
)
def test_groups_are_named_as_their_run_says_or_plainly(load_with, group, label):
    labels = {"liquidators:liquidators_1_static": "liquidators, 1 block late, fixed fee", "fund_backers": 7}
    assert group_label(load_with(groups=labels), group) == label
