"""What accounts with positions in several markets hold, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.population import FixedLeverage, FixedSize, ParetoSize, build_population
from sim.agents.several_markets import SeveralMarketsSection, SeveralOfManySection, signed_shares
from sim.core.errors import InputError
from sim.core.rng import Streams

NAMES = ("ETH", "BTC", "SOL", "XRP")


def several(count=2, **changes):
    values = {"markets": list(NAMES[:count])} | changes
    return SeveralOfManySection(**values).placed(NAMES)


def drawn(together=None, count=2_000, **changes):
    values = {
        "market": 0, "count": count, "long_share": 0.7, "wallet_ratio": 0.5, "attentive_share": 0.5,
        "automated_share": 0.3, "leverage": FixedLeverage(distribution="fixed", value=8.0),
        "size": ParetoSize(distribution="pareto"), "several": together,
    }  # fmt: skip
    return build_population(Streams(11), "agent:trader_cohort:x", **(values | changes))


@pytest.mark.parametrize(
    ("changes", "where", "reason"),
    [
        ({"markets": ["ETH", "ETH"]}, ("markets", 1), "named twice"),
        ({"weights": [1 / 3, 1 / 3, 1 / 3]}, ("weights",), "one for each of the 2 markets, was 3"),
        ({"weights": [0.5, 0.4]}, ("weights",), "must sum to 1, was 0.9"),
    ],
)
def test_what_does_not_fit_is_told(changes, where, reason):
    values = {"markets": ["ETH", "BTC"]} | changes
    found = list(SeveralMarketsSection(**values).problems())
    assert [place for place, _ in found] == [where]
    assert reason in found[0][1]


def test_weights_may_be_rounded():
    assert not list(SeveralMarketsSection(markets=list(NAMES[:3]), weights=[0.3333333333] * 3).problems())


def test_a_section_that_is_in_no_scenario_has_no_ids():
    with pytest.raises(InputError, match="of which scenario is not known"):
        _ = SeveralMarketsSection(markets=["ETH", "BTC"]).ids
    assert SeveralMarketsSection(markets=["SOL", "ETH"]).placed(NAMES).ids == (2, 0)


parts = st.lists(st.floats(0.05, 1.0), min_size=2, max_size=8).map(
    lambda found: [one / sum(found) for one in found]
)


@settings(max_examples=100, deadline=None)
@given(weights=parts, hedged=st.booleans(), share=st.floats(0.0, 1.0), seed=st.integers(0, 2**32))
def test_shares_are_of_the_whole_notional(weights, hedged, share, seed):
    signs = [1.0] + [-1.0 if hedged else 1.0] * (len(weights) - 1)
    signed = [sign * weight for sign, weight in zip(signs, weights, strict=True)]
    draws = np.random.default_rng(seed)
    side = np.where(draws.random(200) < 0.5, 1.0, -1.0)
    shares = signed_shares(signed, side, draws.random(200), draws.random(200), share)
    assert np.abs(shares).sum(axis=0) == pytest.approx(np.ones(200))
    held = np.count_nonzero(shares, axis=0)
    assert set(held.tolist()) <= {1, len(weights)}
    if share in (0.0, 1.0):
        assert set(held.tolist()) == {len(weights) if share else 1}
    # Every position, of one or of several, is on the side that the style says.
    assert np.all(shares * np.array(signs)[:, None] * side >= 0.0)


def test_who_holds_one_market_is_drawn_with_the_weights():
    people = drawn(several(weights=[0.8, 0.2], share=0.0), count=20_000)
    first = np.count_nonzero(people.shares[0])
    assert abs(first - 16_000) < 4.5 * np.sqrt(20_000 * 0.8 * 0.2)


def test_holding_several_markets_shifts_nothing_else_that_is_drawn():
    alone, together = drawn(), drawn(several(style="hedged", share=0.5))
    for name in ("notional", "leverage", "collateral", "wallet", "attentive", "automated"):
        assert np.array_equal(getattr(alone, name), getattr(together, name))
    first = together.shares[0] != 0.0
    assert np.array_equal(np.sign(together.shares[0][first]), alone.side[first])
    # Who hold several, or one, are the same whatever the style and the weights.
    other = drawn(several(weights=[0.9, 0.1], share=0.5))
    both = np.count_nonzero(together.shares, axis=0)
    assert np.array_equal(both, np.count_nonzero(other.shares, axis=0))


def test_open_interest_of_each_side_is_told_by_market():
    people = drawn(several(3, weights=[0.5, 0.3, 0.2], style="hedged", share=0.6))
    for leg, market in enumerate(people.legs):
        worth = people.shares[leg] * people.notional
        assert people.side_notional("long", market) == pytest.approx(worth[worth > 0].sum())
        assert people.side_notional("short", market) == pytest.approx(-worth[worth < 0].sum())
        assert np.array_equal(people.share_in(market), people.shares[leg])
    assert people.side_notional("long", 3) == 0.0
    assert not people.share_in(3).any()
    total = sum(people.side_notional(side, market) for side in ("long", "short") for market in people.legs)
    assert total == pytest.approx(people.notional.sum())


def test_market_and_side_of_an_account_are_those_of_its_largest_position():
    people = drawn(several(weights=[0.3, 0.7], style="hedged"), count=50)
    assert set(people.markets.tolist()) == {1}
    assert np.array_equal(people.side, -drawn(count=50).side)


def test_sizes_make_the_notional_at_each_price():
    people = drawn(several(weights=[0.3, 0.7]), count=50, size=FixedSize(distribution="fixed", value=9_000.0))
    for leg, (price, part) in enumerate(((2_000.0, 0.3), (40_000.0, 0.7))):
        assert np.abs(people.sizes(price, leg) * price) == pytest.approx(np.full(50, 9_000.0 * part))


def test_each_position_has_an_entry_price_of_its_own():
    people = drawn(several(), entry_deviation=0.03)
    assert people.entry.shape == (2, 2_000)
    assert abs(np.corrcoef(np.log(people.entry))[0, 1]) < 4.5 / np.sqrt(2_000)
    assert np.log(people.entry).std(axis=1) == pytest.approx([0.03, 0.03], rel=0.1)
    opened = people.sizes(2_000.0, 1) * 2_000.0 * people.entries(1)
    assert opened == pytest.approx(people.shares[1] * people.notional)


def test_accounts_of_one_market_are_as_before():
    people = drawn()
    assert people.legs == ()
    assert people.shares is None
    assert np.array_equal(people.share_in(0), people.side)
    assert not replace(people, market=1).share_in(0).any()


def test_who_holds_several_or_which_one_has_nothing_to_do_with_side_and_size():
    people, sides = drawn(several(share=0.5), count=8_000), drawn(count=8_000).side
    both = np.count_nonzero(people.shares, axis=0) == 2
    first = people.shares[0][~both] != 0.0
    for trait in (sides, np.log(people.notional)):
        for mask, values in ((both, trait), (first, trait[~both])):
            apart = values[mask].mean() - values[~mask].mean()
            error = values.std() * np.sqrt(1.0 / mask.sum() + 1.0 / (~mask).sum())
            assert abs(apart) < 4.5 * error
