"""Routing of flow to the outside market."""

import pytest

from sim.engine.scenario.flow import FlowSection
from sim.engine.worlds.flows import VOLUNTARY, FlowRouter


def router(**changes: object) -> FlowRouter:
    """Return a router that hedges half at once unless told otherwise."""
    base: dict[str, object] = {
        "hedge_half_life_seconds": 0,
    }
    return FlowRouter(
        FlowSection(**{**base, **changes}),  # type: ignore[arg-type]
        unwind_half_life_seconds=0,
    )


def flow_of(step: tuple[object, object]) -> dict[int, float]:
    """Return flow by source."""
    sources, flows = step
    return dict(zip(sources.tolist(), flows.tolist(), strict=True))  # type: ignore[attr-defined]


def test_forced_sale_reaches_the_market_by_the_hedge_share_and_keeps_its_source() -> None:
    routes = router()
    routes.forced(7, -1_000.0)
    routes.voluntary(400.0)
    assert flow_of(routes.step(12)) == {VOLUNTARY: 200.0, 7: -500.0}
    assert flow_of(routes.step(12)) == {}


def test_half_life_halves_what_is_left() -> None:
    routes = router(hedge_half_life_seconds=60)
    routes.forced(1, -10_000.0)
    first = flow_of(routes.step(60))[1]
    second = flow_of(routes.step(60))[1]
    assert first == pytest.approx(-2_500.0, rel=1e-14)
    assert second == pytest.approx(-1_250.0, rel=1e-14)


def test_whole_order_is_worked_in_the_end() -> None:
    routes = router(hedge_half_life_seconds=60)
    routes.forced(1, -10_000.0)
    total = sum(flow_of(routes.step(60)).get(1, 0.0) for _ in range(60))
    assert total == pytest.approx(-5_000.0, rel=1e-12)


def test_liquidators_sell_their_share_on_top() -> None:
    routes = router(liquidator_share=0.25)
    routes.forced(2, -1_000.0)
    assert flow_of(routes.step(12)) == {2: -750.0}


def test_what_is_left_of_an_order_goes_whole_below_the_least() -> None:
    for least, later in ((0.0, -1_250.0), (3_000.0, -2_500.0)):
        routes = router(hedge_half_life_seconds=60, least_order=least)
        routes.forced(1, -10_000.0)
        routes.step(60)
        assert flow_of(routes.step(60))[1] == pytest.approx(later, rel=1e-14)
