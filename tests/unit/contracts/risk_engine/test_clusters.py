"""Declared accounts are asked at the size of all of them when they add risk or take collateral out."""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import pytest

from sim.reference import risk_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import Protocol, id_of, logs_of
from tests.support.risk_parameters import TIERED

TIERS = replace(TIERED, z=0, confidence_coefficient=0)
SIZE = 400 * WAD
"""800,000 at the start price: within the first tier, which ends at a million."""

FALLING = f"""{FORMULA_HEAD}
@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    ratio: uint256 = 2 * 10**17 - min(inputs.notional // 10**7, 10**17)
    return MarginRatios(initial=ratio, maintenance=10**16)
@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""
"""A designer's formula that asks larger positions for less."""


@pytest.fixture
def tiered(build) -> Protocol:
    owner = boa.env.generate_address("owner")
    return build(risk_model=deploy("risk_models/TieredRiskModel", owner, astuple(TIERS)))


def link(protocol: Protocol, *accounts: str, cluster: int = 7) -> None:
    for account in accounts:
        protocol.risk.set_cluster(id_of(account), cluster, sender=protocol.owner)


def ratio_at(notional: int) -> int:
    return risk_math.tier_ratio(notional, TIERS.lower, TIERS.initial)


def opened(protocol: Protocol, account: str, size: int = SIZE):
    """Let an account open; return the log of its check."""
    protocol.increase(account, size)
    (event,) = logs_of(protocol.desk, "MarginChecked")
    return event


def test_alone_each_is_asked_at_its_own_size(tiered):
    for name in ("first", "second"):
        event = opened(tiered, tiered.account(name, 200_000))
        assert event.ratio == ratio_at(event.notional) == TIERS.tier_1_initial


def test_linked_each_is_asked_at_the_size_of_all(tiered):
    accounts = [tiered.account(name, 200_000) for name in ("first", "second", "third")]
    link(tiered, *accounts)
    for count, account in enumerate(accounts, start=1):
        event = opened(tiered, account)
        assert event.ratio == ratio_at(count * 800_000 * WAD)
        assert event.requirement == event.ratio * 800_000
        counted = logs_of(tiered.desk, "ClusterCounted")
        assert [(c.account, c.cluster, c.market, c.notional) for c in counted] == (
            [(id_of(account), 7, 0, count * 800_000 * WAD)] if count > 1 else []
        )


def test_who_is_not_linked_and_who_is_on_the_other_side_do_not_count(tiered):
    first, other, stranger = (tiered.account(name, 200_000) for name in ("first", "other", "stranger"))
    link(tiered, first, other)
    opened(tiered, stranger)
    opened(tiered, other, -SIZE)
    assert opened(tiered, first).ratio == TIERS.tier_1_initial


def test_what_two_parts_can_open_alone_they_cannot_linked(tiered):
    """Both in the first tier need 16,000 each; at the size of both the second needs 25,000."""
    first, second = (tiered.account(name, 20_000) for name in ("first", "second"))
    with boa.env.anchor():
        opened(tiered, first)
        opened(tiered, second)
    link(tiered, first, second)
    opened(tiered, first)
    with boa.reverts("margin_checks: margin too low"):
        tiered.increase(second, SIZE)


def test_a_declaration_liquidates_nobody_and_holds_no_close_up(tiered):
    """True or not: those who are in must hold what they had to, and may always leave."""
    accounts = [tiered.account(name, 17_000) for name in ("first", "second", "third")]
    for account in accounts:
        opened(tiered, account)
    before = [tuple(tiered.state(account)) for account in accounts]
    link(tiered, *accounts)
    assert [tuple(tiered.state(account)) for account in accounts] == before
    for account in accounts:
        with boa.reverts("liquidation: healthy"):
            tiered.liquidate(account)
    tiered.decrease(accounts[0], SIZE // 2)
    tiered.decrease(accounts[0])
    tiered.withdraw(accounts[0], 16_999 * 10**6)
    tiered.check_books()


def test_what_is_above_the_requirement_of_all_can_be_taken_out_and_no_more(tiered):
    tiered.set_margin(withdraw_margin_ratio=0)
    first, second = (tiered.account(name, 100_000) for name in ("first", "second"))
    opened(tiered, first)
    opened(tiered, second)
    required = ratio_at(1_600_000 * WAD) * 800_000 // WAD
    assert required > 16_000
    with boa.env.anchor():
        tiered.withdraw(first, (100_000 - 16_001) * 10**6)
    link(tiered, first, second)
    with boa.reverts("margin_checks: margin too low"):
        tiered.withdraw(first, (100_000 - 16_001) * 10**6)
    tiered.withdraw(first, (100_000 - required - 1) * 10**6)
    link(tiered, second, cluster=0)
    tiered.withdraw(first, (required - 16_000) * 10**6)


def test_nobody_is_asked_for_less_because_others_hold_more(build):
    model = boa.loads(FALLING)
    protocol = build(risk_model=model)
    first, second = (protocol.account(name, 400_000) for name in ("first", "second"))
    link(protocol, first, second)
    alone = opened(protocol, first).ratio
    assert opened(protocol, second).ratio == alone
    assert logs_of(protocol.desk, "ClusterCounted") == []


def test_only_the_owner_links_and_each_account_is_in_one_cluster(tiered):
    first, second = id_of(tiered.account("first")), id_of(tiered.account("second"))
    with boa.reverts("access: not owner"):
        tiered.risk.set_cluster(first, 1, sender=tiered.accounts[0])
    with boa.reverts("clusters: nothing changes"):
        tiered.risk.set_cluster(first, 0, sender=tiered.owner)
    for account in (first, second):
        tiered.risk.set_cluster(account, 1, sender=tiered.owner)
    with boa.reverts("clusters: nothing changes"):
        tiered.risk.set_cluster(first, 1, sender=tiered.owner)
    assert tiered.risk.members_of(1) == [first, second]
    tiered.risk.set_cluster(first, 2, sender=tiered.owner)
    assert (tiered.risk.members_of(1), tiered.risk.members_of(2)) == ([second], [first])
    tiered.risk.set_cluster(second, 0, sender=tiered.owner)
    assert (tiered.risk.members_of(1), tiered.risk.cluster_of(second)) == ([], 0)


def test_a_cluster_holds_32_accounts(tiered):
    for account in range(1, 33):
        tiered.risk.set_cluster(account, 1, sender=tiered.owner)
    with boa.reverts("clusters: too many accounts"):
        tiered.risk.set_cluster(33, 1, sender=tiered.owner)
    tiered.risk.set_cluster(5, 0, sender=tiered.owner)
    tiered.risk.set_cluster(33, 1, sender=tiered.owner)
    assert sorted(tiered.risk.members_of(1)) == [n for n in range(1, 34) if n != 5]
