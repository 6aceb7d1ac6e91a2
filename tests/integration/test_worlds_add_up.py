"""On twenty small worlds of every kind: what differs between them is accounted for, to the unit."""

import math

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import load_histories, matched_with, run_beside, summarise, world_beside
from sim.metrics.matching import totals_of
from sim.metrics.worlds import WORLDS
from tests.support.small_run import small_execution, small_scenario

TINY = ("traders.0.count=24", "blocks=24")
MODELS = ("adaptive", "volatility")
KINDS = (
    (),
    ("markets.0.impact.law=square_root", "markets.0.impact.square_root_coefficient=1.0"),
    ("arbitrageurs.count=0",),
    ("protocol.insurance_fund.deposit=100_000.0",),
    ("flow.hedge_share=0.0",),
)
CASES = [(model, seed, *kind) for model in MODELS for seed in (3, 4) for kind in KINDS]


def test_there_are_twenty():
    assert len(CASES) == 20


@pytest.mark.parametrize("case", CASES, ids=str)
def test_differences_between_worlds_add_up(case, tmp_path):
    model, seed, *changes = case
    overrides = (*TINY, f"protocol.risk_model={model}", f"seed={seed}", *changes)
    scenario = small_scenario(*overrides)
    options = RunOptions(out=tmp_path, worlds="all")
    histories = load_histories(scenario, options)
    run = small_execution(*overrides)
    beside = run_beside("all", run, lambda feedback: world_beside(scenario, options, histories, feedback))
    assert tuple(beside) == WORLDS["all"]
    found = summarise(run, beside)

    # Base units, exactly; quote, with the third part: matched units closed at other prices.
    for world, rows in matched_with(run, beside).items():
        here, there = run.recorder.closes, beside[world].recorder.closes
        difference = sum(abs(close.size) for close in here) - sum(abs(close.size) for close in there)
        assert sum(row.excess - row.avoided for row in rows) == difference
        sums = totals_of(rows)
        assert math.isclose(
            sums.excess - sums.avoided + sums.repriced,
            run.recorder.totals.liquidated_notional - beside[world].recorder.totals.liquidated_notional,
            rel_tol=1e-9,
            abs_tol=1e-3,
        )

    # The two effects make the difference to the world without either, whatever they are.
    whole = run.recorder.totals.liquidated_notional
    neither = beside["no_feedback"].recorder.totals.liquidated_notional
    assert math.isclose(found["price_effect"] + found["margin_effect"], whole - neither, abs_tol=1e-3)
    assert math.isclose(found["excess_liquidated_notional"], found["excess_share"] * whole, abs_tol=1e-3)
