import json
import shutil

import pytest

from sim.reporting.findings.run.context import group_label, replaced_by_prices, scripted_shocks
from sim.reporting.run_folder import load_run
from tests.support.sealed import seal

SHOCKS = [
    {
        "label": "price jump",
        "details": "-10 % in market 1",
        "description": "",
        "first_block": 30,
        "end_block": 31,
    },
    {"label": "outage", "details": "all", "description": "Gone.", "first_block": 20, "end_block": 45},
]


@pytest.fixture
def load_with(crash_run, tmp_path):
    def load(**manifest):
        folder = tmp_path / "run"
        shutil.copytree(crash_run, folder)
        content = json.loads((folder / "manifest.json").read_text())
        content["shocks"] = SHOCKS
        (folder / "manifest.json").write_text(json.dumps(content | manifest))
        seal(folder)
        return load_run(folder)

    return load


def test_scripted_events_are_told_in_order_and_in_the_words_of_their_run(load_with):
    run = load_with()
    first, second = scripted_shocks(run)
    assert (first.number, first.kind, first.details, first.description) == (1, "outage", "all", "Gone.")
    assert first.timestamp - run.time_span[0] == 20 * 12
    assert first.ends_at - first.timestamp == 25 * 12
    assert second.kind == "price jump"
    assert second.ends_at == second.timestamp


@pytest.mark.parametrize("shocks", [[3], [{"first_block": "x", "end_block": 2}], [{}]])
def test_a_manifest_with_other_things_for_shocks_tells_none(load_with, shocks):
    assert scripted_shocks(load_with(shocks=shocks)) == []


def test_only_a_price_file_of_the_command_line_replaces_the_scenarios_path(load_with):
    prices = {"markets.0": {"file": "minutes.csv"}}
    assert replaced_by_prices(load_with(inputs={"prices": "inputs/prices/minutes.csv"}, prices=prices))


def test_a_price_file_of_the_scenario_itself_replaces_nothing(load_with):
    prices = {"markets.0": {"file": "minutes.csv"}}
    run = load_with(inputs={"markets.0.price.file": "inputs/minutes.csv"}, prices=prices)
    assert replaced_by_prices(run) == ""


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
