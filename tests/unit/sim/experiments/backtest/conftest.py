"""A scenario whose margin is z sigma sqrt(h) and nothing else, on short paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.schema import Scenario

PLAIN = """\
schema_version = 1
title = "One model, one price"
question = "What does the margin model ask for?"
seed = 3
blocks = 240
seconds_per_block = 60

[[markets]]
name = "ETH"
initial_price = 2_000.0
[markets.price]
kind = "gbm"
volatility = 0.8

[markets.pool]
max_premium = 0.0  # a ratio of two in a million carries none, and no fee

[protocol]
risk_model = "volatility"
[protocol.margin]
trade_fee_rate = 0.0
[protocol.risk_model_parameters]
z = 2.5
initial_horizon_seconds = 14_400
maintenance_horizon_seconds = 3_600
initial_min = 2e-6
maintenance_min = 1e-6
[protocol.oracle]
initial_volatility_fast = 0.8
initial_volatility_slow = 0.8

[[traders]]
name = "cohort"
count = 12
long_share = 0.7
leverage = { distribution = "uniform", minimum = 2.0, maximum = 5.0 }
size = { distribution = "pareto", minimum = 4_000.0, maximum = 40_000.0, shape = 1.5 }

[liquidators]
count = 2
[keepers]
count = 3
"""


@pytest.fixture
def plain_scenario(tmp_path: Path):
    """Return a loader of the scenario above with overrides."""
    path = tmp_path / "plain.toml"
    path.write_text(PLAIN)

    def load(*overrides: str) -> Scenario:
        return load_scenario(path, overrides=list(overrides))

    return load
