from __future__ import annotations

import boa
import pytest

from sim.reference import pool_math
from sim.reference.fixed_point import WAD
from tests.support.protocol import START_PRICE, units

SCALE = 1_000 * WAD


@pytest.fixture
def skewed(build):
    return build(skew_scale=SCALE, max_premium=WAD // 40)


@pytest.mark.parametrize("size", [1, WAD, 7 * WAD + 3, 40 * WAD])
@pytest.mark.parametrize("side", [1, -1])
def test_a_fill_is_the_average_of_the_skew_before_and_after(skewed, side, size):
    size *= side
    skewed.increase(skewed.account("first", 100_000), 20 * WAD)
    expected = pool_math.fill_price(START_PRICE, 20 * WAD, size, SCALE, WAD // 40)
    assert skewed.pool.quote(0, size, START_PRICE) == expected
    assert skewed.pool.quote(0, 0, START_PRICE) == 2_040 * WAD


def test_the_premium_is_bounded(skewed):
    trader = skewed.account("trader", 100_000)
    skewed.increase(trader, 25 * WAD)  # the clamp begins here
    assert skewed.pool.quote(0, 0, START_PRICE) == 2_050 * WAD
    assert skewed.pool.quote(0, 10_000 * WAD, START_PRICE) == 2_050 * WAD
    # from +2.5 to -2.5 %, mean zero, and as much again at -2.5 %: half of it
    assert skewed.pool.quote(0, -100 * WAD, START_PRICE) == 1_975 * WAD


def test_the_pool_is_the_other_side_of_everyone(skewed):
    first, second = skewed.account("first", 100_000), skewed.account("second", 100_000)
    skewed.increase(first, 20 * WAD)
    skewed.increase(second, -5 * WAD)
    assert skewed.pool.position(0) == -15 * WAD
    skewed.decrease(first, 3 * WAD)
    assert skewed.pool.position(0) == -12 * WAD
    skewed.decrease(second)
    skewed.decrease(first)
    assert skewed.pool.position(0) == 0
    skewed.check_books()


def test_a_round_trip_costs_and_the_pool_earns_it(skewed):
    trader = skewed.account("trader", 100_000)
    reserves = skewed.pool.reserves()
    skewed.increase(trader, 20 * WAD)
    skewed.decrease(trader)
    assert skewed.pool.reserves() - reserves == 100_000 * WAD - skewed.collateral(trader) >= 0


def test_depth_is_the_notional_that_moves_the_mark_by_one_percent(skewed):
    depth = skewed.lens.market_states()[0].depth
    assert depth == 20_000 * WAD
    trader = skewed.account("trader", 100_000)
    skewed.increase(trader, depth * WAD // START_PRICE)
    assert skewed.lens.market_states()[0].mark_price == 2_020 * WAD


def test_only_the_ledger_trades_and_moves_reserves(protocol):
    for call, arguments in (
        (protocol.pool.apply_fill, (0, WAD, WAD)),
        (protocol.pool.apply_deleverage, (0, WAD, WAD)),
        (protocol.pool.pay, (WAD,)),
    ):
        for caller in (protocol.owner, protocol.liquidity_provider, protocol.liquidation.address):
            with boa.reverts("pool: not ledger"):
                call(*arguments, sender=caller)


def test_an_operator_gives_back_what_has_arrived(protocol):
    """A lien's proceeds: nobody else books tokens, and an operator only such as are there."""
    for caller in (protocol.owner, protocol.liquidity_provider):
        with boa.reverts("pool: not ledger"):
            protocol.pool.collect(WAD, sender=caller)
    operator = protocol.waterfall.address
    with boa.reverts("vault: nothing received"):
        protocol.pool.collect(WAD, sender=operator)
    protocol.token.mint(protocol.pool.address, units(1))
    before = protocol.pool.reserves()
    protocol.pool.collect(WAD, sender=operator)
    assert protocol.pool.reserves() == before + WAD


def test_the_ledger_cannot_take_more_than_the_reserves(protocol):
    ledger = protocol.ledger.address
    with boa.reverts():
        protocol.pool.pay(10_000_001 * WAD, sender=ledger)
    with boa.reverts("vault: not whole quanta"):
        protocol.pool.pay(1, sender=ledger)
    with boa.reverts("vault: nothing received"):
        protocol.pool.collect(WAD, sender=ledger)


def test_pricing_terms_are_bounded_and_the_owners(protocol):
    pool, owner = protocol.pool, protocol.owner
    for call, arguments in ((pool.set_pricing_terms, (0, SCALE, 0)), (pool.add_market, (SCALE, 0))):
        with boa.reverts("access: not owner"):
            call(*arguments, sender=protocol.liquidator)
    carried = protocol.registry.largest_premium(0)
    pool.set_pricing_terms(0, SCALE, carried, sender=owner)
    assert tuple(pool.pricing_terms(0)) == (SCALE, carried)
    with boa.reverts("pool: premium above the ratio"):
        pool.set_pricing_terms(0, SCALE, carried + 1, sender=owner)
    with boa.reverts("pool: unknown market"):
        pool.set_pricing_terms(1, SCALE, 0, sender=owner)
    for scale in (10**12 - 1, 10**40 + 1):
        with boa.reverts("pool: skew scale out of bounds"):
            pool.set_pricing_terms(0, scale, 0, sender=owner)
    with boa.reverts("pool: premium out of bounds"):
        pool.add_market(SCALE, WAD, sender=owner)
    for _ in range(7):
        pool.add_market(SCALE, 0, sender=owner)
    with boa.reverts("pool: too many markets"):
        pool.add_market(SCALE, 0, sender=owner)
