"""What can be done once: connecting what is deployed later, and sealing the governor."""

from __future__ import annotations

import boa
import pytest

from tests.support.deployers import deploy
from tests.support.protocol import FUND, NOBODY, POOL, logs_of

DAY = 86_400


@pytest.fixture
def owner():
    with boa.env.anchor():
        yield boa.env.generate_address("owner")


@pytest.fixture
def ledger(owner):
    return deploy("Ledger", owner, boa.env.generate_address("token"))


def test_the_ledger_is_connected_once(ledger, owner):
    pool, fund = boa.env.generate_address("pool"), boa.env.generate_address("fund")
    for addresses in ((NOBODY, fund), (pool, NOBODY)):
        with boa.reverts("connections: zero address"):
            ledger.connect(*addresses, sender=owner)
    ledger.connect(pool, fund, sender=owner)
    (event,) = logs_of(ledger, "Connected")
    assert (event.liquidity_pool, event.insurance_fund) == (pool, fund)
    assert (ledger.liquidity_pool(), ledger.insurance_fund()) == (pool, fund)
    with boa.reverts("connections: connected"):
        ledger.connect(fund, pool, sender=owner)


def test_the_pool_is_connected_once(ledger, owner):
    registry = boa.env.generate_address("registry")
    token, assets = boa.env.generate_address("token"), boa.env.generate_address("assets")
    pool = deploy("LiquidityPool", owner, token, ledger, assets, tuple(POOL.values()))
    with boa.reverts("pool: zero address"):
        pool.connect(NOBODY, sender=owner)
    pool.connect(registry, sender=owner)
    (event,) = logs_of(pool, "Connected")
    assert event.market_registry == pool.market_registry() == registry
    with boa.reverts("pool: connected"):
        pool.connect(boa.env.generate_address("another"), sender=owner)


def test_nothing_is_deployed_beside_nobody(ledger, owner):
    token, assets = boa.env.generate_address("token"), boa.env.generate_address("assets")
    for addresses, message in (
        ((token, NOBODY, assets), "pool: zero address"),
        ((token, ledger.address, NOBODY), "pool: zero address"),
        ((NOBODY, ledger.address, assets), "vault: zero asset"),
    ):
        with boa.reverts(message):
            deploy("LiquidityPool", owner, *addresses, tuple(POOL.values()))
    for addresses, message in (
        ((token, NOBODY, assets), "fund: zero address"),
        ((token, ledger.address, NOBODY), "fund: zero address"),
        ((NOBODY, ledger.address, assets), "vault: zero asset"),
    ):
        with boa.reverts(message):
            deploy("InsuranceFund", owner, *addresses, (0, *FUND.values()))
    with boa.reverts("connections: zero address"):
        deploy("Ledger", owner, NOBODY)
    with boa.reverts("access: zero owner"):
        deploy("Ledger", NOBODY, token)


def test_the_governor_is_sealed_once(owner):
    people = [boa.env.generate_address(name) for name in ("guardian", "registry", "desk")]
    governor = deploy("RiskGovernor", owner, *people, 2 * DAY, 7 * DAY)
    assert not governor.sealed()
    governor.seal(sender=owner)
    (event,) = logs_of(governor, "Sealed")
    assert event.owner == owner
    assert governor.sealed()
    with boa.reverts("governor: sealed"):
        governor.seal(sender=owner)
