"""The frame, tables and figures that every experiment page is made of."""

import json
import math
import shlex

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy import stats

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.reporting.figures.distributions import exceedance, exceedance_figure, violin_figure
from sim.reporting.figures.points import (
    Estimates,
    band_figure,
    confidence_ellipse,
    heat_map,
    interval_figure,
    scatter_figure,
)
from sim.reporting.findings.blocks import (
    Cell,
    Column,
    Findings,
    Heading,
    Highlight,
    Verdict,
    bullets,
    details,
    facts,
    table,
)
from sim.reporting.findings.cells import commands_cell, event_cell, interval_cell
from sim.reporting.formatting import shorten
from sim.reporting.metric_words import metric_value, path_command, range_words, share
from sim.reporting.pages.html import pieces, render_html
from tests.support.page_reader import read_page

HOSTILE = "</script><b onclick=x>&{{ 7*7 }}"


def series(values, lower, upper, x=None):
    return Estimates(name="s", x=x or list(range(len(values))), values=values, lower=lower, upper=upper)


def all_figures():
    three = series([1.0, 2.0, 3.0], [0.5, math.nan, 2.0], [1.5, math.nan, math.inf])
    sample = Streams(1).draw("sample").exponential(500)
    return [
        interval_figure("a", "A", "c", ["x", "y", "z"], three, axis="mean", share=True),
        band_figure("b", "B", "c", [three, three], x_title="x", y_title="y", log_x=True),
        heat_map(
            "c", "C", "c", x=[0.1, 0.2], y=["p", HOSTILE], values=[[1.0, None], [2.0, 3.0]],
            words=[["1", "-"], ["2", "3"]], x_title="x", y_title="y",
        ),
        scatter_figure(
            "d", "D", "c", x=three, y=three, labels=["x", "y", HOSTILE], x_title="x", y_title="y", marked=[2],
            line=[0, 2], ellipses=[confidence_ellipse(sample, sample[::-1])], colors=[1.0, 2.0, math.nan],
        ),
        exceedance_figure("e", "E", "c", [("x", sample)], x_title="x", marks=[(0, 0.05, 3.0, 2.0, math.inf)]),
        violin_figure("f", "F", "c", [("x", sample), (HOSTILE, sample)], axis="x", share=True),
    ]  # fmt: skip


def test_figures_are_what_plotly_accepts() -> None:
    for figure in all_figures():
        go.Figure(data=figure.traces, layout=figure.layout)  # refuses unknown or wrong properties
        json.dumps([figure.traces, figure.layout], allow_nan=False)


def hostile_findings():
    found = Findings(command="test", title=HOSTILE, question=HOSTILE, context="somewhere")
    found.verdict = Verdict(
        level="open", stamp="Undetermined", headline=HOSTILE, answers=((HOSTILE, HOSTILE),)
    )
    found.warn("look out").highlights([Highlight(label="n", value="3", note=HOSTILE, mood="bad")])
    figures = all_figures()
    found.section("First part", "plain <words>", figures[0], None, Heading(text=HOSTILE))
    found.section("First part", details("more", HOSTILE), bullets([HOSTILE]), *figures[1:])
    cell = Cell(text=HOSTILE, under=HOSTILE, note=HOSTILE, lines=(HOSTILE,))
    columns = [Column(heading=HOSTILE, unit="u", kind="n"), Column(heading="again", kind="commands")]
    rows = [[cell, commands_cell(f"seawall run --set {HOSTILE}")], [None, None]]
    found.section("Table", table(columns, rows, caption=HOSTILE, note=HOSTILE))
    return found


def test_page_holds_its_parts_in_order_and_nothing_from_outside(tmp_path) -> None:
    target = tmp_path / "page.html"
    target.write_text(render_html(hostile_findings()), encoding="utf-8")
    read = read_page(target)
    assert (read.problems, read.references) == ([], [])
    assert len(read.ids) == len(set(read.ids))
    assert {"section-first-part", "section-first-part-1", "section-table"} <= set(read.ids)
    text = " ".join(read.text)
    assert text.index("look out") < text.index("First part")
    assert "plain <words>" in text
    assert text.count("49") == 0  # no template ran in anybody's words
    shown = json.loads(read.scripts[0])
    assert list(shown["figures"]) == list("abcdef")


def test_findings_come_back_from_their_file_as_they_were() -> None:
    found = hostile_findings()
    text = found.to_json()
    again = Findings.from_json(text, "findings.json")
    assert again.to_json() == text
    assert render_html(again) == render_html(found)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda content: content.update(schema_version="seawall-findings-9"), "schema_version"),
        (lambda content: content.update(extra=1), "extra"),
        (lambda content: content["sections"][0]["blocks"][0].update(block="script"), "sections.0.blocks.0"),
        (lambda content: content["sections"][2]["blocks"][0]["rows"][0].pop(), "columns"),
        (lambda content: content["sections"][0]["blocks"][1].update(key="x onload"), "key"),
        (lambda content: content["sections"][0]["blocks"][1].update(height="1"), "height"),
    ],
)
def test_findings_of_another_make_are_refused_with_the_place(change, place) -> None:
    content = json.loads(hostile_findings().to_json())
    change(content)
    with pytest.raises(InputError, match=place):
        Findings.from_json(json.dumps(content), "findings.json")


