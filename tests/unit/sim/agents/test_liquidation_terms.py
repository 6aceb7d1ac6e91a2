from dataclasses import replace

import numpy as np
import pytest

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
