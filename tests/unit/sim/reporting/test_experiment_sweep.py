"""The page of a sweep: every design drawn in its way, partial results in red, hostile text harmless."""

import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.experiments.estimates.points import estimate_points
from sim.experiments.sweep.design import Draw
from sim.experiments.sweep.plan import Plan, Point, Stopping
from sim.experiments.sweep.result import Failure, Stop, SweepResult
from sim.reporting.findings.sweep import sweep_findings
from sim.reporting.metric_words import metric_value
from sim.reporting.pages.remake import publish
from tests.support.page_reader import read_page
from tests.support.sweep_folder import SCENARIO, write_sweep_folder

RAMP = "protocol.margin.ramp_per_hour"
SIZE = "shocks.0.size"
MEGABYTES_ALLOWED = 7_500_000
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=alert(1)>{{ 7*7 }} & \u2028"
METRICS_SHOWN = ("liquidated_share", "bad_debt_ratio", "uncovered_loss_ratio", "insolvent")


def plan_of(points, **changes):
    base = Plan(
        scenario=SCENARIO,
        seed=7,
        paths=60,
        points=tuple(points),
        draws=(Draw(key=SIZE, low=-0.25, high=-0.08),),
        metrics=METRICS_SHOWN,
        title="Ramps",
    )
    return replace(base, **changes)


def arms(*names):
    return [
        Point(index=index, name=name, overrides=(f"{RAMP}={0.1 * (index + 1):.1f}",))
        for index, name in enumerate(names)
    ]


def ramps(count):
    return [
        Point(index=index, name=f"ramp {index}", overrides=(f"{RAMP}={value!r}",), values={RAMP: value})
        for index, value in enumerate([round(0.05 + 0.9 * i / (count - 1), 3) for i in range(count)])
    ]


def grid(first, second):
    return [
        Point(
            index=index,
            name=f"{a}, {b}",
            overrides=(f"{RAMP}={a!r}", f"blocks={b}"),
            values={RAMP: a, "blocks": b},
        )
        for index, (a, b) in enumerate((a, b) for a in first for b in second)
    ]


def page_written(folder):
    return publish(sweep_findings(folder), folder)


def page_of(folder):
    page = read_page(page_written(folder))
    assert page.references == []
    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))
    return page


def figures(page):
    return json.loads(page.scripts[0])["figures"]


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return write_sweep_folder(tmp_path_factory.mktemp("sweep") / "three", plan_of(arms("a", "b", "c")))


@pytest.fixture(scope="module")
def html(three):
    return page_written(three).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(three, html):
    return page_of(three)


def test_page_is_self_contained_small_and_the_same_bytes(three, html, page) -> None:
    first = html.encode()
    assert len(first) < MEGABYTES_ALLOWED
    assert first.count(b"Plotly.newPlot(") == 1
    assert (three / "report.html").read_bytes() == first  # written a second time by `page`
    text = " ".join(page.text)
    for family in ("Coverage", "Severity", "Cascade", "Procyclicality", "Efficiency"):
        assert family in text
    for place in ("d" * 64, "e" * 64, "c" * 64, "One population"):
        assert place in text
    assert "not complete" not in text
    targets = {f"figure-{key}" for key in figures(page)}
    assert targets <= set(page.ids)


def test_headline_says_what_the_estimates_say(three, page) -> None:
    estimates = estimate_points(SweepResult.open(three))
    text = " ".join(page.text)
    for point in range(3):
        row = estimates[
            (estimates["point"] == point)
            & (estimates["metric"] == "liquidated_share")
            & (estimates["statistic"] == "mean")
        ].iloc[0]
        assert row["name"] == "abc"[point]
        assert metric_value("liquidated_share", row["estimate"]) in text
        low = metric_value("liquidated_share", row["lower"]).removesuffix("\u202f%")
        assert f"{low} to {metric_value('liquidated_share', row['upper'])}" in text


def test_named_points_are_listed_with_whiskers(page) -> None:
    drawn = figures(page)
    trace = drawn["points-liquidated_share"]["traces"][0]
    assert len(trace["x"]) == 3
    assert all(width > 0 for width in trace["error_x"]["array"])


def test_one_number_makes_a_line_with_a_band(tmp_path) -> None:
    folder = write_sweep_folder(tmp_path, plan_of(ramps(5)))
    drawn = figures(page_of(folder))
    assert {f"line-{metric}" for metric in METRICS_SHOWN} <= set(drawn)
    traces = drawn["line-liquidated_share"]["traces"]
    assert [trace["mode"] for trace in traces] == ["lines", "lines", "lines+markers"]
    assert traces[1]["fill"] == "tonexty"


def test_two_parameters_make_a_heat_map(tmp_path) -> None:
    folder = write_sweep_folder(tmp_path, plan_of(grid([0.1, 0.9, 0.5], [100, 200])))
    trace = figures(page_of(folder))["map-liquidated_share"]["traces"][0]
    assert (trace["type"], trace["x"], trace["y"]) == ("heatmap", ["0.1", "0.5", "0.9"], ["100", "200"])
    z = np.array(trace["z"])
    assert z.shape == (2, 3)
    assert (np.diff(z, axis=1) > 0).all()  # a higher ramp liquidates more, and columns are in order
    assert " to " in trace["customdata"][0][0]


