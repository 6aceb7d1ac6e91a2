"""What somebody tries with other assets to take what is not theirs; each of it ends poorer or refused."""

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.collateral import ASSET_PRICE, Asset, check_assets
from tests.support.protocol import id_of, units


def indebted(protocol, asset, name="debtor", tokens=30):
    debtor = protocol.account(name, 100)
    asset.deposit(debtor, tokens * asset.unit)
    protocol.increase(debtor, 10 * WAD)
    return debtor


def in_quote(protocol, asset, holder):
    """What somebody has in its wallet, the asset at its price (WAD quote)."""
    return protocol.wallet(holder) + asset.token.balanceOf(holder) * ASSET_PRICE // asset.unit


@pytest.mark.parametrize("share", [200, 80, 50, 42])
def test_a_sandwich_of_a_forced_sale_does_not_pay(build, share):
    """Sell, call the sale, buy back, all at one time: the fee for the caller is the debtor's own bound."""
    protocol = build()
    asset = Asset(protocol, liquidity=200_000, changes={"sale_fee_rate": 0})
    indebted(protocol, asset)
    debtor = protocol.accounts[-1]
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    attacker = boa.env.generate_address("attacker")
    front = int(asset.pool.reserves().asset) // share
    asset.token.mint(attacker, front)
    before = in_quote(protocol, asset, attacker)
    asset.token.approve(asset.pool.address, 2**256 - 1, sender=attacker)
    protocol.token.approve(asset.pool.address, 2**256 - 1, sender=attacker)
    got = asset.pool.swap(True, front, 0, attacker, sender=attacker)
    try:
        protocol.waterfall.sell_collateral(id_of(debtor), sender=attacker)
    except boa.BoaError:
        assert share == 42  # pushed below the band: nothing is sold
    asset.pool.swap(False, got, 0, attacker, sender=attacker)
    assert in_quote(protocol, asset, attacker) < before


