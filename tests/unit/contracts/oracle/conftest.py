from __future__ import annotations

from types import SimpleNamespace

import boa
import pytest

from tests.support.oracle_driver import HEARTBEAT, START_PRICE, START_VARIANCE, OracleDriver


@pytest.fixture(autouse=True)
def _isolated():
    with boa.env.anchor():
        yield


@pytest.fixture(scope="session")
def owner():
    return boa.env.generate_address("owner")


@pytest.fixture(scope="session")
def reporters():
    return [boa.env.generate_address(f"reporter {i}") for i in range(7)]


@pytest.fixture(scope="session")
def stranger():
    return boa.env.generate_address("stranger")


@pytest.fixture
def make_oracle(owner, reporters):
    return lambda **changes: OracleDriver(owner, reporters, **changes)


@pytest.fixture
def oracle(make_oracle):
    """Three reporters that have just said the starting price, one block after listing."""
    driver = make_oracle()
    driver.wait(12)
    driver.report_all(START_PRICE)
    return driver


@pytest.fixture
def constants():
    return SimpleNamespace(price=START_PRICE, variance=START_VARIANCE, heartbeat=HEARTBEAT)
