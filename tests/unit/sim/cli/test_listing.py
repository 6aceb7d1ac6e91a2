"""``seawall scenarios`` and ``seawall schema``."""

import json

from sim.cli.entry import main
from sim.cli.options import shipped_folder


def test_scenarios_lists_everything_that_ships(capsys):
    assert main(["scenarios"]) == 0
    printed = capsys.readouterr().out
    for path in shipped_folder().glob("*.toml"):
        assert path.stem in printed


def test_scenarios_json_is_data(capsys):
    assert main(["scenarios", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["black_thursday"]["accounts"] == 1_000
    assert rows["black_thursday"]["blocks"] * rows["black_thursday"]["seconds_per_block"] > 26 * 3_600
    assert rows["custom_risk_model"]["risk_model"] == "models/LinearRiskModel.vy"


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Seawall scenario"
