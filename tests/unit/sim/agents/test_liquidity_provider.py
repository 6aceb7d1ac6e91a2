import numpy as np
import pytest

from sim.agents.liquidity_provider import LiquidityProviders, LiquidityProvidersSection
from sim.core.units import WAD

DEPOSIT = 1_000_003


def group(vault="liquidity_pool", **changes):
    section = LiquidityProvidersSection(**({"count": 4, "run_rate_per_hour": 60.0} | changes))
    part, rest = divmod(DEPOSIT * 10**6, section.count)
    return LiquidityProviders(
        section,
        range(section.count),
        name="liquidity_providers",
        vault=vault,
        deposit=float(DEPOSIT),
        shares=[part + (rest if row == 0 else 0) for row in range(section.count)],
    )


def worth(make_state, make_protocol, assets, block=100):
    return make_state(8, block=block, protocol=make_protocol(pool_assets=int(assets) * WAD))


def test_nobody_leaves_before_the_threshold(make_state, make_protocol, draws):
    providers = group()
    for block, assets in enumerate([1_000_000, 990_000, 951_000] * 50):
        assert providers.decide(worth(make_state, make_protocol, assets, block), draws) == []


def test_loss_beyond_the_threshold_starts_a_run_of_partial_redemptions(
    make_state, make_protocol, draws, settle
):
    providers = group()
    held = providers.shares
    providers.decide(worth(make_state, make_protocol, 1_000_000, 0), draws)
    first = None
    for block in range(1, 100):
        batches = providers.decide(worth(make_state, make_protocol, 900_000, block), draws)
        if batches:
            first = batches[0]
            break
    assert first is not None
    assert first.kind == "liquidity_pool.redeem"
    row = int(first.actors[0])
    assert first.args[0][0] == held[row] // 2
    providers.observe(settle([first]))
    assert providers.shares[row] == held[row] - held[row] // 2


def test_own_withdrawals_are_no_loss(make_state, make_protocol, draws, settle):
    providers = group(run_loss_threshold=0.02)
    total = sum(providers.shares)
    providers.decide(worth(make_state, make_protocol, 1_000_000, 0), draws)
    out, block = [], 0
    while not out:
        block += 1
        out = providers.decide(worth(make_state, make_protocol, 970_000, block), draws)
    providers.observe(settle(out))
    left = 970_000 * sum(providers.shares) // total
    recovered = left + 30_000  # the loss is made good; what was redeemed is not missing
    for later in range(block + 1, block + 200):
        assert providers.decide(worth(make_state, make_protocol, recovered, later), draws) == []


def test_hazard_has_the_documented_rate(make_state, make_protocol, draws):
    leaves = 0
    for block in range(500):
        providers = group(count=8)
        providers.decide(worth(make_state, make_protocol, 1_000_000, block), draws)
        leaves += sum(
            len(batch) for batch in providers.decide(worth(make_state, make_protocol, 900_000, block), draws)
        )
    expected = 1.0 - np.exp(-60.0 * 12 / 3_600)
    assert leaves / 4_000 == pytest.approx(expected, abs=4.5 * np.sqrt(expected / 4_000))


def test_no_rate_no_run(make_state, make_protocol, draws):
    providers = group(run_rate_per_hour=0.0)
    assert all(
        providers.decide(worth(make_state, make_protocol, assets, block), draws) == []
        for block, assets in enumerate([1_000_000, 100_000] * 20)
    )


def test_fund_stakers_redeem_fund_shares(make_state, make_protocol, draws):
    providers = group(vault="insurance_fund", run_rate_per_hour=100.0)
    reserves = [100, *[50] * 29]
    states = [
        make_state(8, block=block, protocol=make_protocol(fund_reserves=amount * WAD))
        for block, amount in enumerate(reserves)
    ]
    batches = [batch for state in states for batch in providers.decide(state, draws)]
    assert {batch.kind for batch in batches} == {"insurance_fund.redeem"}
