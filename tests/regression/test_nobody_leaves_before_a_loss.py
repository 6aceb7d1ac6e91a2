"""S8: who comes and who leaves does so at a price that the others need not fear.

Class of inputs: sizes, prices before and after, and what is closed in between are drawn. Stated each time:
who comes gets out no more than he brought, and who leaves no more than who stays.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import WAD
from sim.reference.vault_math import VIRTUAL_ASSETS, VIRTUAL_SHARES
from tests.support.deployers import deployer
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import FUND, POOL, Protocol, isolated, units

FEW = settings(max_examples=10, deadline=None)
PRICES = st.integers(1_500, 2_500)
SIZES = st.integers(-5_000, 5_000).filter(bool)
RISK_INPUTS = len(FORMULA_HEAD.split("struct RiskInputs:")[1].split("\nstruct ")[0].strip().splitlines())
BROKEN = """
@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    assert block.timestamp < BROKEN_FROM, "off the table"
    return MarginRatios(initial=8 * 10**16, maintenance=4 * 10**16)
@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""


@pytest.fixture(scope="module")
def shared():
    """Two providers with five millions each, and a trader who is in no position yet."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0, pool=5_000_000)
        second = boa.env.generate_address("second provider")
        protocol.supply(protocol.pool, second, 5_000_000)
        yield protocol, second, protocol.account("trader", 1_050_000)


@pytest.fixture
def two(shared):
    with isolated():
        yield shared


@pytest.fixture
def build():
    with isolated():
        yield Protocol


def asked(protocol, vault, provider):
    """Put everything into the exit queue and wait until it is ready."""
    protocol.request(vault, provider)
    protocol.wait(vault.exit_request(provider).ready_at - boa.env.timestamp)


def bring(protocol, provider, quote):
    protocol.token.mint(provider, units(quote))
    protocol.token.approve(protocol.pool.address, units(quote), sender=provider)
    protocol.pool.request_deposit(units(quote), sender=provider)


@pytest.mark.parametrize("is_liquidated_first", [True, False])
@FEW
@given(size=SIZES, price=PRICES)
def test_who_leaves_gets_no_more_than_who_stays(shared, is_liquidated_first, size, price):
    """Losses beyond the trader's collateral among them: what cannot be collected is not paid out."""
    with isolated():
        protocol, second, trader = shared
        pool, first = protocol.pool, protocol.liquidity_provider
        protocol.increase(trader, size * WAD)
        protocol.request(pool, first)
        protocol.set_price(price * WAD, wait=3_600)
        closable = protocol.state(trader).equity < protocol.state(trader).maintenance_requirement
        if is_liquidated_first and closable:
            protocol.liquidate(trader)
        pool.redeem(pool.maxRedeem(first), first, first, sender=first)
        if not is_liquidated_first and closable:
            protocol.liquidate(trader)
        if protocol.position(trader).size:
            protocol.decrease(trader)
        if protocol.deficit(trader).recorded_at:
            protocol.wait(61)
            protocol.socialize(trader)
        protocol.check_books()
        left = pool.reserves() // 10**12
        assert protocol.token.balanceOf(first) <= left + 2
        assert pool.convertToAssets(pool.balanceOf(second)) == pytest.approx(left, abs=10**3)


@pytest.mark.parametrize("closes", [True, False])
@FEW
@given(size=SIZES, price=PRICES)
def test_a_deposit_before_a_reported_move_earns_nothing(shared, closes, size, price):
    """Whether or not the traders' losses are collected before the newcomer leaves."""
    with isolated():
        protocol, _, trader = shared
        pool, person = protocol.pool, boa.env.generate_address("newcomer")
        protocol.deposit(trader, units(10_000_000))
        protocol.increase(trader, size * WAD)
        bring(protocol, person, 5_000_000)  # the true price is another one already
        protocol.set_price(price * WAD)
        if closes:
            protocol.decrease(trader)
        protocol.wait(3_600)
        protocol.report_again()
        pool.claim_shares(person)
        received = protocol.leave(pool, person)
        assert received <= units(5_000_000)


