"""Two accounts of one owner took the fund at a constant price: the one sold to the other at the premium.

The initial check ignored what an exit costs and counted a premium that the account had itself been paid as a
gain: 27 of collateral opened 5.7 million. And nothing tied the premium to the ratio: who closes at the worst
premium loses it against the index, and what collateral does not cover of it the fund pays.

Drawn here: formulas, ratios, caps, fees, scales of the premium, sizes, and who trades what in which order,
for two to four accounts, at a constant price; each account starts with the least collateral that opens.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.errors import InputError
from sim.engine.scenario.load import load_scenario
from sim.experiments.shipped import shipped_scenarios
from sim.reference.fixed_point import QUANTUM, WAD
from sim.reference.margin_math import largest_premium
from tests.support.deployers import deploy
from tests.support.protocol import START_PRICE, Protocol, isolated, units

SCENARIOS = shipped_scenarios()
FORMULAS = {
    "static": ("StaticRiskModel", (2 * WAD // 100, WAD // 100, 0)),
    "volatility": ("VolatilityRiskModel", (4 * WAD, 14_400, 3_600, 2 * WAD // 100, WAD // 100, 0)),
    "adaptive": (
        "AdaptiveRiskModel",
        (
            4 * WAD, 14_400, 3_600, WAD // 20, 25 * WAD // 1_000, WAD // 4, 225 * WAD // 100, WAD // 4, WAD,
            10**8 * WAD, 2 * 10**7 * WAD, 5 * 10**7 * WAD, 2 * WAD, 0,
        ),
    ),
}  # fmt: skip


def formula(name):
    contract, words = FORMULAS[name]
    # The struct of the adaptive formula has two more words than when this was found: a fast weight, which was
    # one then, and the root of the size term, which was the square root.
    if name == "adaptive":
        words = (*words[:5], WAD, *words[5:9], 2, *words[9:])
    return deploy(f"risk_models/{contract}", boa.env.generate_address("owner"), words)


def opens(protocol, account, token_units, size):
    """Return whether a position would open on that much more collateral."""
    with boa.env.anchor():
        protocol.deposit(account, token_units)
        try:
            protocol.increase(account, size)
        except boa.BoaError:
            return False
        return True


def least_collateral(protocol, account, size, most):
    """Deposit the least collateral that opens a position, to a unit of quote, and open it."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if opens(protocol, account, units(middle), size):
            high = middle
        else:
            low = middle
    protocol.deposit(account, units(high))
    protocol.increase(account, size)
    return high


