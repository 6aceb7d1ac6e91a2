"""Properties of ERC-4626 and ERC-20 that suites written elsewhere state, on the shares of pool and fund.

After a16z's property tests of ERC-4626 (26, by their names) and Crytic's of ERC-20 (those of a token without
burning or pausing, some together); each is a test here or has the reason why it does not apply.

Shares leave both vaults through a queue, and deposits into a pool with positions wait, so that `withdraw` and
`redeem` are of what has waited: `maxRedeem` is what may be claimed. Where a suite asks what `redeem` takes
from a balance, here it comes out of the queue.

Drawn: whose shares, how many, what lies in the vault per share (losses of the fund, a trader's gains and
losses of the pool), allowances. `_delta_` of the suite is zero.
"""

from __future__ import annotations

from collections.abc import Callable

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import WAD
from tests.support.protocol import Protocol, isolated, units

ZERO = "0x" + "00" * 20
MOST = 2**256 - 1
SOME = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AMOUNT = st.one_of(st.integers(1, 10**13), st.sampled_from([1, 999_999, 10**6, 10**12 + 1]))

DOES_NOT_APPLY = {
    "RT_redeem_deposit": "the tokens of a redemption come after a wait, in which the price may move; without"
    " one it is RT_deposit_redeem in the other order, which `test_no_conversion_favours_the_caller` states",
    "RT_redeem_mint": "likewise",
    "RT_withdraw_mint": "likewise",
    "RT_withdraw_deposit": "likewise",
}


class Vault:
    """One vault in a drawn state, two holders, and what a property draws."""

    def __init__(self, protocol: Protocol, key: str, data: st.DataObject) -> None:
        self.protocol, self.key, self.data = protocol, key, data
        self.vault = getattr(protocol, key)
        self.token = protocol.token
        self.alice, self.bob = (boa.env.generate_address(name) for name in ("alice", "bob"))
        for person in (self.alice, self.bob):
            self.token.mint(person, 10**15)
            self.token.approve(self.vault.address, MOST, sender=person)
        if key == "fund":
            lost = data.draw(st.integers(0, 999_999), "lost")
            self.vault.draw(lost * WAD, protocol.owner, sender=protocol.owner)
        else:
            protocol.set_price(data.draw(st.integers(1_800, 2_200), "price") * WAD)
            protocol.decrease(protocol.accounts[0])

    def amount(self, most: int | None = None) -> int:
        value = self.data.draw(AMOUNT, "amount")
        return value if most is None else 1 + value % most

    def shares_of(self, person: str) -> int:
        return int(self.vault.deposit(units(1_000) + self.amount(), person, sender=person))

    def waited(self, person: str) -> int:
        """Let a holder's shares wait until they may leave; return how many."""
        self.shares_of(person)
        shares = self.protocol.request(self.vault, person)
        self.protocol.wait(self.vault.exit_request(person).ready_at - boa.env.timestamp)
        self.protocol.report_again()
        return int(shares)


@pytest.fixture(scope="module")
def built():
    with isolated():
        protocol = Protocol()
        protocol.fund.set_drawer(protocol.owner, True, sender=protocol.owner)
        protocol.increase(protocol.account("trader", 1_000_000), 1_000 * WAD)
        yield protocol


# ERC-4626


def asset(v: Vault) -> None:
    assert v.vault.asset() == v.token.address


def total_assets(v: Vault) -> None:
    assert v.vault.totalAssets(sender=ZERO) <= v.token.balanceOf(v.vault.address)


def convert_to_shares(v: Vault) -> None:
    x = v.amount()
    assert v.vault.convertToShares(x, sender=v.alice) == v.vault.convertToShares(x, sender=v.bob)


def convert_to_assets(v: Vault) -> None:
    x = v.amount()
    assert v.vault.convertToAssets(x, sender=v.alice) == v.vault.convertToAssets(x, sender=v.bob)


