from dataclasses import replace

import numpy as np
import pytest

from sim.agents.liquidation_terms import what_closes
from tests.support.terms import TERMS


def column(value):
    return np.array([float(value)])


@pytest.mark.parametrize(
    ("volatility", "shortfall", "ratio", "expected"),
    [
        # adaptive fee table: sigma 1.20 at mm 5.1 %
        (1.20, 0.0, 0.051, 0.0075),
        (1.20, 0.5, 0.051, 0.009375),
        (1.20, 1.0, 0.051, 0.0150),
        (0.74, 0.0, 0.032, 0.005 * (1 + 0.5 * (0.74 / 0.6 - 1) ** 2)),
        (3.20, 1.0, 0.136, 0.05),  # f_max
        (3.20, 1.0, 0.010, 0.006),  # 60 % of the maintenance ratio
        (0.30, 0.0, 0.050, 0.005),  # calm: no discount below the reference
    ],
)
def test_fee_rate_matches_the_table(volatility, shortfall, ratio, expected):
    notional = 100_000.0
    maintenance = ratio * notional
    equity = maintenance * (1.0 - shortfall)
    rate = TERMS.fee_rate(column(equity), column(maintenance), column(notional), column(volatility))
    assert rate[0] == pytest.approx(expected, rel=1e-9)


def test_partial_close_restores_the_buffered_requirement():
    equity, maintenance, notional, fee = 4_000.0, 5_000.0, 100_000.0, 0.01
    closed = TERMS.closed_notional(column(equity), column(maintenance), column(notional), column(fee))[0]
    left = notional - closed
    assert equity - fee * closed == pytest.approx(1.15 * 0.05 * left)


@pytest.mark.parametrize(
    ("equity", "fee"),
    [(-1.0, 0.01), (0.0, 0.01), (4_000.0, 0.06), (60.0, 0.05)],
)
def test_full_close_when_a_part_cannot_help(equity, fee):
    closed = TERMS.closed_notional(column(equity), column(5_000.0), column(100_000.0), column(fee))
    assert closed[0] == 100_000.0


@pytest.mark.parametrize(
    ("equity", "notional", "bounty"),
    [(0.0, 1_000.0, 0.0), (45.0, 1_000.0, 5.05), (10.0, 2_500.0, 9.5), (20.0, 2_500.0, 10.0)],
)
def test_bounty_is_floored_as_far_as_the_fee_goes(equity, notional, bounty):
    arguments = column(equity), column(50.0), column(notional), column(0.6)
    for reserves in (0.0, 1e6):
        assert TERMS.bounty(*arguments, reserves)[0][0] == pytest.approx(bounty, rel=1e-9)


def test_a_call_closes_at_least_a_share_of_the_position():
    arguments = column(49_900.0), column(50_000.0), column(1_000_000.0), column(0.0)
    natural = replace(TERMS, min_close_share=0.0).closed_notional(*arguments)[0]
    assert natural < TERMS.closed_notional(*arguments)[0] == 250_000.0


def test_empty_fund_lowers_the_liquidators_share():
    arguments = column(4_500.0), column(5_000.0), column(100_000.0), column(0.6)
    full, empty = TERMS.bounty(*arguments, 1e6)[0][0], TERMS.bounty(*arguments, 0.0)[0][0]
    assert empty == pytest.approx(full * 0.3 / 0.5)


def test_a_fund_without_a_target_is_adequate():
    terms = replace(TERMS, target_reserves=0.0)
    arguments = column(4_500.0), column(5_000.0), column(100_000.0), column(0.6)
    assert terms.bounty(*arguments, 0.0)[0][0] == TERMS.bounty(*arguments, 1e6)[0][0]


# --- which of several positions closes ---


def exposed(make_state, make_market, *notionals, status=None):
    """One account with these signed notionals, a market each, at a price of 2,000."""
    found = status or [0] * len(notionals)
    markets = tuple(make_market(status=one) for one in found)
    sizes = np.array(notionals, dtype=float)[:, None] / 2_000.0
    state = make_state(1, markets=markets, sizes=sizes)
    closes = what_closes(state, np.array([0]), 1)
    return tuple(column.tolist()[0] for column in closes)


def test_one_position_closes_without_bound(make_state, make_market):
    for signed in (6_000.0, -6_000.0):
        market, may_close, _, alone, most = exposed(make_state, make_market, 0.0, signed)
        assert (market, may_close, alone, most) == (1, True, np.inf, np.inf)


def test_the_side_of_the_net_closes_though_the_other_has_the_largest(make_state, make_market):
    # 60 long against 50 and 40 short: the net is 30 short.
    assert exposed(make_state, make_market, 6e4, -5e4, -4e4) == (1, True, 0, 3e4, 3e4 + 2 * 2e4)


def test_no_more_than_the_first_position_closes_of_a_book_of_one_side(make_state, make_market):
    assert exposed(make_state, make_market, 6e4, 5e4, 4e4)[3:] == (6e4, 6e4)


def test_what_is_balanced_closes_with_its_hedge(make_state, make_market):
    assert exposed(make_state, make_market, 5e4, -5e4) == (0, True, 1, 0.0, 1e5)


def test_a_side_without_a_usable_price_closes_nothing(make_state, make_market):
    # The net counts every position, whatever its price is good for (`_net_notional` of liquidation_plans.vy).
    assert exposed(make_state, make_market, 6e4, -5e4, status=[2, 0])[1] is False
    assert exposed(make_state, make_market, 6e4, -5e4, status=[0, 2])[:2] == (0, True)


def test_a_bounty_is_of_what_closes():
    arguments = column(1_000.0), column(5_000.0), column(100_000.0), column(0.6)
    whole, closed = TERMS.bounty(*arguments, 1e6)
    part, less = TERMS.bounty(*arguments, 1e6, closed / 2.0)
    assert less[0] == closed[0] / 2.0
    assert 0.0 < part[0] < whole[0]
