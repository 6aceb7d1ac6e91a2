import numpy as np
import pytest

from sim.agents.liquidity_provider import ExitTerms, LiquidityProviders, LiquidityProvidersSection
from sim.core.units import WAD

DEPOSIT = 1_000_003
ALL_SHARES = DEPOSIT * 10**6
TERMS = ExitTerms(wait_seconds=120, window_seconds=600)


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
        terms=TERMS,
    )


def worth(make_state, make_protocol, assets, block=100):
    return make_state(8, block=block, protocol=make_protocol(pool_assets=int(assets) * WAD))


def test_nobody_leaves_before_the_threshold(make_state, make_protocol, draws):
    providers = group()
    for block, assets in enumerate([1_000_000, 990_000, 951_000] * 50):
        assert providers.decide(worth(make_state, make_protocol, assets, block), draws) == []


def until_asked(providers, make_state, make_protocol, draws, assets):
    """Let them see a loss until somebody asks to leave; return the batch and its block."""
    for block in range(1, 100):
        batches = providers.decide(worth(make_state, make_protocol, assets, block), draws)
        if batches:
            return batches, block
    raise AssertionError("nobody ran")


def test_loss_beyond_the_threshold_starts_a_run_of_partial_exits(make_state, make_protocol, draws, settle):
    providers = group()
    held = providers.shares
    providers.decide(worth(make_state, make_protocol, 1_000_000, 0), draws)
    (first,), _ = until_asked(providers, make_state, make_protocol, draws, 900_000)
    assert first.kind == "liquidity_pool.request_exit"
    row = int(first.actors[0])
    assert first.args[0][0] == held[row] // 2
    providers.observe(settle([first]))
    assert providers.shares[row] == held[row] - held[row] // 2
    assert providers.waiting[row] == held[row] // 2


def alone(make_state, make_protocol, draws, settle):
    """Return a provider who has asked to leave with all, and the time at which it may."""
    providers = group(count=1, withdraw_share=1.0)
    providers.decide(worth(make_state, make_protocol, 1_000_000, 0), draws)
    asked, _ = until_asked(providers, make_state, make_protocol, draws, 900_000)
    providers.observe(settle(asked))
    assert providers.waiting == (ALL_SHARES,)
    return providers, providers._ready_at[0]


def at(make_state, make_protocol, timestamp):
    return make_state(8, block=500, timestamp=timestamp, protocol=make_protocol(pool_assets=900_000 * WAD))


def test_who_asked_redeems_when_its_wait_is_over_and_not_before(make_state, make_protocol, draws, settle):
    providers, ready = alone(make_state, make_protocol, draws, settle)
    assert providers.decide(at(make_state, make_protocol, ready - 1), draws) == []
    (batch,) = providers.decide(at(make_state, make_protocol, ready), draws)
    assert (batch.kind, batch.args[0]) == ("liquidity_pool.redeem", [ALL_SHARES])
    assert providers.decide(at(make_state, make_protocol, ready + 12), draws) == []  # on its way
    providers.observe(settle([batch]))
    assert providers.waiting == (0,)


def test_who_was_refused_waits_for_half_of_the_window(make_state, make_protocol, draws, settle):
    providers, ready = alone(make_state, make_protocol, draws, settle)
    providers.observe(
        settle(providers.decide(at(make_state, make_protocol, ready), draws), status="reverted")
    )
    half = ready + TERMS.window_seconds // 2
    assert providers.decide(at(make_state, make_protocol, half - 1), draws) == []
    (batch,) = providers.decide(at(make_state, make_protocol, half), draws)
    assert batch.kind == "liquidity_pool.redeem"


def test_who_missed_the_window_asks_anew_without_further_shares(make_state, make_protocol, draws, settle):
    providers, ready = alone(make_state, make_protocol, draws, settle)
    late = ready + TERMS.window_seconds
    (batch,) = providers.decide(at(make_state, make_protocol, late), draws)
    assert batch.kind == "liquidity_pool.redeem"
    providers.observe(settle([batch], status="expired"))
    (batch,) = providers.decide(at(make_state, make_protocol, late + 1), draws)
    assert (batch.kind, batch.args[0]) == ("liquidity_pool.request_exit", [0])
    providers.observe(settle([batch], block=500))
    assert providers.waiting == (ALL_SHARES,)
    assert providers._ready_at[0] == late + 1 + TERMS.wait_seconds


def test_own_withdrawals_are_no_loss(make_state, make_protocol, draws, settle):
    providers = group(run_loss_threshold=0.02)
    total = sum(providers.shares)
    providers.decide(worth(make_state, make_protocol, 1_000_000, 0), draws)
    out, block = [], 0
    while not out:
        block += 1
        out = providers.decide(worth(make_state, make_protocol, 970_000, block), draws)
    providers.observe(settle(out))
    waits = max(providers._ready_at)
    out = providers.decide(
        make_state(8, block=block, timestamp=waits, protocol=make_protocol(pool_assets=970_000 * WAD)), draws
    )
    providers.observe(settle([batch for batch in out if batch.kind.endswith("redeem")]))
    left = 970_000 * (sum(providers.shares) + sum(providers.waiting)) // total
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


def test_fund_stakers_ask_the_fund(make_state, make_protocol, draws):
    providers = group(vault="insurance_fund", run_rate_per_hour=100.0)
    reserves = [100, *[50] * 29]
    states = [
        make_state(8, block=block, protocol=make_protocol(fund_reserves=amount * WAD))
        for block, amount in enumerate(reserves)
    ]
    batches = [batch for state in states for batch in providers.decide(state, draws)]
    assert {batch.kind for batch in batches} == {"insurance_fund.request_exit"}
