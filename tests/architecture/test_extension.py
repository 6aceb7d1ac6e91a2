"""What it takes to add something: one file, or one row and one word of a contract, and nothing else in `sim`.

A copy of the tree gets each addition of CONTRIBUTING.md's table as files are added to a repository; the
commands then know all of them. The same files, named with ``--plugin``, do the same from outside.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sim.cli.entry import main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "support" / "extension"
ADDITIONS = {
    "an agent": {EXAMPLES / "agent_sudden_sellers.py": "sim/agents"},
    "a price process": {EXAMPLES / "price_process_staircase.py": "sim/market/price_processes"},
    "an impact law": {EXAMPLES / "impact_law_steep.py": "sim/market/impact_laws"},
    "a shock": {EXAMPLES / "shock_aftershock.py": "sim/market/shocks"},
    "a metric": {EXAMPLES / "metric_reverted_share.py": "sim/metrics/entries"},
}
"""What is added -> file and the folder it goes to."""

ROW = """
            Parameter(
                name="surcharge_ratio",
                unit="1",
                minimum=0,
                maximum=1,
                checked="minimum",
                default=0.0,
                source="none unless stated",
                meaning="Added to the initial margin ratio.",
                governed=Governed(step=0.005, tighter="higher"),
            ),
"""
"""The row of a contract parameter, in the table of its struct ..."""

WORDS = {
    "    haircut: uint256  # of the quote collateral (WAD)\n": (
        "    haircut: uint256  # of the quote collateral (WAD)\n"
        "    surcharge_ratio: uint256  # added to the initial ratio (WAD)\n"
    ),
    "initial=PARAMETERS.initial_ratio, maintenance": (
        "initial=PARAMETERS.initial_ratio + PARAMETERS.surcharge_ratio, maintenance"
    ),
}
"""... and its word in the contract, with what the formula does with it."""

SCENARIO = """
schema_version = 1
title = "Additions"
question = "Does everything know what was added?"
seed = 5
blocks = 24

[[markets]]
name = "ETH"
initial_price = 2_000.0
[markets.price]
kind = "staircase"
step = 0.03
[markets.impact]
law = "steep"
depth_per_percent = 200_000.0

[protocol]
risk_model = "static"
%(parameter)s

[[traders]]
name = "cohort"
count = 20
long_share = 0.7
leverage = { distribution = "fixed", value = 6.0 }

[sudden_sellers]
count = 4

[[shocks]]
kind = "aftershock"
at_block = 7
size = -0.10

[liquidators]
count = 2

[expect]
max_reverted_share = 0.9
"""
SURCHARGE = "[protocol.risk_model_parameters]\nsurcharge_ratio = 0.02"
EXPERIMENT = """
schema_version = 1
kind = "sweep"
title = "Additions, swept"
scenario = "additions.toml"
paths = 3
metrics = ["reverted_share", "liquidated_share"]

