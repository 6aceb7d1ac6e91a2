import numpy as np
import pytest

from sim.agents.population import (
    FixedLeverage,
    FixedSize,
    LognormalLeverage,
    UniformLeverage,
)
from sim.agents.trader_cohort import TRADERS, TraderSection
from sim.core.rng import Streams


def build(seed=1, **changes):
    section = TraderSection(**({"name": "test", "count": 20_000} | changes))
    return TRADERS.draw(section, Streams(seed))["traders:test"]


def test_population_matches_its_laws():
    people = build()
    assert np.all((people.leverage >= 1.0) & (people.leverage <= 20.0))
    assert np.all((people.notional >= 5_000.0) & (people.notional <= 500_000.0))
    np.testing.assert_allclose(people.collateral * people.leverage, people.notional, rtol=1e-12)
    assert np.mean(people.side == 1.0) == pytest.approx(0.6, abs=4.5 * np.sqrt(0.24 / 20_000))
    # survival of a truncated Pareto: the power law less its tail, over one less its tail
    tail = 100.0**-1.5
    exceed = (4.0**-1.5 - tail) / (1.0 - tail)
    assert np.mean(people.notional > 20_000.0) == pytest.approx(
        exceed, abs=4.5 * np.sqrt(exceed * (1 - exceed) / 20_000)
    )


def test_lognormal_leverage_is_truncated_not_clipped():
    people = build(
        leverage=LognormalLeverage(
            distribution="lognormal", median=8.0, deviation=1.5, minimum=2.0, maximum=10.0
        )
    )
    at_bounds = np.count_nonzero((people.leverage == 2.0) | (people.leverage == 10.0))
    assert at_bounds == 0
    assert np.median(people.leverage) < 8.0  # truncation from above is the nearer one


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (FixedLeverage(distribution="fixed", value=5.0), (5.0, 5.0)),
        (UniformLeverage(distribution="uniform", minimum=3.0, maximum=4.0), (3.0, 4.0)),
        (LognormalLeverage(distribution="lognormal", median=6.0, deviation=0.0), (6.0, 6.0)),
    ],
)
def test_other_leverage_laws_stay_in_their_range(law, expected):
    leverage = build(leverage=law).leverage
    assert (leverage.min(), leverage.max()) == pytest.approx(expected, abs=1e-3)


def test_changing_one_trait_leaves_the_others_alone():
    base = build()
    changed = build(size=FixedSize(distribution="fixed", value=1_000.0), long_share=0.1)
    np.testing.assert_array_equal(base.leverage, changed.leverage)
    np.testing.assert_array_equal(base.attentive, changed.attentive)
    assert np.all(changed.notional == 1_000.0)


def test_a_larger_cohort_begins_with_the_smaller_one():
    small, large = build(count=100), build(count=1_000)
    np.testing.assert_array_equal(small.notional, large.notional[:100])
    np.testing.assert_array_equal(small.side, large.side[:100])


def test_size_discount_makes_large_accounts_use_less_leverage():
    people = build(size_discount=0.3)
    large = people.notional > 50_000.0
    assert np.mean(people.leverage[large]) < 0.7 * np.mean(people.leverage[~large])
