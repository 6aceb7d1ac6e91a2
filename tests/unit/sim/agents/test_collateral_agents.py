"""Who sells a debtor's assets, who carries their price into the pool, and who waits for both."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

import numpy as np
import pytest

from sim.agents.collateral_seller import CollateralSeller, CollateralSellerSection
from sim.agents.deleverager import Deleverager, DeleveragerSection
from sim.agents.oracle_keeper import KeepersSection, OracleKeepers
from sim.agents.spot_arbitrageur import SpotArbitrageur, SpotArbitrageursSection
from sim.core.units import QUANTUM, TOKEN_UNIT, WAD
from sim.protocol.actions import EntryPoint
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.values import AssetParameters
from sim.protocol.state import AssetDebt, AssetState, PendingDeficit
from sim.reference.spot_math import amount_out
from tests.support.handmade_state import GAS, protocol

ACTOR = 3
POOL = 1_000_000
TERMS = AssetParameters(
    name="USDX",
    decimals=18,
    initial_price=1.0,
    initial_variance_fast=0.04,
    initial_variance_slow=0.04,
    pool_fee_rate=0.003,
    pool_depth=float(POOL),
    terms=ASSET.defaults,
)
MOST = 0.003 * (1.0 - 0.03) * POOL
"""Quote that forced sales raise at one time, about."""


def asset(price=1.0, **changes):
    values = {name: int(price * WAD) for name in ("index_price", "risk_price", "ema_price")} | dict.fromkeys(
        ("confidence", "variance_fast", "variance_slow", "updated_at", "status", "total"), 0
    )
    values |= {"pool_asset": POOL * TERMS.unit, "pool_quote": POOL * TOKEN_UNIT}
    return AssetState(**values | changes)


def debt(account, owed, *, lien=0.0, has_position=False):
    return AssetDebt(account=account, debt=owed, lien=lien, counted=1e6, has_position=has_position)


def with_assets(make_state, *, debts=(), price=1.0, block=100, **changes):
    gas = {**GAS, EntryPoint.SELL_COLLATERAL: 280_000, EntryPoint.SWAP: 77_000}
    return make_state(
        8,
        block=block,
        assets=(asset(**changes.pop("pool", {})),),
        asset_prices=np.array([price]),
        asset_published_at=np.array([1_700_000_000 + 12 * block], dtype=np.int64),
        asset_debts=tuple(debts),
        gas=gas,
        **changes,
    )


@pytest.fixture
def seller():
    return CollateralSeller(CollateralSellerSection(latency_blocks=0), ACTOR, [TERMS])


def accounts_of(batches):
    return [account for batch in batches for account in batch.args[0]]


# --- the seller ---


def test_nobody_who_owes_nothing_is_sold(seller, make_state, draws):
    assert seller.decide(with_assets(make_state), draws) == []


def test_the_largest_debt_comes_first_and_one_time_takes_only_so_much(seller, make_state, draws):
    debts = [debt(1, 100.0), debt(2, 0.9 * MOST), debt(4, 200.0), debt(5, 1.0)]
    state = with_assets(make_state, debts=debts)
    assert accounts_of(seller.decide(state, draws)) == [2, 4, 1]
    # While those wait nothing is left for others.
    assert seller.decide(state, draws) == []


def test_a_small_debt_with_a_position_waits(seller, make_state, draws):
    least = ASSET.defaults["min_sale"]
    debts = [debt(1, least - 0.01, has_position=True), debt(2, least, has_position=True), debt(3, 0.01)]
    assert accounts_of(seller.decide(with_assets(make_state, debts=debts), draws)) == [2, 3]


def test_a_lien_is_sold_for_too(seller, make_state, draws):
    state = with_assets(make_state, debts=[debt(1, 0.0, lien=50.0)])
    assert accounts_of(seller.decide(state, draws)) == [1]


def test_a_sale_is_repeated_and_a_refusal_waited_for_twice_as_long_each_time(
    seller, make_state, draws, settle
):
    asked = []
    for block in range(100, 120):
        batches = seller.decide(with_assets(make_state, debts=[debt(1, 50.0)], block=block), draws)
        if batches:
            asked.append(block)
            status = "success" if block < 102 else "reverted"
            seller.observe(settle(batches, status=status, block=block))
    assert asked == [100, 101, 102, 104, 107, 112]


def test_a_late_seller_does_not_ask_for_what_it_cannot_see_yet(make_state, draws, settle):
    late = CollateralSeller(CollateralSellerSection(latency_blocks=2), ACTOR, [TERMS])
    asked = []
    for block in range(100, 110):  # it sees the state of two blocks ago
        batches = late.decide(with_assets(make_state, debts=[debt(1, 50.0)], block=block - 2), draws)
        if batches:
            asked.append(block)
            late.observe(settle(batches, block=block))
    assert asked == [100, 103, 106, 109]


# --- the arbitrageur ---


@pytest.fixture
def arbitrageur():
    return SpotArbitrageur(SpotArbitrageursSection(capital=1e9), ACTOR, 0, TERMS)


@pytest.mark.parametrize(("price", "is_sale"), [(0.9, 1), (1.1, 0)])
def test_a_trade_brings_the_pool_to_where_the_fee_leaves_no_gain(
    arbitrageur, make_state, draws, price, is_sale
):
    state = with_assets(make_state, price=price, wallet=np.full(8, 1e9))
    (batch,) = arbitrageur.decide(state, draws)
    which, sale, amount, least, receiver = (column[0] for column in batch.args)
    assert (batch.kind, which, sale, receiver) == (EntryPoint.SWAP, 0, is_sale, ACTOR)
    x, y = POOL * TERMS.unit, POOL * TOKEN_UNIT
    reserves = (x, y) if is_sale else (y, x)
    out = amount_out(amount, *reserves, WAD * 3 // 1_000)
    x, y = (x + amount, y - out) if is_sale else (x - out, y + amount)
    after = y * QUANTUM / x
    assert isclose(after, price / 0.997 if is_sale else price * 0.997, rel_tol=2e-4)
    worth = amount / TERMS.unit * price * TOKEN_UNIT if is_sale else amount / TOKEN_UNIT / price * TERMS.unit
    assert isclose(least, worth, rel_tol=1e-9)
    assert out > least
    # It waits for the outcome, and then for a state that knows it.
    assert arbitrageur.decide(state, draws) == []


@pytest.mark.parametrize("price", [0.9975, 1.0, 1.0025])
def test_within_the_fee_nobody_trades(arbitrageur, make_state, draws, price):
    assert arbitrageur.decide(with_assets(make_state, price=price), draws) == []


def test_a_gain_below_its_gas_is_left(make_state, draws):
    state = with_assets(make_state, price=0.99, native_price=1e9)
    for margin, count in ((1.0, 0), (0.0, 1)):
        one = SpotArbitrageur(SpotArbitrageursSection(margin=margin), ACTOR, 0, TERMS)
        assert len(one.decide(state, draws)) == count


def test_capital_bounds_what_is_traded(make_state, draws):
    poor = SpotArbitrageur(SpotArbitrageursSection(capital=500.0), ACTOR, 0, TERMS)
    (batch,) = poor.decide(with_assets(make_state, price=0.9), draws)
    assert batch.args[2] == [500 * TERMS.unit]
    poor = SpotArbitrageur(SpotArbitrageursSection(capital=500.0), ACTOR, 0, TERMS)
    (batch,) = poor.decide(with_assets(make_state, price=1.1, wallet=np.full(8, 500.0)), draws)
    assert batch.args[2] == [500 * TOKEN_UNIT]


def test_what_it_sold_here_it_has_bought_outside(arbitrageur, make_state, draws, settle):
    state = with_assets(make_state, price=0.9)
    batches = arbitrageur.decide(state, draws)
    (amount,) = batches[0].args[2]
    arbitrageur.observe(settle(batches, block=100))
    assert arbitrageur.outside_values([]) == {ACTOR: pytest.approx(-amount / TERMS.unit * 0.9)}


def test_an_empty_pool_is_left_alone(arbitrageur, make_state, draws):
    state = with_assets(make_state, price=0.5, pool={"pool_asset": 0, "pool_quote": 0})
    assert arbitrageur.decide(state, draws) == []


# --- those who report and those who wait ---


def test_keepers_of_an_asset_report_its_price_to_its_oracle(make_state, draws):
    keepers = OracleKeepers(KeepersSection(price_noise=0.0), [1, 2, 3], name="usdx", market=0, asset=0)
    keepers.record_genesis(1.0, 1_699_999_000)
    (batch,) = keepers.decide(with_assets(make_state, price=0.8, block=101), draws)
    assert batch.kind == EntryPoint.REPORT_COLLATERAL
    assert batch.args[0] == [0, 0, 0]
    assert batch.args[1] == [WAD * 8 // 10] * 3


def test_winners_are_asked_once_a_debtors_own_assets_had_their_time(make_state, draws):
    deleverager = Deleverager(DeleveragerSection(), 7, window_seconds=600.0, sale_window_seconds=3_600.0)
    now = 1_700_000_000 + 1_200
    base = PendingDeficit(account=0, market=0, deficit=100 * WAD, side=1, at=now - 3_599, secured=40 * WAD)
    poor = protocol(fund_reserves=0)
    for pending, expected in (
        (base, []),
        (replace(base, at=now - 3_600), [EntryPoint.AUTO_DELEVERAGE]),
        (replace(base, secured=0), [EntryPoint.SOCIALIZE_LOSS]),
    ):
        deleverager = Deleverager(DeleveragerSection(), 7, window_seconds=600.0, sale_window_seconds=3_600.0)
        state = make_state(8, pending_deficits=(pending,), protocol=poor)
        assert [batch.kind for batch in deleverager.decide(state, draws)] == expected


@pytest.mark.parametrize(("share", "pooled"), [(0.0, 0), (0.34, 1), (0.6, 2), (1.0, 3)])
def test_some_keepers_report_what_the_pool_says(make_state, draws, share, pooled):
    section = KeepersSection(price_noise=0.0, pool_share=share)
    keepers = OracleKeepers(section, [1, 2, 3], name="usdx", market=0, asset=0, unit=TERMS.unit)
    keepers.record_genesis(1.0, 0)
    sold = {"pool_asset": 2 * POOL * TERMS.unit, "pool_quote": POOL * TOKEN_UNIT // 2}
    (batch,) = keepers.decide(with_assets(make_state, price=0.9, pool=sold), draws)
    assert batch.args[1] == [pytest.approx(0.9 * WAD)] * (3 - pooled) + [WAD // 4] * pooled
    empty = {"pool_asset": 0, "pool_quote": 0}
    keepers = OracleKeepers(section, [1, 2, 3], name="usdx", market=0, asset=0, unit=TERMS.unit)
    (batch,) = keepers.decide(with_assets(make_state, price=0.9, pool=empty), draws)
    assert batch.args[1] == [pytest.approx(0.9 * WAD)] * 3
    says = f"{pooled} of them of that in its spot pool" if pooled else "outside price."
    assert says in keepers.describe()
