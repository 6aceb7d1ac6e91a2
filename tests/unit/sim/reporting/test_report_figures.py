import base64
import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from sim.reporting.figures.style import Figure
from sim.reporting.findings.run import run_findings
from sim.reporting.findings.run.chain_figures import worst_in_interval
from sim.reporting.findings.run.context import is_long, time_bins
from sim.reporting.findings.run.flow_figures import liquidations_figure, rank_correlation
from sim.reporting.findings.run.parties import leverage_bands, parties, parties_figure
from sim.reporting.findings.run.price_figures import price_figure
from sim.reporting.findings.run.worlds_figure import worlds_figure
from sim.reporting.run_folder import load_run

EXPECTED = {
    "Price": ["price-0", "impact-0"],
    "Liquidations through time": ["liquidations"],
    "What forced selling added": ["worlds-0"],
    "Margin and the risk carried": ["margin-0", "open-interest-0"],
    "Insurance fund and losses": ["fund"],
    "Who lost, who gained": ["parties"],
    "Chain and oracle": ["chain", "oracle-0"],
}


@pytest.fixture(scope="module")
def run(crash_run):
    return load_run(crash_run)


@pytest.fixture(scope="module")
def found(crash_run):
    return run_findings(crash_run)


def decoded(values):
    return np.frombuffer(base64.b64decode(values["bdata"]), dtype="<" + values["dtype"])


def test_every_section_has_its_figures(found):
    keys = {
        section.heading: [block.key for block in section.blocks if isinstance(block, Figure)]
        for section in found.sections
    }
    assert {heading: figures for heading, figures in keys.items() if figures} == EXPECTED


def test_every_figure_is_valid_plotly_with_caption_and_units(found):
    for figure in found.figures:
        go.Figure(data=figure.traces, layout=figure.layout)  # raises on any unknown property
        assert len(figure.caption) > 40
        assert figure.description
        axes = [axis for name, axis in figure.layout.items() if name.startswith("yaxis")]
        assert all(axis["title"]["text"] for axis in axes if axis.get("type") != "category")


def test_price_figure_draws_the_recorded_prices(run):
    figure = price_figure(run, 0)
    external = next(trace for trace in figure.traces if trace["name"] == "external market")
    rows = run.market_blocks(0)
    assert decoded(external["y"]) == pytest.approx(rows["external_price"].to_numpy(), rel=1e-6)
    assert decoded(external["x"]).tolist() == (rows["timestamp"] * 1_000.0).tolist()


def test_price_figure_marks_each_liquidation_once(run):
    marks = [trace for trace in price_figure(run, 0).traces if trace["mode"] == "markers"]
    assert sum(len(decoded(trace["x"])) for trace in marks) == len(run.liquidations)
    assert len(marks) == 1


def test_the_picture_of_two_worlds_ends_at_their_totals(run):
    traces = {trace["name"]: decoded(trace["y"]) for trace in worlds_figure(run, 0).traces}
    closed, alone = traces["liquidated with forced selling"], traces["liquidated without"]
    assert closed[-1] == pytest.approx(run.liquidations["notional"].sum(), rel=1e-6)
    assert alone[-1] == pytest.approx(run.worlds["liquidated_notional"].sum(), rel=1e-6)
    assert closed[-1] != alone[-1]
    assert traces["price without"].min() > traces["price with forced selling"].min()


def test_a_world_that_settled_for_longer_is_drawn_to_its_own_end(run):
    shorter = replace(run, worlds=run.worlds[run.worlds["block"] < run.worlds["block"].max() - 50])
    traces = {trace["name"]: decoded(trace["x"]) for trace in worlds_figure(shorter, 0).traces}
    assert traces["price without"][-1] < traces["price with forced selling"][-1]
    assert traces["liquidated without"][-1] == traces["liquidated with forced selling"][-1]


def test_liquidation_bars_hold_all_notional_by_side(run):
    traces = liquidations_figure(run).traces
    simulated = [decoded(trace["y"]).sum() for trace in traces[:2]]
    longs = is_long(run.liquidations)
    notional = run.liquidations["notional"].to_numpy()
    assert simulated == pytest.approx([notional[longs].sum(), notional[~longs].sum()], rel=1e-5)


def test_liquidation_figure_shows_observed_beside_simulated_without_mixing_scales(run):
    figure = liquidations_figure(run)
    assert {trace["yaxis"] for trace in figure.traces} == {"y", "y2"}
    assert "shape" in figure.caption
    total = sum(decoded(trace["y"]).sum() for trace in figure.traces[2:])
    assert total == pytest.approx(
        run.observed[["observed_long", "observed_short"]].to_numpy().sum(), rel=1e-4
    )


@pytest.mark.parametrize(("hours", "width"), [(24, 3_600), (2, 300), (0.2, 60)])
def test_time_bins_cover_the_run(hours, width):
    span = (1_583_971_234.0, 1_583_971_234.0 + hours * 3_600)
    bins = time_bins(span)
    assert bins.width_seconds == width
    assert bins.starts[0] <= span[0]
    assert bins.starts[-1] <= span[1] < bins.starts[-1] + width


def test_rank_correlation_sees_order_not_level():
    left = np.array([1.0, 2.0, 3.0, 3.0, 9.0])
    assert rank_correlation(left, np.exp(left)) == pytest.approx(1.0)
    assert rank_correlation(left, -left) == pytest.approx(-1.0)
    assert rank_correlation(left, np.ones(5)) is None


def test_worst_in_interval_keeps_the_oldest_age():
    times = np.arange(5_000.0)
    ages = np.arange(5_000) % 37 * 1.0
    ages[2_345] = 999.0
    moments, worst = worst_in_interval(times, ages)
    assert len(moments) == len(worst) == 500
    assert worst.max() == 999.0
    assert moments[np.argmax(worst)] <= 2_345


def test_parties_list_traders_then_protocol_and_match_the_tables(run):
    found = {party.name: party for party in parties(run)}
    assert list(found)[:2] == ["retail traders", "first whale"]
    mine = run.accounts[run.accounts["group"] == "whale:first"]
    assert found["first whale"].result == pytest.approx(mine["profit"].sum())
    change = run.summary["insurance_fund_end"] - run.summary["insurance_fund_start"]
    assert found["Insurance fund"].result == pytest.approx(change)
    assert found["Oracle keepers"].result < 0
    assert parties_figure(list(found.values())) is not None


def test_leverage_bands_hold_every_account_once(run):
    bands = leverage_bands(run)
    assert sum(band.accounts for band in bands) == len(run.accounts)
    assert sum(band.liquidated for band in bands) == (run.accounts["liquidations"] > 0).sum()


def test_figures_are_plain_json(found):
    for figure in found.figures:
        json.dumps([figure.traces, figure.layout], allow_nan=False)
