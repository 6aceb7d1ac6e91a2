"""Branched paths: the same past, an independent future, and the rare losses of a fund they lead to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.chain.chain import default_engine
from sim.core.errors import InputError, RunError
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.experiments.rare.branching import (
    SCORES,
    branching_path,
    fund_lost,
    guided,
    margin_used,
    price_fall,
)
from sim.experiments.rare.splitting import SplittingDesign, split
from tests.support.small_run import small_scenario

TINY = (
    "traders.0.count=20",
    "liquidators.count=2",
    "liquidity_providers.count=1",
    "arbitrageurs.count=1",
    "blocks=16",
)
KOU = 'markets.0.price={ kind = "kou", volatility = 3.0, jump_intensity = 100_000.0 }'


@pytest.fixture
def warm():
    store = WarmStarts()
    yield store
    store.close()


def finish(running):
    """Run a path to its end and return everything it leaves."""
    while not running.finished:
        running.step()
    loop = running.loop
    return (
        loop.reading.totals,
        loop.world.mirror.exact_collateral,
        loop.world.mirror.exact_size,
        loop.world.balances,
        loop.world.external[0].path.prices.tolist(),
        loop.world.external[0].state,
        len(loop.recorder.closes),
    )


@pytest.mark.parametrize("price", ["", KOU])
def test_a_path_left_alone_is_the_path(warm, price):
    scenario = small_scenario(*TINY, *([price] if price else []))
    outcome = run_path(scenario, PathOptions(path=2), warm)
    with branching_path(scenario, 2, fund_lost, warm=warm) as running:
        totals, *_, state, liquidations = finish(running)
    assert liquidations == outcome.summary["liquidations"]
    assert price or liquidations > 0
    assert totals.fund_reserves / 10**18 == outcome.summary["insurance_fund_end"]
    assert state.price == outcome.summary["price_end"]
    assert warm.built == 1


def test_branching_changes_nothing_on_the_path_itself(warm):
    scenario = small_scenario(*TINY)
    with branching_path(scenario, 2, fund_lost, warm=warm) as running:
        alone = finish(running)
    with branching_path(scenario, 2, fund_lost, warm=warm) as running:
        for _ in range(9):
            running.step()
        running.branch()
        assert finish(running) == alone


def test_offspring_share_the_past_and_nothing_after_it(warm):
    """Branched before, in and after the fall at block 8; interleaved, nested, and repeated."""
    scenario = small_scenario(*TINY)
    for block in (3, 8, 12):
        with branching_path(scenario, 1, price_fall, warm=warm) as running:
            for _ in range(block):
                running.step()
            before = running.loop.world.external[0].path.prices.copy()
            resume = running.branch()
            first = finish(resume(11))
            second = finish(resume(12))
            inner = resume(11)
            inner.step()
            again = inner.branch()
            finish(again(5))
            assert finish(resume(11)) == first
            assert first != second
        one, two = (np.array(found[4]) for found in (first, second))
        assert np.array_equal(one[: block + 1], before[: block + 1])
        assert np.array_equal(two[: block + 1], before[: block + 1])
        assert not np.any(one[block + 1 :] == two[block + 1 :])


def test_offspring_go_on_with_the_increments_of_their_own_path(warm):
    """Rebased: log returns after the branch are those of the offspring's fresh path, shocks included."""
    scenario = small_scenario(*TINY, 'markets.0.price={ kind = "gbm", volatility = 2.0 }')
    with branching_path(scenario, 1, price_fall, warm=warm) as running:
        for _ in range(5):
            running.step()
        offspring = running.branch()(77)
        world = offspring.loop.world
        fresh = offspring._builder.price_paths(world.streams)[0].prices
        found = world.external[0].path.prices
        assert world.streams.seed == 77
        assert world.mempool._streams is world.fee_market._streams is world.streams
    assert np.allclose(np.diff(np.log(found))[5:], np.diff(np.log(fresh))[5:], rtol=0.0, atol=1e-13)
    assert np.log(found[8] / found[7]) < -0.1  # the scripted fall of 16 % stays in block 8


