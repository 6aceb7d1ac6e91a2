"""The metric book: every entry worked out by hand, and what an entry may not be."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from sim.core.errors import InputError, RunError
from sim.core.units import WAD
from sim.metrics.book import (
    DIGEST,
    METRICS,
    Metric,
    Readings,
    measured,
    metric_problem,
    path_metrics,
    why_undefined,
)
from sim.metrics.entries.unbooked import DUST
from sim.metrics.facts import Totals
from sim.metrics.margin import CoverageTest
from sim.protocol.state import ProtocolState
from tests.support.run_facts import run_facts, summary_keys

GOLDEN = Path(__file__).parents[3] / "golden" / "expected" / "calm_market.json"
PLACE = {field.name: place for place, field in enumerate(fields(ProtocolState))}


def grown(name):
    """Return by how much a total of the protocol grew between the two states of `run_facts`."""
    return 1_000.0 + PLACE[name]


BY_HAND = {
    "blocks": 11,
    "transactions": 101,
    "reverted": 13,
    "liquidations": 5,
    "liquidated_notional": 4_000.0,
    "bad_debt": grown("bad_debt"),
    "insurance_fund_start": 1_000.0 + PLACE["fund_reserves"],
    "insurance_fund_min": 600.0,
    "insurance_fund_end": 2_000.0 + 2 * PLACE["fund_reserves"],
    "fund_depleted": False,
    "auto_deleveraged_notional": 170.0,
    "socialized_loss": grown("socialized_loss"),
    "margin_calls": 19,
    "cured_margin_calls": 7,
    "mean_initial_margin_ratio": 0.1,
    "mean_maintenance_margin_ratio": 0.07,
    "peak_to_trough_margin": 1.5,
    "max_1h_margin_increase": 0.25,
    "margin_coverage": 0.95,
    "breaches": 2,
    "mean_breach_size": 0.75,
    "liquidator_profit": 25.0,  # 50 of bounties less a hundredth of a coin at 2,500
    "oracle_staleness_max_seconds": 432,
    "base_fee_max_gwei": 77.0,
    "invariants_checked": 900,
    "invariant_violations": 0,
    "price_start": 2_000.0,
    "price_min": 1_400.0,
    "price_end": 1_700.0,
    "fund_draws": grown("fund_draws"),
    "auto_deleverage_haircuts": grown("haircuts"),
    "pending_deficit_end": 2_000.0 + 2 * PLACE["pending_deficit"],
    "negative_equity_end": 7.0,  # the account without a position is booked already
    "liquidator_tips": grown("tips"),
    "margin_coverage_pairs": 40,
    "price_drawdown": 0.3,
    "price_overshoot": 0.02,
    "open_interest_start": 110.0,
    "index_price_start": 1_990.0,
    "negative_equity_max": 9.0,
    "silent_oracles": 2,
    "settlement_blocks": 3,
    "closer_gas_cost": 5.0,  # a five-hundredth of a coin at 2,500
    "collateral_drawdown": 0.41,
    "collateral_sales": 23,
    "collateral_sold": 31.0,
    "excess_liquidated_notional": 1_500.0,
    "excess_share": 0.375,
    "gross_excess_share": 0.45,
    "avoided_share": 0.05,
    "brought_forward_share": 0.25,
    "brought_forward_seconds": 130,
    "excess_trader_loss": 170.0,
    "excess_bad_debt": 4.0,
    "price_effect": 1_350.0,  # half of 4000 - 2500 and of 3100 - 1900
    "margin_effect": 750.0,  # half of 4000 - 3100 and of 2500 - 1900
    "feedback_interaction": 300.0,
    "price_gap_max": 0.0625,
    "liquidated_elsewhere_notional": 750.0,
    "start_liquidatable_accounts": 21,
    "start_liquidatable_notional": 2_100.0,
    "start_short_accounts": 22,
    "start_short_notional": 2_200.0,
    "start_below_initial_accounts": 23,
    "start_below_initial_notional": 2_300.0,
    "capital_added_at_set_up": 24.0,
    "added_capital": 26.0,
    "start_collateral": 1_000.0 + PLACE["total_collateral"],
    "formula_failures": 3,
}
DERIVED = {
    "liquidated_share": 0.25,
    "bad_debt_ratio": 0.005,
    "fund_drawdown": 0.25,
    "fund_drain": 0.05,
    "uncovered_loss": 10.0,
    "uncovered_loss_ratio": 0.01,
    "insolvent": 1.0,
    "any_liquidation": 1.0,
    "bad_debt_per_liquidated": 0.02,
    "any_breach": 0.0,
    "loss_beyond_collateral": 12.0,
    "loss_beyond_collateral_ratio": 0.012,
    "unbooked_share": 4.0 / 12.0,
}


NOTHING_PASSED_ON = {"socialized_loss": 0.0, "auto_deleverage_haircuts": 0.0, "pending_deficit_end": 0.0}


def summary(**changes):
    """Return a summary in which every number is its own, with open interest 1000 and a fund of 200."""
    values = {key: float(index) for index, key in enumerate(summary_keys())} | {
        "digest": "ab" * 32,
        "fund_depleted": False,
        "excess_share": None,
        "open_interest_start": 1_000.0,
        "liquidations": 8,
        "liquidated_notional": 250.0,
        "bad_debt": 5.0,
        "insurance_fund_start": 200.0,
        "insurance_fund_min": 150.0,
        "insurance_fund_end": 160.0,
        "socialized_loss": 1.0,
        "auto_deleverage_haircuts": 2.0,
        "pending_deficit_end": 3.0,
        "negative_equity_end": 4.0,
        "breaches": 0,
    }
    return values | changes


def beside():
    """Return the worlds beside the run, each with its own liquidated notional, loss and prices."""
    whole = run_facts()
    liquidated = {"no_price_feedback": 2_500.0, "no_margin_feedback": 3_100.0, "no_feedback": 1_900.0}
    return {
        world: replace(
            whole,
            totals=replace(whole.totals, liquidated_notional=notional),
            after=replace(whole.after, bad_debt=whole.after.bad_debt - 4 * WAD),
            trader_loss=450.0,
            column=lambda table, name: {("blocks", "external_price"): [2_000.0, 1_600.0]}[table, name],
        )
        for world, notional in liquidated.items()
    }


def entry(**changes):
    """Return an entry that is all right but for what is changed."""
    kept = {
        "name": "largest_liquidation", "label": "Largest", "meaning": "The largest one.", "unit": "quote",
        "kind": "amount", "direction": 1, "family": "cascade", "section": "Cascade", "markets": "all",
        "measure": lambda run: max(run.column("liquidations", "notional"), default=0.0),
    }  # fmt: skip
    return Metric(**(kept | changes))


@pytest.fixture
def register():
    """Register entries for one test."""
    added = []

    def add(**changes):
        added.append(METRICS.add(entry(**changes)).name)

    yield add
    for name in added:
        METRICS.remove(name)


def test_the_keys_of_the_summary_and_their_order_are_those_of_the_golden_runs():
    assert summary_keys() == tuple(json.loads(GOLDEN.read_text(encoding="utf-8")))
    assert METRICS.names() == (*BY_HAND, *DERIVED)


@pytest.mark.parametrize("name", BY_HAND)
def test_what_the_summary_says_by_hand(name):
    facts = run_facts(worlds=beside())
    value = measured(facts)[name]
    assert value == pytest.approx(BY_HAND[name], rel=1e-12)
    assert type(value) is type(BY_HAND[name])


@pytest.mark.parametrize("name", DERIVED)
def test_derived_metrics_by_hand(name):
    assert path_metrics(summary())[name] == pytest.approx(DERIVED[name], rel=1e-15)


def test_a_run_without_other_worlds_has_no_metric_that_needs_one():
    found = measured(run_facts())
    assert {name for name, value in found.items() if value is None} == {
        metric.name for metric in METRICS if metric.worlds
    }


def test_a_run_in_which_nothing_happened_has_every_metric_but_the_coverage():
    facts = replace(
        run_facts(worlds=beside()),
        totals=Totals(price_min=2_000.0),
        coverage=CoverageTest(),
    )
    found = measured(facts)
    assert [name for name, value in found.items() if value is None] == [
        "margin_coverage",
        "excess_share",  # something is liquidated beside it
    ]
    zero = ("liquidations", "liquidated_notional", "mean_initial_margin_ratio", "open_interest_start")
    assert [found[name] for name in zero] == [0.0] * 4


def test_nothing_is_elsewhere_where_there_is_one_market():
    facts = run_facts()
    alone = replace(facts, valuation=replace(facts.valuation, maintenance_ratio=np.zeros((1, 4))))
    assert measured(alone)["liquidated_elsewhere_notional"] is None
    metric = METRICS["liquidated_elsewhere_notional"]
    assert why_undefined(metric, worlds=()) == "the scenario has one market"


def test_numbers_are_kept_and_truths_are_one_and_zero():
    found = path_metrics(summary(fund_depleted=True))
    assert tuple(found) == METRICS.names()
    assert found["price_min"] == float(summary_keys().index("price_min"))
    assert found["fund_depleted"] == 1.0
    assert found["excess_share"] is None
    assert DIGEST not in found


def test_a_ratio_to_nothing_is_undefined():
    found = path_metrics(summary(open_interest_start=0.0, insurance_fund_start=0.0, insurance_fund_min=0.0))
    for name in (
        "liquidated_share", "bad_debt_ratio", "fund_drawdown", "fund_drain", "uncovered_loss_ratio",
        "loss_beyond_collateral_ratio",
    ):  # fmt: skip
        assert found[name] is None
        assert why_undefined(METRICS[name], worlds=()) == METRICS[name].undefined != ""


def test_a_path_without_liquidations_has_zero_shares_of_them():
    found = path_metrics(summary(liquidations=0, liquidated_notional=0.0, bad_debt=0.0))
    assert [found[name] for name in ("any_liquidation", "bad_debt_per_liquidated")] == [0] * 2


def test_insolvency_begins_beyond_dust():
    empty = NOTHING_PASSED_ON | {"insurance_fund_end": 0.0}
    assert path_metrics(summary(**empty, negative_equity_end=1_000.0 * DUST))["insolvent"] == 0.0
    assert path_metrics(summary(**empty, negative_equity_end=1_001.0 * DUST))["insolvent"] == 1.0


@pytest.mark.parametrize(
    ("changes", "insolvent"),
    [
        ({"negative_equity_end": 159.0}, 0.0),
        ({"negative_equity_end": 161.0}, 1.0),
        ({"negative_equity_end": 100.0, "pending_deficit_end": 61.0}, 1.0),  # together beyond the fund
        ({"negative_equity_end": 0.0, "socialized_loss": 1.0}, 1.0),  # whatever the fund received later
        ({"negative_equity_end": 0.0, "auto_deleverage_haircuts": 1.0}, 1.0),
    ],
)
def test_insolvent_is_a_loss_beyond_what_the_fund_can_pay(changes, insolvent):
    assert path_metrics(summary(**(NOTHING_PASSED_ON | changes)))["insolvent"] == insolvent


def test_a_fund_that_only_grew_has_no_drawdown():
    found = path_metrics(summary(insurance_fund_min=200.0))
    assert found["fund_drawdown"] == found["fund_drain"] == 0.0


def test_a_metric_that_is_registered_is_measured_after_those_that_ship(register):
    register()
    assert summary_keys()[-1] == "largest_liquidation"
    assert measured(run_facts())["largest_liquidation"] == 750.0


def test_a_derived_metric_may_read_another_wherever_it_stands(register):
    register(name="a_half", measure=None, derive=lambda known: known["b_whole"] / 2, order=1)
    register(name="b_whole", measure=None, derive=lambda known: known["bad_debt"])
    assert path_metrics(summary())["a_half"] == 2.5


def test_a_metric_derived_from_itself_is_refused(register):
    register(name="hen", measure=None, derive=lambda known: known["egg"])
    register(name="egg", measure=None, derive=lambda known: known["hen"])
    with pytest.raises(InputError, match="'egg': is derived from itself, by egg and hen"):
        path_metrics(summary())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", [1.0]])
def test_what_json_cannot_hold_is_an_error_that_names_the_metric(register, value):
    register(measure=lambda _: value)
    with pytest.raises(RunError, match="metric largest_liquidation: must be a finite number"):
        measured(run_facts())


def test_a_metric_that_fails_is_named(register):
    register(measure=lambda _: 1 / 0)
    register(name="other", measure=None, derive=lambda known: known["no such metric"])
    with pytest.raises(RunError, match="metric largest_liquidation: ZeroDivisionError"):
        measured(run_facts())
    with pytest.raises(RunError, match="metric other: KeyError: 'no such metric'"):
        path_metrics({})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Largest"}, "lower-case"),
        ({"name": "digest"}, "none of digest"),
        ({"name": "point"}, "none of digest, point, name"),
        ({"measure": None}, "exactly one of measure and derive"),
        ({"derive": lambda _: 0.0}, "exactly one of measure and derive"),
        ({"meaning": "no sentence"}, "a sentence"),
        ({"label": ""}, "a label"),
        ({"direction": 2}, "direction must be 1, 0 or -1, was 2"),
        ({"kind": "ratio"}, "kind must be one of count, amount"),
        ({"family": "cascades"}, "family must be one of coverage"),
        ({"section": "Loss"}, "section must be one of Price"),
        ({"markets": "first"}, "markets must be one of all"),
        ({"kind": "share"}, "share has no dimension"),
        ({"worlds": ("forced",)}, "worlds must be among no_price_feedback"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        entry(**changes)


def test_a_name_is_taken_once():
    with pytest.raises(InputError, match="metric 'bad_debt': the name is taken"):
        METRICS.add(entry(name="bad_debt"))


def test_an_unknown_name_says_what_was_meant_or_where_to_look():
    assert metric_problem("bad_debt") is None
    assert metric_problem("bad_dept") == "unknown metric 'bad_dept', did you mean bad_debt?"
    assert metric_problem("qqq") == "unknown metric 'qqq', seawall metrics lists them all"


def test_the_entries_say_in_what_they_count():
    words = {metric.name: metric.quantity for metric in METRICS}
    assert words["bad_debt"] == "USDC"
    assert words["liquidated_share"] == "of open interest"
    assert words["peak_to_trough_margin"] == "ratio"
    assert words["oracle_staleness_max_seconds"] == "seconds"
    assert words["liquidations"] == "count"
    assert words["insolvent"] == ""


def test_what_is_made_of_other_metrics_speaks_of_the_same_markets_as_each_of_them():
    """T8: sums over all markets stood over the open interest of market 0 alone."""

    class Noted(Readings):
        def __getitem__(self, name):
            read.add(METRICS[name].markets)
            return super().__getitem__(name)

    for metric in METRICS:
        read = set()
        if metric.derive is not None:
            metric.derive(Noted(summary()))
            assert read == {metric.markets}, metric.name
