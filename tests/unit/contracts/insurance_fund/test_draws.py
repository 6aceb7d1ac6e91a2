from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import QUANTUM, WAD
from tests.support.protocol import FUND, logs_of, units


@pytest.fixture
def drawer(protocol):
    drawer = boa.env.generate_address("drawer")
    protocol.fund.set_drawer(drawer, True, sender=protocol.owner)
    return drawer


@pytest.mark.parametrize(("asked", "paid"), [(1, 1), (1_000_000, 1_000_000), (2_000_000, 1_000_000)])
def test_a_draw_pays_at_most_the_reserves(protocol, drawer, asked, paid):
    recipient = boa.env.generate_address("recipient")
    assert protocol.fund.draw(asked * WAD, recipient, sender=drawer) == paid * WAD
    (event,) = logs_of(protocol.fund, "Drawn")
    assert (event.asked, event.paid, event.reserves) == (asked * WAD, paid * WAD, (1_000_000 - paid) * WAD)
    assert protocol.wallet(recipient) == paid * WAD
    assert protocol.fund.reserves() == protocol.wallet(protocol.fund) == (1_000_000 - paid) * WAD


def test_an_empty_fund_pays_nothing(build):
    protocol = build(fund=0)
    protocol.fund.set_drawer(protocol.owner, True, sender=protocol.owner)
    assert protocol.fund.draw(WAD, protocol.owner, sender=protocol.owner) == 0


def test_a_draw_lowers_the_share_price_and_a_contribution_raises_it(protocol, drawer):
    shares = protocol.fund.balanceOf(protocol.fund_backer)
    assert protocol.fund.convertToAssets(shares) == units(1_000_000)
    protocol.fund.draw(250_000 * WAD, drawer, sender=drawer)
    assert protocol.fund.convertToAssets(shares) == units(750_000)
    protocol.token.transfer(protocol.fund.address, units(100_000), sender=drawer)
    protocol.fund.contribute(100_000 * WAD, sender=drawer)
    assert protocol.fund.convertToAssets(shares) == units(850_000)
    assert protocol.fund.totalAssets() == units(850_000)


def test_a_contribution_must_have_arrived(protocol, drawer):
    with boa.reverts("vault: nothing received"):
        protocol.fund.contribute(QUANTUM, sender=drawer)


def test_amounts_are_whole_quanta(protocol, drawer):
    for call, arguments in ((protocol.fund.draw, (1, drawer)), (protocol.fund.contribute, (1,))):
        with boa.reverts("vault: not whole quanta"):
            call(*arguments, sender=drawer)


def test_only_registered_drawers(protocol, drawer):
    for caller in (protocol.owner, protocol.fund_backer, protocol.liquidator):
        with boa.reverts("fund: not drawer"):
            protocol.fund.draw(WAD, caller, sender=caller)
        with boa.reverts("fund: not drawer"):
            protocol.fund.contribute(WAD, sender=caller)
    protocol.fund.set_drawer(drawer, False, sender=protocol.owner)
    with boa.reverts("fund: not drawer"):
        protocol.fund.draw(WAD, drawer, sender=drawer)


def test_an_operator_gives_back_and_takes_nothing(protocol):
    operator = protocol.waterfall.address
    protocol.token.mint(protocol.fund.address, units(1))
    before = protocol.fund.reserves()
    protocol.fund.contribute(WAD, sender=operator)
    assert protocol.fund.reserves() == before + WAD
    with boa.reverts("fund: not drawer"):
        protocol.fund.draw(WAD, operator, sender=operator)


def test_only_the_owner_configures(protocol):
    waits = tuple(FUND.values())
    with boa.reverts("access: not owner"):
        protocol.fund.set_drawer(protocol.liquidator, True, sender=protocol.liquidator)
    with boa.reverts("access: not owner"):
        protocol.fund.set_parameters((0, *waits), sender=protocol.liquidator)
    protocol.fund.set_parameters((5 * WAD, *waits), sender=protocol.owner)
    assert protocol.fund.target_reserves() == 5 * WAD
    assert tuple(protocol.fund.parameters()) == (5 * WAD, *waits)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ((10**36 + 1, 3_600, 3_600), "fund: target out of bounds"),
        ((0, 3_599, 3_600), "fund: cool-down out of bounds"),
        ((0, 7_776_001, 3_600), "fund: cool-down out of bounds"),
        ((0, 3_600, 3_599), "fund: window out of bounds"),
        ((0, 3_600, 2_592_001), "fund: window out of bounds"),
    ],
)
def test_parameters_out_of_bounds_are_refused(protocol, parameters, reason):
    with boa.reverts(reason):
        protocol.fund.set_parameters(parameters, sender=protocol.owner)


def test_deposit_and_withdraw_around_a_draw_has_no_profit(protocol, drawer):
    backer = protocol.liquidator
    protocol.supply(protocol.fund, backer, 1_000_000)
    protocol.fund.draw(500_000 * WAD, drawer, sender=drawer)
    assert protocol.leave(protocol.fund, backer) == pytest.approx(units(750_000), abs=1)
