"""One account took the pool at a constant price: fills past the clamp of the premium were too dear back.

A fill charged the clamp of the mean premium instead of the mean of the clamped premium. Bought in steps
past the clamp and sold at once, a position left its owner a gain, fees paid: 223k quote with the pool terms
of ``black_thursday``, repeatable until pool and fund were empty.
"""

from __future__ import annotations

import pytest

from sim.core.units import WAD
from sim.engine.scenario.load import load_scenario
from sim.experiments.shipped import shipped_scenarios
from tests.support.protocol import START_PRICE, Protocol

STEPS = 12
SCENARIOS = shipped_scenarios()


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_in_steps_past_the_clamp_and_out_at_once(name, side):
    scenario = load_scenario(SCENARIOS[name])
    market = scenario.markets[0]
    base = int(market.initial_price * WAD) * WAD // START_PRICE  # one of its units
    scale = int(market.pool.skew_scale) * base
    cap = int(market.pool.open_interest_cap_notional) * WAD * WAD // START_PRICE
    max_premium = int(market.pool.max_premium * 10**6) * 10**12
    protocol = Protocol(
        margin={"trade_fee_rate": int(scenario.protocol.margin.trade_fee_rate * 10**6) * 10**12},
        skew_scale=scale,
        max_premium=max_premium,
        open_interest_cap=cap,
        pool=10**9,
    )
    trader = protocol.account("trader", 10**9)
    step = min(cap, 2 * scale * max_premium // WAD) // STEPS
    for _ in range(STEPS):
        protocol.increase(trader, side * step)
    reached = abs(protocol.pool.quote(0, 0, START_PRICE) - START_PRICE) * WAD // START_PRICE
    assert reached >= max_premium - 1 or step * STEPS > cap - STEPS, "the clamp, or else the cap, binds"
    protocol.decrease(trader)
    assert protocol.collateral(trader) <= 10**9 * WAD
    protocol.check_books()
