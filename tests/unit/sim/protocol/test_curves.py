"""Formulas that tell sides and accounts apart: the mirror's requirement stays above the chain's."""

from __future__ import annotations

import numpy as np
import pytest

from sim.chain.transaction import Transaction
from sim.core.units import WAD
from sim.engine.blocks.observation import read_protocol
from sim.engine.options import RunOptions
from sim.engine.run import build_world
from sim.engine.scenario.load import load_scenario
from sim.protocol import actions
from sim.protocol.actions import NO_LIMIT, Fees
from sim.protocol.reconcile import reconcile
from tests.support.small_run import text_with_model

FORMULA = """# pragma version 0.4.3
# pragma nonreentrancy on

from interfaces import IRiskModel

implements: IRiskModel

FLOOR: constant(uint256) = 2 * 10**16


@deploy
def __init__(owner: address):
    assert owner != empty(address)


@view
@external
@reentrant
def margin_ratios(inputs: IRiskModel.RiskInputs) -> IRiskModel.MarginRatios:
    maintenance: uint256 = FLOOR
    {body}
    return IRiskModel.MarginRatios(initial=2 * maintenance, maintenance=maintenance)


@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""
SIDES = "if inputs.side < 0:\n        maintenance *= 2"
ACCOUNTS = "maintenance += min(inputs.account_notional // 10**7, 2 * 10**17)"
BODIES = {
    "neither": ("maintenance += min(inputs.notional // 10**8, 2 * 10**17)", 1),
    "sides": (SIDES, 2),
    "accounts": (ACCOUNTS, 4),
    "both": (f"{ACCOUNTS}\n    {SIDES}", 4),
}
MARKETS = (
    'markets=[{ name = "ETH", initial_price = 2000.0, price = { kind = "gbm", volatility = 0.0 } }, '
    '{ name = "BTC", initial_price = 2000.0, price = { kind = "gbm", volatility = 0.0 } }]'
)
FREE = Fees(0, 0)


@pytest.fixture(params=BODIES)
def formula(request, tmp_path):
    """A world of two markets under a formula, and how many kinds of position that tells apart."""
    body, kinds = BODIES[request.param]
    (tmp_path / "Formula.vy").write_text(FORMULA.format(body=body))
    path = tmp_path / "scenario.toml"
    path.write_text(text_with_model("Formula.vy"))
    scenario = load_scenario(path, overrides=[MARKETS, "protocol.margin.min_position_notional=0.0"])
    world = build_world(scenario, RunOptions(out=tmp_path), {})
    yield world, kinds
    world.chain.close()


def test_the_mirror_bounds_what_the_chain_asks_of_everybody(formula):
    world, kinds = formula
    client, chain = world.client, world.chain
    chain.start_block(chain.block_number + 1, chain.timestamp + 12)
    trader = int(np.flatnonzero(world.mirror.size[0])[0])
    side = 1 if world.mirror.size[0, trader] > 0 else -1
    for market, size in ((0, side), (1, -3 * side)):  # one account in both markets, long and short
        batch = actions.increase_position("t", trader, market, size * WAD // 100, NO_LIMIT, FREE)
        (call,) = client.encode(batch)
        receipt = chain.execute(Transaction(world.book.addresses[trader], call.to, call.data))
        assert receipt.status, receipt.revert_reason
        for event in client.events(receipt.logs, 0):
            world.mirror.apply(event)
    chain.end_block()
    assert world.mirror.open_positions[trader] == 2
    reading = read_protocol(world)
    curves = client.curves(world.mirror.largest_notionals(reading.markets))
    assert {curve.kinds for curve in curves} == {kinds}
    reconcile(client, world.mirror, np.arange(world.accounts), reading.valuation, 1)
