"""What an account owes is repaid by its own assets: how much is sold, at what price, and what if not."""

import boa
import pytest

from sim.reference import spot_math
from sim.reference.fixed_point import QUANTUM, WAD
from sim.reference.vault_math import VIRTUAL_ASSETS, VIRTUAL_SHARES
from tests.support.collateral import ASSET_PRICE, POOL_FEE, Asset, check_assets, value_of
from tests.support.deployers import harness
from tests.support.protocol import id_of, logs_of, units

LOSS = 1_200 * WAD + QUANTUM  # ten units that fall by 120, and what the pool keeps of rounding
OWED = LOSS - 100 * WAD


def debtor_of(protocol, *deposits, quote=100, fall=120):
    """An account that has lost what ten units lost, and has assets: (asset, whole tokens)."""
    debtor = protocol.account("debtor", quote)
    for asset, tokens in deposits:
        asset.deposit(debtor, tokens * asset.unit)
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price((2_000 - fall) * WAD)
    protocol.decrease(debtor)
    assert protocol.collateral(debtor) == (quote - 10 * fall) * WAD - QUANTUM
    return debtor


def written_off(protocol, asset):
    """A debtor whose asset nobody could sell in its window: fund and pool have paid, and a lien lies."""
    debtor = debtor_of(protocol, (asset, 30))
    protocol.wait(3_600)
    protocol.cover(debtor)
    protocol.wait(61)
    protocol.socialize(debtor)
    return debtor


def sell(protocol, account, sender=None):
    return protocol.waterfall.sell_collateral(id_of(account), sender=sender or protocol.liquidator)


@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_a_sale_repays_the_debt_and_hardly_more(world, decimals):
    protocol, _ = world
    asset = Asset(protocol, decimals=decimals)
    fund, pool = protocol.fund.reserves(), protocol.pool.reserves()
    debtor = debtor_of(protocol, (asset, 30))
    # What its own assets are to cover nobody else is asked for.
    assert protocol.waterfall.secured_of(id_of(debtor)) == OWED
    assert protocol.fund.reserves() == fund
    assert protocol.deficit(debtor).recorded_at != 0
    before, units_before = protocol.wallet(protocol.liquidator), asset.balance(debtor)
    proceeds = sell(protocol, debtor)
    [event] = logs_of(protocol.waterfall, "CollateralSold")
    fee = protocol.wallet(protocol.liquidator) - before
    assert fee == event.fee * QUANTUM == proceeds // 100 * QUANTUM
    # One unit of the token more at most, and its price is what is left over.
    over = protocol.collateral(debtor)
    assert 0 <= over <= 2 * ASSET_PRICE // asset.unit + 2 * QUANTUM
    sold = units_before - asset.balance(debtor)
    assert proceeds == spot_math.amount_out(sold, 100_000 * asset.unit, 10**13, POOL_FEE)
    assert (
        spot_math.amount_out(sold - 2, 100_000 * asset.unit, 10**13, POOL_FEE) * 99 // 100 < units(1_100) + 1
    )
    assert protocol.pool.reserves() == pool + LOSS
    assert protocol.fund.reserves() == fund
    assert protocol.waterfall.total_secured() == 0
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()
    with boa.reverts("forced_sales: owes nothing"):
        sell(protocol, debtor)


def test_a_sale_never_lowers_equity(world):
    protocol, asset = world
    debtor = debtor_of(protocol, (asset, 30))
    before = protocol.state(debtor).equity
    sell(protocol, debtor)
    assert protocol.state(debtor).equity > before


