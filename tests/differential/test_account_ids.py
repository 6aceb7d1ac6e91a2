"""`contracts/lib/account_ids.vy` against its Python twin: an account names its owner and nobody else."""

from __future__ import annotations

import boa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import account_ids as twin
from tests.support.twins import assert_complete, library

OWNERS = st.one_of(st.integers(0, twin.MAX_OWNER), st.sampled_from([0, 1, twin.MAX_OWNER]))
INDICES = st.one_of(st.integers(0, twin.MAX_INDEX), st.sampled_from([0, 1, twin.MAX_INDEX]))


def address(owner):
    return f"0x{owner:040x}"


@given(owner=OWNERS, index=INDICES)
def test_twin_equals_contract(owner, index):
    account = twin.account_id(owner, index)
    contract = library("account_ids").internal
    assert contract._account_id(address(owner), index) == account
    assert int(str(contract._owner_of(account)), 16) == twin.owner_of(account) == owner
    assert contract._index_of(account) == twin.index_of(account) == index


@pytest.mark.parametrize("index", [2**96, 2**96 + 1, 2**256 - 1])
def test_an_index_cannot_reach_into_another_owners_accounts(index):
    with pytest.raises(OverflowError, match="index must be below"):
        twin.account_id(1, index)
    with boa.reverts("account_ids: index too large"):
        library("account_ids").internal._account_id(address(1), index)


@pytest.mark.parametrize("owner", [-1, 2**160])
def test_an_owner_is_an_address(owner):
    with pytest.raises(OverflowError, match="owner must be an address"):
        twin.account_id(owner)


@given(first=st.tuples(OWNERS, INDICES), second=st.tuples(OWNERS, INDICES))
def test_two_accounts_are_never_one(first, second):
    assert (twin.account_id(*first) == twin.account_id(*second)) == (first == second)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, {"account_id", "owner_of", "index_of"})
