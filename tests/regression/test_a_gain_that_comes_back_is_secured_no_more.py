"""What a debtor's own assets were to cover was not looked at again when a gain that was held repaid its debt.

So they went on counting for a debt that was gone, and withdrawals stayed open over another one that nobody
covered. Now a gain that comes back is looked at, whoever lets it come back.
"""

from __future__ import annotations

import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import Asset, check_assets
from tests.support.protocol import Protocol, id_of, isolated


@pytest.fixture
def owing():
    """A winner whose gain is held, who lost more than it had on the other side; its assets cover that."""
    with isolated():
        protocol = Protocol(fund=0, fund_target=0)
        asset = Asset(protocol)
        loser = protocol.account("loser", 1_050)
        protocol.increase(loser, 10 * WAD)
        winner = protocol.account("winner", 10_000)
        asset.deposit(winner, 30 * asset.unit)
        protocol.increase(winner, -10 * WAD)
        protocol.set_price(1_800 * WAD)
        protocol.decrease(loser)
        protocol.decrease(winner)
        assert protocol.held(winner).amount >= 950 * WAD
        protocol.increase(winner, -61 * WAD)
        protocol.set_price(2_000 * WAD)
        protocol.decrease(winner)
        assert protocol.waterfall.secured_of(id_of(winner)) == -protocol.collateral(winner) > 1_100 * WAD
        yield protocol, asset, loser, winner


def test_a_release_is_looked_at(owing):
    protocol, asset, loser, winner = owing
    protocol.deposit(loser, 1_000 * 10**6)
    protocol.release(winner)
    assert 0 < -protocol.collateral(winner) < 300 * WAD
    assert protocol.waterfall.secured_of(id_of(winner)) == -protocol.collateral(winner)
    other = protocol.account("other", 1_050)
    protocol.increase(other, 10 * WAD)
    protocol.set_price(1_850 * WAD)
    protocol.decrease(other)
    assert not protocol.waterfall.withdrawals_open()  # nobody covers what it owes
    check_assets(protocol, [asset], [loser, winner, other])


def test_what_is_used_of_it_is_looked_at(owing):
    """Whoever lets a winner's held gain pay first gives it what was freed."""
    protocol, asset, loser, winner = owing
    protocol.deposit(loser, 500 * 10**6)
    owed = -protocol.collateral(winner)
    protocol.deleverage(loser, [winner])
    assert 0 < -protocol.collateral(winner) < owed
    assert protocol.waterfall.secured_of(id_of(winner)) == -protocol.collateral(winner)
    check_assets(protocol, [asset], [loser, winner])
