"""`contracts/lib/ramp_math.vy` against its Python twin, and that a ramp only ever delays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reference import ramp_math as twin
from sim.reference.fixed_point import WAD
from tests.support.twins import POSITIVE, RATIO, SECONDS, assert_complete, assert_equal

POSITIVE_RATIO = st.one_of(st.integers(1, WAD), st.sampled_from([1, WAD // 40, WAD]))
SPEED = st.one_of(st.integers(0, 10**24), st.sampled_from([0, WAD // 4, twin.NO_RAMP]))

CASES = {
    "ramped_ratio": st.tuples(RATIO, POSITIVE_RATIO, SPEED, SECONDS),
    "effective_ratio": st.tuples(RATIO, POSITIVE_RATIO, RATIO, RATIO),
    "blended_ratio": st.tuples(POSITIVE, RATIO, POSITIVE, RATIO),
}


@pytest.mark.parametrize("function", sorted(CASES))
@given(data=st.data())
def test_twin_equals_contract(function, data):
    arguments = data.draw(CASES[function])
    assert_equal(twin, function, *arguments)


def test_every_function_of_the_library_is_compared():
    assert_complete(twin, CASES)


@given(previous=RATIO, target=POSITIVE_RATIO, speed=SPEED, seconds=SECONDS)
def test_ramp_never_passes_the_target(previous, target, speed, seconds):
    assert twin.ramped_ratio(previous, target, speed, seconds) <= target


def test_a_quarter_per_hour_grows_by_a_quarter_in_an_hour_of_touches():
    ratio = 4 * 10**16
    for _ in range(6):
        ratio = twin.ramped_ratio(ratio, WAD, WAD // 4, 600)
    assert ratio == pytest.approx(4e16 * (1 + 0.25 / 6) ** 6, rel=1e-12)


def test_a_long_silence_counts_as_ten_minutes():
    step = twin.ramped_ratio(10**16, WAD, WAD // 4, 600)
    assert twin.ramped_ratio(10**16, WAD, WAD // 4, 10**6) == step


@given(target=RATIO, base=POSITIVE_RATIO, ramped=RATIO, entry=RATIO)
def test_effective_ratio_is_at_most_the_target(target, base, ramped, entry):
    effective = twin.effective_ratio(target, base, ramped, entry)
    assert effective <= target
    assert effective >= min(target, entry)
