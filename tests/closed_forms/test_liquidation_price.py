"""quant 8.1: liquidation and bankruptcy price, found on the contracts by bisection of reported prices.

Equity C + S(P - P0) meets the requirement m |S| P at P0 (1 - 1/L)/(1 - m) for a long and at
P0 (1 + 1/L)/(1 + m) for a short; it is gone at P0 (1 -+ 1/L). Prices are integers, so the bisection ends at
two neighbouring ones between which the contract changes its mind.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from sim.core.units import WAD
from tests.support.closed_form_world import PRICE, Account, Driver, build_listed_world

NOTIONAL = 120_000.0  # divisible: collateral is then exact in token units
CASES = [(5, "0.05"), (2, "0.2"), (10, "0.02"), (20, "0.01"), (3, "0.005")]
SIDES = [pytest.param(1, id="long"), pytest.param(-1, id="short")]


def bisect(driver: Driver, happens: Callable[[int], bool], yes: int, no: int) -> tuple[int, int]:
    """Return the neighbouring prices (WAD) where ``happens`` turns from true to false."""
    assert happens(yes)
    assert not happens(no)
    while abs(yes - no) > 1:
        middle = (yes + no) // 2
        if happens(middle):
            yes = middle
        else:
            no = middle
    return yes, no


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}x-{case[1]}")
def case(request):
    leverage, ratio = request.param
    collateral = NOTIONAL / leverage
    accounts = [Account(notional=sign * NOTIONAL, collateral=collateral) for sign in (1, -1)]
    world = build_listed_world(
        accounts,
        f"protocol.risk_model_parameters.maintenance_ratio={ratio}",
        f"protocol.risk_model_parameters.initial_ratio={float(ratio) + 0.001}",
    )
    yield Driver(world), leverage, Fraction(ratio)
    world.chain.close()


def formulas(sign: int, leverage: int, ratio: Fraction) -> tuple[Fraction, Fraction]:
    """Return liquidation and bankruptcy price over the entry price."""
    bankruptcy = 1 - Fraction(sign, leverage)
    return bankruptcy / (1 - sign * ratio), bankruptcy


@pytest.mark.parametrize("sign", SIDES)
def test_liquidation_price(case, sign):
    driver, leverage, ratio = case
    account = 0 if sign > 0 else 1
    saved = driver.snapshot()

    def liquidatable(price: int) -> bool:
        driver.restore(saved)
        driver.report(price)
        receipt = driver.liquidate(account)[0]
        assert receipt.status or receipt.revert_reason == "liquidation: healthy"
        return receipt.status

    expected = formulas(sign, leverage, ratio)[0] * int(PRICE) * WAD
    far = int(expected * Fraction(99, 100)) if sign > 0 else int(expected * Fraction(101, 100))
    yes, no = bisect(driver, liquidatable, far, int(PRICE) * WAD)
    # The entry fill differs from the index by skew/skew_scale ~ 1e-17, the requirement rounds up by one unit.
    assert abs(yes - expected) <= expected * Fraction(1, 10**14)
    assert abs(no - expected) <= expected * Fraction(1, 10**14)


@pytest.mark.parametrize("sign", SIDES)
def test_bankruptcy_price(case, sign):
    driver, leverage, ratio = case
    account = 0 if sign > 0 else 1
    saved = driver.snapshot()
    liquidation_price, bankruptcy_price = formulas(sign, leverage, ratio)

    def leaves_deficit(price: int) -> bool:
        driver.restore(saved)
        driver.report(price)
        (receipt,) = driver.liquidate(account)
        assert receipt.status, receipt.revert_reason
        (values,) = driver.liquidated()
        totals = driver.client.totals()
        assert totals.bad_debt == values["deficit"]  # the fund pays it all: booked once, exactly
        return values["deficit"] > 0

    expected = bankruptcy_price * int(PRICE) * WAD
    beyond = int(expected * Fraction(99 if sign > 0 else 101, 100))
    inside = int(liquidation_price * Fraction(10**6 - sign, 10**6) * int(PRICE) * WAD)
    yes, no = bisect(driver, leaves_deficit, beyond, inside)
    # Collateral is booked in quanta of 1e-6 quote, losses rounded up: 1e-6 over 60 base units.
    tolerance = Fraction(10**12 * WAD, int(NOTIONAL / PRICE) * WAD)
    assert abs(yes - expected) <= tolerance
    assert abs(no - expected) <= tolerance
