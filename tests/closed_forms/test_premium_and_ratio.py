"""The bound on a premium that a ratio carries, from both sides: p + f * (1 + p) <= m.

A buys at a premium, B sells so far that A closes at the whole discount p, and B buys back. Nothing is lost
between the two and the pool but rounding, as fills are path-independent; so the pair gains exactly what A
cannot pay, its debt. A holds the least collateral, m of its notional and what it paid above the index: its
debt is notional * (p + f * (1 - p) - m), for a short notional * (p + f * (1 + p) - m). The initial ratio is a
unit above m here, so that it opens with what others come down to by funding.
"""

from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from sim.reference.margin_math import largest_premium
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import START_PRICE, Protocol, isolated

INITIAL = 2 * WAD // 100
NOTIONAL = 10**16  # quote: one unit of a ratio is ten thousand quanta of it
SLACK = 100 * QUANTUM
"""What roundings of entry and check may come to."""
SIZE = NOTIONAL * WAD // (START_PRICE // WAD)

# A formula that asks more of a market at rest than of one in which somebody holds something, which no formula
# should: with it the ratio is below what the premium was held against, by as much as a test likes.
SOURCE = """
REST: immutable(uint256)
LIVE: immutable(uint256)
@deploy
def __init__(rest: uint256, live: uint256):
    REST = rest
    LIVE = live
@view
@external
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    initial: uint256 = REST if inputs.open_interest == 0 else LIVE
    return MarginRatios(initial=initial, maintenance=initial - 1)
@view
@external
def collateral_haircut() -> uint256:
    return 0
"""


def trip(premium, side, fee_rate=0):
    """Return what two accounts gain, and what one of them owes in the end."""
    with isolated():
        formula = boa.loads_partial(FORMULA_HEAD + SOURCE).deploy(max(premium, INITIAL) + 1, INITIAL)
        protocol = Protocol(
            margin={"trade_fee_rate": fee_rate, "pool_fee_share": 0, "fund_fee_share": 0},
            skew_scale=10**12,  # any position takes the premium to its cap
            max_premium=premium,
            risk_model=formula,
            open_interest_cap=10**36,
            pool=10**17,
            fund=10**15,
        )
        first, second = protocol.account("first"), protocol.account("second")
        entry = SIZE * protocol.pool.quote(0, side * SIZE, START_PRICE) // WAD
        least = NOTIONAL * INITIAL + side * (entry - NOTIONAL * WAD) + entry * fee_rate // WAD
        protocol.deposit(first, (least - SLACK) // QUANTUM)
        with boa.reverts("margin_checks: margin too low"):
            protocol.increase(first, side * SIZE)
        protocol.deposit(first, 2 * SLACK // QUANTUM)
        protocol.increase(first, side * SIZE)
        protocol.deposit(second, 3 * least // QUANTUM)
        paid = protocol.collateral(second) + (least - SLACK) // QUANTUM * QUANTUM + 2 * SLACK
        protocol.increase(second, -side * 2 * SIZE)
        protocol.decrease(first)
        protocol.decrease(second)
        protocol.check_books()
        left = max(protocol.collateral(first), 0) + protocol.collateral(second)
        return left - paid, protocol.ledger.totals().bad_debt


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
def test_at_the_bound_the_pair_gains_nothing_and_units_above_it_do(side):
    assert largest_premium(INITIAL, 0) == INITIAL
    gain, debt = trip(INITIAL, side)
    assert (gain <= 0, debt) == (True, 0)
    # The premium of a fill is whole units, rounded against the trader: the last close, of twice the size,
    # pays one of them for each unit of its notional.
    for units, gained in ((1, -1), (3, 1)):
        gain, debt = trip(INITIAL + units, side)
        assert debt == pytest.approx(units * NOTIONAL, abs=2 * SLACK)
        assert gain == pytest.approx(gained * NOTIONAL, abs=2 * SLACK)


def test_with_a_fee_the_bound_is_where_the_last_close_of_a_short_leaves_no_debt():
    fee_rate = WAD // 1_000
    most = largest_premium(INITIAL, fee_rate)
    assert 0 <= INITIAL - most - fee_rate * (WAD + most) // WAD <= 1
    assert trip(most, -1, fee_rate)[1] == 0
    assert trip(most + 2, -1, fee_rate)[1] > 0


def test_the_contracts_refuse_what_the_ratio_does_not_carry_from_either_side():
    with isolated():
        protocol = Protocol(skew_scale=1_000 * WAD, max_premium=2 * WAD // 100)
        owner = protocol.owner
        assert protocol.registry.largest_premium(0) == 25 * WAD // 1_000
        assert protocol.registry.largest_premium(1) == 2**256 - 1
        protocol.pool.set_pricing_terms(0, 1_000 * WAD, 25 * WAD // 1_000, sender=owner)
        with boa.reverts("pool: premium above the ratio"):
            protocol.pool.set_pricing_terms(0, 1_000 * WAD, 25 * WAD // 1_000 + 1, sender=owner)
        protocol.set_ratios(WAD, 25 * WAD // 1_000)
        with boa.reverts("markets: ratio below the premium"):
            protocol.set_ratios(WAD, 25 * WAD // 1_000 - 1)
        with boa.reverts("markets: ratio below the premium"):
            protocol.registry.set_market(
                0, boa.loads_partial(FORMULA_HEAD + SOURCE).deploy(WAD // 50, WAD // 2), 10**30, sender=owner
            )
