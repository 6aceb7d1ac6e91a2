"""From a table of paths to estimates: each row against the estimator it names, and what is not said."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.experiments.estimates.points import (
    COLUMNS,
    FAMILIES,
    PAIRED_COLUMNS,
    Design,
    estimate_paths,
    paired_estimates,
)
from sim.metrics.book import METRICS
from sim.metrics.statistics.clustered import clustered_mean, clustered_proportion
from sim.metrics.statistics.expected_shortfall import empirical_expected_shortfall
from sim.metrics.statistics.intervals import clopper_pearson, quantile_interval, rule_of_three
from sim.metrics.statistics.over_paths import Measure, path_interval
from sim.metrics.statistics.paired import mcnemar_of_paths, mean_interval, paired_difference
from sim.metrics.statistics.paired_proportion import paired_proportion_difference
from sim.metrics.statistics.sequential import mean_sequence, proportion_sequence

QUICK = Design()


def table(n, *, points=1, populations=1, seed=1, **columns):
    """One metric of each family, all drawn; point p scales losses by 1 + p / 10."""
    frames = []
    for point in range(points):
        draw = Streams(seed).draw("table")
        loss = np.maximum(draw.exponential(n) - 1.0, 0.0) * (1 + point / 10)
        frame = pd.DataFrame(
            {
                "point": point,
                "path": np.arange(n),
                "population": np.arange(n) % populations,
                "digest": "x",
                "bad_debt_ratio": loss,
                "insolvent": (loss > 1.0).astype(float),
                "margin_coverage": 1 - 0.01 * draw.uniform(n),
                "liquidated_share": draw.uniform(n),
                "max_1h_margin_increase": draw.exponential(n),
                "mean_initial_margin_ratio": 0.1 + 0.01 * draw.uniform(n),
            }
        )
        frames.append(frame.assign(**columns))
    return pd.concat(frames, ignore_index=True)


def one(estimates, metric, statistic, point=0):
    found = estimates[
        (estimates["metric"] == metric)
        & (estimates["statistic"] == statistic)
        & (estimates.get("point", 0) == point)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_every_row_names_its_size_and_method_and_all_families_are_there() -> None:
    found = estimate_paths(table(300, points=2), design=QUICK)
    assert tuple(found.columns) == COLUMNS
    assert set(found["family"]) == set(FAMILIES)
    assert (found["n"] == 300).all()
    assert found["method"].str.len().min() > 3
    assert set(found["point"]) == {0, 1}
    given = found["lower"].notna()
    assert (found.loc[given, "lower"] <= found.loc[given, "estimate"]).all()
    assert (found.loc[given, "estimate"] <= found.loc[given, "upper"]).all()
    assert found.loc[~given, "note"].str.len().min() > 5  # no interval without a reason


def test_independent_paths() -> None:
    paths = table(1_200)
    loss, event = (paths[name].to_numpy() for name in ("bad_debt_ratio", "insolvent"))
    found = estimate_paths(paths, design=QUICK)
    mean, expected = one(found, "bad_debt_ratio", "mean"), mean_interval(loss)
    assert mean["lower"] == pytest.approx(expected.lower)
    # Losses nobody has seen lie above: the upper end is moved out by what an exponential tail leaves open.
    assert expected.upper < mean["upper"] < expected.upper + 0.2 * expected.half_width
    chance, exact = one(found, "insolvent", "probability"), clopper_pearson(int(event.sum()), 1_200)
    assert (chance["lower"], chance["upper"]) == pytest.approx((exact.lower, exact.upper))
    for name, level in (("VaR95", 0.95), ("VaR99", 0.99)):
        row, ranked = one(found, "bad_debt_ratio", name), quantile_interval(loss, level)
        assert (row["estimate"], row["lower"], row["upper"]) == (ranked.estimate, ranked.lower, ranked.upper)
    shortfall = one(found, "bad_debt_ratio", "ES99")
    assert shortfall["estimate"] == pytest.approx(empirical_expected_shortfall(loss, 0.99))
    assert shortfall["lower"] < shortfall["estimate"] < shortfall["upper"]
    index = one(found, "bad_debt_ratio", "tail index")
    # An exponential tail has xi = 0; the asymptotic error of 120 exceedances is 0.09.
    assert abs(index["estimate"]) < 4.5 / math.sqrt(120)
    assert index["lower"] < index["estimate"] < index["upper"]


def test_tails_only_where_more_is_worse() -> None:
    found = estimate_paths(table(60), design=QUICK)
    statistics = found.groupby("metric")["statistic"].apply(set)
    assert statistics["margin_coverage"] == {"mean"}
    assert statistics["mean_initial_margin_ratio"] == {"mean"}
    assert statistics["liquidated_share"] == {"mean", "VaR95", "VaR99"}
    assert statistics["bad_debt_ratio"] == {"mean", "VaR95", "VaR99", "ES99", "tail index"}
    assert statistics["insolvent"] == {"probability"}


def test_small_samples_say_so() -> None:
    found = estimate_paths(table(60), design=QUICK)
    risk = one(found, "bad_debt_ratio", "VaR99")
    assert risk["upper"] == math.inf
    assert "too small for an upper end" in risk["note"]
    shortfall = one(found, "bad_debt_ratio", "ES99")
    assert math.isnan(shortfall["upper"])
    assert "rests on 0.6 paths, 10 are needed" in shortfall["note"]
    assert math.isnan(one(found, "bad_debt_ratio", "tail index")["estimate"])


def test_a_thousand_paths_with_few_losses_have_no_tail_index() -> None:
    loss = np.zeros(1_000)
    loss[:40] = np.arange(1, 41)
    row = one(estimate_paths(table(1_000, bad_debt_ratio=loss), design=QUICK), "bad_debt_ratio", "tail index")
    assert math.isnan(row["estimate"])
    assert "41 distinct losses" in row["note"]


@pytest.mark.parametrize(("value", "side"), [(0.0, "upper"), (1.0, "lower")])
def test_no_event_is_a_bound_in_words(value, side) -> None:
    row = one(estimate_paths(table(200, insolvent=value), design=QUICK), "insolvent", "probability")
    bound = rule_of_three(200)
    assert row[side] == pytest.approx(bound if side == "upper" else 1 - bound)
    assert "200 paths" in row["note"]
    assert "95%" in row["note"]


def test_a_constant_gets_no_interval_of_zero_width() -> None:
    row = one(estimate_paths(table(200, bad_debt_ratio=0.0), design=QUICK), "bad_debt_ratio", "mean")
    assert row["estimate"] == 0.0
    assert math.isnan(row["lower"])
    assert math.isnan(row["upper"])
    assert "the same in all 200 paths" in row["note"]


def test_undefined_paths_are_counted_out() -> None:
    column = np.where(np.arange(100) < 30, np.nan, 1.0 + np.arange(100) % 3)
    found = estimate_paths(table(100, fund_drawdown=column, excess_share=np.nan), design=QUICK)
    row = one(found, "fund_drawdown", "mean")
    assert row["n"] == 70
    assert "not defined in 30 paths" in row["note"]
    assert row["estimate"] == pytest.approx(np.nanmean(column))
    nothing = one(found, "excess_share", "mean")
    assert (nothing["n"], nothing["note"]) == (0, "not defined in any path")


def test_populations_are_the_unit() -> None:
    paths = table(600, populations=12)
    paths["bad_debt_ratio"] += paths["population"]
    paths["insolvent"] = (paths["bad_debt_ratio"] > 8.0).astype(float)
    found = estimate_paths(paths, design=QUICK)
    labels = paths["population"].to_numpy()
    expected = clustered_mean(paths["bad_debt_ratio"].to_numpy(), labels)
    row = one(found, "bad_debt_ratio", "mean")
    assert (row["lower"], row["units"]) == (pytest.approx(expected.interval.lower, rel=1e-3), 12)
    assert "populations" in row["method"]
    assert "between populations" in row["note"]
    chance = one(found, "insolvent", "probability")
    exact = clustered_proportion(paths["insolvent"].to_numpy() > 0.5, labels)
    assert (chance["lower"], chance["upper"]) == pytest.approx((exact.lower, exact.upper))
    risk = one(found, "bad_debt_ratio", "VaR95")
    assert "Woodruff over populations" in risk["method"]
    shortfall = one(found, "bad_debt_ratio", "ES99")
    assert math.isnan(shortfall["lower"])
    assert "rests on 6 paths" in shortfall["note"]
    plain = quantile_interval(paths["bad_debt_ratio"].to_numpy(), 0.95)
    assert risk["upper"] - risk["lower"] > plain.upper - plain.lower


def test_antithetic_pairs_and_replicates_are_the_unit() -> None:
    paths = table(320)
    loss = paths["bad_debt_ratio"].to_numpy()
    pairs = one(estimate_paths(paths, design=Design(antithetic=True)), "bad_debt_ratio", "mean")
    expected = mean_interval(loss.reshape(-1, 2).mean(axis=1))
    assert pairs["lower"] == pytest.approx(expected.lower)
    assert pairs["upper"] >= expected.upper
    assert pairs["units"] == 160
    sets = one(estimate_paths(paths, design=Design(replicate_paths=20)), "bad_debt_ratio", "mean")
    expected = mean_interval(loss.reshape(16, 20).mean(axis=1))
    assert sets["lower"] == pytest.approx(expected.lower)
    assert sets["upper"] >= expected.upper
    assert "asked for" not in sets["note"]
    some = estimate_paths(paths, design=Design(replicate_paths=25))
    assert "13 replicates, 16 are asked for" in one(some, "bad_debt_ratio", "mean")["note"]
    few = one(estimate_paths(paths, design=Design(replicate_paths=40)), "bad_debt_ratio", "mean")
    assert "rests on 8 scrambled replicates, 10 are needed" in few["note"]
    assert math.isnan(few["lower"])


def test_the_stopping_metric_gets_the_sequence_that_stopped_it() -> None:
    paths = table(300)
    design = Design(stopping_metric="bad_debt_ratio", tightest_at=100, stopping_confidence=0.9)
    row = one(estimate_paths(paths, design=design), "bad_debt_ratio", "mean")
    expected = mean_sequence(paths["bad_debt_ratio"], confidence=0.9, tightest_at=100)
    assert (row["lower"], row["confidence"]) == (pytest.approx(expected.lower), 0.9)
    assert "confidence sequence" in row["method"]
    event = one(estimate_paths(paths, design=Design(stopping_metric="insolvent")), "insolvent", "probability")
    exact = proportion_sequence(int(paths["insolvent"].sum()), 300)
    assert (event["lower"], event["upper"]) == pytest.approx((exact.lower, exact.upper))


def test_estimates_do_not_depend_on_the_order_of_rows_or_other_points() -> None:
    paths = table(1_000, points=2)
    whole = estimate_paths(paths, design=QUICK)
    alone = estimate_paths(paths[paths["point"] == 1], design=QUICK)
    pd.testing.assert_frame_equal(
        whole[whole["point"] == 1].reset_index(drop=True), alone.reset_index(drop=True)
    )


def test_pairs() -> None:
    paths = table(1_000, points=2)
    found = paired_estimates(paths, 0, 1, design=QUICK)
    assert tuple(found.columns) == PAIRED_COLUMNS
    assert set(found["family"]) == set(FAMILIES)
    a, b = (paths.loc[paths["point"] == point, "bad_debt_ratio"].to_numpy() for point in (0, 1))
    row, expected = one(found, "bad_debt_ratio", "mean difference"), paired_difference(b, a)
    assert row["lower"] == pytest.approx(expected.difference.lower)
    assert row["upper"] >= expected.difference.upper
    assert row["variance_factor"] == pytest.approx(expected.variance_factor)
    assert row["estimate"] == pytest.approx(row["other"] - row["base"])
    tail = one(found, "bad_debt_ratio", "ES99 difference")
    assert tail["estimate"] == pytest.approx(0.1 * empirical_expected_shortfall(a, 0.99))
    # What pairing gains is given away in a tail: as long as if the arms were independent.
    arms = [path_interval(arm, Measure("shortfall", 0.99)) for arm in (a, b)]
    down = math.hypot(arms[1].estimate - arms[1].lower, arms[0].upper - arms[0].estimate)
    assert tail["lower"] == pytest.approx(tail["estimate"] - down)
    assert tail["lower"] < tail["estimate"] < tail["upper"]
    events = one(found, "insolvent", "probability difference")
    test = mcnemar_of_paths(a > 1.0, b > 1.0)
    tango = paired_proportion_difference(test.only_first, test.only_second, 1_000)
    assert (events["only_base"], events["only_other"]) == (0, test.only_second)
    assert events["p_value"] == pytest.approx(test.p_value)
    assert (events["lower"], events["upper"]) == pytest.approx((tango.lower, tango.upper))


def test_identical_points_differ_by_exactly_nothing() -> None:
    paths = table(200, points=2)
    paths.loc[paths["point"] == 1, paths.columns[1:]] = paths.loc[
        paths["point"] == 0, paths.columns[1:]
    ].values
    paths = paths.infer_objects()
    found = paired_estimates(paths, 0, 1, design=QUICK)
    assert (found["estimate"] == 0.0).all()
    means = found[found["statistic"] == "mean difference"]
    assert means["lower"].isna().all()  # a width of zero would say what no sample shows
    assert means["note"].str.contains("identical in all 200 paths").all()
    event = one(found, "insolvent", "probability difference")
    assert event["upper"] == pytest.approx(stats.chi2.isf(0.05, 1) / (200 + stats.chi2.isf(0.05, 1)))


def test_pairs_with_populations_and_missing_paths() -> None:
    paths = table(400, points=2, populations=10)
    paths = paths[(paths["point"] == 0) | (paths["path"] >= 40)]
    found = paired_estimates(paths, 0, 1, design=QUICK)
    row = one(found, "bad_debt_ratio", "mean difference")
    assert (row["n"], row["units"]) == (360, 10)
    first, second = (paths[(paths["point"] == p) & (paths["path"] >= 40)] for p in (0, 1))
    difference = second["bad_debt_ratio"].to_numpy() - first["bad_debt_ratio"].to_numpy()
    expected = clustered_mean(difference, first["population"].to_numpy()).interval
    assert row["lower"] == pytest.approx(expected.lower)
    assert row["upper"] >= expected.upper
    event = one(found, "insolvent", "probability difference")
    assert math.isnan(event["p_value"])
    assert "populations" in event["method"]


def test_points_without_common_paths_are_refused() -> None:
    paths = table(20, points=2)
    apart = paths[(paths["point"] == 0) == (paths["path"] < 10)]
    with pytest.raises(InputError, match="share 0 paths"):
        paired_estimates(apart, 0, 1)
    moved = paths.copy()
    moved.loc[moved["point"] == 1, "population"] = 3
    with pytest.raises(InputError, match="different populations"):
        paired_estimates(moved, 0, 1)


def test_unknown_columns_are_not_metrics() -> None:
    found = estimate_paths(table(30, speed=1.0), design=QUICK)
    assert set(found["metric"]) <= set(METRICS.names())
