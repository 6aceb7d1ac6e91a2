"""A guardian's change of formula asks no open position for less, whatever the ramp does with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from sim.core.units import WAD
from sim.protocol.account_ids import OWN_INDEX, own_account
from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from sim.reference.ramp_math import effective_ratio
from sim.reference.risk_math import AdaptiveParameters, RiskInputs, adaptive_ratios
from tests.support.governed import DAY

PRICE = 2_000 * WAD
ROUNDING = 10**9
"""Of ``governance_models.vy``: ratios count as equal within a billionth of notional (WAD)."""


def tighten(governed, *, at: int | None = None, **changes: int):
    data = governed.set_model(governed.model_words(**changes))
    return governed.send(GUARDIAN, GOVERNOR, "tighten", governed.governor, data, at=at)


def snapshot(governed) -> dict[str, int]:
    (output,) = next(
        entry["outputs"] for entry in governed.deployment.artifacts["market_registry"].abi
        if entry.get("name") == "market_snapshot"
    )  # fmt: skip
    names = [part["name"] for part in output["components"]]
    return dict(zip(names, governed.read("market_registry", "market_snapshot", 0), strict=True))


def requirements(governed) -> list[int]:
    accounts = [own_account(governed.other), own_account(governed.trader)]
    return [state[3] for state in governed.read("risk_engine", "account_states", accounts)]


@pytest.fixture
def crowded(governed):
    """A large and a small position that were opened when margin was lower; the ramp has settled since."""
    governed.fill(collateral=8_000_000 * 10**6, liquidity=200_000_000 * 10**6)
    governed.report(PRICE)
    governed.must(governed.other, "trading_desk", "increase_position", OWN_INDEX, 0, 9_000 * WAD, 0)
    governed.must(governed.trader, "trading_desk", "increase_position", OWN_INDEX, 0, 100 * WAD, 0)
    governed.enact(GOVERNOR, governed.set_model(governed.model_words(z=5 * WAD)))
    for _ in range(150):  # the ramp moves on for ten minutes a touch
        governed.must(OWNER, "market_registry", "poke", 0, at=governed.now + 600)
    found = snapshot(governed)
    assert found["ramped_maintenance_ratio"] == found["maintenance_ratio"]
    return governed


def test_a_base_that_rises_ahead_of_the_ramp_is_refused(crowded):
    """The ramp would scale the part of the requirement that grows with the position down."""
    assert tighten(crowded, z=6 * WAD).revert_reason == "governor: ramp loosens"


def test_a_base_may_rise_if_the_size_term_rises_with_it(crowded):
    before = requirements(crowded)
    receipt = tighten(crowded, z=6 * WAD, size_coefficient=WAD * 121 // 100)
    assert receipt.status, receipt.revert_reason
    found = snapshot(crowded)
    assert found["ramped_maintenance_ratio"] < found["maintenance_ratio"]
    for old, new in zip(before, requirements(crowded), strict=True):
        assert new >= old * (WAD - ROUNDING) // WAD


def test_a_floor_that_rises_above_small_positions_is_refused(crowded):
    """The largest position is asked for more, but one at the floor's end would be asked for less."""
    floors = {"maintenance_floor": WAD * 375 // 10_000, "initial_floor": WAD * 75 // 1_000}
    receipt = tighten(crowded, size_coefficient=WAD * 3 // 2, **floors)
    assert receipt.status, receipt.revert_reason  # not yet the base: the ramp lets as much through as before
    above = {"maintenance_floor": WAD * 525 // 10_000, "initial_floor": WAD * 1_125 // 10_000}
    found = snapshot(crowded)
    assert floors["maintenance_floor"] < found["maintenance_ratio"] < above["maintenance_floor"]
    receipt = tighten(crowded, at=crowded.now + DAY, size_coefficient=WAD * 9 // 4, **above)
    assert receipt.revert_reason == "governor: ramp loosens"


def test_another_root_of_size_is_on_no_line_and_waits(crowded):
    """By the cube root a small position is asked for more than the line says, under either formula."""
    words = crowded.model_words(size_root=3)
    crowded.must(OWNER, "market_registry", "poke", 0)
    crowded.enact(GOVERNOR, crowded.set_model(words))
    receipt = tighten(crowded, at=crowded.now + DAY, z=6 * WAD, size_coefficient=WAD * 3 // 2)
    assert receipt.revert_reason == "governor: ramp loosens"


def test_what_leaves_the_base_alone_may_rise_alone(crowded):
    before = requirements(crowded)
    for day, changes in enumerate(
        ({"size_coefficient": WAD * 5 // 4}, {"initial_horizon_seconds": 18_000}, {"haircut": WAD // 100})
    ):
        receipt = tighten(crowded, at=crowded.now + DAY if day else None, **changes)
        assert receipt.status, (changes, receipt.revert_reason)
    assert all(new >= old for old, new in zip(before, requirements(crowded), strict=True))


def test_without_a_ramp_the_base_may_rise_alone(crowded):
    crowded.enact("market_registry", crowded.setting(ramp_per_hour=2**256 - 1))
    before = requirements(crowded)
    assert tighten(crowded, z=6 * WAD).status
    assert all(new > old for old, new in zip(before, requirements(crowded), strict=True))


def test_a_formula_without_a_size_term_may_rise_alone(static):
    static.fill(collateral=8_000_000 * 10**6, liquidity=200_000_000 * 10**6)
    static.report(PRICE)
    static.must(static.other, "trading_desk", "increase_position", OWN_INDEX, 0, 3_000 * WAD, 0)
    before = requirements(static)
    words = static.model_words()
    data = static.set_model([words[0] * 5 // 4, words[1] * 5 // 4, words[2]])
    assert static.send(GUARDIAN, GOVERNOR, "tighten", static.governor, data).status
    assert requirements(static) >= before


@pytest.mark.parametrize("share", [(1.0, 1.4), (1.2, 1.4), (1.4, 1.4), (1.4, 1.0)])
def test_a_tightening_never_lowers_the_cap_of_funding(static, share):
    """The cap is a multiple of initial minus maintenance: a traders' skew must not become free."""
    words = static.model_words()
    new = [int(words[0] * share[0]), int(words[1] * share[1]), words[2]]
    is_legal = new[0] - new[1] >= words[0] - words[1]
    expected = None if is_legal else "governor: funding cap falls"
    assert static.tightening(GOVERNOR, static.set_model(new)) == expected


# The proof of docs/governance.md, by drawing


def spread(low: int, high: int) -> st.SearchStrategy[int]:
    """Draw evenly between two values: plain integers of this width are nearly all tiny."""
    return st.integers(0, 1_000).map(lambda share: low + (high - low) * share // 1_000)


NUMBERS = st.integers(0, 100).map(lambda percent: percent / 100)
STATES = st.builds(
    RiskInputs,
    notional=st.just(0),
    price=st.just(PRICE),
    confidence=spread(0, PRICE // 50),
    variance_fast=spread(0, 9 * WAD),
    variance_slow=spread(0, 9 * WAD),
    open_interest=spread(0, 10**8 * WAD),
    depth=spread(10**5 * WAD, 10**7 * WAD),
)
FORMULAS = st.builds(
    AdaptiveParameters,
    z=spread(WAD // 2, 8 * WAD),
    initial_horizon_seconds=spread(7_200, 40_000),
    maintenance_horizon_seconds=spread(60, 7_200),
    initial_floor=spread(WAD // 20, WAD // 4),
    maintenance_floor=spread(WAD // 400, WAD // 20 - 1),
    fast_weight=spread(0, 2 * WAD // 3),  # half as much again is still at most one
    variance_floor=spread(0, WAD),
    variance_stress=spread(0, 4 * WAD),
    stress_weight=spread(0, WAD),
    size_coefficient=spread(0, 4 * WAD),
    size_root=st.sampled_from([2, 2, 2, 0, 1, 3]),
    liquidity_floor=spread(WAD, 10**7 * WAD),
    open_interest_lower=spread(0, 10**8 * WAD),
    open_interest_upper=spread(10**8 * WAD + 1, 10**9 * WAD),
    confidence_coefficient=spread(0, 4 * WAD),
    haircut=st.just(0),
)
ORDER = {"maintenance_floor": "initial_floor", "maintenance_horizon_seconds": "initial_horizon_seconds"}


def tightened(data, old: AdaptiveParameters) -> AdaptiveParameters:
    """Draw a formula whose words are all on their tighter side, the factors often alike."""
    common = data.draw(NUMBERS)
    changes = {}
    for name, field in rules.MODELS["adaptive"].items():
        if not field.tighter or name == "haircut":
            continue
        factor = data.draw(st.sampled_from([0.0, common, min(1.05 * common, 1.0)]) | NUMBERS)
        word, part = getattr(old, name), int(factor * WAD)
        changes[name] = (
            word + word * part // (2 * WAD) if field.tighter == "higher" else word - word * part // (2 * WAD)
        )
    new = replace(old, **changes)
    assume(all(getattr(new, low) < getattr(new, high) for low, high in ORDER.items()))
    assume(new.initial_floor <= WAD and new.open_interest_lower < new.open_interest_upper)
    return new


@given(st.data(), STATES, FORMULAS, st.just(1.0) | NUMBERS, NUMBERS)
@settings(max_examples=400)
def test_an_accepted_tightening_asks_no_position_for_less(data, state, old, ramped_share, entry_share):
    def asks(formula, notional: int) -> int:
        return adaptive_ratios(replace(state, notional=notional), formula).maintenance

    top = state.open_interest
    if data.draw(st.booleans()):  # floors near what the rest of the formula asks, where they begin to bind
        without = asks(replace(old, maintenance_floor=1), 0)
        floor = without * data.draw(st.integers(60, 110)) // 100
        old = replace(old, maintenance_floor=min(floor, WAD // 20 - 1))
    new = tightened(data, old)
    base, after = asks(old, 0), asks(new, 0)
    ramped = max(int(base * ramped_share), 1)
    # Twin of `_check_tightening`; the ramp's level does not move within a block.
    is_flat = ramped * base >= ramped * min(after, asks(old, top))
    is_covered = ramped * asks(new, top) * base >= ramped * after * asks(old, top)
    is_straight = asks(new, top) < WAD - 1 and all(
        abs(part * asks(new, top // part**2) - (part - 1) * after - asks(new, top)) <= part * ROUNDING
        for part in (2, 4)
    )
    is_accepted = is_flat or (is_covered and is_straight)
    event(f"flat {is_flat}, covered {is_covered}, straight {is_straight}")
    for part in range(17):
        notional = top * part**2 // 256
        a = adaptive_ratios(replace(state, notional=notional), old)
        b = adaptive_ratios(replace(state, notional=notional), new)
        # Every word moved to its tighter side: neither ratio falls at any notional.
        assert b.initial >= a.initial
        assert b.maintenance >= a.maintenance
        if is_accepted:
            for entry in (0, int(entry_share * a.maintenance)):
                was = effective_ratio(a.maintenance, base, ramped, entry)
                will_be = effective_ratio(b.maintenance, after, ramped, entry)
                assert will_be >= was - 3 * ROUNDING
