"""What assets cost: nothing who has none, and a liquidation of the most of everything fits."""

from __future__ import annotations

from functools import partial

import pytest

from sim.reference.fixed_point import WAD
from tests.support.collateral import Asset
from tests.support.deployers import deploy
from tests.support.gas import cold_gas
from tests.support.protocol import Protocol, id_of, isolated
from tests.support.risk_parameters import ADAPTIVE

MOST = 4_000_000
"""Gas of a liquidation of the most positions and assets (issue 11)."""
FULL = {"z": 4 * WAD, "size_coefficient": WAD, "confidence_coefficient": WAD}


@pytest.fixture(scope="module")
def crowded():
    """Two accounts with eight positions, one with four assets besides."""

    with isolated():
        model = deploy("risk_models/AdaptiveRiskModel", "0x" + "11" * 20, tuple(vars_of(ADAPTIVE)))
        protocol = Protocol(markets=8, risk_model=model, liquidation={"fee_base": WAD // 1_000})
        assets = [Asset(protocol, decimals=decimals, changes=FULL) for decimals in (6, 8, 18, 18)]
        plain, rich = protocol.account("plain", 30_000), protocol.account("rich", 5_000)
        for asset in assets:
            asset.deposit(rich, 20 * asset.unit)
        protocol.wait(1)
        protocol.report_again()
        for market in range(8):
            for account in (plain, rich):
                protocol.increase(account, WAD, market=market)
        yield protocol, assets, plain, rich


def vars_of(parameters):
    """Return the words of a dataclass with slots."""
    return [getattr(parameters, name) for name in parameters.__slots__]


def test_a_liquidation_of_the_most_fits(crowded):
    protocol, _, _, rich = crowded
    for _ in range(5):
        for market in range(8):
            protocol.set_price(600 * WAD, market=market, wait=60 if market == 0 else 0)
    assert 500_000 < cold_gas(protocol.liquidation, lambda: protocol.liquidate(rich)) < MOST


def test_what_assets_add_to_a_check_is_the_same_for_every_position(crowded):
    protocol, _, plain, rich = crowded
    used = [
        cold_gas(protocol.risk, partial(protocol.risk.liquidation_account, id_of(account)))
        for account in (plain, rich)
    ]
    assert used[0] < used[1] < used[0] + 4 * 60_000
