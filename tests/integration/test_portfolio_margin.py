"""Portfolio margin in a run: each parameter alone changes the outcome; what is wrong is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.engine.paths import PathOptions, run_path
from sim.engine.scenario.load import load_scenario
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.portfolio_screen import Columns, PortfolioScreen
from sim.reference import portfolio_math as twin
from sim.reference.fixed_point import WAD
from tests.support.deployers import ROOT
from tests.support.two_markets import HEDGED, opened

SCENARIO = ROOT / "scenarios" / "correlation_break.toml"
SMALL = (
    "traders.0.count=12",
    "traders.0.several.weights=[0.75, 0.25]",
    "blocks=40",
    "shocks.0.at_minute=5",
    "shocks.0.duration_minutes=20",
    "shocks.1.at_minute=5",
    "shocks.1.duration_minutes=20",
    "settlement_blocks=0",
)
OTHER = {
    "far_multiple": 10.0,
    "far_weight": 1.0,
    "single_share": 1.0,
    "floor_share": 0.9,
    "correlation_break": 0.0,
    "confidence_coefficient": 50.0,
    "close_out_ratio": 0.01,
}
"""Another value than the default of every parameter."""


@cache
def digest(*overrides: str) -> str:
    scenario = load_scenario(SCENARIO, overrides=[*SMALL, *overrides])
    return run_path(scenario, PathOptions(path=0)).digest


def test_every_parameter_has_another_value():
    assert set(OTHER) == set(STRUCTS["portfolio"].names)


@pytest.mark.parametrize("name", sorted(OTHER))
def test_a_parameter_alone_changes_the_outcome(name):
    assert digest(f"protocol.portfolio.{name}={OTHER[name]}") != digest()


def test_a_mode_and_a_correlation_change_the_outcome():
    assert digest('traders.0.mode="cross"') != digest()
    assert digest("protocol.portfolio.pairs=[]") != digest()


@pytest.mark.parametrize(
    ("override", "place", "message"),
    [
        ("protocol.portfolio.floor_share=0.05", "protocol.portfolio.floor_share", "0.1"),
        ("protocol.portfolio.close_out_ratio=0.0001", "close_out_ratio", "could leave a debt"),
        (
            'protocol.portfolio.pairs=[{between=["ETH","SOL"],correlation=0.5}]',
            "pairs.0.between",
            "there is no market 'SOL'",
        ),
        (
            'protocol.portfolio.pairs=[{between=["ETH","BTC"],correlation=1.5}]',
            "pairs.0.correlation",
            "1",
        ),
        (
            'protocol.portfolio.pairs=[{between=["ETH","ETH"],correlation=0.5}]',
            "pairs.0.between",
            "ETH twice",
        ),
        ('traders.0.mode="isolated"', "traders.0.mode", "isolated accounts"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_deployed(override, place, message):
    with pytest.raises(InputError) as refused:
        load_scenario(SCENARIO, overrides=[override])
    assert any(place in problem and message in problem for problem in refused.value.problems)


def test_the_mode_needs_a_model(tmp_path):
    text = SCENARIO.read_text(encoding="utf-8")
    pairs = 'pairs = [{ between = ["ETH", "BTC"], correlation = 0.9 }]'
    without = text.replace(f"[protocol.portfolio]\n{pairs}\n", "")
    assert without != text
    file = tmp_path / "without.toml"
    file.write_text(without, encoding="utf-8")
    with pytest.raises(InputError, match=r"needs the table \[protocol.portfolio\]"):
        load_scenario(file)


def test_the_screen_is_never_below_the_contract():
    """Ratios known exactly, the float grid is the exact one; known from above, it is above."""
    draw = np.random.default_rng(7)
    words = dict(STRUCTS["portfolio"].defaults)
    parameters = twin.PortfolioParameters(**{name: round(value * WAD) for name, value in words.items()})
    pairs = [0.0] * twin.PAIRS
    pairs[twin.pair(0, 1)], pairs[twin.pair(1, 2)], pairs[twin.pair(0, 2)] = 0.9, 0.8, 0.7
    premiums, base, unsure = [0.003, 0.001, 0.002], [0.04, 0.05, 0.03], [0.0, 0.0005, 0.001]
    accounts = 400
    notional = draw.uniform(-1e6, 1e6, size=(3, accounts)) * (draw.random((3, accounts)) < 0.8)
    ratio = np.array(base)[:, None] * draw.uniform(0.7, 1.4, size=(3, accounts))
    least = np.minimum(ratio, np.array(base)[:, None]) * draw.uniform(0.8, 1.0, size=(3, accounts))
    screen = PortfolioScreen(words, pairs, premiums)
    screen.learn(0, 2, round(0.4 * WAD), 100)
    screen.learn(1, 2, -WAD, 99)  # forgotten by now
    believed = [*pairs]
    believed[twin.pair(0, 2)] = 0.4
    known = Columns(notional=notional, ratio=ratio, least_ratio=ratio)
    exactly = screen.requirements(known, base, unsure, 100)
    above = screen.requirements(Columns(notional=notional, ratio=ratio, least_ratio=least), base, unsure, 100)
    assert (exactly >= screen.requirements(known, base, unsure, 101)).all()
    assert (above >= exactly * (1.0 - 1e-9)).all()
    for account in range(accounts):
        legs = [
            twin.PortfolioLeg(
                notional=round(notional[market, account] * WAD),
                ratio=round(ratio[market, account] * WAD),
                base_ratio=round(base[market] * WAD),
                confidence=round(unsure[market] * WAD),
                price=WAD,
                max_premium=round(premiums[market] * WAD),
            )
            for market in range(3)
        ]
        legs += [twin.PortfolioLeg()] * 5
        margin = twin.portfolio_margin(legs, [round(value * WAD) for value in believed], parameters)
        assert exactly[account] == pytest.approx(margin.requirement / WAD, rel=1e-9, abs=1e-6)


def test_nobody_of_the_mirror_needs_less_to_begin_with_than_to_stay():
    """Maintenance leans more than initial margin: 6 % and 2 % against 5 % and 4.9 %."""
    world = opened(
        *HEDGED,
        "traders.0.count=6",
        'traders.0.mode="portfolio"',
        'protocol.risk_model="static"',
        'protocol.portfolio.pairs=[{between=["ETH","BTC"],correlation=1.0}]',
        "protocol.portfolio.correlation_break=0.0",
        "protocol.portfolio.single_share=0.0",
        "protocol.portfolio.floor_share=0.1",
        "markets.0.risk_model_parameters={initial_ratio=0.06, maintenance_ratio=0.02}",
        "markets.1.risk_model_parameters={initial_ratio=0.05, maintenance_ratio=0.049}",
        "traders.0.several.weights=[0.3, 0.7]",
    )
    members = list(world.book.members("traders:cohort"))
    valuation = world.mirror.value(world.client.markets(), world.client.curves())
    for actor, state in zip(members, world.client.account_states(members), strict=True):
        assert state.initial_requirement == state.maintenance_requirement
        found = valuation.initial_requirement[actor]
        assert found == pytest.approx(state.initial_requirement / WAD, rel=1e-9)
