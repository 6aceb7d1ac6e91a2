import dataclasses

import numpy as np
import pytest

from sim.reporting.findings.run.causes import removals_table
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
    assert "No bad debt" in verdict.headline


def test_verdict_over_losses_that_nobody_booked_is_never_held(run):
    none = {
        "bad_debt": 0.0,
        "socialized_loss": 0.0,
        "auto_deleveraged_notional": 0.0,
        "fund_depleted": False,
        "insurance_fund_end": 1_000.0,
    }
    verdict = judged(run, **none, negative_equity_end=761.0)
    assert verdict.level == "strained"
    assert "owe 761" in verdict.headline
    assert "owe 761" in words(verdict)
    assert "owe 761" in judged(run, **(none | {"bad_debt": 5.0}), negative_equity_end=761.0).headline
    beyond = judged(run, **none, negative_equity_end=1_001.0)
    assert beyond.level == "failed"
    assert "owe 1,001" in beyond.headline.replace("\u00a0", " ")
    emptied = judged(run, **(none | {"fund_depleted": True}), negative_equity_end=761.0)
    assert "owe 761" in emptied.headline


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
    )
    assert "little was tested" in verdict.headline
    assert "forced" not in words(verdict)


def test_verdict_says_how_little_one_run_proves(run):
    survived = words(judged(run, fund_depleted=False))
    assert "anywhere below 95 %" in survived
    assert "anywhere above 5 %" in words(judged(run, fund_depleted=True))


def test_bound_after_one_run_is_the_exact_binomial_one():
    # With probability p of depletion, one run without it has probability 1 - p.
    assert 1.0 - single_run_bound() == pytest.approx(0.05)


ADDED = {
    "liquidations": 363,
    "liquidated_notional": 3_384_843.0,
    "excess_liquidated_notional": 1_595_992.0,
    "excess_share": 0.4715,
    "gross_excess_share": 0.482,
    "avoided_share": 0.003,
    "brought_forward_share": 0.245,
    "brought_forward_seconds": 120,
    "excess_trader_loss": 105_719.0,
    "excess_bad_debt": 10_500.0,
    "price_gap_max": 0.055,
    "price_effect": None,
}


def plain(text):
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_first_sentence_says_what_forced_selling_added(run):
    headline = plain(judged(run, **ADDED).headline)
    assert headline.startswith(
        "3.38 m USDC was liquidated, 1.60 m of it (47 %) added by forced selling: had that moved no price, "
        "it would have been 1.79 m."
    )
    told = words(judged(run, **ADDED))
    assert "48.2 % of the liquidated notional was closed in the run alone, against 0.3 % only there" in told
    assert "24 % was closed in both and earlier in the run, by a median of 2 minutes" in told
    assert "Traders lost 106 k USDC more than there, and 10.5 k USDC more of bad debt was left" in told


@pytest.mark.parametrize(
    ("gross", "avoided", "is_said"),
    [(0.06, 0.0149, False), (0.06, 0.015, True), (-0.0, 0.06, False), (0.015, 0.045, True)],
)
def test_what_chance_could_have_made_is_not_told_from_it(run, gross, avoided, is_said):
    """Avoided, or excess where the net is negative, at half the net or more."""
    net = 0.03 if gross > avoided else -0.03
    changes = ADDED | {"excess_share": net, "gross_excess_share": gross, "avoided_share": avoided}
    changes["excess_liquidated_notional"] = net * ADDED["liquidated_notional"]
    headline = plain(judged(run, **changes).headline)
    assert ("is not to be told from chance" in headline) == is_said
    if not is_said:
        assert ("added by forced selling" in headline) == (net > 0)
        assert ("less than without the effect of forced selling" in headline) == (net < 0)


def test_all_worlds_split_the_difference(run):
    split = {"price_effect": 1_517_542.0, "margin_effect": -398_369.0, "feedback_interaction": 156_900.0}
    told = words(judged(run, **(ADDED | split)))
    assert "1.12 m USDC more was liquidated than in a world without either feedback" in told
    assert "added 1.52 m, margin ratios that follow the market −398 k (interaction 157 k" in told


def test_toy_run_has_bad_debt_carried_by_all_three(run):
    last = run.blocks.iloc[-1]
    assert min(last["fund_draws"], last["haircuts"], last["socialized_loss"]) > 0
    told = words(reach_verdict(run))
    assert "was paid by the fund" in told
    assert "auto-deleveraging" in told
    assert "socialised to the liquidity providers" in told


def test_verdict_without_the_other_world_says_so(run):
    verdict = judged(run, excess_share=None)
    assert "No world without price feedback was run" in words(verdict)
    assert "forced selling" not in verdict.headline


def test_largest_fall_finds_peak_before_trough():
    fall, peak, trough = largest_fall(np.array([100.0, 120.0, 60.0, 200.0, 150.0]))
    assert (fall, peak, trough) == (-0.5, 1, 2)


def test_removals_are_told_from_chance_by_students_interval(run):
    table = removals_table(run)
    rows = {row[0].text: [str(cell) for cell in row[1:]] for row in table.rows}
    # Means 500 and 50, standard errors 7.07 and 70.7 with four degrees of freedom: t is 2.776.
    assert rows["account 3"] == ["700", "500", "480", "520", "told from chance"]
    assert rows["account 4"] == ["300", "50", "−146", "246", "not to be told from chance"]
