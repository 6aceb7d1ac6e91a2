import numpy as np
import pytest

from sim.agents.base import ActorIndex, Outage, silent_members
from sim.agents.fees import FeePolicy, raise_bid
from sim.core.errors import InputError
from sim.core.units import GWEI


def test_static_policy_bids_the_same_whatever_the_base_fee():
    policy = FeePolicy(policy="static", max_fee_gwei=40.0, priority_fee_gwei=2.0)
    assert policy.bid(10 * GWEI) == policy.bid(900 * GWEI) == (40 * GWEI, 2 * GWEI)
    assert policy.can_pay(40 * GWEI)
    assert not policy.can_pay(40 * GWEI + 1)


def test_adaptive_policy_follows_the_base_fee_up_to_its_cap():
    policy = FeePolicy(max_fee_gwei=100.0, priority_fee_gwei=1.0, base_fee_multiple=2.0)
    assert policy.bid(20 * GWEI) == (41 * GWEI, GWEI)
    assert policy.bid(80 * GWEI) == (100 * GWEI, GWEI)
    assert not policy.can_pay(101 * GWEI)


@pytest.mark.parametrize("fee", [0, 1, 7, 10**9, 3 * 10**18 + 1])
def test_raised_bid_is_at_least_ten_per_cent_higher(fee):
    assert raise_bid(fee, 0.125) * 10 >= fee * 11
    assert raise_bid(fee, 0.125) > fee


def test_outage_silences_the_first_members_within_its_window():
    outages = (Outage(start_block=10, end_block=12, share=0.4),)
    assert silent_members(outages, 9, 5).tolist() == [False] * 5
    assert silent_members(outages, 10, 5).tolist() == [True, True, False, False, False]
    assert silent_members(outages, 11, 5).tolist() == [True, True, False, False, False]
    assert silent_members(outages, 12, 5).tolist() == [False] * 5


def test_actor_index_contiguous_is_a_view_and_scattered_is_not():
    column = np.arange(20.0)
    contiguous, scattered = ActorIndex(range(5, 9)), ActorIndex([2, 5, 11])
    assert column[contiguous.columns].base is column
    assert column[scattered.columns].tolist() == [2.0, 5.0, 11.0]
    assert [contiguous.local(actor) for actor in (4, 5, 8, 9)] == [-1, 0, 3, -1]
    assert [scattered.local(actor) for actor in (2, 3, 11, 12)] == [0, -1, 2, -1]


def test_actor_index_unordered_is_refused():
    with pytest.raises(InputError, match="ascending"):
        ActorIndex([3, 2])
