"""What a narrow screen cut, broke or coloured wrongly (R9, R12, R16, T11)."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

from sim.cli import exploration
from sim.cli.consoles import say
from sim.cli.progress import RunProgress
from sim.cli.sweep import metrics_table
from sim.engine.blocks.loop import Progress
from sim.experiments.sweep.progress import PointProgress, SweepProgress
from sim.reporting.figures.style import add_vertical_marks, panel_layout, shared_labels
from sim.reporting.findings.blocks import Cell, Column, Findings, table
from sim.reporting.findings.cells import (
    commands_cell,
    constant_cell,
    difference_cell,
    interval_cell,
    value_cell,
)
from sim.reporting.findings.identical import identical_points, identical_words
from sim.reporting.metric_words import leverage_note, portable
from sim.reporting.pages.html import render_html
from sim.reporting.pages.terminal import column_widths, print_findings

WORDS = "auto_deleveraged_notional"


def wide(columns: int) -> Findings:
    heads = [Column(heading=f"Heading{index}", unit="of notional", kind="n") for index in range(columns)]
    row = [Cell(text=f"{index}1,000,000.00", under="900,000.00 to 1,100,000.00") for index in range(columns)]
    found = Findings(command="test", title="Wide")
    found.section("Table", table([Column(heading="Name"), *heads], [[WORDS, *row]]), terminal=True)
    return found


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("columns", [1, 3, 6, 12])
def test_no_line_is_longer_than_the_terminal_and_no_word_is_broken(width, columns):
    console = Console(width=width, record=True, file=io.StringIO())
    print_findings(wide(columns), console)
    text = console.export_text()
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    words = text.replace(":", " ").replace(",  ", " ").split()
    assert WORDS in words
    for index in range(columns):
        assert any(word.startswith(f"{index}1,000,000.00") for word in words)


def test_columns_give_way_down_to_their_longest_word_and_no_further():
    columns = [Column(heading="Why", kind="wrap"), Column(heading="Value", kind="n")]
    rows = [["a sentence of several words", "1,000 USDC"]]
    assert column_widths(columns, rows, 80) == [27, 10]
    assert column_widths(columns, rows, 20) == [8, 10], "a number keeps its line"
    assert column_widths(columns, rows, 19) is None


def test_a_number_of_the_assumptions_is_never_broken_in_two():
    """``1000000`` was printed as ``100000`` and, on the next line, ``0``."""
    column = [Column(heading="Value", kind="value")]
    page = render_html(
        Findings(command="t", title="t").section("s", table(column, [["1000000"], ["[1, 2]"]]))
    )
    assert '<td class="nowrap">1000000</td>' in page
    assert '<td class="value">[1, 2]</td>' in page


def test_commands_stand_under_their_row_over_its_whole_width():
    """In a column of their own they made rows so high that the others were blank at 400 px."""
    columns = [Column(heading="Path", kind="n"), Column(heading="Again", kind="commands")]
    page = render_html(
        Findings(command="t", title="t").section("s", table(columns, [["7", commands_cell("seawall run x")]]))
    )
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    assert body.count("<tr") == 2
    assert '<td colspan="2">' in body.split("<tr")[2]
    assert "Again" not in page.split("<thead>")[1].split("</thead>")[0]


def test_captions_stand_outside_what_scrolls_and_wide_tables_have_a_cue():
    made = table([Column(heading="x")], [["1"]], caption="A caption")
    page = render_html(Findings(command="t", title="t").section("s", made))
    assert page.index('<p class="caption">A caption</p>') < page.index('<div class="scroll"')
    assert "More columns to the right" in page.split("</table>")[1]


def test_a_difference_of_shares_is_in_points_whatever_its_header():
    """ "6.28 %" stood under a header in points."""
    cell = difference_cell("liquidated_share", 0.0628, 0.01, 0.09)
    assert cell == Cell(text="+6.28\u202fpp", under="1.00 to 9.00\u202fpp")


def test_what_does_not_vary_is_said_in_words_with_how_many_agree():
    """ "0.00 ± 0.00" is forbidden: it claims a certainty that no finite sample gives."""
    assert constant_cell("0", 40).under == "the same on all 40 paths"


def test_commands_name_no_place_of_their_author(tmp_path):
    command = shlex.join(
        ["seawall", "run", f"{tmp_path}/inputs/s.toml", "--set", f'm="{tmp_path}/inputs/m.vy"']
    )
    assert str(tmp_path) not in portable(command, tmp_path)
    assert shlex.split(portable(command, tmp_path))[2] == "inputs/s.toml"


def test_a_folder_of_one_letter_takes_nothing_from_the_middle_of_a_path():
    command = "seawall run s/inputs/a.toml --set 'm=\"s/inputs/files/b.vy\"'"
    told = portable(command, Path("s"))
    assert told == "seawall run inputs/a.toml --set 'm=\"inputs/files/b.vy\"'"


def test_points_are_identical_only_if_every_metric_is_on_every_path():
    rows = [
        {"point": point, "path": path, "bad_debt": value, "excess_share": float("nan")}
        for point, values in enumerate([(1.0, 2.0), (1.0, 2.0), (1.0, 2.5)])
        for path, value in enumerate(values)
    ]
    assert identical_points(pd.DataFrame(rows)) == [(0, 1)]
    some = identical_words([(0, 1)], {0: "a", 1: "b", 2: "c"}, ["k"], 2)
    assert some == ["Identical on every path, in every metric: a, b."]
    (every,) = identical_words([(0, 1, 2)], {0: "a", 1: "b", 2: "c"}, ["k"], 2)
    assert every.endswith("over 2 paths: k changes nothing here.")


def test_a_unit_stays_with_its_number_in_a_terminal():
    made = table(
        [Column(heading="Chance", kind="n")], [[Cell(text="25.0\u202f%", under="0.316 to 52.7\u202f%")]]
    )
    console = Console(width=9, record=True, file=io.StringIO())
    print_findings(Findings(command="t", title="t").section("s", made, terminal=True), console)
    assert [line.strip() for line in console.export_text().splitlines()][-3:] == [
        "25.0%",
        "0.316 to",
        "52.7%",
    ]


def test_labels_of_moments_that_lie_close_are_one():
    """The two shocks of the shipped flash crash, five minutes apart in twelve hours, covered each other."""
    assert shared_labels([(300.0, "2"), (0.0, "1"), (20_000.0, "3")], 43_200.0) == [
        (0.0, "1, 2"),
        (20_000.0, "3"),
    ]
    assert shared_labels([(0.0, "1"), (20_000.0, "2")], 43_200.0) == [(0.0, "1"), (20_000.0, "2")]
    in_a_row = [(1_000.0 * at, str(at)) for at in range(4)]
    assert shared_labels(in_a_row, 43_200.0) == [(0.0, "0, 1, 2, 3")], "a longer label covers more"


def test_a_mark_near_the_end_of_the_axis_is_labelled_to_its_left():
    layout = panel_layout(["y"], span=(0.0, 1_000.0))
    add_vertical_marks(layout, [(100.0, 100.0, "1"), (950.0, 1_000.0, "2")])
    assert [(one["text"], one["xanchor"]) for one in layout["annotations"]] == [
        (" 1 ", "left"),
        (" 2 ", "right"),
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_further_lines_of_a_list_are_set_in(width):
    """A line that began with "up to" at the left edge looked like a row of its own."""
    columns = [Column(heading="Point"), *(Column(heading=f"Heading{at}", kind="n") for at in range(9))]
    cells = [
        Cell(
            text="1,000,000.00",
            under="the same on all 8 paths; what none showed has up to 31.2 per cent of them, " * 2,
        )
    ] * 9
    found = Findings(command="t", title="t")
    found.section("s", table(columns, [["z=4", *cells]]), terminal=True)
    console = Console(width=width, record=True, file=io.StringIO())
    print_findings(found, console)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    listed = lines[lines.index("z=4") + 1 :]
    assert any(line.startswith("    ") for line in listed), "something was broken"
    assert all(line.startswith(("  Heading", "    ")) or not line for line in listed)
    assert max(map(len, lines)) <= width


def terminal(width):
    return Console(width=width, file=io.StringIO(), force_terminal=True, soft_wrap=True, highlight=False)


def test_messages_are_broken_between_words_and_commands_not_at_all():
    """ "liqu" and, on the next line, "idators" stood in a message at eighty columns."""
    groups = ", ".join(f"liquidators:liquidators_{at}" for at in range(9))
    text = f"seawall: traders:3: no group; there are {groups}"
    console = terminal(80)
    say(console, text)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(line.strip() for line in lines) == text
    command = f"seawall: stopped; go on with: seawall sweep {'x ' * 60}"
    console = terminal(80)
    say(console, command)
    assert console.file.getvalue() == f"{command}\n"
    logs = Console(file=io.StringIO(), soft_wrap=True)
    say(logs, text)
    assert logs.file.getvalue() == f"{text}\n", "a program reads one line for each message"


def test_a_stage_and_its_digest_fit_eighty_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    stage = SimpleNamespace(label="48 paths", digest="d" * 64, is_complete=True)
    exploration._print({"screening": stage}, [], Path("out"), None)
    lines = capsys.readouterr().out.splitlines()
    assert f"{'Digest':<12}{'d' * 64}" in lines
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["black_thursday", "a_scenario_of_somebody_else_with_a_long_name"])
def test_no_number_of_a_runs_progress_is_cut(width, name):
    """ "1320/1…" stood on a terminal of eighty columns."""
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    progress = RunProgress(console, name)
    progress.begin(1_700)
    progress.show(Progress(1_320, 12_345.67, 1_542, 15_000_000.0))
    with console.capture() as captured:
        console.print(progress._bar.get_renderable())
    (line,) = captured.get().splitlines()
    assert "1320/1700 price 12,345.67  liquidations 1542  fund 15,000,000" in line
    assert len(line) <= width
    assert line.startswith("black_thursday" if name == "black_thursday" else "a_")


def test_no_metric_of_a_sweeps_live_table_is_cut():
    """ "liquidated_s…" and "brought_fo…" headed columns that could not be told from their neighbours."""
    metrics = ("liquidated_share", "brought_forward_share", "uncovered_loss_ratio", "insolvent")
    point = PointProgress("z=3, ramp_per_hour=0.05", 0, {})
    shown = SweepProgress(
        title="t",
        total=8,
        completed=0,
        failed=0,
        paths_per_minute=None,
        seconds_left=None,
        points=(point,),
        metrics=metrics,
    )
    console = Console(width=80, file=io.StringIO())
    console.print(metrics_table(shown))
    text = console.file.getvalue()
    assert "…" not in text
    for word in ("Liquidated", "Brought", "Uncovered", "Insolvent"):
        assert word in text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mean_initial_margin_ratio", 0.06, "leverage to 17×"),
        ("mean_initial_margin_ratio", 0.118, "leverage to 8.5×"),
        ("mean_initial_margin_ratio", 0.0, ""),
        ("mean_initial_margin_ratio", None, ""),
        ("margin_coverage", 0.06, ""),
    ],
)
def test_a_margin_ratio_is_shown_as_the_leverage_it_allows(name, value, words):
    assert leverage_note(name, value) == words
    if value is not None:
        assert interval_cell(name, value, value, value).note == value_cell(name, value).note == words
