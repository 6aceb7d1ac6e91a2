"""Listing assets and their parameters: who may, within which bounds, and what cannot be undone."""

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET, ASSET_PRICE, POOL_FEE, Asset, value_of
from tests.support.deployers import deploy
from tests.support.protocol import merged

BOUNDS = [
    ("deposit_cap", 10**36 + 1),
    ("haircut_min", WAD + 1),
    ("z", 10**21 + 1),
    ("horizon_seconds", 31_536_001),
    ("size_coefficient", 10**21 + 1),
    ("depth", 10**38 + 1),
    ("confidence_coefficient", 10**21 + 1),
    ("sale_fee_rate", WAD // 20 + 1),  # within the haircut less the band
    ("sale_window_seconds", 604_801),
    ("min_sale", 10**24 + 1),
]


@pytest.mark.parametrize(("field", "value"), BOUNDS)
def test_every_bound_holds(world, field, value):
    _, asset = world
    with boa.reverts("collateral_assets: out of bounds"):
        asset.change(**{field: value})
    asset.changes.pop(field)
    asset.change(**{field: value - 1})


def test_a_depth_of_nothing_is_refused(world):
    _, asset = world
    for depth in (0, WAD - 1):
        with boa.reverts("collateral_assets: no depth"):
            asset.change(depth=depth)
    asset.change(depth=WAD)


def test_band_and_fee_of_a_sale_stay_within_the_least_haircut(world):
    _, asset = world
    asset.change(haircut_min=WAD // 10, sale_band=9 * WAD // 100, sale_fee_rate=WAD // 100)
    for changes in ({"sale_fee_rate": WAD // 100 + 1}, {"sale_band": 2**256 - 1}):
        with boa.reverts("collateral_assets: sale beyond the haircut"):
            asset.change(**changes)
        asset.changes |= {"sale_band": 9 * WAD // 100, "sale_fee_rate": WAD // 100}
    asset.change(sale_band=2 * POOL_FEE)
    with boa.reverts("collateral_assets: band within the pool's fee"):
        asset.change(sale_band=2 * POOL_FEE - 1)


@pytest.mark.parametrize("decimals", [5, 6, 8, 18, 19])
def test_tokens_have_six_to_eighteen_decimals(world, decimals):
    protocol, asset = world
    is_taken = 6 <= decimals <= 18
    token = deploy("testing/ERC20Mock", "Other", "OTH", decimals)
    if decimals > 18:  # the pool refuses it before the registry can
        with boa.reverts("spot_market: too many decimals"):
            deploy("SpotPool", protocol.owner, token.address, protocol.token.address, POOL_FEE)
        with boa.reverts("collateral_assets: decimals out of bounds"):
            list_asset(protocol, token, asset.oracle, asset.pool)
    elif is_taken:
        assert Asset(protocol, decimals=decimals, liquidity=0).id == 1
    else:
        with boa.reverts("collateral_assets: decimals out of bounds"):
            Asset(protocol, decimals=decimals, liquidity=0)


def list_asset(protocol, token, oracle, pool, *, sender=None, oracle_id=0):
    return protocol.assets.add_asset(
        token.address,
        oracle.address,
        oracle_id,
        pool.address,
        merged(ASSET, {}),
        sender=sender or protocol.owner,
    )


def test_what_is_listed_once_is_listed_once(world):
    protocol, asset = world
    with boa.reverts("collateral_assets: listed already"):
        list_asset(protocol, asset.token, asset.oracle, asset.pool)
    with boa.reverts("collateral_assets: quote token"):
        list_asset(protocol, protocol.token, asset.oracle, asset.pool)
    other = deploy("testing/ERC20Mock", "Other", "OTH", 18)
    with boa.reverts("collateral_assets: pool of other tokens"):
        list_asset(protocol, other, asset.oracle, asset.pool)
    with boa.reverts("oracle: unknown asset"):
        list_asset(protocol, other, asset.oracle, asset.pool, oracle_id=1)


def test_there_are_four_assets_at_most(world):
    protocol, asset = world
    for number in (1, 2, 3):
        assert Asset(protocol, liquidity=0).id == number
    with boa.reverts("collateral_assets: too many assets"):
        Asset(protocol, liquidity=0)
    trader = protocol.account("trader")
    asset.deposit(trader, asset.unit)
    assert value_of(protocol, trader) == ASSET_PRICE * 9 // 10


def test_only_the_owner_lists_and_changes(world):
    protocol, asset = world
    stranger = protocol.liquidator
    other = deploy("testing/ERC20Mock", "Other", "OTH", 18)
    with boa.reverts("access: not owner"):
        list_asset(protocol, other, asset.oracle, asset.pool, sender=stranger)
    with boa.reverts("access: not owner"):
        protocol.assets.set_parameters(0, merged(ASSET, {}), sender=stranger)
    with boa.reverts("access: not owner"):
        protocol.assets.set_spot_pool(0, asset.pool.address, sender=stranger)
    for call in (
        lambda: protocol.assets.set_parameters(1, merged(ASSET, {}), sender=protocol.owner),
        lambda: protocol.assets.set_spot_pool(1, asset.pool.address, sender=protocol.owner),
    ):
        with boa.reverts("collateral_assets: unknown asset"):
            call()


def test_a_pool_may_be_replaced_by_one_of_the_same_tokens(world):
    protocol, asset = world
    other = deploy("SpotPool", protocol.owner, asset.token.address, protocol.token.address, POOL_FEE)
    protocol.assets.set_spot_pool(0, other.address, sender=protocol.owner)
    assert protocol.assets.asset_info(0).spot_pool == other.address
    dear = deploy("SpotPool", protocol.owner, asset.token.address, protocol.token.address, WAD // 10)
    with boa.reverts("collateral_assets: band within the pool's fee"):
        protocol.assets.set_spot_pool(0, dear.address, sender=protocol.owner)


def test_views_of_what_is_not_listed_are_empty(world):
    protocol, _ = world
    trader = int(protocol.account("trader"), 16) << 96
    assert protocol.assets.parameters(3) == (0,) * 11
    assert protocol.assets.asset_info(3).total == 0
    assert protocol.assets.balance_of(trader, 9) == 0
    assert protocol.assets.holding_of(trader, 9).units == 0
    assert protocol.assets.holding_of(trader, 0).units == 0
    assert protocol.assets.riskiest_of(trader, 0, 2**255) == 4
