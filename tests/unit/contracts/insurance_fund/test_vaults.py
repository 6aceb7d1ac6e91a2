"""ERC-4626 behaviour of both vaults, the fund's and the pool's."""

from __future__ import annotations

import boa
import pytest

from sim.reference import vault_math
from sim.reference.fixed_point import QUANTUM
from tests.support.protocol import units

ZERO = "0x" + "00" * 20


@pytest.fixture(params=["fund", "pool"])
def vault(request, protocol):
    return getattr(protocol, request.param)


@pytest.fixture(params=["fund", "pool"])
def empty_vault(request, build):
    protocol = build(pool=0, fund=0)
    return protocol, getattr(protocol, request.param)


def fill(protocol, vault, name, token_units):
    backer = boa.env.generate_address(name)
    protocol.token.mint(backer, token_units)
    protocol.token.approve(vault.address, 2**256 - 1, sender=backer)
    return backer


def ready(protocol, vault, backer):
    protocol.request(vault, backer)
    protocol.wait(vault.exit_request(backer).ready_at - boa.env.timestamp)


def leave_if_worth_it(protocol, vault, backer):
    ready(protocol, vault, backer)
    shares = vault.maxRedeem(backer)
    if shares:
        vault.redeem(shares, backer, backer, sender=backer)


def test_metadata(protocol, vault):
    assert vault.asset() == protocol.token.address
    assert vault.decimals() == 12
    assert vault.name().startswith("Seawall")
    assert vault.symbol() in ("swIF", "swLP")
    assert vault.maxDeposit(protocol.owner) == vault.maxMint(protocol.owner) == 2**256 - 1
    for nobody in (ZERO, vault.address):
        assert vault.maxDeposit(nobody) == vault.maxMint(nobody) == 0


def test_deposit_and_redeem_return_what_was_put_in(protocol, vault):
    backer = fill(protocol, vault, "backer", units(100))
    expected = vault.previewDeposit(units(100))
    shares = vault.deposit(units(100), backer, sender=backer)
    assert shares == expected == vault.balanceOf(backer)
    assert vault.reserves() == protocol.wallet(vault)
    assert vault.maxRedeem(backer) == 0
    ready(protocol, vault, backer)
    assert vault.maxRedeem(backer) == shares
    assert vault.convertToAssets(shares) == vault.previewRedeem(shares) == units(100)
    assert vault.redeem(shares, backer, backer, sender=backer) == units(100)
    assert protocol.token.balanceOf(backer) == units(100)
    assert vault.balanceOf(backer) == 0


def test_mint_and_withdraw_are_the_mirror_image(protocol, vault):
    backer = fill(protocol, vault, "backer", units(100))
    shares = vault.convertToShares(units(60))
    assert vault.mint(shares, backer, sender=backer) == units(60)
    assert vault.maxWithdraw(backer) == 0
    ready(protocol, vault, backer)
    assert vault.maxWithdraw(backer) == units(60)
    burned = vault.withdraw(units(10), backer, backer, sender=backer)
    assert burned == shares // 6
    assert vault.balanceOf(backer) == 0
    assert vault.exit_request(backer).shares == shares - burned