def test_a_path_follows_only_what_goes_through_its_price(warm):
    scenario = small_scenario(*TINY)
    with branching_path(scenario, 0, price_fall, warm=warm) as running:
        running.step()
        market = running.loop.world.external[0]
        moved = type(market.path)(prices=market.path.prices * 1.01, published_at=market.path.published_at)
        with pytest.raises(RunError, match="must go through the price of block 1"):
            market.follow(moved)


@pytest.mark.parametrize("kind", ["garch_t", "bridge"])
def test_a_future_that_depends_on_the_past_is_refused(warm, kind):
    price = {
        "garch_t": '{ kind = "garch_t" }',
        "bridge": '{ kind = "bridge", waypoints = [[0, 2000.0], [9, 900.0]] }',
    }
    scenario = small_scenario(*TINY, f"markets.0.price={price[kind]}")
    with (
        pytest.raises(InputError, match=f"a path of kind {kind} cannot be branched"),
        branching_path(scenario, 0, fund_lost, warm=warm),
    ):
        pass


def test_scores_say_what_they_say(warm):
    scenario = small_scenario(*TINY)
    with branching_path(scenario, 1, fund_lost, warm=warm) as running:
        assert (fund_lost(running.loop), price_fall(running.loop)) == (0.0, 0.0)
        before = margin_used(running.loop)
        assert 0.0 < before < 1.0  # nobody is liquidatable at the start
        finish(running)
        loop = running.loop
        reserves = [reading.totals.fund_reserves for reading in (loop.first, loop.reading)]
        assert fund_lost(loop) == 1.0 - reserves[1] / reserves[0] > 0.5
        assert 0.1 < price_fall(loop) < 0.3
        for event, threshold, expected in ((fund_lost, 0.5, 1.0), (fund_lost, 1.5, price_fall(loop) / 0.5)):
            assert guided(event, threshold, price_fall, 0.5)(loop) == expected
        assert guided(fund_lost, 1.5, price_fall, 1e-3)(loop) < 1.0
    assert set(SCORES) == {"fund_lost", "price_fall", "margin_used"}


@pytest.mark.slow
@pytest.mark.skipif(default_engine() == "pyevm", reason="without a quick engine this takes minutes")
def test_splitting_finds_a_fund_s_losses_as_often_as_plain_paths_do(warm):
    """The event of moderate probability: the fund loses 1 % or more. Two estimates, 4.5 standard errors."""
    scenario = small_scenario(
        "traders.0.count=12", "traders.0.leverage.minimum=8.0", "traders.0.long_share=1.0",
        "traders.0.trades_per_day=0.0", "whales=[]", "liquidators.count=1", "liquidity_providers.count=1",
        "arbitrageurs.count=1", "shocks=[]", "blocks=10", "seconds_per_block=300",
        'markets.0.price={ kind = "gbm", volatility = 10.0 }', "protocol.insurance_fund.deposit=20000.0",
    )  # fmt: skip
    plain = []
    for path in range(10_000, 10_200):  # apart from the roots
        with branching_path(scenario, path, fund_lost, warm=warm) as running:
            worst = 0.0
            while not running.finished and worst < 0.01:
                running.step()
                worst = max(worst, running.score())
        plain.append(worst >= 0.01)
    score = guided(fund_lost, 0.01, price_fall, 0.25)
    design = SplittingDesign(levels=(0.3, 0.6, 1.0), offspring=(2, 3), roots=4)
    found = split(
        lambda number: branching_path(scenario, number, score, warm=warm),
        design,
        seed=scenario.seed,
        steps_of_a_path=scenario.blocks,
    )
    share = float(np.mean(plain))
    assert 0 < sum(plain) < 50
    assert found.reached[-1] > 10
    error = math.hypot(math.sqrt(share * (1 - share) / len(plain)), found.deviation / math.sqrt(20))
    assert abs(found.interval.mean - share) < 4.5 * error
    assert warm.built == 1
