import math

import numpy as np
import pytest
from pydantic import ValidationError

from sim.core.errors import RunError
from sim.market.effects import DepthMultiple, ShockSchedule
from sim.market.external import ExternalMarket
from sim.market.impact import ImpactModel
from sim.market.impact_law import IMPACT_LAWS, ImpactLaw
from sim.market.price_paths import PricePath

LAWS = ("linear", "square_root")


def law_of(law: str = "linear", **values) -> ImpactLaw:
    """Return a law; what only other laws know is passed over."""
    known = IMPACT_LAWS[law].model_fields
    return IMPACT_LAWS[law](law=law, **{key: value for key, value in values.items() if key in known})


def model(**changes) -> ImpactModel:
    parameters = {"depth_per_percent": 1e6, "impact_half_life_seconds": 0, "depth_withdrawal": 0.0, **changes}
    return ImpactModel(law_of(**parameters), seconds_per_block=12)


def flat(blocks: int, price: float = 100.0) -> PricePath:
    return PricePath(
        prices=np.full(blocks + 1, price), published_at=12 * np.arange(blocks + 1, dtype=np.int64)
    )


def test_no_law_no_impact():
    impact = model(law="none")
    assert impact.step([-5e6]) == 0.0
    assert impact.impact_log == 0.0


@pytest.mark.parametrize("law", LAWS)
def test_the_depth_moves_the_price_by_one_percent(law):
    assert model(law=law).step([-1e6]) == pytest.approx(-0.01, rel=1e-14)


def test_linear_impact_is_proportional_and_square_root_impact_is_not():
    assert model(law="linear").step([4e6]) == pytest.approx(0.04)
    assert model(law="square_root").step([4e6]) == pytest.approx(0.02)
    assert model(law="square_root", square_root_coefficient=0.5).step([4e6]) == pytest.approx(0.01)


def test_the_square_root_is_taken_of_the_cumulated_order_not_of_each_part():
    parts = model(law="square_root")
    for _ in range(100):
        final = parts.step([-4e4])
    assert final == pytest.approx(-0.02)


def test_the_square_root_law_is_daily_volatility_times_the_root_of_participation():
    impact = model(law="square_root", reference_volatility=0.65)
    daily_volatility = 0.65 / math.sqrt(365)
    daily_volume = 1e6 * (daily_volatility / 0.01) ** 2
    assert impact.step([3e6]) == pytest.approx(daily_volatility * math.sqrt(3e6 / daily_volume))


def test_the_square_root_law_begins_linear_and_without_a_step():
    edge = 0.0005 * (0.65**2 / 365) / 0.01**2 * 1e6  # linear_below of the implied daily volume
    assert model(law="square_root").step([edge / 2]) == pytest.approx(0.005 * math.sqrt(edge / 1e6))
    below, above = (model(law="square_root").step([edge * f]) for f in (1 - 1e-9, 1 + 1e-9))
    assert above == pytest.approx(below, rel=1e-8)
    assert above > below