def test_scattered_designs_make_clouds_and_draw_eight_distributions(tmp_path) -> None:
    points = [
        replace(point, values={**point.values, "blocks": 100 + 7 * point.index % 50}) for point in ramps(12)
    ]
    folder = write_sweep_folder(tmp_path, plan_of(points, paths=30))
    page = page_of(folder)
    drawn = figures(page)
    assert "cloud-liquidated_share-protocol-margin-ramp_per_hour" in drawn
    assert "cloud-liquidated_share-blocks" in drawn
    lines = [one for one in drawn["tail-liquidated_share"]["traces"] if one["mode"] == "lines"]
    assert len(lines) == 8
    assert "8 of 12 points" in " ".join(page.text)


def test_partial_sweeps_say_so_in_red_and_name_failures(tmp_path) -> None:
    failure = Failure(
        point=1,
        path=4,
        reason="SOLV-1 broke",
        kind="invariant",
        attempts=1,
        invariant="SOLV-1",
        command="seawall run x",
    )
    folder = write_sweep_folder(
        tmp_path, plan_of(arms("a", "b")), missing=[(1, path) for path in range(50, 60)], failures=[failure]
    )
    page = page_of(folder)
    html = (folder / "report.html").read_text(encoding="utf-8")
    banners = re.findall(r'<p class="banner" role="alert">(.*?)</p>', html)
    assert banners[0].startswith("109 of 120 paths")
    assert "1 path broke an invariant" in banners[1]
    text = " ".join(page.text)
    assert "SOLV-1" in text
    assert "10 paths had not been run" in text


def test_paths_in_which_a_formula_failed_are_said_in_red(tmp_path) -> None:
    folder = write_sweep_folder(tmp_path, plan_of(arms("a", "b"), paths=5), unanswered=3)
    page_of(folder)
    html = (folder / "report.html").read_text(encoding="utf-8")
    banners = re.findall(r'<p class="banner" role="alert">(.*?)</p>', html)
    assert banners[0].startswith("In 3 paths a margin formula had no good answer")


def test_nothing_finished_is_still_a_page(tmp_path) -> None:
    plan = plan_of(arms("a"), paths=5)
    folder = write_sweep_folder(tmp_path, plan, missing=[(0, path) for path in range(5)])
    assert "Nothing measured" in " ".join(page_of(folder).text)


def test_commands_repeat_the_path_with_everything_that_was_set(html) -> None:
    cells = re.findall(r'<div class="command"><code>(.*?)</code>', html)
    commands = [shlex.split(re.sub(r"</?span>", "", one).replace("&#39;", "'")) for one in cells]
    assert len(commands) == 15  # five each for three metrics that are no events
    plan = plan_of(arms("a", "b", "c"))
    for words in commands:
        assert words[:3] == ["seawall", "run", "inputs/flash_crash.toml"]
        path = int(words[words.index("--path") + 1])
        assert words[words.index("--seed") + 1] == "7"
        sets = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        assert sets[0].startswith(RAMP)
        assert sets[1:] == [f"{SIZE}={plan.drawn(path)[SIZE]!r}"]
        assert words[words.index("--worlds") + 1] == "none"


def test_worst_paths_are_the_worst(three, html) -> None:
    paths = SweepResult.open(three).paths()
    worst = paths.sort_values("bad_debt_ratio", ascending=False).iloc[0]
    table = html.split('<p class="caption">Bad debt ratio: worst paths</p>')[1].split("</table>")[0]
    first = re.search(r'<td class="n">(\d+)</td><td class="n">([^<]+)</td>', table)
    assert first is not None
    assert first.group(1) == str(int(worst["path"]))
    assert first.group(2) == metric_value("bad_debt_ratio", float(worst["bad_debt_ratio"]))


def test_pairing_is_shown_against_the_first_point(html) -> None:
    section = html.split('id="section-differences"')[1].split("<h2")[0]
    assert "Each point against the first, a" in section
    assert section.count("×") >= 4  # variance factors
    assert "p " in section  # McNemar


def test_no_event_is_never_zero_per_cent(tmp_path) -> None:
    """A shallow crash leaves nobody insolvent: the page gives the bound of sixty paths, 4.87 %."""
    plan = plan_of(arms("a"), draws=(Draw(key=SIZE, low=-0.02, high=-0.01),))
    html = page_written(write_sweep_folder(tmp_path, plan)).read_text(encoding="utf-8")
    assert "at most 4.87" in html
    assert "none in 60, 95\u202f% bound" in html
    assert not re.search(r">0\u202f%", html)
    assert "the same on all 60 paths; otherwise in at most 4.87" in html  # bad debt, an amount


def test_stopping_and_populations_are_stated(tmp_path) -> None:
    plan = plan_of(
        arms("a", "b"),
        populations=6,
        stopping=Stopping(metric="liquidated_share", half_width=0.1, batch=10, minimum_paths=20),
    )
    folder = write_sweep_folder(tmp_path, plan, stops=[Stop(point=0, paths=30, half_width=0.08)])
    text = " ".join(page_of(folder).text)
    assert "Stopped early on Liquidated share" in text
    assert "confidence sequence" in text
    assert "6 populations in turn" in text
    assert "cluster-robust" in text


def test_hostile_words_stay_words(tmp_path) -> None:
    plan = plan_of(arms(HOSTILE, "b"), title=HOSTILE)
    folder = write_sweep_folder(tmp_path, plan)
    page = page_of(folder)
    assert not any("window.hacked" in script for script in page.scripts[1:])
    assert "<img src=x" not in (folder / "report.html").read_text(encoding="utf-8")
    assert any("window.hacked=1" in text for text in page.text)
    json.loads(page.scripts[0])


def test_a_folder_without_a_sweep_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="holds no sweep"):
        page_written(tmp_path)