[[parameters]]
key = "%(key)s"
values = [%(values)s]
"""
SWEPT = {"key": "protocol.risk_model_parameters.surcharge_ratio", "values": "0.01, 0.05"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the tree with every addition in it."""
    folder = tmp_path_factory.mktemp("extended")
    for part in ("sim", "contracts", "scenarios"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for files in ADDITIONS.values():
        for file, target in files.items():
            shutil.copy(file, folder / target)
    rows = folder / "sim/protocol/parameters/structs/static.py"
    text = rows.read_text()
    assert text.count("            HAIRCUT,\n") == 1
    text = text.replace("            HAIRCUT,\n", f"            HAIRCUT,{ROW}")
    rows.write_text(text.replace("Model, Struct, below", "Governed, Model, Parameter, Struct, below"))
    contract = folder / "contracts/risk_models/StaticRiskModel.vy"
    text = contract.read_text()
    for old, new in WORDS.items():
        assert old in text  # what it answers, it answers for one position and for many
        text = text.replace(old, new)
    contract.write_text(text)
    (folder / "additions.toml").write_text(SCENARIO % {"parameter": SURCHARGE})
    (folder / "experiment.toml").write_text(EXPERIMENT % SWEPT)
    return folder


@pytest.fixture(scope="module")
def seawall(tree):
    """The command line of the copy, in a process of its own."""

    def _seawall(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "sim", *map(str, words)],
            cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    return _seawall


@pytest.fixture(scope="module")
def run_folder(seawall, tree):
    """A run with all additions."""
    seawall("run", "additions.toml", "--worlds", "none", "--out", "run")
    return tree / "run"


def test_the_schema_knows_every_addition(seawall):
    schema = json.dumps(json.loads(seawall("schema")))
    for word in ("sudden_sellers", "staircase", "every_blocks", "steepness", "aftershock", "surcharge_ratio"):
        assert word in schema
    assert "reverted_share" in seawall("metrics", "--json")


def test_a_run_has_them_and_can_be_replayed(seawall, run_folder):
    summary = json.loads((run_folder / "summary.json").read_text())
    assert 0.0 <= summary["reverted_share"] < 0.9
    rows = pq.read_table(run_folder / "transactions.parquet").to_pylist()
    assert sum(row["agent"] == "sudden_sellers" for row in rows) == 4
    blocks = pq.read_table(run_folder / "blocks.parquet").to_pylist()
    assert blocks[0]["initial_margin_ratio"] == pytest.approx(0.10 + 0.02, abs=1e-12)
    assert blocks[-1]["fundamental_price"] == pytest.approx(2_000.0 * 0.97**4 * 0.90 * 0.95, rel=1e-12)
    assert "identical" in seawall("replay", "run")


def test_every_field_of_an_addition_is_an_assumption_of_the_run(run_folder):
    listed = {
        entry["parameter"]: (entry["value"], entry["source"])
        for entry in json.loads((run_folder / "manifest.json").read_text())["assumptions"]
    }
    assert listed["sudden_sellers.count"] == (4, "set by the scenario")
    assert listed["sudden_sellers.at_block"] == (4, "assumption: early")
    assert listed["markets.0.price.step"] == (0.03, "set by the scenario")
    assert listed["markets.0.price.every_blocks"] == (5, "assumption")
    assert listed["markets.0.impact.steepness"] == (2.0, "assumption")
    assert listed["markets.0.risk_model_parameters.surcharge_ratio"] == (0.02, "set by the scenario")


def test_the_report_speaks_of_them(run_folder):
    page = (run_folder / "report.html").read_text()
    for words in (
        "sudden sellers", "descending staircase of 3 % every 5 blocks", "steep price impact",
        "fall with an aftershock", "Reverted share", "surcharge_ratio",
    ):  # fmt: skip
        assert words in page, words


def test_a_sweep_varies_the_parameter_and_measures_the_metric(seawall, tree):
    seawall("sweep", "experiment.toml", "--workers", "2", "--out", "sweep")
    paths = pq.read_table(tree / "sweep" / "paths").to_pandas()
    assert len(paths) == 6
    assert paths["reverted_share"].notna().all()
    assert "Reverted share" in (tree / "sweep" / "report.html").read_text()


def test_a_wrong_value_of_an_addition_is_refused_with_its_place(seawall, tree):
    text = SCENARIO % {"parameter": SURCHARGE}
    (tree / "wrong.toml").write_text(text.replace("step = 0.03", "step = 0.95"))
    seawall("run", "wrong.toml", code=2)


def test_the_same_files_from_outside_do_the_same(tmp_path, run_folder, capsys):
    """But for the parameter, whose contract is another one: ``--contracts`` is not tried here."""
    (tmp_path / "additions.toml").write_text(SCENARIO % {"parameter": ""})
    plugins = [word for files in ADDITIONS.values() for file in files for word in ("--plugin", str(file))]
    out = tmp_path / "run"
    assert (
        main(["run", str(tmp_path / "additions.toml"), "--worlds", "none", "--out", str(out), *plugins]) == 0
    )
    inside = json.loads((run_folder / "manifest.json").read_text())["scenario"]
    outside = json.loads((out / "manifest.json").read_text())
    del inside["protocol"], outside["scenario"]["protocol"]
    assert outside["scenario"] == inside
    assert sorted(record["file"] for record in outside["plugins"]) == sorted(
        file.name for files in ADDITIONS.values() for file in files
    )
    assert main(["replay", str(out), *plugins]) == 0
    assert main(["replay", str(out)]) == 2
    assert "unless you name the file" in capsys.readouterr().err
    # Gone again with the command: the next one knows nothing of them.
    assert main(["run", str(tmp_path / "additions.toml"), "--out", str(tmp_path / "again")]) == 2


def test_contributing_counts_the_files_of_each_addition():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for what, files in ADDITIONS.items():
        rows = [line for line in text.splitlines() if line.startswith(f"| {what}")]
        assert len(rows) == 1, what
        assert f"| {len(files)} |" in rows[0], rows[0]
    assert "| a contract parameter | 2 |" in text  # the fixture above changes two
    assert "| a margin formula | 1 |" in text  # tests/unit/contracts/risk_models/test_custom_model.py
