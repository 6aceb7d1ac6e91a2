"""Which transactions get in, in what order, and what becomes of the others."""

import pytest

from sim.chain.fees import FeeMarket, FeeParameters, NativeLedger
from sim.chain.mempool import Mempool, MempoolParameters, Submission
from sim.chain.transaction import Transaction
from sim.core.rng import Streams

GWEI = 10**9
QUIET = FeeParameters(background_gas_share=0.0, base_fee_wei=10 * GWEI)


class World:
    """A mempool with its fee market and a ledger where everybody is rich unless said otherwise."""

    def __init__(self, fees=QUIET, seed=1, order=0, **parameters):
        streams = Streams(seed)
        self.market = FeeMarket(fees, streams)
        self.pool = Mempool(MempoolParameters(**parameters), streams, order=order)
        self.ledger = NativeLedger()
        for sender in "abcdefghij":
            self.ledger.credit(sender, 10**24)
        self.block = 0

    def step(self, *submissions, demand=1.0, fee=1.0):
        """Submit, pack and close one block; return the tags included and the (tag, status) dropped."""
        self.market.open_block(self.block, demand_multiplier=demand, fee_multiplier=fee)
        self.pool.submit(list(submissions), self.block)
        selection = self.pool.select(self.block, self.market, self.ledger)
        self.fees = self.market.close_block(sum(item.transaction.gas_limit for item in selection.included))
        self.block += 1
        self.reasons = [item.reason for item in selection.dropped]
        assert selection.carried == len(self.pool)
        return [item.tag for item in selection.included], [
            (item.tag, item.status) for item in selection.dropped
        ]


def bid(tag, sender, max_fee=100, tip=2, gas=1_000_000, **more):
    transaction = Transaction(sender, "x", b"", "f", gas, int(max_fee * GWEI), int(tip * GWEI))
    return Submission(transaction, tag, **more)


def test_higher_effective_tip_goes_first():
    world = World()
    # The second offers the larger tip but its cap leaves only 1 gwei above the base fee of 10.
    included, dropped = world.step(bid(1, "a", tip=2), bid(2, "b", max_fee=11, tip=50), bid(3, "c", tip=3))
    assert included == [3, 1, 2]
    assert dropped == []


def test_a_senders_order_is_kept_and_its_later_bid_does_not_lift_the_first():
    world = World()
    included, _ = world.step(bid(1, "a", tip=1), bid(2, "a", tip=9), bid(3, "b", tip=5))
    assert included == [3, 1, 2]


def test_a_full_block_leaves_the_lowest_bids_waiting():
    world = World()
    bids = [bid(i, "abcdefghij"[i % 10], tip=i + 1, gas=8_000_000) for i in range(5)]
    assert world.step(*bids)[0] == [4, 3, 2]
    assert world.fees.gas_used == 24_000_000
    assert world.fees.gas_demanded == 40_000_000
    assert world.step()[0] == [1, 0]


def test_a_smaller_one_fills_the_gap():
    world = World()
    included, _ = world.step(
        bid("big", "a", tip=9, gas=20_000_000),
        bid("no room", "b", tip=8, gas=15_000_000),
        bid("fits", "c", tip=1),
    )
    assert included == ["big", "fits"]


def test_a_sender_waits_behind_his_own_transaction_that_has_no_room():
    world = World()
    included, _ = world.step(
        bid("big", "b", tip=9, gas=20_000_000),
        bid("no room", "a", tip=8, gas=15_000_000),
        bid("small", "a", tip=8),
    )
    assert included == ["big"]
    assert world.step()[0] == ["no room", "small"]


def test_below_the_base_fee_waits_until_it_falls():
    world = World()
    assert world.step(bid(1, "a", max_fee=9)) == ([], [])
    assert world.market.base_fee_wei == 8_750_000_000  # an empty block takes off an eighth
    assert world.step()[0] == [1]


def test_a_gas_spike_prices_a_static_bidder_out_and_lets_a_bold_one_in():
    world = World(FeeParameters())
    calm = [world.step(bid(i, "a", max_fee=60, tip=3))[0] for i in range(30)]
    assert sum(map(len, calm)) == 30
    spike = [world.step(bid(100 + i, "a", max_fee=60, tip=3), demand=6.0, fee=8.0)[0] for i in range(25)]
    assert sum(map(len, spike)) == 0
    included, _ = world.step(bid("bold", "b", max_fee=5_000, tip=500), demand=6.0, fee=8.0)
    assert "bold" in included
    for _ in range(200):
        included, _ = world.step()
        if included:
            break
    assert 100 in included  # they waited, and the first of them goes first
    assert included == sorted(included)


