"""quant 8.4 and 8.4b: what one jump costs the fund, for a portfolio, on the contracts.

A long of notional W with margin m loses W(1 - e^J) at a jump of the log price by J, so its shortfall is
W (k - e^J)^+ with k = 1 - m, and the portfolio's is the sum. The whole distribution follows from that of J:
the tests draw J, jump, liquidate everybody on chain, read the bad debt, and go back to before the jump.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm

from sim.core import portable_math
from sim.core.rng import Streams
from sim.core.units import QUANTUM, WAD, to_wad
from tests.support.closed_form_world import PRICE, Account, Driver, build_listed_world, run_loop

UNIT = 1_000.0  # quote per unit of the formula's W
WEIGHTS = (10, 20, 40, 30)
MARGINS = (0.02, 0.05, 0.10, 0.20)
LOW_RATIOS = (
    "protocol.risk_model_parameters.maintenance_ratio=0.001",
    "protocol.risk_model_parameters.initial_ratio=0.0199",
    "markets.0.pool.max_premium=0.0",  # a ratio of a thousandth carries none
)
DRAWS = 2_000
MEAN, DEVIATION = -0.1, 0.1
STANDARD_ERRORS = 4.5  # quant 8, test discipline


def portfolio() -> list[Account]:
    return [
        Account(notional=weight * UNIT, collateral=weight * UNIT * margin)
        for weight, margin in zip(WEIGHTS, MARGINS, strict=True)
    ]


def shortfall(factor: float) -> float:
    """Return sum W (k - e^J)^+ in the formula's units; factor = e^J."""
    return sum(weight * max(1.0 - m - factor, 0.0) for weight, m in zip(WEIGHTS, MARGINS, strict=True))


def exact_shortfall(price: int) -> Fraction:
    """Return the same in WAD quote for a price in WAD, without rounding."""
    factor = Fraction(price, int(PRICE) * WAD)
    parts = (
        weight * max(1 - Fraction(str(margin)) - factor, Fraction(0))
        for weight, margin in zip(WEIGHTS, MARGINS, strict=True)
    )
    return sum(parts, Fraction(0)) * int(UNIT) * WAD


@pytest.fixture(scope="module")
def before_the_jump():
    world = build_listed_world(portfolio(), *LOW_RATIOS)
    driver = Driver(world)
    yield driver, driver.snapshot()
    world.chain.close()


@pytest.fixture(scope="module")
def jumps():
    """Return J, normal with mean -0.1 and deviation 0.1, from the project's own streams."""
    return MEAN + DEVIATION * Streams(84).draw("test:jump").normal(DRAWS)


@pytest.fixture(scope="module")
def losses(before_the_jump, jumps):
    """Return the price reported and the bad debt on chain after each jump."""
    driver, saved = before_the_jump
    found: list[tuple[int, int]] = []
    for jump in jumps.tolist():
        driver.restore(saved)
        price = to_wad(PRICE * portable_math.exp(jump))
        driver.report(price)
        driver.liquidate(0, 1, 2, 3)
        totals = driver.client.totals()
        assert totals.bad_debt == totals.fund_draws
        assert totals.pending_deficit == 0
        found.append((price, totals.bad_debt))
    return found


def test_bad_debt_is_the_formula_at_every_jump(losses):
    for price, bad_debt in losses:
        expected = exact_shortfall(price)
        # Each of four accounts rounds its loss up to a quantum, and its entry cost by 1e-18 of the price.
        assert expected - QUANTUM <= bad_debt <= expected + 5 * QUANTUM


def test_accounts_fail_in_the_order_of_their_margins(before_the_jump):
    driver, saved = before_the_jump
    for failing, factor in enumerate((0.99, 0.96, 0.92, 0.85, 0.75)):
        driver.restore(saved)
        driver.report(PRICE * factor)
        driver.liquidate(0, 1, 2, 3)
        bankrupt = [values["account"] for values in driver.liquidated() if values["deficit"] > 0]
        assert bankrupt == list(range(failing))


def test_expected_shortfall_of_the_portfolio(losses):
    sample = np.array([bad_debt / WAD / UNIT for _, bad_debt in losses])
    exact = 0.0
    for weight, margin in zip(WEIGHTS, MARGINS, strict=True):
        k = 1.0 - margin
        d = (math.log(k) - MEAN) / DEVIATION
        exact += weight * (k * norm.cdf(d) - math.exp(MEAN + DEVIATION**2 / 2.0) * norm.cdf(d - DEVIATION))
    assert exact == pytest.approx(3.432237, abs=5e-7)  # quant 8.4b
    error = sample.std(ddof=1) / math.sqrt(DRAWS)
    assert abs(sample.mean() - exact) < STANDARD_ERRORS * error
    assert error < 0.04 * exact  # or the comparison says nothing


def test_probability_that_a_fund_of_ten_is_exhausted(losses):
    exceeded = np.mean([bad_debt > 10 * UNIT * WAD for _, bad_debt in losses])
    exact = 0.083398  # quant 8.4b: P(J < J*) with L(J*) = 10
    error = math.sqrt(exact * (1.0 - exact) / DRAWS)
    assert abs(exceeded - exact) < STANDARD_ERRORS * error


def test_value_at_risk_is_the_loss_at_the_quantile_of_the_jump(before_the_jump):
    """L is monotone in J: VaR_99 is the loss at the 1 % quantile of J, and P(L > 10) that of its root."""
    driver, saved = before_the_jump
    for quantile, expected in ((0.01, 17.0968), (0.083398, 10.0)):
        driver.restore(saved)
        driver.report(PRICE * math.exp(norm.ppf(quantile, MEAN, DEVIATION)))
        driver.liquidate(0, 1, 2, 3)
        assert driver.client.totals().bad_debt / WAD / UNIT == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("jump", [-0.06, -0.14, -0.3])
def test_the_whole_loop_agrees_with_the_formula(jump):
    """The same through shocks, keepers, liquidators and blocks instead of by hand."""
    size = math.expm1(jump)
    world = build_listed_world(
        portfolio(),
        *LOW_RATIOS,
        f'shocks=[{{ kind = "price_jump", at_block = 3, size = {size} }}]',
        "closer.patience_blocks=0",  # nobody is paid to close accounts under water
    )
    loop = run_loop(world, 8)
    price = loop.reading.markets[0].index_price
    assert price / WAD == pytest.approx(PRICE * math.exp(jump), rel=1e-12)
    expected = exact_shortfall(price)
    assert expected - QUANTUM <= loop.reading.totals.bad_debt <= expected + 5 * QUANTUM
    world.chain.close()