def test_a_page_without_figures_does_not_carry_plotly() -> None:
    assert len(render_html(Findings(command="test", title="x").section("One", "words"))) < 30_000


def test_two_figures_of_one_key_are_refused() -> None:
    figure = all_figures()[0]
    with pytest.raises(ValueError, match="two figures"):
        Findings(command="test", title="x").section("One", figure, figure)


def test_tables_check_their_width_and_facts_are_flat() -> None:
    with pytest.raises(ValueError, match="2 cells for 1"):
        table([Column(heading="x")], [["a", "b"]])
    rows = facts([("A", {"b": {"c": 1.5}, "d": True}), ("E", None)]).rows
    assert rows == (("A, b, c", "1.5"), ("A, d", "yes"))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("bad_debt_ratio", 0.0123456, "1.23\u202f%"),
        ("bad_debt_ratio", 1.2e-7, "0.0000120\u202f%"),
        ("bad_debt_ratio", 0.0, "0"),
        ("bad_debt", 1_234_567.8, "1,234,568"),
        ("bad_debt", 12.3456, "12.3"),
        ("peak_to_trough_margin", 1.2345, "1.23"),
        ("bad_debt", None, "–"),
        ("bad_debt", math.nan, "–"),
    ],
)
def test_values_are_written_for_their_metric(name, value, expected) -> None:
    assert metric_value(name, value) == expected


def test_ranges_name_the_end_that_a_sample_cannot_give() -> None:
    assert range_words("bad_debt", 1.0, 2.0) == "1.00 to 2.00"
    assert range_words("bad_debt_ratio", 0.01, 0.02) == "1.00 to 2.00\u202f%"
    assert "upper end" in range_words("bad_debt", 1.0, math.inf)
    assert "lower end" in range_words("bad_debt", -math.inf, 2.0)
    assert range_words("bad_debt", math.nan, math.nan) == "sample too small for an interval"
    assert interval_cell("bad_debt", 1.5, 1.0, 2.0) == Cell(text="1.50", under="1.00 to 2.00")
    assert "0.0500" in share(0.0005)


def test_events_are_never_nought_or_certain() -> None:
    none, every, some = (
        event_cell(0, 300, 0.0, 0.01),
        event_cell(300, 300, 0.99, 1.0),
        event_cell(3, 300, 0.002, 0.03),
    )
    assert none.text.startswith("at most 1.00")
    assert every.text.startswith("at least 99.0")
    assert some.text == "1.00\u202f%"
    assert some.note == "3 of 300"


def test_commands_survive_a_shell_and_the_page() -> None:
    overrides = ['protocol.risk_model="inputs/files/a b.vy"', "shocks.0.size=-0.1", "x='--set y'"]
    command = path_command(
        "inputs/s.toml", path=3, seed=7, overrides=overrides, populations=4, antithetic=True
    )
    words = shlex.split(command)
    assert words[:7] == ["seawall", "run", "inputs/s.toml", "--path", "3", "--seed", "7"]
    assert [words[i + 1] for i, word in enumerate(words) if word == "--set"] == overrides
    assert "--worlds" not in words
    assert "--worlds none" in path_command("s", path=0, seed=0, worlds="none")
    named = shlex.split(path_command("s", path=0, seed=0, plugins=["inputs/plugins/a b.py"]))
    assert named[named.index("--plugin") + 1] == "inputs/plugins/a b.py"
    assert " ".join(pieces(command)) == command


def test_ellipse_covers_as_hotelling_says() -> None:
    repetitions, n = 2_000, 12
    rows = Streams(2).draw("ellipse").normal(2 * repetitions * n).reshape(repetitions, 2, n)
    covered = 0
    for x, e in rows:
        outline = np.stack(confidence_ellipse(x, 0.8 * x + 0.6 * e, confidence=0.9))
        # The truth (0, 0) is inside when the outline turns around it once.
        angles = np.unwrap(np.arctan2(outline[1], outline[0]))
        covered += abs(angles[-1] - angles[0]) > math.pi
    assert abs(covered / repetitions - 0.9) < 4.5 * math.sqrt(0.09 / repetitions)


def test_exceedance_keeps_the_whole_tail_of_a_long_sample() -> None:
    values = Streams(3).draw("long").exponential(20_000)
    x, above = exceedance(values)
    assert len(x) <= 700
    ordered = np.sort(values)
    assert x[-20:].tolist() == ordered[-20:].tolist()
    assert above[-1] == pytest.approx(1 / 20_000)
    assert above[0] == 1.0
    at = np.searchsorted(ordered, x)
    assert above == pytest.approx(1 - at / 20_000)
    assert float(stats.expon.sf(x[len(x) // 2])) == pytest.approx(above[len(x) // 2], rel=0.5)


def test_long_labels_keep_both_ends() -> None:
    assert shorten("short") == "short"
    long = shorten("ramp_per_hour=0.125, stress_weight=0.25")
    assert len(long) <= 28
    assert long.startswith("ramp_per")
    assert long.endswith("0.25")