def test_positions_at_one_price_move_no_share(two):
    """A premium that a trader pays on opening and gets back on closing is nobody's to leave with."""
    protocol, _, trader = two
    protocol.pool.set_pricing_terms(0, 50_000 * WAD, WAD // 40, sender=protocol.owner)
    protocol.deposit(trader, units(10_000_000))
    protocol.increase(trader, 100 * WAD)  # so that every price below is one of an exposed pool
    shares = 10**18
    exit, entry = protocol.pool.previewRedeem(shares), protocol.pool.previewMint(shares)
    protocol.increase(trader, 9_000 * WAD)
    assert protocol.pool.previewRedeem(shares) == pytest.approx(exit, abs=2)
    assert protocol.pool.previewMint(shares) == pytest.approx(entry, abs=2)
    assert protocol.pool.convertToAssets(shares) > exit + units(1_000)  # paper counts the premium


def test_the_average_price_binds_on_either_side(two):
    protocol, _, trader = two
    protocol.increase(trader, 1_000 * WAD)
    shares = 10**18
    protocol.set_price(2_200 * WAD)
    up = protocol.pool.previewRedeem(shares), protocol.pool.previewMint(shares)
    assert up[0] == pytest.approx(units(10_000_000 - 200_000) / 10, rel=1e-6)  # index is worse for the leaver
    assert up[1] > units(10_000_000 - 40_000) // 10  # and the average for who comes
    protocol.set_price(2_000 * WAD)
    down = protocol.pool.previewRedeem(shares)
    assert down < units(10_000_000 - 5_000) // 10  # the average has not come down yet


def test_what_who_comes_pays_for_claims_is_bounded_by_what_traders_have(two):
    protocol, _, trader = two
    protocol.increase(trader, 10_000 * WAD)
    protocol.set_price(1_500 * WAD)
    protocol.wait(40 * 3_600)
    protocol.report_again()
    assert protocol.pool.totalAssets() == pytest.approx(units(15_000_000), rel=1e-6)
    assert protocol.pool.previewMint(10**19) == pytest.approx(units(11_050_000), rel=1e-6)


@pytest.mark.parametrize("vault", ["pool", "fund"])
def test_the_wait_and_its_window_bind(vault, build):
    protocol = build()
    contract = getattr(protocol, vault)
    provider = protocol.liquidity_provider if vault == "pool" else protocol.fund_backer
    wait, window = (POOL if vault == "pool" else FUND).values()
    with isolated():
        shares = protocol.request(contract, provider)
        assert contract.balanceOf(provider) == 0
        protocol.wait(wait - 1)
        assert contract.maxRedeem(provider) == contract.maxWithdraw(provider) == 0
        with boa.reverts("vault: not claimable"):
            contract.redeem(shares, provider, provider, sender=provider)
        protocol.wait(1)
        assert contract.maxRedeem(provider) == shares
        protocol.wait(window)
        assert contract.maxRedeem(provider) == shares
        protocol.wait(1)
        assert contract.maxRedeem(provider) == contract.maxWithdraw(provider) == 0
        contract.request_exit(0, sender=provider)  # anew, with what waits already
        protocol.wait(wait)
        assert contract.redeem(shares, provider, provider, sender=provider) > 0


@pytest.mark.parametrize(
    ("vault", "changes"),
    [
        ("pool", {"queue_seconds": 7_200}),
        ("pool", {"exit_window_seconds": 600}),
        ("fund", {"cooldown_seconds": 14 * 86_400}),
        ("fund", {"exit_window_seconds": 3_600}),
    ],
)
def test_each_wait_alone_decides_who_may_leave(vault, changes, build):
    """At the same moment: within the default window, before a longer wait is over, after a shorter window."""
    protocol = build()
    contract = getattr(protocol, vault)
    provider = protocol.liquidity_provider if vault == "pool" else protocol.fund_backer
    defaults = POOL if vault == "pool" else FUND
    first = next(iter(defaults.values()))

    def may_leave(values):
        with isolated():
            words = tuple(values.values())
            target = (protocol.fund.target_reserves(),) if vault == "fund" else ()
            contract.set_parameters((*target, *words), sender=protocol.owner)
            protocol.request(contract, provider)
            protocol.wait(first + (1_400 if vault == "pool" else 3_601))
            return contract.maxRedeem(provider) > 0

    assert may_leave(defaults)
    assert not may_leave({**defaults, **changes})


def test_adding_to_what_waits_begins_the_wait_anew_and_nothing_of_others(build):
    """A request that is ready is no way out for further shares, be they of a second account."""
    protocol = build(pool=1_000)
    pool, first, second = protocol.pool, protocol.liquidity_provider, boa.env.generate_address("same owner")
    protocol.supply(pool, second, 1_000)
    pool.request_exit(1, sender=first)
    protocol.wait(3_600)
    pool.transfer(first, pool.balanceOf(second), sender=second)
    assert pool.maxRedeem(first) <= 1
    pool.request_exit(pool.balanceOf(first), sender=first)
    assert pool.maxRedeem(first) == 0
    others = boa.env.generate_address("others")
    protocol.supply(pool, others, 500)
    for dust in range(20):  # nobody's requests are in anybody's way
        person = boa.env.generate_address(f"dust {dust}")
        pool.transfer(person, 1, sender=others)
        pool.request_exit(1, sender=person)
    protocol.wait(3_600)
    assert pool.maxRedeem(first) == pool.exit_request(first).shares


def test_shares_that_cool_down_bear_losses(build):
    protocol = build(fund=1_000)
    drawer = boa.env.generate_address("drawer")
    protocol.fund.set_drawer(drawer, True, sender=protocol.owner)
    protocol.request(protocol.fund, protocol.fund_backer)
    protocol.wait(13 * 86_400 - 1)
    protocol.fund.draw(400 * WAD, drawer, sender=drawer)
    protocol.fund.set_drawer(drawer, False, sender=protocol.owner)  # exits do not ask for a drawer
    protocol.wait(1)
    assert protocol.fund.maxWithdraw(protocol.fund_backer) == pytest.approx(units(600), abs=1)


def test_a_stale_price_holds_an_exit_back_for_half_of_the_window(two):
    protocol, _, trader = two
    pool, first = protocol.pool, protocol.liquidity_provider
    protocol.increase(trader, 1_000 * WAD)
    protocol.set_price(2_100 * WAD)
    protocol.wait(90_000)  # stale
    asked(protocol, pool, first)
    assert not protocol.oracle.is_allowed(0, 1)
    assert pool.maxRedeem(first) == pool.maxWithdraw(first) == 0
    protocol.wait(1_800)
    assert not protocol.oracle.is_allowed(0, 1)
    worse = pool.previewRedeem(pool.maxRedeem(first))
    assert worse == pool.redeem(pool.maxRedeem(first), first, first, sender=first)
    assert worse <= units(5_000_000 - 50_000)  # at the worse of index and average


def test_a_deposit_waits_for_a_usable_price_and_may_be_taken_back_without_one(two):
    protocol, _, trader = two
    pool, person = protocol.pool, boa.env.generate_address("newcomer")
    protocol.increase(trader, 1_000 * WAD)
    bring(protocol, person, 1_000_000)
    with boa.reverts("pool: still waiting"):
        pool.cancel_deposit(1, sender=person)
    with boa.reverts("pool: still waiting"):
        pool.claim_shares(person)
    protocol.wait(90_000)
    with boa.reverts("pool: not claimable"):
        pool.claim_shares(person)
    assert units(1_000_000) - 2 <= pool.cancel_deposit(1, sender=person) <= units(1_000_000)
    with boa.reverts("vault: nothing waits"):
        pool.cancel_deposit(1, sender=person)
    with boa.reverts("vault: nothing waits"):
        pool.claim_shares(person)


def test_a_deposit_taken_back_after_a_loss_is_rounded_for_the_vault(two):
    protocol, _, trader = two
    pool, person = protocol.pool, boa.env.generate_address("newcomer")
    protocol.increase(trader, 1_000 * WAD)
    bring(protocol, person, 1_000_000)
    protocol.set_price(2_000 * WAD + 7 * WAD // 3)  # the trader gains, the pool loses
    protocol.wait(90_000)
    shares, supply = pool.deposit_request(person).shares, pool.totalSupply() + VIRTUAL_SHARES
    assets = pool.previewRedeem(pool.totalSupply()) + VIRTUAL_ASSETS
    assert shares * assets % supply != 0
    worth = shares * assets // supply
    with boa.reverts("pool: less than asked for"):
        pool.cancel_deposit(worth + 1, sender=person)
    assert pool.deposit_request(person).shares == shares
    assert pool.cancel_deposit(worth, sender=person) == worth < units(1_000_000)


def test_who_withdraws_names_the_least_that_will_do(two):
    """`redeem` takes what there is; `withdraw` names the assets, and burns no more shares than wait."""
    protocol, _, trader = two
    pool, first = protocol.pool, protocol.liquidity_provider
    protocol.increase(trader, 1_000 * WAD)
    asked(protocol, pool, first)
    protocol.report_again()
    hoped = pool.maxWithdraw(first)
    protocol.set_price(2_050 * WAD, wait=1)
    assert 0 < pool.maxWithdraw(first) < hoped
    with boa.reverts("vault: not claimable"):
        pool.withdraw(hoped, first, first, sender=first)
    assert pool.redeem(pool.maxRedeem(first), first, first, sender=first) < hoped


def test_the_moment_of_settling_a_deposit_is_not_for_its_owner_to_choose(two):
    """Anybody settles it when it is ready; later it waits anew, and can only be taken back meanwhile."""
    protocol, second, trader = two
    pool, person = protocol.pool, boa.env.generate_address("newcomer")
    protocol.increase(trader, 1_000 * WAD)
    bring(protocol, person, 1_000_000)
    bought = pool.deposit_request(person).shares
    protocol.wait(3_600)
    protocol.report_again()
    with boa.reverts("pool: claimable"):
        pool.cancel_deposit(1, sender=person)
    with isolated():
        assert pool.claim_shares(person, sender=second) == pool.balanceOf(person) <= bought
    protocol.wait(3_601)  # it let the window pass, to see what comes
    protocol.set_price(1_900 * WAD, wait=0)  # traders lose: shares cost more
    with boa.reverts("pool: not claimable"):
        pool.claim_shares(person)
    with isolated():
        assert units(1_000_000) - 2 <= pool.cancel_deposit(1, sender=person) <= units(1_000_000)
    pool.request_deposit(0, sender=person)  # with no more shares than it buys now
    again = pool.deposit_request(person)
    assert again.shares < bought
    assert again.assets == units(1_000_000)
    assert pool.balanceOf(pool.address) == again.shares
    protocol.wait(3_600)
    protocol.report_again()
    assert pool.claim_shares(person) <= again.shares


def test_exits_need_no_formula_no_fund_and_no_drawer(tmp_path):
    with isolated():
        protocol = Protocol(pool=1_000_000, fund=0)
        file = tmp_path / "Breaks.vy"
        file.write_text(FORMULA_HEAD + BROKEN.replace("BROKEN_FROM", str(boa.env.timestamp + 1_000)))
        model = deployer(file).deploy()
        protocol.registry.set_market(0, model.address, 10**24, sender=protocol.owner)
        protocol.increase(protocol.account("trader", 100_000), 100 * WAD)
        protocol.registry.poke(0)
        person = boa.env.generate_address("newcomer")
        bring(protocol, person, 1_000)
        before = protocol.pool.previewRedeem(10**17)
        protocol.request(protocol.pool, protocol.liquidity_provider)
        protocol.fund.set_drawer(protocol.ledger.address, False, sender=protocol.owner)
        protocol.desk.pause(sender=protocol.owner)
        protocol.wait(3_600)
        protocol.report_again()
        with boa.reverts("off the table"):
            model.margin_ratios((0,) * RISK_INPUTS)
        provider = protocol.liquidity_provider
        assert protocol.pool.previewRedeem(10**17) == pytest.approx(before, rel=1e-9)
        assert protocol.pool.redeem(protocol.pool.maxRedeem(provider), provider, provider, sender=provider)
        protocol.pool.claim_shares(person)
        assert protocol.pool.totalAssets() > 0
