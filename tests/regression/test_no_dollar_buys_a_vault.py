"""S7: a vault that reads (nearly) zero is not for sale.

Class of inputs: how far traders' gains eat the pool, and what of a fund a loss leaves, are drawn; so is the
deposit. Whatever the rest does, a deposit never comes to be worth more than it was at the others' cost.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import Protocol, isolated, logs_of, units

FEW = settings(max_examples=15, deadline=None)


@pytest.fixture(scope="module")
def owing():
    """Traders are long 10,000 against a pool of 1,000,000 and a fund of nothing."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0, pool=1_000_000)
        protocol.increase(protocol.account("long", 3_000_000), 10_000 * WAD)
        yield protocol


@pytest.fixture(scope="module")
def backed():
    with isolated():
        protocol = Protocol(fund=1_000_000)
        drawer = boa.env.generate_address("drawer")
        protocol.fund.set_drawer(drawer, True, sender=protocol.owner)
        yield protocol, drawer


def newcomer(protocol, vault, token_units):
    person = boa.env.generate_address()
    protocol.token.mint(person, token_units)
    protocol.token.approve(vault.address, token_units, sender=person)
    return person


def test_a_dollar_into_a_pool_whose_tokens_are_all_owed_is_refused(owing):
    with isolated():
        owing.set_price(2_110 * WAD)
        person = newcomer(owing, owing.pool, units(1))
        assert owing.pool.previewDeposit(units(1)) < 2 * 10**12  # at the average, which has not moved yet
        owing.wait(40 * 3_600)
        owing.report_again()
        assert owing.pool.maxDeposit(person) == owing.pool.maxMint(person) == 0
        with boa.reverts("pool: nearly worthless"):
            owing.pool.request_deposit(units(1), sender=person)
        with boa.reverts("pool: deposits wait"):
            owing.pool.deposit(units(1), person, sender=person)


@FEW
@given(owed_at=st.integers(2_001, 2_150), back_at=st.integers(1_900, 2_150), money=st.integers(1, 2_000_000))
def test_whatever_price_the_pool_is_entered_at_a_turn_of_it_makes_nobody_rich(owing, owed_at, back_at, money):
    """The price is what decides how much of the pool is free, and the average follows it for an hour."""
    with isolated():
        pool = owing.pool
        owing.set_price(owed_at * WAD)
        person = newcomer(owing, pool, units(money))
        try:
            pool.request_deposit(units(money), sender=person)
        except boa.BoaError as error:
            if "pool: nearly worthless" in str(error):
                return
            raise
        owing.set_price(back_at * WAD, wait=3_600)
        pool.claim_shares(person)
        assert pool.previewRedeem(pool.balanceOf(person)) <= units(money)


def test_a_pool_a_tenth_of_which_is_free_may_be_entered_and_below_not(owing):
    """The guard binds, and alone: a little more free money and the same deposit is taken."""
    with isolated():
        owing.set_price(2_095 * WAD)
        owing.wait(40 * 3_600)  # the average has caught up
        owing.report_again()
        person = newcomer(owing, owing.pool, units(2))
        with boa.reverts("pool: nearly worthless"):
            owing.pool.request_deposit(units(1), sender=person)
        owing.set_price(2_085 * WAD)
        owing.wait(40 * 3_600)
        owing.report_again()
        owing.pool.request_deposit(units(1), sender=person)


def test_a_fund_that_lost_everything_begins_anew(backed):
    protocol, drawer = backed
    with isolated():
        fund, old = protocol.fund, protocol.fund_backer
        protocol.request(fund, old, fund.balanceOf(old) // 2)
        fund.draw(10**9 * WAD, drawer, sender=drawer)
        assert fund.totalAssets() == 0
        person = newcomer(protocol, fund, units(300))
        assert fund.maxDeposit(person) == 2**256 - 1
        expected = fund.previewDeposit(units(300))
        supply = fund.totalSupply()
        assert fund.deposit(units(300), person, sender=person) == expected == units(300) * 10**6
        (event,) = logs_of(fund, "EpochOpened")
        assert (event.epoch, event.worthless) == (fund.epoch(), supply) == (1, supply)
        assert fund.balanceOf(old) == fund.exit_request(old).shares == 0
        assert fund.totalSupply() == fund.balanceOf(person)
        with boa.reverts("vault: nothing waits"):
            fund.cancel_exit(sender=old)
        # The second one pays the same price: nobody has bought the fund with the first deposit.
        second = newcomer(protocol, fund, units(300))
        fund.deposit(units(300), second, sender=second)
        assert fund.convertToAssets(fund.balanceOf(second)) == pytest.approx(units(300), abs=1)


@FEW
@given(left=st.integers(0, 3_000_000), money=st.integers(1, 10_000_000), fee=st.integers(0, 10_000_000))
def test_what_is_left_of_a_fund_is_not_for_sale(backed, left, money, fee):
    """All in token units; a million of quote was there. Around one unit a million the new epoch begins."""
    protocol, drawer = backed
    with isolated():
        fund, old = protocol.fund, protocol.fund_backer
        fund.draw(fund.reserves() - left * QUANTUM, drawer, sender=drawer)
        person = newcomer(protocol, fund, money)
        try:
            fund.deposit(money, person, sender=person)
        except boa.BoaError as error:
            if "vault: zero shares" in str(error):
                return
            raise
        bought = fund.convertToAssets(fund.balanceOf(person))
        assert bought <= money
        assert (fund.epoch() == 1) == (left < 1_000_000)
        if fund.epoch() == 0:
            assert fund.convertToAssets(fund.balanceOf(old)) >= left - 1
        protocol.token.mint(fund.address, fee)
        fund.contribute(fee * QUANTUM, sender=drawer)
        gained = fund.convertToAssets(fund.balanceOf(person)) - bought
        assert gained <= fee * money // (left + money) + 1  # no more of a fee than its part of what is there
