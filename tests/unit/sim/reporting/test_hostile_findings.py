"""Findings are hostile input: whoever hands over a folder may have written and sealed them."""

from __future__ import annotations

import json
import os
import random

import pytest

from sim.core.errors import InputError
from sim.core.folders import seal_again
from sim.reporting.figures.style import Figure
from sim.reporting.findings.blocks import Cell, Column, Findings, Highlight, Verdict, details, table
from sim.reporting.findings.cells import commands_cell
from sim.reporting.pages.remake import publish, remake

VALUES = (
    None, True, 0, -1, 10**30, 1e308, "", "x", "\u2028", "</script>", "text", "table", [], [[]], {},
    {"a": []}, ["a", 1],
)  # fmt: skip


def small() -> Findings:
    found = Findings(command="compare", title="Small", question="Why?", context="here")
    found.verdict = Verdict(level="open", stamp="s", headline="h", answers=(("q", "a"),))
    found.warn("w").highlights([Highlight(label="l", value="1", mood="bad")])
    columns = [Column(heading="a", kind="n"), Column(heading="again", kind="commands")]
    made = table(columns, [[Cell(text="1", under="0 to 2"), commands_cell("seawall run x")]], marked=[0])
    figure = Figure(
        key="f",
        title="t",
        caption="c",
        traces=[{"type": "bar", "x": {"dtype": "f4", "bdata": "AAA="}}],
        layout={},
    )
    return found.section("One", "words", made, figure, details("more", made), terminal=True, post=True)


def places(value, at=()):
    """Yield the place of every value of a JSON document."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def changed(content, chosen, value):
    copy = json.loads(json.dumps(content))
    *way, last = chosen
    target = copy
    for step in way:
        target = target[step]
    target[last] = value
    return copy


@pytest.fixture
def folder(tmp_path):
    publish(small(), tmp_path)
    return tmp_path


def test_three_hundred_changed_and_sealed_findings_are_shown_or_refused_by_name(folder):
    content = json.loads((folder / "findings.json").read_text())
    every = [place for place in places(content) if place]
    chance = random.Random(7)
    refused = 0
    for _ in range(300):
        mutated = changed(content, chance.choice(every), chance.choice(VALUES))
        (folder / "findings.json").write_text(json.dumps(mutated))
        seal_again(folder, "manifest.json", leave_out=("report.md",))
        try:
            page = remake(folder).read_text(encoding="utf-8")
        except InputError as error:
            assert "findings.json" in str(error)  # noqa: PT017  (both ways are right, each with its own proof)
            refused += 1
        else:
            assert page.count("</script>") == page.count("<script")
    assert 100 < refused < 300


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"title": NaN}', "[" * 100_000, '{"title": "\\ud800"}', '{"title": 1, "title": 2}',
        '{"title": 1e999}', "\ufeff{}",
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(folder, text):
    (folder / "findings.json").write_text(text)
    seal_again(folder, "manifest.json", leave_out=("report.md",))
    with pytest.raises(InputError, match=r"findings\.json"):
        remake(folder)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" * 5_000])
def test_a_figure_of_numbers_that_are_none_is_refused(folder, number):
    text = (folder / "findings.json").read_text()
    assert '"layout": {}' in text
    (folder / "findings.json").write_text(text.replace('"layout": {}', f'"layout": {{"a": {number}}}'))
    seal_again(folder, "manifest.json", leave_out=("report.md",))
    with pytest.raises(InputError, match=r"findings\.json"):
        remake(folder)


@pytest.mark.parametrize("name", ["findings.json", "manifest.json"])
@pytest.mark.parametrize("kind", ["missing", "pipe", "device", "folder", "link"])
def test_what_is_no_file_is_refused_at_once(folder, name, kind):
    place = folder / name
    content = place.read_bytes()
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    elif kind == "link":
        (folder / "elsewhere").write_bytes(content)
        place.symlink_to(folder / "elsewhere")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        remake(folder)
