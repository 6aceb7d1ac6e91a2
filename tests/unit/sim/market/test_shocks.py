import numpy as np
import pytest

from sim.core.errors import InputError
from sim.market.effects import NO_SHOCKS, DepthMultiple, Effect, PriceMove, ShockSchedule, VolatilityMultiple


def schedule(*shocks: Effect) -> ShockSchedule:
    return ShockSchedule(shocks)


def test_no_shocks_change_nothing():
    assert NO_SHOCKS.price_factors(3).tolist() == [1.0] * 4
    assert NO_SHOCKS.volatility_multipliers(3).tolist() == [1.0] * 3
    assert NO_SHOCKS.depth_multipliers(3).tolist() == [1.0] * 4


def test_a_jump_is_at_once_and_lasts():
    factors = schedule(PriceMove(at_block=2, size=-0.12)).price_factors(4)
    assert factors.tolist() == [1.0, 1.0, 0.88, 0.88, 0.88]


def test_a_jump_at_block_zero_acts_in_the_first_simulated_block():
    assert schedule(PriceMove(at_block=0, size=1.0)).price_factors(2).tolist() == [
        1,
        2,
        2,
    ]


def test_a_drift_takes_equal_log_steps_and_ends_exactly():
    factors = schedule(PriceMove(at_block=2, duration_blocks=4, size=-0.5)).price_factors(8)
    assert factors[:2].tolist() == [1.0, 1.0]
    assert factors[5:].tolist() == [0.5] * 4
    assert np.diff(np.log(factors[1:6])) == pytest.approx(np.full(4, np.log(0.5) / 4), rel=1e-12)


@pytest.mark.parametrize("blocks", [1, 3, 5, 8])
def test_the_first_blocks_do_not_depend_on_the_length_of_the_run(blocks):
    shocks = schedule(
        PriceMove(at_block=2, duration_blocks=4, size=0.3),
        PriceMove(at_block=7, size=-0.2),
        VolatilityMultiple(at_block=3, duration_blocks=9, size=4.0),
        DepthMultiple(at_block=6, duration_blocks=1, size=0.1),
    )
    assert np.array_equal(shocks.price_factors(blocks), shocks.price_factors(20)[: blocks + 1])
    assert np.array_equal(shocks.volatility_multipliers(blocks), shocks.volatility_multipliers(20)[:blocks])
    assert np.array_equal(shocks.depth_multipliers(blocks), shocks.depth_multipliers(20)[: blocks + 1])


def test_windows_begin_and_end_on_their_blocks_and_multiply():
    shocks = schedule(
        VolatilityMultiple(at_block=2, duration_blocks=3, size=3.0),
        VolatilityMultiple(at_block=4, duration_blocks=3, size=2.0),
    )
    assert shocks.volatility_multipliers(7).tolist() == [1, 3, 3, 6, 2, 2, 1]  # returns into blocks 1 to 7
    assert shocks.depth_multipliers(7).tolist() == [1] * 8


@pytest.mark.parametrize(
    ("effect", "values"),
    [
        (PriceMove, {"size": -1.0}),
        (PriceMove, {"size": float("nan")}),
        (VolatilityMultiple, {"size": -0.1}),
        (DepthMultiple, {"size": float("inf")}),
        (DepthMultiple, {"size": 0.5, "duration_blocks": 0}),
        (PriceMove, {"size": 0.1, "at_block": -1}),
    ],
)
def test_impossible_effects_are_refused(effect, values):
    with pytest.raises(InputError, match=effect.__name__):
        effect(**{"at_block": 1, **values})
