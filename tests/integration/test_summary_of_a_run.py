"""``summary.json`` of a real run: every metric is there in its type, and says what tables and twin say."""

from __future__ import annotations

import math

import pyarrow.parquet as pq
import pytest

from sim.metrics.book import DIGEST, METRICS
from tests.support.small_run import CASCADE, small_run

TYPES = {"count": int, "time": int, "event": bool}
"""Of a kind; all other kinds are floats."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("run") / "run", *CASCADE, worlds="all")


@pytest.fixture(scope="module")
def blocks(run):
    return pq.read_table(run.folder / "blocks.parquet").to_pylist()


def test_every_metric_is_computed_in_the_type_of_its_kind(run):
    measured = [metric for metric in METRICS if not metric.is_derived]
    assert list(run.summary) == [DIGEST, *(metric.name for metric in measured)]
    for metric in measured:
        value = run.summary[metric.name]
        if value is None:
            assert metric.undefined, metric.name
            continue
        assert isinstance(value, TYPES.get(metric.kind, float)), metric.name
        assert math.isfinite(value), metric.name
        if metric.is_share and metric.name != "max_1h_margin_increase":
            assert 0.0 <= value <= 1.0, metric.name


def test_totals_are_counted_from_before_the_first_block(run, blocks):
    last, summary = blocks[-1], run.summary
    assert summary["bad_debt"] == pytest.approx(last["bad_debt"])
    assert summary["bad_debt"] > 0.0
    assert summary["fund_draws"] == pytest.approx(last["fund_draws"])
    assert summary["fund_draws"] > 0.0
    assert summary["auto_deleverage_haircuts"] == pytest.approx(last["haircuts"])
    assert summary["socialized_loss"] == pytest.approx(last["socialized_loss"])
    assert summary["insurance_fund_end"] == pytest.approx(last["insurance_fund"])
    # The deposit, and the fund's share of the fees that opening the book cost: losses come later.
    assert 1_000.0 < summary["insurance_fund_start"] < 1_200.0 != summary["insurance_fund_end"]
    assert summary["index_price_start"] == 2_000.0 == summary["price_start"]
    assert summary["price_end"] == pytest.approx(last["external_price"])
    assert summary["open_interest_start"] == pytest.approx(blocks[0]["open_interest_notional"])
    liquidations = pq.read_table(run.folder / "liquidations.parquet")
    assert summary["liquidations"] == liquidations.num_rows > 0
    assert summary["liquidated_notional"] == pytest.approx(sum(liquidations["notional"].to_pylist()))


def test_the_world_without_price_feedback_is_the_run_without_forced_flow(run, tmp_path):
    alone = small_run(tmp_path / "alone", *CASCADE, "flow.forced_flow=false").summary
    whole, left = run.summary["liquidated_notional"], alone["liquidated_notional"]
    assert run.summary["excess_liquidated_notional"] == whole - left > 0.0
    assert run.summary["excess_share"] == pytest.approx(1.0 - left / whole)
    assert run.summary["excess_bad_debt"] == pytest.approx(run.summary["bad_debt"] - alone["bad_debt"])
    assert alone["excess_share"] is alone["excess_bad_debt"] is None
