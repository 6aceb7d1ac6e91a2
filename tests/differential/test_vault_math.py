"""`contracts/lib/vault_math.vy` against its Python twin, and that no conversion favours the caller."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import vault_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import assert_complete, assert_equal

SHARES = st.integers(0, 10**30)
ASSETS = st.integers(0, 10**24)
CASE = st.tuples(ASSETS, SHARES, ASSETS)

CASES = {
    "to_shares_down": CASE,
    "to_shares_up": CASE,
    "to_assets_down": st.tuples(SHARES, SHARES, ASSETS),
    "to_assets_up": st.tuples(SHARES, SHARES, ASSETS),
    "is_mintable": st.tuples(SHARES, ASSETS),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(case=CASE)
def test_deposit_and_redeem_never_gains(case):
    assets, supply, total = case
    shares = twin.to_shares_down(assets, supply, total)
    assert twin.to_assets_down(shares, supply + shares, total + assets) <= assets


@given(case=CASE)
def test_up_and_down_differ_by_at_most_one(case):
    assert twin.to_shares_up(*case) - twin.to_shares_down(*case) in (0, 1)
    assert twin.to_assets_up(*case) - twin.to_assets_down(*case) in (0, 1)


def test_first_deposit_gives_a_million_shares_a_unit():
    assert twin.to_shares_down(7, 0, 0) == 7 * 10**6
    assert WAD == 10**18


@given(assets=ASSETS)
def test_shares_are_minted_down_to_a_millionth_of_their_first_price(assets):
    supply = assets * 10**12
    assert twin.is_mintable(supply, assets)
    assert not twin.is_mintable(supply + 1, assets)