def max_deposit(v: Vault) -> None:
    assert v.vault.maxDeposit(v.bob, sender=v.alice) == MOST
    v.vault.deposit(v.token.balanceOf(v.alice), v.bob, sender=v.alice)


def max_mint(v: Vault) -> None:
    assert v.vault.maxMint(v.bob, sender=v.alice) == MOST


def preview_deposit(v: Vault) -> None:
    x = v.amount() + 10**6
    assert v.vault.previewDeposit(x, sender=v.bob) == v.vault.deposit(x, v.bob, sender=v.alice)


def preview_mint(v: Vault) -> None:
    x = v.amount() + 10**6
    assert v.vault.previewMint(x, sender=v.bob) == v.vault.mint(x, v.bob, sender=v.alice)


def deposit(v: Vault) -> None:
    before, x = v.token.balanceOf(v.alice), units(1) + v.amount()
    shares = v.vault.deposit(x, v.bob, sender=v.alice)
    assert before - v.token.balanceOf(v.alice) == x
    assert v.vault.balanceOf(v.bob) == shares


def mint(v: Vault) -> None:
    before, x = v.token.balanceOf(v.alice), v.amount()
    assets = v.vault.mint(x, v.bob, sender=v.alice)
    assert before - v.token.balanceOf(v.alice) == assets
    assert v.vault.balanceOf(v.bob) == x


def max_withdraw(v: Vault) -> None:
    v.waited(v.alice)
    most = v.vault.maxWithdraw(v.alice, sender=v.bob)
    v.vault.withdraw(most, v.alice, v.alice, sender=v.alice)
    assert v.vault.maxWithdraw(v.bob) == 0


def max_redeem(v: Vault) -> None:
    shares = v.waited(v.alice)
    assert v.vault.maxRedeem(v.alice, sender=v.bob) == shares == v.vault.exit_request(v.alice).shares
    v.vault.redeem(shares, v.alice, v.alice, sender=v.alice)


def preview_withdraw(v: Vault) -> None:
    v.waited(v.alice)
    x = v.amount(v.vault.maxWithdraw(v.alice))
    assert v.vault.previewWithdraw(x, sender=v.bob) == v.vault.withdraw(x, v.bob, v.alice, sender=v.alice)


def preview_redeem(v: Vault) -> None:
    x = v.waited(v.alice) - v.amount(10**6)
    assert v.vault.previewRedeem(x, sender=v.bob) == v.vault.redeem(x, v.bob, v.alice, sender=v.alice)


def withdraw(v: Vault) -> None:
    waits = v.waited(v.alice)
    x, before = v.amount(v.vault.maxWithdraw(v.alice)), v.token.balanceOf(v.bob)
    v.vault.approve(v.bob, waits, sender=v.alice)
    burned = v.vault.withdraw(x, v.bob, v.alice, sender=v.bob)
    assert v.token.balanceOf(v.bob) - before == x
    assert v.vault.exit_request(v.alice).shares == waits - burned
    assert v.vault.allowance(v.alice, v.bob) == waits - burned


def withdraw_without_allowance(v: Vault) -> None:
    v.waited(v.alice)
    with boa.reverts("token: allowance too low"):
        v.vault.withdraw(v.vault.maxWithdraw(v.alice), v.bob, v.alice, sender=v.bob)


def redeem(v: Vault) -> None:
    waits, before = v.waited(v.alice), v.token.balanceOf(v.bob)
    v.vault.approve(v.bob, waits, sender=v.alice)
    assets = v.vault.redeem(waits, v.bob, v.alice, sender=v.bob)
    assert v.token.balanceOf(v.bob) - before == assets
    assert v.vault.exit_request(v.alice).shares == v.vault.allowance(v.alice, v.bob) == 0


def redeem_without_allowance(v: Vault) -> None:
    waits = v.waited(v.alice)
    with boa.reverts("token: allowance too low"):
        v.vault.redeem(waits, v.bob, v.alice, sender=v.bob)


def rt_deposit_redeem(v: Vault) -> None:
    x = units(1) + v.amount()
    v.vault.deposit(x, v.alice, sender=v.alice)
    assert v.protocol.leave(v.vault, v.alice) <= x


