"""Metrics of one path: what the summary says, and ratios worked out by hand."""

import pytest

from sim.engine.scenario.shocks import SUMMARY_KEYS
from sim.metrics.path_metrics import DUST, METRICS, path_metrics

DERIVED = (
    "liquidated_share", "bad_debt_ratio", "fund_drawdown", "fund_drain", "uncovered_loss",
    "uncovered_loss_ratio",
    "insolvent", "any_liquidation", "margin_induced_share", "bad_debt_per_liquidated", "any_breach",
)  # fmt: skip


def summary(**changes):
    """Return a summary in which every number is its own, with open interest 1000 and a fund of 200."""
    values = {key: float(index) for index, key in enumerate(SUMMARY_KEYS)} | {
        "digest": "ab" * 32,
        "fund_depleted": False,
        "amplification": None,
        "open_interest_start": 1_000.0,
        "liquidations": 8,
        "liquidated_notional": 250.0,
        "margin_induced_liquidations": 2,
        "bad_debt": 5.0,
        "insurance_fund_start": 200.0,
        "insurance_fund_min": 150.0,
        "socialized_loss": 1.0,
        "auto_deleverage_haircuts": 2.0,
        "pending_deficit_end": 3.0,
        "negative_equity_end": 4.0,
        "breaches": 0,
    }
    return values | changes


def test_every_number_of_the_summary_is_a_metric_and_nothing_else_but_the_derived_ones():
    assert tuple(METRICS) == (*(key for key in SUMMARY_KEYS if key != "digest"), *DERIVED)
    assert tuple(path_metrics(summary())) == tuple(METRICS)


def test_the_table_is_complete_and_consistent():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.description.endswith(".")
        assert metric.direction in (-1, 0, 1)
        assert metric.family in {"coverage", "severity", "cascade", "procyclicality", "efficiency", "other"}
        if metric.kind in {"ratio", "event"}:
            assert metric.unit == "1"
    assert {metric.family for metric in METRICS.values()} == {
        "coverage", "severity", "cascade", "procyclicality", "efficiency", "other",
    }  # fmt: skip


def test_numbers_are_kept_and_truths_are_one_and_zero():
    found = path_metrics(summary(fund_depleted=True))
    assert found["price_min"] == float(SUMMARY_KEYS.index("price_min"))
    assert found["fund_depleted"] == 1.0
    assert found["amplification"] is None
    assert "digest" not in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("liquidated_share", 0.25),
        ("bad_debt_ratio", 0.005),
        ("fund_drawdown", 0.25),
        ("fund_drain", 0.05),
        ("uncovered_loss", 10.0),
        ("uncovered_loss_ratio", 0.01),
        ("insolvent", 1.0),
        ("any_liquidation", 1.0),
        ("margin_induced_share", 0.25),
        ("bad_debt_per_liquidated", 0.02),
        ("any_breach", 0.0),
    ],
)
def test_derived_metrics_by_hand(name, value):
    assert path_metrics(summary())[name] == pytest.approx(value, rel=1e-15)


def test_a_ratio_to_nothing_is_undefined():
    found = path_metrics(summary(open_interest_start=0.0, insurance_fund_start=0.0, insurance_fund_min=0.0))
    for name in ("liquidated_share", "bad_debt_ratio", "fund_drawdown", "fund_drain", "uncovered_loss_ratio"):
        assert found[name] is None


def test_a_path_without_liquidations_has_zero_shares_of_them():
    found = path_metrics(
        summary(liquidations=0, liquidated_notional=0.0, margin_induced_liquidations=0, bad_debt=0.0)
    )
    assert [
        found[name] for name in ("any_liquidation", "margin_induced_share", "bad_debt_per_liquidated")
    ] == [0] * 3


def test_insolvency_begins_beyond_dust():
    none = {"socialized_loss": 0.0, "auto_deleverage_haircuts": 0.0, "pending_deficit_end": 0.0}
    assert path_metrics(summary(**none, negative_equity_end=1_000.0 * DUST))["insolvent"] == 0.0
    assert path_metrics(summary(**none, negative_equity_end=1_001.0 * DUST))["insolvent"] == 1.0


def test_a_fund_that_only_grew_has_no_drawdown():
    found = path_metrics(summary(insurance_fund_min=200.0))
    assert found["fund_drawdown"] == found["fund_drain"] == 0.0
