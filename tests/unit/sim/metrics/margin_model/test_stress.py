"""Cover-n and the reverse stress test against the portfolio of quant 8.4b."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sim.metrics.margin_model.stress import (
    Book,
    losses_over_margin,
    rarity,
    reverse_stress,
    stress_table,
)

WEIGHTS = np.array([10.0, 20.0, 40.0, 30.0])
MARGINS = np.array([0.02, 0.05, 0.10, 0.20])
PORTFOLIO = Book(notional=WEIGHTS, equity=WEIGHTS * MARGINS, maintenance=np.zeros(4), fund=10.0)


def test_the_loss_of_a_jump_is_the_notes():
    log_jump = -0.3
    losses, closed, rate = losses_over_margin(PORTFOLIO, math.expm1(log_jump))
    assert losses == pytest.approx(WEIGHTS * np.maximum((1 - MARGINS) - math.exp(log_jump), 0.0))
    assert closed == pytest.approx(WEIGHTS.sum() * math.exp(log_jump))
    assert rate == 0.0


def test_reverse_stress_finds_the_jump_that_the_closed_form_does():
    found = reverse_stress(PORTFOLIO, "down")
    assert found.log_move is not None
    assert found.total == pytest.approx(10.0, abs=1e-9)
    # All four positions lose there: 100 e^J = sum W (1 - m) - 10.
    assert found.log_move == pytest.approx(math.log(((WEIGHTS * (1 - MARGINS)).sum() - 10.0) / 100.0))
    assert stats.norm.cdf(found.log_move, -0.1, 0.1) == pytest.approx(0.083398, abs=5e-7)


def test_value_at_risk_of_the_portfolio_is_the_loss_at_the_quantile_of_the_jump():
    jump = -0.1 - 0.1 * 2.3263478740
    total = losses_over_margin(PORTFOLIO, math.expm1(jump))[0].sum()
    assert total == pytest.approx(17.0968, abs=5e-5)


def test_expected_loss_of_the_portfolio():
    # Gauss-Hermite on the kinked loss converges slowly; a fine midpoint rule over the jump is exact enough.
    z = (np.arange(200_000) + 0.5) / 200_000 * 16 - 8
    weight = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) * 16 / 200_000
    jumps = np.exp(-0.1 + 0.1 * z)
    losses = (WEIGHTS[:, None] * np.maximum((1 - MARGINS)[:, None] - jumps, 0.0)).sum(axis=0)
    assert float((losses * weight).sum()) == pytest.approx(3.432237, abs=1e-6)
    some = slice(0, None, 20_011)
    ours = [losses_over_margin(PORTFOLIO, jump - 1.0)[0].sum() for jump in jumps[some]]
    assert ours == pytest.approx(losses[some].tolist())


def test_a_short_book_breaks_on_the_way_up():
    shorts = Book(notional=-WEIGHTS, equity=WEIGHTS * MARGINS, maintenance=np.zeros(4), fund=10.0)
    assert reverse_stress(shorts, "down").move is None
    up = reverse_stress(shorts, "up")
    assert up.move is not None
    assert losses_over_margin(shorts, up.move)[0].sum() == pytest.approx(10.0)


def test_a_fund_larger_than_every_loss_is_never_emptied():
    rich = Book(notional=WEIGHTS, equity=WEIGHTS * MARGINS, maintenance=np.zeros(4), fund=1_000.0)
    assert reverse_stress(rich, "down").move is None
    nobody = Book(notional=np.zeros(0), equity=np.zeros(0), maintenance=np.zeros(0), fund=0.0)
    assert reverse_stress(nobody, "down").move is None


def test_costs_fall_on_the_accounts_that_are_closed_and_bring_the_break_nearer():
    book = Book(
        notional=np.array([100.0, 100.0]),
        equity=np.array([10.0, 50.0]),
        maintenance=np.array([0.05, 0.05]),
        fund=2.0,
    )
    asked: list[tuple[float, float]] = []

    def cost(move: float, closed: float) -> float:
        asked.append((move, closed))
        return 0.1

    losses, closed, rate = losses_over_margin(book, -0.08, cost)
    assert asked == [(-0.08, pytest.approx(92.0))]
    assert (closed, rate) == (pytest.approx(92.0), 0.1)
    assert losses == pytest.approx([9.2 - 2.0, 0.0])
    without, with_cost = reverse_stress(book, "down"), reverse_stress(book, "down", cost)
    assert without.move == pytest.approx(-0.12)
    assert with_cost.move is not None
    assert without.move is not None
    assert with_cost.move > without.move
    # It breaks where the account falls below maintenance: 10 - 100 f = 0.05 (100 - 100 f).
    assert with_cost.move == pytest.approx(-5.0 / 95.0)


def test_what_positions_elsewhere_ask_for_closes_an_account_earlier():
    alone = Book(notional=np.array([100.0]), equity=np.array([12.0]), maintenance=np.array([0.05]), fund=2.0)
    shared = replace(alone, elsewhere=np.array([4.0]))

    def cost(move: float, closed: float) -> float:
        del move, closed
        return 0.1

    for book, closed in ((alone, 0.0), (shared, 95.0)):  # 7 of equity against 4.75, or 8.75, to hold
        assert losses_over_margin(book, -0.05, cost)[1] == pytest.approx(closed)
    assert losses_over_margin(shared, -0.05, cost)[0] == pytest.approx([9.5 - 7.0])


def test_cover_n_adds_the_largest_losses_and_cover_top_the_largest_accounts():
    book = Book(
        notional=np.array([100.0, 50.0, 10.0]),
        equity=np.array([20.0, 1.0, 1.0]),
        maintenance=np.zeros(3),
        fund=11.0,
    )
    row = stress_table(book, (-0.2,))[0]
    assert row.cover == pytest.approx((9.0, 10.0, 10.0))
    assert row.cover_top == pytest.approx((0.0, 0.0, 0.0))  # the largest account loses nothing beyond its 20
    assert row.total == pytest.approx(10.0)
    assert row.accounts == 2
    assert row.adequate
    assert not stress_table(Book(
        notional=book.notional, equity=book.equity, maintenance=book.maintenance, fund=9.9
    ), (-0.2,))[0].adequate  # fmt: skip


def test_rarity_counts_windows_that_do_not_overlap():
    prices = np.exp(np.cumsum(np.array([0.0, -0.05, -0.05, 0.1, 0.1, -0.3, 0.0])))
    found = rarity(-0.09, prices, horizon_steps=2, horizon_seconds=7_200, deviation=0.03)
    assert found is not None
    assert (found.windows, found.events) == (3, 2)
    assert found.deviations == pytest.approx(3.0)
    assert found.frequency is not None
    assert found.frequency.estimate == pytest.approx(2 / 3)
    up = rarity(0.19, prices, horizon_steps=2, horizon_seconds=7_200, deviation=None)
    assert up is not None
    assert up.events == 1


def test_rarity_without_history_is_a_distance_alone():
    found = rarity(-0.09, None, horizon_steps=1, horizon_seconds=3_600, deviation=0.03)
    assert found is not None
    assert found.windows == 0
    assert found.frequency is None
    assert rarity(-0.09, None, horizon_steps=1, horizon_seconds=3_600, deviation=None) is None
