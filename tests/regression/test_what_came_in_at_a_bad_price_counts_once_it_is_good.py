"""What was deposited while an asset's oracle was silent counted for nothing at its next silence too.

However long the oracle had spoken between: only another deposit made the registry forget. Whoever had come in
at the wrong time was liquidated for an oracle's silence. Now every check of the account's margin that finds
somebody behind the price takes note, and anybody may let the registry look.
"""

from __future__ import annotations

import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset, value_of
from tests.support.protocol import Protocol, id_of, isolated

WORTH = 18 * ASSET_PRICE
"""Of twenty tokens after the haircut."""


@pytest.fixture
def silent():
    """Somebody who came in while nobody stood for the price."""
    with isolated():
        protocol = Protocol()
        asset = Asset(protocol)
        trader = protocol.account("trader", 1_000)
        protocol.wait(86_401)
        protocol.report_again()
        asset.deposit(trader, 20 * asset.unit)
        assert value_of(protocol, trader) == 0
        yield protocol, asset, trader


LOOKS = {
    "a trade": lambda protocol, trader: protocol.increase(trader, WAD),
    "a withdrawal": lambda protocol, trader: protocol.withdraw(trader, 1),
    "anybody": lambda protocol, trader: protocol.assets.note_prices(
        id_of(trader), sender=protocol.liquidator
    ),
}


@pytest.mark.parametrize("look", ["a trade", "a withdrawal", "anybody"])
def test_a_look_while_the_oracle_speaks_is_enough(silent, look):
    protocol, asset, trader = silent
    protocol.increase(trader, WAD)  # no look at a price that nobody stands for
    assert value_of(protocol, trader) == 0
    asset.set_price(ASSET_PRICE)
    assert value_of(protocol, trader) == WORTH
    LOOKS[look](protocol, trader)
    protocol.wait(86_401)
    assert value_of(protocol, trader) == WORTH
    asset.deposit(trader, asset.unit)
    assert value_of(protocol, trader) == WORTH  # the new one has its own time to wait


def test_a_look_at_a_silent_oracle_is_none(silent):
    protocol, asset, trader = silent
    protocol.assets.note_prices(id_of(trader))
    assert value_of(protocol, trader) == 0
    asset.set_price(ASSET_PRICE)
    protocol.wait(86_401)
    protocol.assets.note_prices(id_of(trader))
    assert value_of(protocol, trader) == 0


def test_somebody_else_s_look_is_not_ones_own(silent):
    protocol, asset, trader = silent
    other = protocol.account("other")
    asset.set_price(ASSET_PRICE)
    asset.deposit(other, asset.unit)
    protocol.assets.note_prices(id_of(other))
    protocol.wait(86_401)
    assert value_of(protocol, trader) == 0
