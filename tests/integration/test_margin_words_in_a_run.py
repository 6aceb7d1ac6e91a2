"""What a report says of margin in runs of the contracts: with a mechanism and without it."""

from __future__ import annotations

from collections import Counter

import pytest
from pyarrow import parquet

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from sim.reporting.findings.run.margin_words import margin_words
from sim.reporting.run_folder import load_run
from tests.support.deployers import ROOT
from tests.support.small_run import CASCADE, small_run

HEDGES = (
    "traders.0.count=12",
    "blocks=60",
    "shocks.0.at_minute=5",
    "shocks.0.duration_minutes=40",
    "shocks.0.size=-0.15",
    "shocks.1.at_minute=5",
    "shocks.1.duration_minutes=40",
    "settlement_blocks=0",
    "expect={}",
)
FADING = (
    "traders.0.count=12",
    "blocks=150",
    "settlement_blocks=0",
    "protocol.portfolio.sample_seconds=1200",
    "protocol.portfolio.least_sample_count=3",
    "shocks.0.at_minute=150",
    "expect={}",
)
SPLIT = ("traders.0.count=20", "blocks=60", "settlement_blocks=0", "expect={}")
CHOICE = "markets.0.estimator={ true_range_weight = 1.0, implied_weight = 1.0 }"
LIGHTS = (
    "markets.0.performance={ yellow_count = 1, red_count = 2, yellow_multiplier = 1.13, "
    "red_multiplier = 1.33 }"
)


@pytest.fixture
def words_of(tmp_path):
    def words(name, *overrides):
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        if name:
            scenario = load_scenario(ROOT / "scenarios" / f"{name}.toml", overrides=list(overrides))
            run_scenario(scenario, RunOptions(out=place, worlds="none"))
        else:
            small_run(place, *overrides)
        run = load_run(place)
        return run, [one.replace("\u202f", " ") for one in margin_words(run)]

    return words


def logs(run, name):
    rows = parquet.read_table(run.path / "events.parquet").to_pylist()
    return [row for row in rows if row["event"] == name]


def test_portfolio_margin_and_cross(words_of):
    run, (words,) = words_of("correlation_break", *HEDGES)
    assert words.startswith("12 accounts (spread traders) began in portfolio margin; ")
    checked = Counter((row["block"], row["position"], row["account"]) for row in logs(run, "MarginChecked"))
    hedges = [key for key, legs in checked.items() if legs == 2]
    assert {account for _, _, account in hedges} == set(run.liquidations["account"])
    assert f"{len(hedges)} recorded checks found one" in words
    _, none = words_of("correlation_break", *HEDGES, 'traders.0.mode="cross"')
    assert none == []


def test_correlations_estimated_and_stated(words_of):
    run, (mode, words) = words_of("fading_correlation", *FADING)
    estimates = len(logs(run, "CorrelationUpdated"))
    samples = sum(run.transactions["kind"] == "volatility_oracle.update_pair")
    assert samples > estimates > 2
    assert (
        f"{samples} samples were taken; ETH and BTC, stated as 0.90, were estimated {estimates} times"
        in words
    )
    _, (alone,) = words_of("fading_correlation", *FADING, "protocol.portfolio.estimated=false")
    assert alone.split(";")[0] == mode.split(";")[0]


def test_tiers_and_a_cluster(words_of):
    _, (tiers, cluster) = words_of("split_whale", *SPLIT, "whales.0.declared=true")
    assert "2.0 % and 1.0 %, 5.0 % and 2.5 % beyond 1.00 m" in tiers
    assert cluster.startswith("20 accounts (splitter whale) are declared as one cluster")
    _, (alone,) = words_of("split_whale", *SPLIT, "protocol.risk_model_parameters.tier_1_initial=0.03")
    assert "3.0 % and 1.0 %, 5.0 % and 2.5 % beyond 1.00 m" in alone
    _, none = words_of("split_whale", *SPLIT, 'protocol.risk_model="adaptive"')
    assert none == []


def test_a_choice_and_its_multiplier(words_of):
    run, (choice, multiplier) = words_of("", *CASCADE, CHOICE, LIGHTS)
    assert f"it was updated {len(logs(run, 'VarianceUpdated'))} times" in choice
    assert f"implied volatility was reported {len(logs(run, 'ImpliedReported'))} times" in choice
    changes = logs(run, "PerformanceUpdated")
    assert changes
    assert f"block {changes[-1]['block']}, to 1.33 (red)" in multiplier
    _, (alone,) = words_of("", *CASCADE, CHOICE)
    assert alone.startswith("ETH takes the largest of true range and implied volatility")
    _, none = words_of("", *CASCADE)
    assert none == []
