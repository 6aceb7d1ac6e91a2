"""What a liquidation of the most of everything costs in portfolio mode: positions, pairs and assets.

In cross mode the most is in `tests/unit/contracts/collateral/test_gas.py`.
"""

from __future__ import annotations

from dataclasses import astuple

import boa
import pytest

from sim.reference import portfolio_math
from sim.reference.fixed_point import WAD
from tests.support.collateral import Asset
from tests.support.deployers import deploy, harness
from tests.support.gas import cold_gas
from tests.support.protocol import START_PRICE, START_VARIANCE, Protocol, id_of, isolated, logs_of
from tests.support.risk_parameters import ADAPTIVE, PORTFOLIO
from tests.support.volatility_driver import ESTIMATOR

MOST = 4_000_000
"""Gas of a liquidation of the most positions and assets."""
INTRINSIC = 21_000 + 16 * (4 + 2 * 32)
MARKETS = 8
MODE_PORTFOLIO = 2
PERIOD_SECONDS = 600
# In the order of `IVolatilityOracle.CorrelationParameters`: an estimate from the first two samples on.
CORRELATION = {
    "sample_seconds": PERIOD_SECONDS,
    "tau_seconds": 86_400,
    "max_return": WAD // 2,
    "least_sample_count": 1,
    "fall_per_hour": 100 * WAD,
    "expiry_seconds": 86_400,
}
FULL = {"z": 4 * WAD, "size_coefficient": WAD, "confidence_coefficient": WAD}
PAIRS = [(first, second) for second in range(MARKETS) for first in range(second)]


@pytest.fixture(scope="module")
def crowded():
    """A hedge of eight markets that all choose their variance, every pair estimated, over four assets."""
    with isolated():
        owner = boa.env.generate_address("designer")
        model = deploy("risk_models/AdaptiveRiskModel", owner, astuple(ADAPTIVE))
        protocol = Protocol(
            markets=MARKETS,
            risk_model=model,
            estimators=True,
            max_premium=WAD // 1_000,
            liquidation={
                "fee_base": WAD // 1_000,
                "min_bounty": 5 * WAD,
                "throttle_share_per_hour": 100 * WAD,  # on, and wide: the dearer path
            },
        )
        stated = [9 * WAD // 10] * portfolio_math.PAIRS
        words = tuple(PORTFOLIO.values())
        margin = deploy("PortfolioRiskModel", owner, protocol.volatility.address, stated, words)
        switch = harness("SwitchablePortfolioModel", margin.address)
        with boa.env.prank(protocol.owner):
            protocol.volatility.set_correlation(tuple(CORRELATION.values()))
            for market in range(MARKETS):
                protocol.volatility.add_market(START_VARIANCE, protocol.reporters[0])
                choice = ESTIMATOR | {"fast_weight": WAD, "expiry_seconds": 86_400}
                protocol.volatility.set_estimator(market, tuple(choice.values()))
            protocol.risk.set_portfolio_model(margin.address)
        sample(protocol)
        assets = [Asset(protocol, decimals=decimals, changes=FULL) for decimals in (6, 8, 18, 18)]
        rich = protocol.account("rich", 1_700)
        for asset in assets:
            asset.deposit(rich, 2 * asset.unit)
        protocol.desk.set_mode(0, MODE_PORTFOLIO, sender=rich)
        protocol.wait(1)
        protocol.report_again()
        for market in range(MARKETS):
            protocol.increase(rich, WAD if market % 2 == 0 else -WAD, market=market)
        for percent in (2, 4, 6, 8, 10):
            lose(protocol, percent)
        for market in range(MARKETS):
            protocol.volatility.update(market)
        yield protocol, rich, switch


def sample(protocol):
    """Let every pair be sampled three times, prices moving together but for their sizes."""
    for step in range(3):
        boa.env.time_travel(seconds=PERIOD_SECONDS - boa.env.timestamp % PERIOD_SECONDS - 1)
        for market in range(MARKETS):
            price = START_PRICE * (1_000 + (step % 2) * (1 + market % 3)) // 1_000
            protocol.set_price(price, market=market, wait=0)
        protocol.wait(1)
        for first, second in PAIRS:
            protocol.volatility.update_pair(first, second)
    assert all(protocol.volatility.correlation(*pair).valid_until > boa.env.timestamp for pair in PAIRS)


def lose(protocol, percent):
    """Let what is long lose and what is short rise by so many percent of its first price."""
    for market in range(MARKETS):
        change = 100 + (-percent if market % 2 == 0 else percent)
        protocol.set_price(START_PRICE * change // 100, market=market, wait=60 if market == 0 else 0)


def gas_of_a_liquidation(protocol, account):
    """Return what a liquidation costs as the first call of a transaction, with the intrinsic part."""
    return INTRINSIC + cold_gas(protocol.liquidation, lambda: protocol.liquidate(account))


def test_the_most_of_everything_fits(crowded):
    protocol, rich, _ = crowded
    assert protocol.open_markets(rich) == 2**MARKETS - 1
    assert protocol.ledger.assets_of(id_of(rich)).bit_count() == 4
    assert all(protocol.registry.market_snapshot(market).variance_range for market in range(MARKETS))
    with boa.env.anchor():
        used = gas_of_a_liquidation(protocol, rich)
        # Both sides of the hedge are closed, the one in part: two closes and two touches.
        assert len(logs_of(protocol.liquidation, "Liquidated")) == 2
    assert 1_700_000 < used < MOST  # 1,970,439


def test_it_fits_beside_a_portfolio_model_that_does_not_end(crowded):
    protocol, rich, switch = crowded
    with boa.env.anchor():
        protocol.risk.set_portfolio_model(switch.address, sender=protocol.owner)
        switch.set_fault(2)
        lose(protocol, 14)  # below the least that a model may ask
        used = gas_of_a_liquidation(protocol, rich)
    assert 2_500_000 < used < MOST  # 2,812,829
