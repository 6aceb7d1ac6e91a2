"""``[expect]``: which metrics it takes, and what it says of a run."""

import pytest
from pydantic import ValidationError

from sim.engine.scenario.compose import json_schema
from sim.engine.scenario.expect import ExpectSection, check_expectations, worlds_of
from sim.metrics.book import METRICS
from tests.support.run_facts import summary_keys

SUMMARY = dict.fromkeys(summary_keys(), 0.0) | {
    "digest": "ab", "liquidations": 8, "liquidated_notional": 250.0, "open_interest_start": 1_000.0,
    "fund_depleted": False, "excess_share": None,
}  # fmt: skip


def checked(*, worlds=(), **given):
    return check_expectations(ExpectSection(**given).expectations(), SUMMARY, worlds=worlds)


def test_bounds_of_metrics_of_the_summary_and_of_derived_ones():
    assert checked(min_liquidations=8, max_liquidations=7, min_liquidated_share=0.2, max_insolvent=0) == [
        ("liquidations >= 8: was 8", True),
        ("liquidations <= 7: was 8", False),
        ("liquidated_share >= 0.2: was 0.25", True),
        ("insolvent <= 0: was 0", True),
    ]


def test_equality_of_numbers_truths_and_the_digest():
    assert checked(equals={"liquidations": 8.0, "fund_depleted": True, "digest": "ab"}) == [
        ("liquidations == 8.0: was 8", True),
        ("fund_depleted == True: was False", False),
        ("digest == ab: was ab", True),
    ]


@pytest.mark.parametrize(
    ("worlds", "why"),
    [
        ((), "the world without price feedback was not run (--worlds forced)"),
        (("no_price_feedback",), "something is liquidated only without price feedback"),
    ],
)
def test_a_metric_without_a_value_says_why(worlds, why):
    ((line, met),) = checked(worlds=worlds, max_excess_share=0.5)
    assert not met
    assert line.startswith(f"excess_share <= 0.5: was not defined, because {why}")


def test_every_metric_can_be_bounded_and_the_schema_lists_the_bounds():
    properties = json_schema()["$defs"]["ExpectSection"]["properties"]
    for name in METRICS.names():
        assert properties[f"min_{name}"]["type"] == properties[f"max_{name}"]["type"] == "number"
        assert checked(**{f"min_{name}": 0.0})


def problems(**given):
    return list(ExpectSection(**given).problems())


def test_what_is_no_metric_is_refused_with_the_nearest_name():
    assert problems(min_liquidation=1) == [
        (("min_liquidation",), "unknown metric 'liquidation', did you mean liquidations?")
    ]
    assert problems(equals={"bad_dept": 0.0}) == [
        (("equals", "bad_dept"), "unknown metric 'bad_dept', did you mean bad_debt?")
    ]
    assert problems(least_liquidations=1)[0][1].startswith("must be min_ or max_ followed by a metric")
    assert problems(min_liquidations="1") == [(("min_liquidations",), "must be a number, was '1'")]
    assert problems(min_digest=1) != []
    with pytest.raises(ValidationError):
        ExpectSection(equals={"liquidations": float("nan")})


def test_which_expectations_need_other_worlds():
    assert worlds_of("excess_share") == {"no_price_feedback"}
    assert worlds_of("price_effect") == {"no_price_feedback", "no_margin_feedback", "no_feedback"}
    assert worlds_of("bad_debt") == worlds_of("digest") == set()