def test_background_and_own_bids_share_one_block():
    world = World(
        FeeParameters(background_fee_deviation=0.0, base_fee_wei=10 * GWEI, background_gas_share=6.0)
    )
    included, _ = world.step(bid("above", "a", tip=3), bid("tie", "b", tip=2), bid("below", "c", tip=1))
    # Demand is three blocks of bids that tip 2 gwei: one of ours above them fits, ties and lower ones do not.
    assert included == ["above"]
    assert world.fees.background_gas == 29_000_000 // 150_000 * 150_000
    assert world.fees.gas_used == 1_000_000 + world.fees.background_gas


def test_replacement_needs_a_tenth_more_on_both_fees():
    world = World(fees=FeeParameters(background_gas_share=0.0, base_fee_wei=10**15))
    world.step(bid(1, "a", max_fee=100, tip=2, key="report"))
    cases = [(109.9, 3), (110, 2.1)]
    for max_fee, tip in cases:
        _, dropped = world.step(bid(2, "a", max_fee=max_fee, tip=tip, key="report", replace=True))
        assert dropped == [(2, "dropped")]
        assert world.reasons == ["replacement underpriced"]
    _, dropped = world.step(bid(3, "a", max_fee=110, tip=2.2, key="report", replace=True))
    assert dropped == [(1, "replaced")]
    # The bar is now the new bid's.
    assert world.step(bid(4, "a", max_fee=110, tip=2.2, key="report", replace=True))[1] == [(4, "dropped")]
    assert len(world.pool) == 1


def test_a_replacement_takes_the_place_of_the_old_one():
    world = World()
    world.step(bid(1, "a", max_fee=5, tip=1, key="k"), bid(2, "a", max_fee=90, tip=9))
    included, dropped = world.step(bid(3, "a", max_fee=50, tip=2, key="k", replace=True))
    assert included == [3, 2]
    assert dropped == [(1, "replaced")]


def test_replace_without_a_waiting_one_is_an_ordinary_bid():
    world = World()
    assert world.step(bid(1, "a", key="k", replace=True), bid(2, "b", key="k", replace=True)) == (
        world.step(bid(1, "a", key="k"), bid(2, "b", key="k"))[0],
        [],
    )


def test_old_transactions_expire():
    world = World(expiry_blocks=3, fees=FeeParameters(background_gas_share=0.0, base_fee_wei=10**15))
    world.step(bid(1, "a"))
    assert world.step(bid(2, "b"))[1] == []
    assert world.step()[1] == []
    assert world.step()[1] == [(1, "expired")]
    assert world.step()[1] == [(2, "expired")]


def test_a_full_pool_evicts_the_lowest_bids():
    world = World(size=3, fees=FeeParameters(background_gas_share=0.0, base_fee_wei=10**15))
    _, dropped = world.step(
        *[bid(i, "abcdefghij"[i], max_fee=fee) for i, fee in enumerate([50, 20, 40, 10, 30])]
    )
    assert sorted(dropped) == [(1, "evicted"), (3, "evicted")]
    assert len(world.pool) == 3


def test_poor_senders_are_dropped_and_do_not_block_the_block():
    world = World()
    world.ledger.credit("poor", 150 * 10**6 * GWEI)  # one transaction of 1 Mgas at 100 gwei, not two
    included, dropped = world.step(bid(1, "poor"), bid(2, "poor"), bid(3, "a", tip=1))
    assert included == [1, 3]
    assert dropped == [(2, "dropped")]
    assert world.reasons[0].startswith("underfunded")


@pytest.mark.parametrize("seed", [1, 2])
def test_ties_are_broken_by_the_seed_alone(seed):
    orders = []
    for _ in range(2):
        world = World(seed=seed)
        orders.append(world.step(*[bid(i, "abcdefghij"[i]) for i in range(10)])[0])
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list(range(10))
    assert orders[0] != list(range(10))
    other = World(seed=seed + 1).step(*[bid(i, "abcdefghij"[i]) for i in range(10)])[0]
    assert other != orders[0]


def test_another_order_of_equal_bids_is_a_draw_of_its_own():
    """The same seed: what differs in the bids decides as before, what is equal is drawn anew."""
    bids = [bid(number, sender) for number, sender in enumerate("abcdefgh")] + [bid(8, "i", tip=9)]
    orders = [World(order=order).step(*bids)[0] for order in (0, 1, 2, 1)]
    assert {tuple(one[:1]) for one in orders} == {(8,)}
    assert orders[1] == orders[3]
    assert len({tuple(one) for one in orders}) == 3


def test_an_older_bid_wins_against_a_newer_equal_one():
    world = World()
    world.step(bid("old", "a", max_fee=8.7, tip=1))
    world.step()
    world.market.base_fee_wei = 5 * GWEI
    included, _ = world.step(*[bid(i, "bcdefg"[i], tip=1) for i in range(6)])
    assert included[0] == "old"
