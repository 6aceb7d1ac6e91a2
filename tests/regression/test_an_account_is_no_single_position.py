"""Who holds several positions was taken for one position in five places; each is mended and bound here.

Set-up asked for the last position's margin alone. Liquidators and the closer named the largest position, and
expected all of an account to close at once; the protocol leaves that one alone unless it is on the side of
the net exposure. What must be held once the ramp is through was asked of each position as if alone. An
account's side was its last position's, and a page showed all its closes in that side's colour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.agents.kind import Opening
from sim.core.units import WAD
from sim.engine.blocks.closing import sides_of
from sim.engine.blocks.standing import _targets
from sim.reporting.findings.run.context import is_long
from tests.support.two_markets import HEDGED, execution, opened

ETH, BTC = 0, 1
NOTIONAL = 20_000.0
TIERS = Path(__file__).parents[2] / "scenarios" / "models" / "LeverageTierRiskModel.vy"


@pytest.mark.parametrize("style", ["concentrated", "hedged"])
def test_what_lacks_is_margin_of_all_positions_less_equity(style):
    """Nothing of what both ask for may be left to steps: a hundred of them are less than a fifth of it."""
    leverage = 'traders.0.leverage={ distribution = "fixed", value = 60.0 }'
    world = opened(
        f'traders.0.several.style="{style}"', "traders.0.count=4", "traders.0.admission_step=0.002", leverage
    )
    assert world.raised_openings == 4
    for state in world.client.account_states(range(4)):
        assert state.initial_requirement <= state.equity


def test_liquidators_name_the_side_that_the_protocol_closes():
    """Half in a long that falls, two shorts that are more together: a short closes, not the largest."""
    calm = 'price = { kind = "gbm", volatility = 0.3 }, impact = { depth_per_percent = 200000.0 }'
    markets = ", ".join(
        f'{{ name = "{name}", initial_price = {price}, {calm} }}'
        for name, price in (("ETH", 2_000.0), ("BTC", 40_000.0), ("SOL", 100.0))
    )
    together = 'markets = ["ETH", "BTC", "SOL"], weights = [0.46, 0.28, 0.26], style = "hedged"'
    run = execution(
        f"markets=[{markets}]", f"traders.0.several={{ {together} }}", "traders.0.long_share=1.0", "whales=[]"
    )
    named = [
        (row.block, row.arguments[0], row.arguments[1])
        for row in run.recorder.tables.transactions.rows
        if row.kind == "liquidation_engine.liquidate" and row.status
    ]
    closed: dict[tuple[int, int], int] = {}
    for row in run.recorder.tables.liquidations.rows:  # a hedge is logged before the position it hedges
        closed[row.block, row.account] = row.market
    first_calls = {}
    for block, account, market in named:
        first_calls.setdefault(account, (block, market))
    assert len(first_calls) > 3
    for account, (block, market) in first_calls.items():
        assert market != ETH
        assert closed[block, account] != ETH


def test_what_an_account_must_hold_after_the_ramp_is_asked_about_the_whole_account(tmp_path):
    """The formula's tiers count the whole account, and ask more of two positions than of each alone."""
    model = tmp_path / "WholeAccountRiskModel.vy"
    model.write_text(TIERS.read_text().replace("inputs.notional", "inputs.account_notional"))
    parameters = "{ top_leverage = 20.0, tier_notional = 15000.0, maintenance_share = 0.5 }"
    world = opened(
        f'protocol.risk_model="{model}"', f"protocol.risk_model_parameters={parameters}", *HEDGED,
        "traders.0.count=10", 'traders.0.leverage={ distribution = "fixed", value = 6.0 }',
    )  # fmt: skip
    found = _targets(world, world.client.markets(), np.arange(10))
    assert found == [state.maintenance_requirement for state in world.client.account_states(range(10))]
    alone = world.client.maintenance_ratios(ETH, [int(NOTIONAL / 2 * WAD)])[0]
    assert found[0] > 1.5 * alone * NOTIONAL


def test_a_side_is_that_of_all_positions():
    def start(actor, size):
        return Opening(actor=actor, market=0, size=size, collateral=0.0, wallet=0.0)

    openings = [start(0, 1.0), start(1, -1.0), start(2, 1.0), start(3, 0.0), start(0, 2.0), start(2, -1.0)]
    assert sides_of(openings) == {0: "long", 1: "short", 2: "mixed"}


def test_a_close_has_the_colour_of_the_position_that_was_closed():
    assert is_long(pd.DataFrame({"account": [1, 1], "size": [2.0, -3.0]})).tolist() == [True, False]