def test_previews_are_what_happens(protocol, vault):
    backer = fill(protocol, vault, "backer", units(1_000))
    for amount in (1, 999_999, units(3) + 1):
        assert vault.previewDeposit(amount) == vault.deposit(amount, backer, sender=backer)
    shares = vault.balanceOf(backer)
    assert vault.previewMint(12_345_678) == vault.mint(12_345_678, backer, sender=backer)
    ready(protocol, vault, backer)
    assert vault.previewWithdraw(777) == vault.withdraw(777, backer, backer, sender=backer)
    assert vault.previewRedeem(shares // 3) == vault.redeem(shares // 3, backer, backer, sender=backer)


def test_more_than_is_ready_reverts(protocol, vault):
    backer = fill(protocol, vault, "backer", units(100))
    shares = vault.deposit(units(100), backer, sender=backer)
    with boa.reverts("vault: not claimable"):
        vault.redeem(1, backer, backer, sender=backer)
    with boa.reverts("token: balance too low"):
        vault.request_exit(shares + 1, sender=backer)
    ready(protocol, vault, backer)
    with boa.reverts("vault: not claimable"):
        vault.redeem(shares + 1, backer, backer, sender=backer)
    with boa.reverts("vault: not claimable"):
        vault.withdraw(units(100) + 1, backer, backer, sender=backer)


def test_nothing_for_nothing(protocol, vault):
    backer = fill(protocol, vault, "backer", units(1))
    for call in (vault.deposit, vault.mint):
        with boa.reverts("vault: zero shares"):
            call(0, backer, sender=backer)
        with boa.reverts("vault: receiver is the vault"):
            call(10**6, vault.address, sender=backer)
    with boa.reverts("vault: zero shares"):
        vault.request_exit(0, sender=backer)
    vault.deposit(units(1), backer, sender=backer)
    ready(protocol, vault, backer)
    with boa.reverts("vault: zero assets"):
        vault.redeem(999_999, backer, backer, sender=backer)  # less than a token unit
    with boa.reverts("vault: zero assets"):
        vault.withdraw(0, backer, backer, sender=backer)


def test_others_need_an_allowance(protocol, vault):
    backer = fill(protocol, vault, "backer", units(100))
    other = boa.env.generate_address("other")
    shares = vault.deposit(units(100), backer, sender=backer)
    ready(protocol, vault, backer)
    with boa.reverts("token: allowance too low"):
        vault.redeem(shares, other, backer, sender=other)
    vault.approve(other, shares // 2, sender=backer)
    vault.redeem(shares // 2, other, backer, sender=other)
    assert vault.allowance(backer, other) == 0
    assert protocol.token.balanceOf(other) == units(50)


def test_shares_are_a_token(protocol, vault):
    backer = fill(protocol, vault, "backer", units(100))
    other = boa.env.generate_address("other")
    shares = vault.deposit(units(100), backer, sender=backer)
    supply = vault.totalSupply()
    vault.transfer(other, shares // 4, sender=backer)
    vault.approve(other, 2**256 - 1, sender=backer)
    vault.transferFrom(backer, other, shares // 4, sender=other)
    assert vault.balanceOf(other) == shares // 4 * 2
    assert vault.totalSupply() == supply
    with boa.reverts("token: zero receiver"):
        vault.transfer(ZERO, 1, sender=other)
    with boa.reverts("token: balance too low"):
        vault.transfer(backer, shares, sender=other)


@pytest.mark.parametrize("first", [1, 1_000, 10**6])
@pytest.mark.parametrize("donation", [0, 10**6, 10**10, 10**13])
def test_inflating_the_first_share_does_not_pay(empty_vault, first, donation):
    protocol, vault = empty_vault
    attacker = fill(protocol, vault, "attacker", first + donation)
    victim = fill(protocol, vault, "victim", units(5_000))
    vault.deposit(first, attacker, sender=attacker)
    if donation:
        protocol.token.transfer(vault.address, donation, sender=attacker)
    shares = vault.deposit(units(5_000), victim, sender=victim)
    assert vault.convertToAssets(shares) >= units(5_000) - 1
    leave_if_worth_it(protocol, vault, attacker)
    assert protocol.token.balanceOf(attacker) <= first
    ready(protocol, vault, victim)
    vault.redeem(shares, victim, victim, sender=victim)
    assert protocol.token.balanceOf(victim) >= units(5_000) - 1


def test_a_donation_moves_no_price(protocol, vault):
    before = vault.totalAssets(), vault.convertToAssets(10**12), vault.reserves()
    protocol.token.mint(vault.address, units(123_456))
    assert (vault.totalAssets(), vault.convertToAssets(10**12), vault.reserves()) == before


def test_conversions_are_the_twin(protocol, vault):
    supply, assets = vault.totalSupply(), vault.totalAssets()
    assert vault.convertToShares(7_777_777) == vault_math.to_shares_down(7_777_777, supply, assets)
    assert vault.previewWithdraw(7_777_777) == vault_math.to_shares_up(7_777_777, supply, assets)
    assert vault.convertToAssets(7_777_777) == vault_math.to_assets_down(7_777_777, supply, assets)
    assert vault.previewMint(7_777_777) == vault_math.to_assets_up(7_777_777, supply, assets)
    assert vault.reserves() % QUANTUM == 0
