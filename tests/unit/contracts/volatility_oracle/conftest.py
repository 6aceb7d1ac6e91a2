"""A price oracle with reporters, and the volatility oracle over it."""

from __future__ import annotations

import boa
import pytest

from tests.support.oracle_driver import START_PRICE, OracleDriver
from tests.support.volatility_driver import VolatilityDriver


@pytest.fixture(autouse=True)
def _isolated():
    with boa.env.anchor():
        yield


@pytest.fixture(scope="session")
def owner():
    return boa.env.generate_address("owner")


@pytest.fixture(scope="session")
def stranger():
    return boa.env.generate_address("stranger")


@pytest.fixture
def prices(owner):
    reporters = [boa.env.generate_address(f"reporter {i}") for i in range(3)]
    driver = OracleDriver(owner, reporters, heartbeat=10**6)
    driver.wait(12)
    driver.report_all(START_PRICE)
    return driver


@pytest.fixture
def volatility(prices, owner):
    return VolatilityDriver(prices, owner)
