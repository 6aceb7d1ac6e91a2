from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.protocol import LIQUIDATION, merged


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("buffer", 10 * WAD + 1),
        ("fee_base", 5 * WAD // 100 + 1),
        ("fee_max", WAD // 2 + 1),
        ("fee_volatility_coefficient", 1_000 * WAD + 1),
        ("fee_shortfall_coefficient", 1_000 * WAD + 1),
        ("fee_maintenance_share", WAD),
        ("fee_equity_share", WAD + 1),
        ("volatility_reference", 0),
        ("volatility_reference", 100 * WAD + 1),
        ("bounty_share_base", WAD + 1),
        ("bounty_share_min", 8 * WAD // 10 + 1),
        ("bounty_share_max", WAD + 1),
        ("bounty_volatility_coefficient", 100 * WAD + 1),
        ("bounty_adequacy_coefficient", 100 * WAD + 1),
        ("min_bounty", 10_001 * WAD),
        ("throttle_share_per_hour", 1_000 * WAD + 1),
        ("backstop_ratio", WAD + 1),
        ("min_close_share", WAD + 1),
        ("max_close_impact", WAD // 10 + 1),
        ("max_close_impact", WAD // 100_000 - 1),
        ("backstop_close_impact", WAD + 1),
        ("average_price_band", WAD // 1_000 - 1),
        ("average_price_band", WAD + 1),
    ],
)
def test_every_bound_holds(protocol, field, value):
    with boa.reverts("liquidation_params: out of bounds"):
        protocol.set_liquidation(**{field: value})


def test_a_bounty_must_be_payable(protocol):
    with boa.reverts("liquidation_params: not whole quanta"):
        protocol.set_liquidation(min_bounty=1)


def test_only_the_owner_sets(protocol):
    with boa.reverts("access: not owner"):
        protocol.liquidation.set_parameters(merged(LIQUIDATION, {}), sender=protocol.liquidator)
    protocol.set_liquidation(buffer=WAD // 2)
    assert protocol.liquidation.parameters().buffer == WAD // 2


@pytest.mark.parametrize("position", range(7))
def test_zero_addresses_are_refused(protocol, position):
    around = [
        protocol.ledger,
        protocol.registry,
        protocol.risk,
        protocol.waterfall,
        protocol.pool,
        protocol.fund,
        protocol.desk,
    ]
    arguments = [contract.address for contract in around]
    arguments[position] = "0x" + "00" * 20
    module = (*["liquidation"] * 4, "liquidation_bounds", "liquidation_plans", "liquidation_bounds")[position]
    with boa.reverts(f"{module}: zero address"):
        deploy("LiquidationEngine", protocol.owner, *arguments, merged(LIQUIDATION, {}))