def rt_deposit_withdraw(v: Vault) -> None:
    x = units(1) + v.amount()
    shares = v.vault.deposit(x, v.alice, sender=v.alice)
    assert v.vault.previewWithdraw(x) >= shares


def rt_mint_withdraw(v: Vault) -> None:
    shares = 10**12 + v.amount()
    assets = v.vault.mint(shares, v.alice, sender=v.alice)
    assert v.vault.previewWithdraw(assets) >= shares


def rt_mint_redeem(v: Vault) -> None:
    shares = 10**12 + v.amount()
    assets = v.vault.mint(shares, v.alice, sender=v.alice)
    assert v.protocol.leave(v.vault, v.alice) <= assets


# ERC-20


def constant_supply(v: Vault) -> None:
    shares, supply = v.shares_of(v.alice), v.vault.totalSupply()
    v.vault.transfer(v.bob, shares // 2, sender=v.alice)
    v.protocol.request(v.vault, v.bob)
    v.vault.cancel_exit(sender=v.bob)
    assert v.vault.totalSupply() == supply


def balances_sum_to_the_supply(v: Vault) -> None:
    v.waited(v.alice)
    v.shares_of(v.bob)
    holders = (
        v.alice,
        v.bob,
        v.vault.address,
        v.protocol.liquidity_provider,
        v.protocol.fund_backer,
    )
    assert sum(v.vault.balanceOf(holder) for holder in holders) == v.vault.totalSupply()


def zero_address(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    v.vault.approve(v.bob, shares, sender=v.alice)
    with boa.reverts("token: zero receiver"):
        v.vault.transfer(ZERO, shares, sender=v.alice)
    with boa.reverts("token: zero receiver"):
        v.vault.transferFrom(v.alice, ZERO, shares, sender=v.bob)
    with boa.reverts("token: zero receiver"):
        v.vault.deposit(units(1), ZERO, sender=v.alice)
    assert v.vault.balanceOf(ZERO) == 0


def self_transfer(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    v.vault.approve(v.alice, shares, sender=v.alice)
    assert v.vault.transfer(v.alice, shares, sender=v.alice)
    assert v.vault.transferFrom(v.alice, v.alice, shares, sender=v.alice)
    assert v.vault.balanceOf(v.alice) == shares


def more_than_the_balance(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    v.vault.approve(v.bob, MOST, sender=v.alice)
    with boa.reverts("token: balance too low"):
        v.vault.transfer(v.bob, shares + v.amount(), sender=v.alice)
    with boa.reverts("token: balance too low"):
        v.vault.transferFrom(v.alice, v.bob, shares + v.amount(), sender=v.bob)


def zero_amount(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    assert v.vault.transfer(v.bob, 0, sender=v.alice)
    assert v.vault.transferFrom(v.alice, v.bob, 0, sender=v.bob)
    assert (v.vault.balanceOf(v.alice), v.vault.balanceOf(v.bob)) == (shares, 0)


def transfer(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    x = v.amount(shares)
    assert v.vault.transfer(v.bob, x, sender=v.alice)
    assert (v.vault.balanceOf(v.alice), v.vault.balanceOf(v.bob)) == (shares - x, x)


def transfer_from(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    x = v.amount(shares)
    v.vault.approve(v.bob, x, sender=v.alice)
    assert v.vault.transferFrom(v.alice, v.bob, x, sender=v.bob)
    assert (v.vault.balanceOf(v.alice), v.vault.balanceOf(v.bob)) == (shares - x, x)
    with boa.reverts():
        v.vault.transferFrom(v.alice, v.bob, 1, sender=v.bob)


def allowance(v: Vault) -> None:
    for x in (v.amount(), v.amount()):
        assert v.vault.approve(v.bob, x, sender=v.alice)
        assert v.vault.allowance(v.alice, v.bob) == x


def allowance_is_spent(v: Vault) -> None:
    shares = v.shares_of(v.alice)
    for given_, left in ((shares + 5, 6), (MOST, MOST)):
        v.vault.approve(v.bob, given_, sender=v.alice)
        v.vault.transferFrom(v.alice, v.alice, shares - 1, sender=v.bob)
        assert v.vault.allowance(v.alice, v.bob) == left


PROPERTIES: dict[str, Callable[[Vault], None]] = {
    "asset": asset,
    "totalAssets": total_assets,
    "convertToShares": convert_to_shares,
    "convertToAssets": convert_to_assets,
    "maxDeposit": max_deposit,
    "previewDeposit": preview_deposit,
    "deposit": deposit,
    "maxMint": max_mint,
    "previewMint": preview_mint,
    "mint": mint,
    "maxWithdraw": max_withdraw,
    "previewWithdraw": preview_withdraw,
    "withdraw": withdraw,
    "withdraw_2": withdraw_without_allowance,
    "maxRedeem": max_redeem,
    "previewRedeem": preview_redeem,
    "redeem": redeem,
    "redeem_2": redeem_without_allowance,
    "RT_deposit_redeem": rt_deposit_redeem,
    "RT_deposit_withdraw": rt_deposit_withdraw,
    "RT_mint_withdraw": rt_mint_withdraw,
    "RT_mint_redeem": rt_mint_redeem,
    "ERC20_constantSupply": constant_supply,
    "ERC20_userBalancesAreTheSupply": balances_sum_to_the_supply,
    "ERC20_zeroAddress": zero_address,
    "ERC20_selfTransfer": self_transfer,
    "ERC20_moreThanBalance": more_than_the_balance,
    "ERC20_zeroAmount": zero_amount,
    "ERC20_transfer": transfer,
    "ERC20_transferFrom": transfer_from,
    "ERC20_setAllowance": allowance,
    "ERC20_spendAllowance": allowance_is_spent,
}


def test_every_property_is_stated_or_has_a_reason():
    of_the_suite = {name for name in (*PROPERTIES, *DOES_NOT_APPLY) if not name.startswith("ERC20")}
    assert len(of_the_suite) == 26
    assert not PROPERTIES.keys() & DOES_NOT_APPLY.keys()


@pytest.mark.parametrize("key", ["pool", "fund"])
@pytest.mark.parametrize("name", PROPERTIES)
@SOME
@given(data=st.data())
def test_property(built, name, key, data):
    with isolated():
        PROPERTIES[name](Vault(built, key, data))


@SOME
@given(data=st.data())
def test_the_limits_tell_the_truth_while_traders_hold_positions(built, data):
    """A pool with positions: what is said to be none is refused, what is said to be some is given."""
    with isolated():
        pool, person = built.pool, boa.env.generate_address()
        built.token.mint(person, 10**15)
        built.token.approve(pool.address, MOST, sender=person)
        built.set_price(data.draw(st.integers(1_500, 2_500), "price") * WAD)
        assert pool.maxDeposit(person) == pool.maxMint(person) == 0
        with boa.reverts("pool: deposits wait"):
            pool.deposit(units(1), person, sender=person)
        with boa.reverts("pool: deposits wait"):
            pool.mint(10**12, person, sender=person)
        money = data.draw(AMOUNT, "money") + units(1)
        expected = pool.previewDeposit(money)
        pool.request_deposit(money, sender=person)
        assert pool.deposit_request(person)[:2] == (money, expected)
        built.wait(3_600)
        built.report_again()
        assert pool.claim_shares(person) <= expected
        assert pool.previewRedeem(expected) <= pool.previewMint(expected)
        provider = built.liquidity_provider
        built.request(pool, provider)
        built.wait(3_600)
        built.report_again()
        most = pool.maxWithdraw(provider)
        with boa.reverts("vault: not claimable"):
            pool.withdraw(most + 1, provider, provider, sender=provider)
        pool.withdraw(most, provider, provider, sender=provider)
        assert pool.maxWithdraw(provider) <= 1