def test_the_riskiest_is_sold_first_and_the_next_only_for_the_rest(world):
    protocol, asset = world
    safer = Asset(protocol, decimals=6, changes={"haircut_min": 6 * WAD // 100})
    riskier = Asset(protocol, decimals=8, changes={"haircut_min": WAD // 2})
    debtor = debtor_of(protocol, (asset, 20), (safer, 20), (riskier, 5))
    sell(protocol, debtor)
    assert riskier.balance(debtor) == 0
    assert asset.balance(debtor) < 15 * asset.unit
    assert safer.balance(debtor) == 20 * safer.unit
    assert protocol.collateral(debtor) >= 0
    check_assets(protocol, [asset, safer, riskier], [debtor])


def test_the_larger_amount_is_the_riskier_one(world):
    protocol, asset = world
    other = Asset(protocol, changes={"size_coefficient": WAD})
    asset.change(size_coefficient=WAD)
    debtor = debtor_of(protocol, (asset, 15), (other, 20))
    sell(protocol, debtor)
    assert asset.balance(debtor) == 15 * asset.unit
    assert other.balance(debtor) < 20 * other.unit


def test_so_much_at_one_time_and_the_rest_later(world):
    protocol, _ = world
    asset = Asset(protocol, liquidity=200_000)  # so that a sale takes 5.7 of 2,000
    most = spot_math.most_forced(2_000 * asset.unit, POOL_FEE, WAD // 20)
    debtor = debtor_of(protocol, (asset, 30))
    sell(protocol, debtor)
    assert asset.balance(debtor) == 30 * asset.unit - most
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    assert protocol.waterfall.secured_of(id_of(debtor)) == -protocol.collateral(debtor)
    protocol.wait(1)
    sell(protocol, debtor)
    assert asset.balance(debtor) < 30 * asset.unit - most


def test_two_debtors_share_what_may_be_sold_at_one_time(world):
    protocol, _ = world
    asset = Asset(protocol, liquidity=200_000)
    debtors = [protocol.account(name, 100) for name in ("one", "two")]
    for debtor in debtors:
        asset.deposit(debtor, 30 * asset.unit)
        protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_880 * WAD)
    for debtor in debtors:
        protocol.decrease(debtor)
    sell(protocol, debtors[0])
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtors[1])


def test_no_sale_fills_below_the_band(world):
    protocol, asset = world
    debtor = debtor_of(protocol, (asset, 30))
    asset.push_pool_to(94 * WAD)
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    # The bound is the price that margin counts: as it falls, the sale goes on.
    asset.set_price(94 * WAD)
    sell(protocol, debtor)
    assert protocol.collateral(debtor) >= 0


def test_the_band_is_exact(world):
    protocol, asset = world
    debtor = debtor_of(protocol, (asset, 30))
    asset.push_pool_to(97 * WAD)
    fill = int(asset.pool.quote(True, 11 * asset.unit + asset.unit // 2)) * QUANTUM * 2 // 23
    asset.change(sale_band=(ASSET_PRICE - fill) * WAD // ASSET_PRICE - WAD // 10_000)
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    asset.change(sale_band=(ASSET_PRICE - fill) * WAD // ASSET_PRICE + WAD // 10_000)
    sell(protocol, debtor)


def test_what_assets_do_not_cover_the_fund_pays_at_once(world):
    protocol, asset = world
    fund = protocol.fund.reserves()
    debtor = protocol.account("debtor", 1_000)
    asset.deposit(debtor, 5 * asset.unit)  # counts 450
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.decrease(debtor)
    account = id_of(debtor)
    assert protocol.fund.reserves() == fund - 550 * WAD - QUANTUM
    assert protocol.waterfall.secured_of(account) == 450 * WAD
    assert protocol.assets.lien_of(account) == 550 * WAD + QUANTUM
    sell(protocol, debtor)
    # The haircut was too careful: what is over goes to those who have paid.
    assert protocol.collateral(debtor) == 0
    assert asset.balance(debtor) == 0
    assert protocol.fund.reserves() > fund - 520 * WAD
    assert protocol.assets.lien_of(account) == 0
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()


def test_a_silent_oracle_lets_the_fund_pay_and_nobody_gain(world):
    """Nothing is sold at a price nobody stands for: fund first, a lien, and the fund gets it back."""
    protocol, asset = world
    fund = protocol.fund.reserves()
    debtor = protocol.account("debtor", 100)
    asset.deposit(debtor, 30 * asset.unit)
    protocol.increase(debtor, 10 * WAD)
    protocol.wait(86_401)
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    account = id_of(debtor)
    assert protocol.collateral(debtor) == 0
    assert protocol.assets.lien_of(account) == fund - protocol.fund.reserves() == OWED
    with boa.reverts("collateral_balances: lien"):
        asset.withdraw(debtor, 1)
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    asset.set_price(ASSET_PRICE)
    assert protocol.state(debtor).equity == 2_700 * WAD - OWED
    assert {value_of(protocol, debtor, kind) for kind in (0, 1, 2)} == {2_700 * WAD - OWED}
    sell(protocol, debtor)
    assert protocol.fund.reserves() == fund
    assert protocol.assets.lien_of(account) == 0
    asset.withdraw(debtor, asset.balance(debtor))
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()


def test_anybody_repays_a_lien_and_the_assets_are_free(world):
    protocol, asset = world
    fund = protocol.fund.reserves()
    debtor = protocol.account("debtor", 100)
    asset.deposit(debtor, 30 * asset.unit)
    protocol.increase(debtor, 10 * WAD)
    protocol.wait(86_401)
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    account, payer = id_of(debtor), protocol.liquidator
    protocol.token.mint(payer, units(5_000))
    protocol.token.approve(protocol.waterfall.address, units(5_000), sender=payer)
    assert protocol.waterfall.repay_lien(account, units(100), sender=payer) == units(100)
    with boa.reverts("collateral_balances: lien"):
        asset.withdraw(debtor, 1)
    assert protocol.waterfall.repay_lien(account, units(4_000), sender=payer) == units(1_000) + 1
    assert protocol.fund.reserves() == fund
    with boa.reverts("forced_sales: nothing to repay"):
        protocol.waterfall.repay_lien(account, 1, sender=payer)
    asset.withdraw(debtor, 30 * asset.unit)


@pytest.mark.parametrize("fault", ["empty pool", "stopped token"])
def test_what_cannot_be_sold_holds_others_up_for_the_window_only(build, fault):
    protocol = build()
    token = harness("OddToken", 18)
    asset = Asset(protocol, token=token)
    fund = protocol.fund.reserves()
    debtor = debtor_of(protocol, (asset, 30))
    if fault == "empty pool":
        reserves = asset.pool.reserves()
        asset.pool.remove_liquidity(reserves.asset, reserves.quote, protocol.owner, sender=protocol.owner)
    else:
        token.stop(True)
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    assert protocol.cover(debtor) == OWED
    assert protocol.fund.reserves() == fund
    with boa.reverts("loss_waterfall: collateral left"):
        protocol.socialize(debtor)
    protocol.wait(3_600)
    asset.set_price(ASSET_PRICE, wait=0)
    assert protocol.cover(debtor) == 0
    with boa.reverts("collateral_balances: lien"):
        asset.withdraw(debtor, 1)
    assert protocol.fund.reserves() == fund - OWED
    assert protocol.waterfall.total_secured() == 0
    if fault == "empty pool":
        asset.supply(100_000 * asset.unit, 10**13)
    else:
        token.stop(False)
    sell(protocol, debtor)
    assert protocol.fund.reserves() == fund
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()


def test_winners_are_asked_after_the_window_and_have_theirs(build):
    """No fund, an empty pool: winners wait for the debtor's assets, then have their own window."""
    protocol = build(fund=0, liquidation={"adl_window_seconds": 600})
    asset = Asset(protocol, liquidity=0)
    winner = protocol.account("winner", 10_000)
    protocol.increase(winner, -10 * WAD)
    debtor = debtor_of(protocol, (asset, 30))
    assert protocol.waterfall.withdrawals_open()  # what is secured closes nothing
    with boa.reverts("loss_waterfall: collateral left"):
        protocol.deleverage(debtor, [winner])
    protocol.wait(3_600)
    asset.set_price(ASSET_PRICE, wait=0)
    protocol.report_again()
    protocol.cover(debtor)
    assert not protocol.waterfall.withdrawals_open()
    with boa.reverts("loss_waterfall: window open"):
        protocol.socialize(debtor)
    protocol.deleverage(debtor, [winner])
    assert protocol.collateral(debtor) == 0
    assert protocol.assets.lien_of(id_of(debtor)) == OWED
    protocol.check_books()


def test_what_the_pool_bears_is_a_lien_too(build):
    protocol = build(fund=0)
    asset = Asset(protocol, liquidity=0)
    debtor = written_off(protocol, asset)
    assert protocol.assets.lien_of(id_of(debtor)) == OWED
    protocol.check_books()


@pytest.mark.parametrize("is_sold", [True, False])
def test_a_lien_repays_the_fund_first_and_then_the_pool(build, is_sold):
    """Else backers of a fund would earn what providers have borne."""
    protocol = build(fund=300)
    asset = Asset(protocol, liquidity=0)
    fund, pool = protocol.fund.reserves(), protocol.pool.reserves()
    debtor = written_off(protocol, asset)
    account, payer = id_of(debtor), protocol.liquidator
    assert (protocol.fund.reserves(), protocol.assets.lien_of(account)) == (0, OWED)
    assert protocol.pool.reserves() == pool + 100 * WAD + 300 * WAD
    if is_sold:
        asset.supply(100_000 * asset.unit, 10**13)
        asset.set_price(ASSET_PRICE)
        sell(protocol, debtor)
    else:
        protocol.token.mint(payer, units(2_000))
        protocol.token.approve(protocol.waterfall.address, units(2_000), sender=payer)
        protocol.waterfall.repay_lien(account, units(400), sender=payer)
        assert protocol.fund.reserves() == fund
        assert protocol.pool.reserves() == pool + 500 * WAD
        protocol.waterfall.repay_lien(account, units(2_000), sender=payer)
    assert protocol.fund.reserves() == fund
    assert protocol.pool.reserves() == pool + LOSS
    assert protocol.assets.lien_of(account) == 0
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()


def test_shares_of_fund_and_pool_cost_what_a_lien_may_bring_back(build):
    """Whoever came in at the reserves would take by repaying what those before him have borne."""
    protocol = build(fund=300)
    asset = Asset(protocol, liquidity=0)
    debtor = written_off(protocol, asset)
    account, payer = id_of(debtor), protocol.liquidator
    fund, pool, lien = protocol.fund, protocol.pool, OWED // 10**12
    assert protocol.assets.total_liens() == protocol.assets.lien_of(account) == OWED
    assert fund.reserves() == 0
    supply, paid = fund.totalSupply() + VIRTUAL_SHARES, units(1_000)
    assert fund.previewDeposit(paid) == paid * supply // (lien + VIRTUAL_ASSETS)
    assert fund.previewMint(fund.previewDeposit(paid)) <= paid
    before = pool.previewDeposit(paid)
    protocol.token.mint(payer, units(5_000))
    for spender in (fund, pool, protocol.waterfall):
        protocol.token.approve(spender.address, units(5_000), sender=payer)
    assert fund.deposit(paid, payer, sender=payer) == paid * supply // (lien + VIRTUAL_ASSETS)
    assert fund.totalSupply() + VIRTUAL_SHARES > supply  # no new epoch: the old shares have the lien
    protocol.waterfall.repay_lien(account, units(2_000), sender=payer)
    assert protocol.assets.total_liens() == 0
    assert fund.previewRedeem(fund.balanceOf(payer)) < paid
    assert pool.previewDeposit(paid) > before  # a lien costs more than it brings the pool


def test_a_broken_token_holds_up_no_other(world):
    protocol, asset = world
    token = harness("OddToken", 18)
    broken = Asset(protocol, token=token, changes={"haircut_min": WAD // 2})
    debtor = debtor_of(protocol, (asset, 30), (broken, 30))
    token.stop(True)
    assert protocol.assets.riskiest_of(id_of(debtor), 0, WAD * WAD) == broken.id
    sell(protocol, debtor)
    assert broken.balance(debtor) == 30 * broken.unit
    assert protocol.collateral(debtor) >= 0


def test_a_token_that_keeps_a_part_is_sold_within_the_band_or_not_at_all(world):
    protocol, _ = world
    token = harness("OddToken", 18)
    asset = Asset(protocol, token=token)
    debtor = debtor_of(protocol, (asset, 30))
    token.set_fee(10)
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, debtor)
    token.set_fee(2)
    sell(protocol, debtor)
    assert protocol.collateral(debtor) > -30 * WAD
    check_assets(protocol, [asset], [debtor])


def test_with_a_position_small_debts_are_left_alone(world):
    protocol, asset = world
    trader = protocol.account("trader", 0)
    asset.deposit(trader, 30 * asset.unit)
    protocol.increase(trader, 10 * WAD)
    protocol.set_price(1_991 * WAD)
    protocol.decrease(trader, WAD)  # owes nine
    with boa.reverts("forced_sales: nothing can be sold now"):
        sell(protocol, trader)
    asset.change(min_sale=9 * WAD)
    equity = protocol.state(trader).equity
    sell(protocol, trader)
    assert protocol.collateral(trader) >= 0
    assert protocol.state(trader).equity >= equity
    assert protocol.position(trader).size == 9 * WAD


def test_who_owes_nothing_is_not_sold(world):
    protocol, asset = world
    trader = protocol.account("trader", 2_000)
    asset.deposit(trader, 30 * asset.unit)
    protocol.increase(trader, 10 * WAD)
    with boa.reverts("forced_sales: owes nothing"):
        sell(protocol, trader)
    protocol.set_price(1_900 * WAD)
    with boa.reverts("forced_sales: owes nothing"):
        sell(protocol, trader)


def test_dust_secures_nothing(world):
    protocol, asset = world
    fund = protocol.fund.reserves()
    debtor = protocol.account("debtor", 1_090)
    asset.deposit(debtor, asset.unit // 10 - 1)  # nearly ten: below the smallest sale
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    assert protocol.fund.reserves() == fund - 110 * WAD - QUANTUM
    assert protocol.waterfall.secured_of(id_of(debtor)) == 0


def test_a_repaid_debt_secures_nothing_any_more(world):
    """Else a debtor that repays would keep withdrawals open over somebody else's deficit."""
    protocol, asset = world
    debtor = debtor_of(protocol, (asset, 30))
    assert protocol.waterfall.total_secured() == OWED
    protocol.deposit(debtor, units(600), payer=protocol.liquidator)
    assert protocol.waterfall.total_secured() == 500 * WAD + QUANTUM
    protocol.deposit(debtor, units(500) + 1)
    assert protocol.waterfall.total_secured() == 0
    asset.withdraw(debtor, 30 * asset.unit)


def test_as_the_price_falls_anybody_lets_the_fund_pay_the_rest(world):
    protocol, asset = world
    fund = protocol.fund.reserves()
    debtor = debtor_of(protocol, (asset, 30))
    asset.set_price(40 * WAD)
    assert protocol.waterfall.total_secured() == OWED
    assert protocol.cover(debtor) == 1_080 * WAD
    assert protocol.waterfall.total_secured() == 1_080 * WAD
    assert protocol.fund.reserves() == fund - OWED + 1_080 * WAD


def test_a_liquidation_takes_its_fee_of_an_account_with_assets_alone(build):
    protocol = build(liquidation={"fee_base": WAD // 100})
    asset = Asset(protocol)
    trader = protocol.account("trader")
    asset.deposit(trader, 20 * asset.unit)
    protocol.increase(trader, 10 * WAD)
    protocol.set_price(1_850 * WAD)
    before = protocol.wallet(protocol.liquidator)
    for _ in range(20):
        if protocol.preview(trader).obstacle != 0 or protocol.open_markets(trader) == 0:
            break
        protocol.liquidate(trader)
        protocol.wait(1)
    assert protocol.wallet(protocol.liquidator) > before
    assert protocol.collateral(trader) < -1_000 * WAD
    sell(protocol, trader)
    assert protocol.collateral(trader) >= 0
    protocol.check_books()


def test_the_close_that_leaves_no_position_has_its_fee_out_of_the_assets(build):
    """Else nobody would be paid for closing who has no quote."""
    protocol = build(liquidation={"fee_base": WAD // 100})
    asset = Asset(protocol)
    trader = protocol.account("trader")
    asset.deposit(trader, asset.unit // 5)  # counts 18
    protocol.increase(trader, WAD // 10)
    protocol.set_price(1_860 * WAD)  # loses 14; what a part would leave is dust
    protocol.liquidate(trader)
    [event] = logs_of(protocol.liquidation, "Liquidated")
    assert protocol.open_markets(trader) == 0
    assert event.fee > 0
    assert -14 * WAD - event.fee - 2 * QUANTUM <= protocol.collateral(trader) <= -14 * WAD - event.fee
    assert event.bounty > 0
    protocol.check_books()