def test_who_calls_the_sale_of_its_own_assets_ends_poorer(world):
    """The fee is its own money, and the pool keeps its fee too."""
    protocol, asset = world
    rich = indebted(protocol, asset)
    hedge = protocol.account("hedge", 5_000)
    protocol.increase(hedge, -10 * WAD)
    protocol.set_price(1_880 * WAD)
    for account in (rich, hedge):
        protocol.decrease(account)
    protocol.waterfall.sell_collateral(id_of(rich), sender=rich)
    asset.withdraw(rich, asset.balance(rich))
    protocol.withdraw(rich, protocol.collateral(rich) // QUANTUM)
    protocol.withdraw(hedge, protocol.collateral(hedge) // QUANTUM)
    total = in_quote(protocol, asset, rich) + in_quote(protocol, asset, hedge)
    assert total < 5_000 * WAD + 100 * WAD + 3_000 * WAD
    assert protocol.fund.reserves() == 1_000_000 * WAD


def test_one_token_does_not_count_twice(world):
    protocol, asset = world
    one, two = protocol.account("one"), protocol.account("two")
    asset.deposit(one, 20 * asset.unit)
    protocol.increase(one, 10 * WAD)
    with boa.reverts("margin_checks: margin too low"):
        asset.withdraw(one, 20 * asset.unit)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(two, 10 * WAD)
    owner_of_two = boa.env.generate_address("sub-accounts")
    asset.deposit(id_of(owner_of_two, 0), 20 * asset.unit, payer=owner_of_two)
    protocol.increase(owner_of_two, 10 * WAD, index=0)
    with boa.reverts("margin_checks: margin too low"):
        protocol.increase(owner_of_two, 10 * WAD, index=1)
    check_assets(protocol, [asset], [one, two, owner_of_two])


def test_a_debtor_takes_nothing_out_while_it_owes(world):
    protocol, asset = world
    debtor = indebted(protocol, asset)
    protocol.set_price(1_880 * WAD)
    with boa.reverts("margin_checks: margin too low"):
        asset.withdraw(debtor, 25 * asset.unit)
    protocol.decrease(debtor)
    with boa.reverts("margin_checks: collateral too low"):
        asset.withdraw(debtor, 1)
    protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
    asset.withdraw(debtor, asset.balance(debtor))


def test_a_gift_to_the_debtor_delays_its_winners_by_the_window_at_most(build):
    """A winner that stands to pay gives the debtor assets: they are sold, or the window ends."""
    protocol = build(fund=0)
    asset = Asset(protocol, liquidity=0)
    winner = protocol.account("winner", 10_000)
    protocol.increase(winner, -10 * WAD)
    debtor = protocol.account("debtor", 1_050)
    protocol.increase(debtor, 10 * WAD)
    protocol.set_price(1_800 * WAD)
    protocol.decrease(debtor)
    recorded = protocol.deficit(debtor).recorded_at
    asset.deposit(debtor, asset.unit // 20, payer=winner)  # below the smallest sale
    protocol.waterfall.refresh_secured(id_of(debtor))
    assert protocol.waterfall.total_secured() == 0
    asset.deposit(debtor, asset.unit, payer=winner)
    with boa.reverts("loss_waterfall: collateral left"):
        protocol.deleverage(debtor, [winner])
    boa.env.timestamp = recorded + 3_600
    asset.set_price(ASSET_PRICE, wait=0)
    protocol.report_again()
    protocol.deleverage(debtor, [winner])
    assert protocol.collateral(debtor) == 0
    assert asset.balance(debtor) != 0
    assert protocol.assets.lien_of(id_of(debtor)) == 950 * WAD + QUANTUM


def test_a_winner_that_leaves_before_the_sale_is_held(build):
    """What is secured pends all the same: a gain is held against it, and freed once it is repaid."""
    protocol = build(fund=0)
    asset = Asset(protocol)
    winner = protocol.account("winner", 10_000)
    protocol.increase(winner, -10 * WAD)
    debtor = indebted(protocol, asset)
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    protocol.decrease(winner)
    assert protocol.held(winner).amount == 1_100 * WAD + QUANTUM
    protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
    protocol.release(winner)
    assert 11_200 * WAD - 2 * QUANTUM <= protocol.collateral(winner) <= 11_200 * WAD
    protocol.check_books()


def test_a_depegged_asset_is_sold_at_what_it_is_worth_or_waits(build):
    """The oracle follows, the pool follows: the sale goes on below the old price, the fund pays the gap."""
    protocol = build()
    asset = Asset(protocol, decimals=6)
    fund = protocol.fund.reserves()
    debtor = indebted(protocol, asset, tokens=13)  # counts 1,170
    protocol.set_price(1_880 * WAD)
    protocol.decrease(debtor)
    asset.push_pool_to(88 * WAD)
    with boa.reverts("forced_sales: nothing can be sold now"):
        protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
    asset.set_price(88 * WAD)
    protocol.cover(debtor)
    assert 0 < fund - protocol.fund.reserves() < 80 * WAD
    protocol.waterfall.sell_collateral(id_of(debtor), sender=protocol.liquidator)
    assert protocol.collateral(debtor) >= 0
    assert protocol.fund.reserves() > fund - 10 * WAD  # the lien came back out of the haircut
    check_assets(protocol, [asset], [debtor])
    protocol.check_books()


def test_a_whale_that_owes_closes_nobody_s_withdrawals(build):
    """Debt beyond the fund, assets beyond the debt: others leave, however slowly the pool takes them."""
    protocol = build(fund=1_000)
    asset = Asset(protocol, liquidity=100_000)
    other = protocol.account("other", 100)
    whale = protocol.account("whale", 100)
    asset.deposit(whale, 1_000 * asset.unit)
    protocol.increase(whale, 100 * WAD)
    protocol.set_price(1_900 * WAD)
    protocol.decrease(whale)
    assert protocol.ledger.pending_deficit() >= 9_900 * WAD > protocol.fund.reserves()
    protocol.withdraw(other, units(100))
