"""What a scenario says of estimators: who keeps them, what is deployed, what is refused before that."""

from __future__ import annotations

import pytest

from sim.agents.volatility_keeper import VOLATILITY_KEEPERS
from sim.core.errors import InputError
from sim.engine.worlds import configs
from tests.support.governed import ZERO, Governed, parameters_of
from tests.support.small_run import small_scenario

CHOSEN = "markets.0.estimator.range_weight=1.0"


def groups(*overrides: str) -> list[int | None]:
    scenario = small_scenario(*overrides)
    setting = configs.setting(scenario, [2_000.0], 0)
    section = scenario.section(VOLATILITY_KEEPERS)
    return [group.reports_implied for group in VOLATILITY_KEEPERS.groups(section, setting)]


def test_only_a_market_that_chooses_has_a_keeper():
    assert groups() == []
    assert groups("markets.0.estimator.buffer=0.25") == []
    assert groups(CHOSEN) == [0]


def test_the_registry_asks_nobody_unless_a_market_chooses():
    plain, chosen = Governed(), Governed(parameters=parameters_of("adaptive", CHOSEN))
    assert plain.read("market_registry", "volatility_oracle") == ZERO
    asked = chosen.read("market_registry", "volatility_oracle")
    assert asked.lower() == chosen.deployment.addresses["volatility_oracle"].lower()
    words = chosen.read("volatility_oracle", "parameters", 0)
    assert words[2] == 10**18  # range_weight
    assert chosen.read("volatility_oracle", "implied_reporter", 0).lower() == chosen.keepers[0].lower()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("markets.0.performance.red_multiplier=1.5", "it chooses nothing"),
        ("markets.0.performance.yellow_multiplier=1.5", "yellow_multiplier: must be at most red_multiplier"),
        ("markets.0.performance.yellow_count=11", "yellow_count: must be at most red_count"),
        ("markets.0.estimator.tau_long_seconds=3600", "tau_range_seconds: must be at most tau_long_seconds"),
        ("markets.0.estimator.range_weight=10.5", "range_weight"),
        ("markets.0.estimator.max_range=0.0", "max_range"),
        ("markets.0.estimator.bucket_seconds=59", "bucket_seconds"),
    ],
)
def test_what_the_contract_refuses_is_refused_before(override, message):
    with pytest.raises(InputError, match=message):
        small_scenario(override)
