"""The base fee against its closed form, and background demand against its equilibrium."""

import math
import statistics

import pytest
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from hypothesis import given
from hypothesis import strategies as st

from sim.chain.fees import FeeMarket, FeeParameters, NativeLedger, next_base_fee
from sim.core.errors import RunError
from sim.core.rng import Streams

GWEI = 10**9


class Header:
    def __init__(self, base_fee, used, limit):
        self.base_fee_per_gas, self.gas_used, self.gas_limit = base_fee, used, limit


@given(base=st.integers(0, 10**15), limit=st.integers(10_000, 10**9), share=st.floats(0, 1))
def test_base_fee_matches_py_evm(base, limit, share):
    used = int(limit * share)
    assert next_base_fee(base, used, limit) == calculate_expected_base_fee_per_gas(Header(base, used, limit))


@pytest.mark.parametrize("factor", [2, 10, 45])
def test_full_blocks_raise_the_base_fee_as_fast_as_the_closed_form(factor):
    expected = math.ceil(math.log(factor) / math.log(1.125))
    base = fee = 20 * GWEI
    blocks = 0
    while fee < factor * base:
        fee = next_base_fee(fee, 30_000_000, 30_000_000)
        blocks += 1
    assert blocks == expected
    if factor == 10:
        assert blocks == 20  # 240 seconds


def run(parameters, blocks, multipliers=lambda _: (1.0, 1.0), seed=1):
    market = FeeMarket(parameters, Streams(seed))
    history = []
    for block in range(blocks):
        demand, fee = multipliers(block)
        market.open_block(block, demand_multiplier=demand, fee_multiplier=fee)
        market.take(min(market.offered, parameters.block_gas_limit // market.bid_gas), 0)
        history.append(market.close_block(0))
    return history


def test_base_fee_settles_where_half_the_demand_is_priced_out():
    # Demand of twice the target is cleared at the median willingness to pay if nobody waits.
    parameters = FeeParameters(background_fee_wei=30 * GWEI, background_patience_blocks=1)
    history = run(parameters, 600)
    fees = [item.base_fee_wei / GWEI for item in history[100:]]
    assert statistics.median(fees) == pytest.approx(30.0, rel=0.05)
    used = [item.gas_used for item in history[100:]]
    assert statistics.mean(used) == pytest.approx(15_000_000, rel=0.05)


def test_a_surge_multiplies_the_base_fee_and_passes():
    history = run(FeeParameters(), 300, lambda block: (4.0, 5.0) if 100 <= block < 160 else (1.0, 1.0))
    before = history[99].base_fee_wei
    peak = max(item.base_fee_wei for item in history)
    assert peak > 6 * before
    assert all(item.gas_used == 30_000_000 for item in history[100:110])
    assert history[-1].base_fee_wei < 2 * before


def test_without_background_demand_blocks_are_empty_and_the_fee_falls():
    history = run(FeeParameters(background_gas_share=0.0), 20)
    assert {item.gas_used for item in history} == {0}
    assert history[-1].base_fee_wei < 20 * GWEI / 9


def test_history_depends_on_the_seed_alone():
    assert run(FeeParameters(), 50) == run(FeeParameters(), 50)
    assert run(FeeParameters(), 50) != run(FeeParameters(), 50, seed=2)


def test_bids_that_waited_too_long_give_up():
    parameters = FeeParameters(background_fee_deviation=0.0, background_patience_blocks=3)
    market = FeeMarket(parameters, Streams(1))
    sizes = []
    for block in range(6):
        market.open_block(block, demand_multiplier=1.0 if block == 0 else 0.0)
        sizes.append(market.offered)
        market.take(0, 0)
        market.base_fee_wei = parameters.base_fee_wei
    assert sizes[0] > 100
    assert sizes == [sizes[0]] * 3 + [0] * 3


def test_own_bid_is_ranked_among_the_background():
    market = FeeMarket(FeeParameters(background_fee_deviation=0.0, base_fee_wei=10 * GWEI), Streams(1))
    market.open_block(0)
    # Everybody pays 20 gwei at most and tips 2: above the base fee of 10.
    assert market.bids_above(2 * GWEI) == market.offered > 0
    assert market.bids_above(2 * GWEI + 1) == 0
    with pytest.raises(ValueError, match="cannot take"):
        market.take(market.offered + 1, 0)


def test_extreme_demand_stays_bounded():
    market = FeeMarket(FeeParameters(background_gas_share=100.0, background_fee_deviation=3.0), Streams(1))
    for block in range(3):
        market.open_block(block, demand_multiplier=1_000.0, fee_multiplier=1_000.0)
        assert 0 < market.offered <= 4_000
        market.take(200, 0)
        assert market.close_block(0).gas_used == 30_000_000


def test_ledger_conserves_every_wei():
    ledger = NativeLedger()
    ledger.credit("a", 1_000_000)
    assert ledger.pay("a", 100, 70, 50) == 7_000
    assert (ledger.balance("a"), ledger.burned_wei, ledger.tips_wei) == (993_000, 5_000, 2_000)
    assert ledger.total_wei() + ledger.burned_wei + ledger.tips_wei == 1_000_000
    with pytest.raises(RunError, match="owes a fee"):
        ledger.pay("a", 10_000, 100, 50)
    with pytest.raises(ValueError, match="negative"):
        ledger.credit("a", -1)
