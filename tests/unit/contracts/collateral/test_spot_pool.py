"""A constant product of an asset and the quote token: who may do what, and that nobody gains on it."""

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference import spot_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy, harness
from tests.support.protocol import isolated

FEE = 3 * WAD // 1_000


def pool_of(asset, *, fee=FEE):
    owner = boa.env.generate_address("pool owner")
    quote = deploy("testing/ERC20Mock", "USD Coin", "USDC", 6)
    pool = deploy("SpotPool", owner, asset.address, quote.address, fee)
    return owner, quote, pool


def fill(owner, asset, quote, pool, units, quote_units):
    for token, amount in ((asset, units), (quote, quote_units)):
        token.mint(owner, amount)
        token.approve(pool.address, amount, sender=owner)
    pool.add_liquidity(units, quote_units, sender=owner)


def swap(trader, token, pool, amount, *, least=0):
    token.mint(trader, amount)
    token.approve(pool.address, amount, sender=trader)
    return pool.swap(token.address == pool.asset(), amount, least, trader, sender=trader)


@pytest.fixture(scope="module", params=[6, 8, 18])
def _market(request):
    with isolated():
        asset = deploy("testing/ERC20Mock", "Other", "OTH", request.param)
        owner, quote, pool = pool_of(asset)
        fill(owner, asset, quote, pool, 1_000 * 10**request.param, 10**11)
        yield owner, asset, quote, pool, 10**request.param


@pytest.fixture
def market(_market):
    with isolated():
        yield _market


def test_a_swap_is_the_twins_both_ways(market):
    _, asset, quote, pool, unit = market
    trader = boa.env.generate_address("trader")
    assert pool.spot_price() == 100 * WAD
    expected = spot_math.amount_out(7 * unit, 1_000 * unit, 10**11, FEE)
    assert pool.quote(True, 7 * unit) == expected == swap(trader, asset, pool, 7 * unit)
    reserves = tuple(pool.reserves())
    assert reserves == (1_007 * unit, 10**11 - expected)
    back = spot_math.amount_out(expected, reserves[1], reserves[0], FEE)
    quote.approve(pool.address, expected, sender=trader)
    assert pool.swap(False, expected, back, trader, sender=trader) == back < 7 * unit
    assert asset.balanceOf(pool.address) == pool.reserves().asset
    assert quote.balanceOf(pool.address) == pool.reserves().quote


def test_a_swap_gives_no_less_than_asked(market):
    _, asset, _, pool, unit = market
    trader = boa.env.generate_address("trader")
    least = int(pool.quote(True, unit))
    with boa.reverts("spot_market: too little comes out"):
        swap(trader, asset, pool, unit, least=least + 1)
    swap(trader, asset, pool, unit, least=least)
    with boa.reverts("spot_market: too little comes out"):
        swap(trader, asset, pool, 0)


def test_the_owner_alone_adds_and_removes(market):
    owner, asset, quote, pool, unit = market
    stranger = boa.env.generate_address("stranger")
    for call in (
        lambda: pool.add_liquidity(1, 1, sender=stranger),
        lambda: pool.remove_liquidity(1, 1, stranger, sender=stranger),
    ):
        with boa.reverts("access: not owner"):
            call()
    with boa.reverts("spot_market: more than the reserves"):
        pool.remove_liquidity(1_000 * unit + 1, 0, owner, sender=owner)
    pool.remove_liquidity(1_000 * unit, 10**11, owner, sender=owner)
    assert tuple(pool.reserves()) == (0, 0)
    assert (pool.spot_price(), pool.quote(True, unit), pool.quote(False, 1)) == (0, 0, 0)
    with boa.reverts("spot_market: too little comes out"):
        swap(stranger, asset, pool, unit)
    assert quote.balanceOf(owner) == 10**11


def test_what_somebody_sends_is_not_in_the_reserves(market):
    _, asset, _, pool, unit = market
    before = tuple(pool.reserves())
    asset.mint(pool.address, unit)
    assert tuple(pool.reserves()) == before


def test_fee_tokens_and_decimals_are_bounded():
    with isolated():
        asset = deploy("testing/ERC20Mock", "Other", "OTH", 18)
        for fee in (0, WAD // 10 + 1):
            with boa.reverts("spot_market: fee out of bounds"):
                pool_of(asset, fee=fee)
        with boa.reverts("spot_market: one token"):
            deploy("SpotPool", boa.env.eoa, asset.address, asset.address, FEE)


def test_a_token_that_keeps_a_part_costs_its_sender():
    with isolated():
        asset = harness("OddToken", 18)
        owner, quote, pool = pool_of(asset)
        fill(owner, asset, quote, pool, 1_000 * WAD, 10**11)
        asset.set_fee(10)
        trader = boa.env.generate_address("trader")
        expected = int(pool.quote(True, 9 * WAD // 10))
        assert swap(trader, asset, pool, WAD) == expected
        assert asset.balanceOf(pool.address) == pool.reserves().asset


def test_a_hook_finds_the_reserves_whole():
    """A token that swaps again in the middle of a swap is let in neither by its own nor by any entry."""
    with isolated():
        asset = harness("HookedToken")
        owner, quote, pool = pool_of(asset)
        fill(owner, asset, quote, pool, 10**9, 10**11)
        asset.mint(asset.address, 10**7)
        asset.allow(pool.address, 2**256 - 1)
        trader = boa.env.generate_address("trader")
        for data in (
            pool.swap.prepare_calldata(True, 10**6, 0, asset.address),
            pool.add_liquidity.prepare_calldata(1, 1),
        ):
            asset.arm(pool.address, data, 0)
            swap(trader, asset, pool, 10**6)
            assert asset.called()
            assert not asset.succeeded()


@settings(max_examples=15)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 5 * 10**10)), min_size=1, max_size=6))
def test_no_history_of_swaps_lowers_the_product_or_gains(market, steps):
    _, asset, quote, pool, unit = market
    with isolated():
        trader = boa.env.generate_address("trader")
        product = 1_000 * unit * 10**11
        spent, bought = 0, 0
        for is_sale, size in steps:
            amount = max(size * unit // 10**8, 1) if is_sale else size
            try:
                out = swap(trader, asset if is_sale else quote, pool, amount)
            except boa.BoaError:
                continue  # so little that nothing comes out
            spent, bought = (spent - out, bought - amount) if is_sale else (spent + amount, bought + out)
            reserves = pool.reserves()
            assert reserves.asset * reserves.quote >= product
            product = reserves.asset * reserves.quote
        # What it has of both is never better than nothing.
        assert spent > 0 or bought <= 0
