import dataclasses

import numpy as np
import pytest

from sim.reporting.findings.run.verdict import largest_fall, reach_verdict, single_run_bound
from sim.reporting.run_folder import load_run


@pytest.fixture(scope="module")
def run(crash_run):
    return load_run(crash_run)


def judged(run, **summary):
    """Judge the run with some numbers of its summary replaced."""
    return reach_verdict(dataclasses.replace(run, summary=run.summary | summary))


def words(verdict):
    return " ".join(answer for _, answer in verdict.answers).replace("\u00a0", " ").replace("\u202f", " ")


def test_verdict_without_bad_debt_held(run):
    verdict = judged(
        run, bad_debt=0.0, socialized_loss=0.0, auto_deleveraged_notional=0.0, fund_depleted=False
    )
    assert verdict.level == "held"
    assert verdict.headline.startswith("No bad debt")


def test_verdict_with_covered_bad_debt_is_strained_and_names_the_share(run):
    verdict = judged(
        run,
        bad_debt=100_000.0,
        insurance_fund_start=400_000.0,
        socialized_loss=0.0,
        auto_deleveraged_notional=0.0,
        fund_depleted=False,
    )
    assert verdict.level == "strained"
    assert "25.0" in verdict.headline


@pytest.mark.parametrize(
    "harm", [{"fund_depleted": True}, {"socialized_loss": 5.0}, {"auto_deleveraged_notional": 5.0}]
)
def test_verdict_with_losses_passed_on_failed(run, harm):
    base = {"bad_debt": 9.0, "socialized_loss": 0.0, "auto_deleveraged_notional": 0.0, "fund_depleted": False}
    assert judged(run, **(base | harm)).level == "failed"


def test_verdict_with_a_violated_invariant_is_invalid_whatever_else(run):
    verdict = judged(run, invariant_violations=2, bad_debt=0.0)
    assert verdict.level == "invalid"
    assert "2 invariant checks failed" in verdict.headline


def test_verdict_without_liquidations_says_little_was_tested(run):
    verdict = judged(
        run,
        liquidations=0,
        bad_debt=0.0,
        socialized_loss=0.0,
        auto_deleveraged_notional=0.0,
        fund_depleted=False,
        endogenous_share=None,
        amplification=None,
    )
    assert "little was tested" in verdict.headline
    assert "endogenous" not in words(verdict)


def test_verdict_says_how_little_one_run_proves(run):
    survived = words(judged(run, fund_depleted=False))
    assert "anywhere below 95 %" in survived
    assert "anywhere above 5 %" in words(judged(run, fund_depleted=True))


def test_bound_after_one_run_is_the_exact_binomial_one():
    # With probability p of depletion, one run without it has probability 1 - p.
    assert 1.0 - single_run_bound() == pytest.approx(0.05)


def test_verdict_counts_causes_as_the_table_does(run):
    counts = run.liquidations["cause"].value_counts()
    told = words(reach_verdict(run))
    assert f"{counts.get('price', 0)} liquidations by price pressure" in told
    assert f"{counts['margin']} by raised margin" in told
    assert f"{counts['price+margin']} by both together" in told


def test_toy_run_has_bad_debt_carried_by_all_three(run):
    last = run.blocks.iloc[-1]
    assert min(last["fund_draws"], last["haircuts"], last["socialized_loss"]) > 0
    told = words(reach_verdict(run))
    assert "was paid by the fund" in told
    assert "auto-deleveraging" in told
    assert "socialised to the liquidity providers" in told


def test_verdict_without_the_other_world_says_so(run):
    assert "without price feedback was not run" in words(judged(run, amplification=None))


def test_largest_fall_finds_peak_before_trough():
    fall, peak, trough = largest_fall(np.array([100.0, 120.0, 60.0, 200.0, 150.0]))
    assert (fall, peak, trough) == (-0.5, 1, 2)