@pytest.mark.parametrize("name", FORMULAS)
def test_a_pair_cannot_take_the_fund(name):
    with isolated():
        model = formula(name)
        protocol = Protocol(
            margin={"trade_fee_rate": WAD // 2_000, "min_position_notional": 1_000 * WAD},
            skew_scale=30_000 * WAD,
            max_premium=0,
            risk_model=model,
            open_interest_cap=25_000 * WAD,
            pool=15_000_000,
            fund=200_000,
            fund_target=400_000,
        )
        for _ in range(12):
            protocol.set_price(
                START_PRICE, wait=4 * 3_600
            )  # calm: the formula comes near what it asks at rest
        cap = largest_premium(protocol.registry.largest_premium(0), WAD // 2_000)
        protocol.pool.set_pricing_terms(0, 30_000 * WAD, cap, sender=protocol.owner)
        size = 60_000 * cap
        first, second = protocol.account("first"), protocol.account("second", 3_000_000)
        paid = least_collateral(protocol, first, size, 3_000_000)
        protocol.increase(second, -2 * size)
        protocol.decrease(first)
        protocol.decrease(second)
        assert max(protocol.collateral(first), 0) + protocol.collateral(second) <= (paid + 3_000_000) * WAD
        assert protocol.ledger.totals().bad_debt == 0
        protocol.check_books()


def test_a_premium_that_the_account_was_paid_is_no_gain():
    """It opened without a collateral of its own: the premium it sold at was its margin."""
    with isolated():
        protocol = Protocol(skew_scale=30_000 * WAD, max_premium=2 * WAD // 100)
        first = protocol.account("first", 3_000_000)
        protocol.increase(first, 3_000 * WAD)
        second = protocol.account("second", 100)
        with boa.reverts("margin_checks: margin too low"):
            protocol.increase(second, -3_000 * WAD)
        needed = least_collateral(protocol, second, -3_000 * WAD, 3_000_000)
        assert needed + 100 == 3_000 * 2_000 * 5 // 100


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_coalition_gains_at_a_constant_price(data):
    draw = data.draw
    initial = draw(st.integers(1, 300), "initial ratio in tenths of a percent") * WAD // 1_000
    fee = draw(st.sampled_from((0, 0, WAD // 2_000)), "fee")
    most = largest_premium(initial - 1, fee)
    premium = draw(st.sampled_from((most, most, most // 2)), "premium")
    scale = draw(st.sampled_from((10, 1_000, 30_000)), "scale") * WAD
    weight = draw(st.sampled_from((0, WAD // 2, WAD)), "weight of gains")
    with isolated():
        model = deploy(
            "risk_models/StaticRiskModel", boa.env.generate_address("owner"), (initial, initial - 1, 0)
        )
        protocol = Protocol(
            margin={"trade_fee_rate": fee, "upnl_weight": weight, "min_position_notional": 0},
            skew_scale=scale,
            max_premium=premium,
            risk_model=model,
            fund=200_000,
        )
        accounts = [protocol.account(f"member {i}") for i in range(draw(st.integers(2, 4), "accounts"))]
        clamp = max(scale * premium // WAD, WAD)
        paid = 0
        for _ in range(draw(st.integers(3, 10), "actions")):
            account = draw(st.sampled_from(accounts), "account")
            held = protocol.position(account).size
            if held and draw(st.booleans(), "closes"):
                protocol.decrease(
                    account, draw(st.sampled_from((2**256 - 1, max(abs(held) // 3, 1))), "part")
                )
                continue
            size = clamp * draw(st.integers(1, 40), "size in tenths of the clamp") // 10
            side = draw(st.sampled_from((1, -1)), "side") if held == 0 else (1 if held > 0 else -1)
            amount = size * START_PRICE // WAD * (initial + 2 * fee + premium) // WAD
            amount = amount * draw(st.integers(0, 110), "percent of what it takes") // 100 // QUANTUM
            if opens(protocol, account, amount, side * size):
                protocol.deposit(account, amount)
                protocol.increase(account, side * size)
                paid += amount * QUANTUM
        for account in accounts:
            if protocol.position(account).size:
                protocol.decrease(account)
        out = sum(max(protocol.collateral(account), 0) for account in accounts)
        # Each close rounds by less than a quantum.
        assert out <= paid + 100 * QUANTUM
        assert protocol.ledger.totals().bad_debt <= 100 * QUANTUM
        protocol.check_books()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["protocol.risk_model='static'", "markets.0.pool.max_premium=0.0496"],
            (
                "markets.0.pool.max_premium: the maintenance ratio of a market at rest is 0.05"
                " (protocol.risk_model_parameters.maintenance_ratio = 0.05), which carries a premium of"
                " 0.04948 at protocol.margin.trade_fee_rate = 0.0005, not markets.0.pool.max_premium = 0.0496"
                ": two accounts of one owner would take the difference from the insurance fund at a constant"
                " price; lower the premium, or raise the ratio"
            ),
        ),
        (
            ["protocol.risk_model='volatility'", "protocol.margin.trade_fee_rate=0.03"],
            (
                "protocol.margin.trade_fee_rate: the maintenance ratio of a market at rest is 0.01"
                " (protocol.risk_model_parameters.maintenance_min = 0.01) and does not carry"
                " protocol.margin.trade_fee_rate = 0.03: two accounts of one owner"
            ),
        ),
    ],
)
def test_a_scenario_is_refused_with_the_way_out(overrides, message):
    with pytest.raises(InputError) as caught:
        load_scenario(SCENARIOS["calm_market"], overrides=overrides)
    assert message in " ".join(str(caught.value).split())


def test_a_scenario_at_the_bound_is_taken():
    overrides = ["protocol.risk_model='static'", "markets.0.pool.max_premium=0.0494"]
    assert load_scenario(SCENARIOS["calm_market"], overrides=overrides).markets[0].pool.max_premium == 0.0494
