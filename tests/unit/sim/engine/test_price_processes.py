"""Price kinds from the scenario file to the run: refused values, the process chosen, a whole small run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sim.cli.entry import main
from sim.core.digest import sha256_file
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.engine.options import RunOptions
from sim.engine.run import load_histories, world_builder
from sim.engine.scenario.load import load_scenario

BASE = """\
schema_version = 1
title = "Tiny"
question = "Does a price kind run end to end?"
blocks = 10
[[markets]]
name = "ETH"
initial_price = 2000.0
[markets.price]
PRICE
[[traders]]
name = "cohort"
count = 15
leverage = { distribution = "fixed", value = 3 }
size = { distribution = "fixed", value = 10_000 }
[liquidators]
count = 1
[arbitrageurs]
count = 1
[liquidity_providers]
count = 1
"""
KOU = 'kind = "kou"\njump_intensity = 500_000.0\njump_mean_up = 0.002\njump_mean_down = 0.003'
GARCH = 'kind = "garch_t"\nvolatility = 1.2\ndegrees_of_freedom = 5'
BOOTSTRAP = 'kind = "bootstrap"\nfile = "recorded.csv"\nmean_block_seconds = 36'


def write(folder: Path, price: str) -> Path:
    # 60 prices a block apart, far from the scenario's initial price: a path must not start from the file's.
    rows = [f"{1_700_000_000 + 12 * i},{100 + 0.1 * (i * i % 7):.6f}" for i in range(60)]
    (folder / "recorded.csv").write_text("timestamp,price\n" + "\n".join(rows) + "\n")
    path = folder / "tiny.toml"
    path.write_text(BASE.replace("PRICE", price))
    return path


@pytest.mark.parametrize("price", [KOU, GARCH, BOOTSTRAP], ids=["kou", "garch_t", "bootstrap"])
def test_a_run_of_each_kind_moves_and_replays(tmp_path, capsys, price):
    path, folder = write(tmp_path, price), tmp_path / "out"
    assert main(["run", str(path), "--out", str(folder), "--worlds", "none"]) == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    blocks = pq.read_table(folder / "blocks.parquet").to_pandas()
    fundamental = blocks["fundamental_price"].to_numpy()
    assert len(fundamental) >= 10
    assert abs(fundamental[0] / 2_000.0 - 1) < 0.1
    assert np.unique(fundamental).size > 3
    recorded = tmp_path / "recorded.csv"
    if price == BOOTSTRAP:
        assert manifest["prices"] == {
            "markets.0": {
                "file": "recorded.csv",
                "sha256": sha256_file(recorded),
                "rows": 60,
                "row_seconds": 12,
            }
        }
        assert (folder / manifest["inputs"]["markets.0.price.file"]).read_bytes() == recorded.read_bytes()
        recorded.unlink()  # the folder alone must do
    else:
        assert manifest["prices"] is None
    capsys.readouterr()
    assert main(["replay", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("identical: ")


@pytest.mark.parametrize(
    ("price", "field", "message"),
    [
        (KOU.replace("0.002", "1.0"), "jump_mean_up", "must be at most 0.9"),
        (KOU + "\njump_down_share = 1.1", "jump_down_share", "must be at most 1"),
        (KOU + "\njump_mean = 0.1", "jump_mean", "unknown key"),
        (GARCH + "\nalpha = 0.2\nbeta = 0.8", "beta", "alpha + beta must be below 1, was 1"),
        (GARCH + "\nalpha = -0.1", "alpha", "must be at least 0"),
        (GARCH.replace("= 5", "= 2"), "degrees_of_freedom", "must be at least 3, was 2"),
        (GARCH.replace("= 5", "= 4.5"), "degrees_of_freedom", "must be a whole number"),
        (BOOTSTRAP.replace("36", "0"), "mean_block_seconds", "must be at least 1"),
        (BOOTSTRAP.replace("recorded", "absent"), "file", "there is no file 'absent.csv'"),
        (BOOTSTRAP.replace("recorded", "../recorded"), "file", "must lie in the scenario's folder"),
        ('kind = "bootstrap"', "file", "required"),
    ],
)
def test_bad_values_are_refused_with_their_field(tmp_path, price, field, message):
    with pytest.raises(InputError) as refused:
        load_scenario(write(tmp_path, price))
    assert len(refused.value.problems) == 1
    assert f"markets.0.price.{field}: " in refused.value.problems[0]
    assert message in refused.value.problems[0]


def test_a_file_of_the_command_line_is_repeated_as_recorded_where_the_scenario_resamples(tmp_path):
    scenario = load_scenario(write(tmp_path, BOOTSTRAP))
    options = RunOptions(out=tmp_path, prices=tmp_path / "recorded.csv", worlds="none")
    for chosen, is_recorded in ((options, True), (replace(options, prices=None), False)):
        histories = load_histories(scenario, chosen)
        builder = world_builder(scenario, chosen, histories)
        prices = builder.price_paths(Streams(1))[0].prices[: scenario.blocks + 1]  # then held, for settling
        assert np.array_equal(prices, histories[0].prices[: prices.size]) is is_recorded