@pytest.mark.parametrize("law", LAWS)
def test_impact_halves_in_its_half_life(law):
    impact = model(law=law, impact_half_life_seconds=1_200)
    start = impact.step([-2e6])
    for _ in range(100):
        later = impact.step([])
    assert later == pytest.approx(start / 2, rel=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_permanent_impact_stays_and_a_round_trip_leaves_nothing(law):
    impact = model(law=law)
    start = impact.step([-2e6])
    assert [impact.step([]) for _ in range(50)] == [start] * 50
    assert impact.step([2e6]) == 0.0


def test_each_flow_fades_from_its_own_start():
    impact = model(impact_half_life_seconds=120)
    impact.step([-1e6, -5e5])
    for _ in range(9):
        impact.step([])
    impact.step([-1e6, -1e6])
    assert impact.impact_log == pytest.approx(-0.0075 - 0.02)


def test_depth_withdraws_with_volatility_down_to_its_floor():
    impact = model(depth_withdrawal=1.0, reference_volatility=0.5, depth_floor=0.1)
    impact.observe(100.0)
    assert impact.depth == 1e6
    keep = 2.0 ** (-12 / 600)
    variance = keep * 0.25 + (1 - keep) * math.log(0.995) ** 2 * 31_536_000 / 12
    depth = impact.observe(99.5)
    assert impact.volatility == pytest.approx(math.sqrt(variance))
    assert depth == pytest.approx(1e6 * math.exp(-(math.sqrt(variance) / 0.5 - 1)))
    assert impact.observe(80.0) == pytest.approx(1e5)


def test_depth_is_never_above_calm_depth():
    impact = model(depth_withdrawal=1.0)
    depths = [impact.observe(100.0) for _ in range(500)]
    assert depths == [1e6] * 500
    assert impact.volatility < 0.1


def test_depth_refills_with_its_half_life():
    impact = model(refill_half_life_seconds=120)
    assert impact.observe(100.0, depth_multiplier=0.2) == pytest.approx(2e5)
    depths = [impact.observe(100.0) for _ in range(20)]
    assert depths[9] == pytest.approx(1e6 - 4e5)
    assert depths[19] == pytest.approx(1e6 - 2e5)


def test_flow_meets_the_depth_of_its_block():
    impact = model(refill_half_life_seconds=0)
    impact.observe(100.0, depth_multiplier=0.5)
    assert impact.step([-1e6]) == pytest.approx(-0.02)
    impact.observe(98.0)
    assert impact.step([-1e6]) == pytest.approx(-0.03)


def test_a_depth_shock_of_zero_leaves_a_trace_of_depth():
    assert model().observe(100.0, depth_multiplier=0.0) > 0.0


@pytest.mark.parametrize(
    "change",
    [
        {"depth_per_percent": 0.0}, {"depth_floor": 0.0}, {"depth_floor": 1.1},
        {"depth_withdrawal": -1.0}, {"reference_volatility": 0.0}, {"refill_half_life_seconds": -1},
        {"impact_half_life_seconds": -1}, {"square_root_coefficient": float("nan")}, {"linear_below": 2.0},
        {"volatility_half_life_seconds": 0}, {"depth_per_percent": float("nan")},
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused_by_name(change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        law_of("square_root", **change)


def test_the_external_price_is_the_fundamental_price_times_the_exponential_of_impact():
    market = ExternalMarket(flat(5), model())
    assert market.state.price == 100.0
    market.advance()
    state = market.advance([-2e6])
    assert (state.block, state.fundamental_price, state.published_at) == (2, 100.0, 24)
    assert state.impact_log == pytest.approx(-0.02)
    assert state.price == pytest.approx(100.0 * math.exp(-0.02))


def test_the_linear_cascade_multiplies_by_one_over_one_minus_r():
    """Quant notes 8.7: R units of depth sold per 1 % of fall (log price) end at eps / (1 - R)."""
    for r in (0.5, 0.8):
        market = ExternalMarket(flat(400), model())
        shock, fallen, sold = 0.01, 0.01, 0.0
        for _ in range(400):
            due = r * fallen / 0.01 * 1e6
            state = market.advance([-(due - sold)])
            sold = due
            fallen = shock - state.impact_log
        assert fallen == pytest.approx(shock / (1 - r), rel=1e-9)


def test_the_square_root_cascade_ends_at_its_fixed_point():
    """Quant notes 8.7d: D = eps + sqrt(a D) has sqrt D = (sqrt a + sqrt(a + 4 eps)) / 2."""
    a, shock = 0.0004, 0.02
    market = ExternalMarket(flat(300), model(law="square_root"))
    fallen, sold = shock, 0.0
    for _ in range(300):
        due = a * fallen / 0.01**2 * 1e6
        state = market.advance([-(due - sold)])
        sold = due
        fallen = shock - state.impact_log
    assert math.sqrt(fallen) == pytest.approx((math.sqrt(a) + math.sqrt(a + 4 * shock)) / 2, rel=1e-9)


def test_depth_shocks_act_in_their_blocks():
    shocks = ShockSchedule((DepthMultiple(at_block=2, duration_blocks=2, size=0.1),))
    market = ExternalMarket(flat(5), model(refill_half_life_seconds=0), shocks=shocks)
    assert [round(market.advance().depth) for _ in range(5)] == [1e6, 1e5, 1e5, 1e6, 1e6]


def test_the_end_of_the_path_is_a_run_error():
    market = ExternalMarket(flat(1), model())
    market.advance()
    with pytest.raises(RunError, match="ends at block 1"):
        market.advance()


def test_more_depth_never_means_more_impact():
    impacts = [abs(model(depth_per_percent=depth).step([-3e6])) for depth in (1e5, 1e6, 1e7)]
    assert impacts == sorted(impacts, reverse=True)
