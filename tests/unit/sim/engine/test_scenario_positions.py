"""Line numbers of TOML keys, for every form a key can take."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sim.core.documents.positions import toml_lines

TEXT = '''\
# comment with [table] and key = 1
title = "a # b = [c]"
"quoted key" = 1
a.b.c = 2
long = """
x = 1
[not a table]
"""
items = [
  1,
  # comment ]
  [2,
   3], "],",
]
inline = { x = 1, y = { z = [4] } }

[table.sub]  # note
key = 1

[[list]]
v = 1
[list.inner]
w = 2

[[list]]
v = 1
[[list.deep]]
u = 'it # is'
'''


def test_lines_of_every_form():
    tomllib.loads(TEXT)
    lines = toml_lines(TEXT)
    assert lines["title",] == 2
    assert lines["quoted key",] == 3
    assert lines["a", "b", "c"] == 4
    assert lines["long",] == 5
    assert ("x",) not in lines
    assert lines["items",] == 9
    assert [lines["items", index] for index in range(3)] == [10, 12, 13]
    assert [lines["items", 1, index] for index in range(2)] == [12, 13]
    assert lines["inline", "y", "z", 0] == 15
    assert lines["table",] == 17
    assert lines["table", "sub", "key"] == 18
    assert lines["list", 0] == 20
    assert lines["list", 0, "inner", "w"] == 23
    assert lines["list", 1, "v"] == 26
    assert lines["list", 1, "deep", 0, "u"] == 28


def test_windows_line_ends_count_once():
    assert toml_lines("a = 1\r\nb = 2\r\n") == {("a",): 1, ("b",): 2}


@given(st.text(alphabet="ab=[]{}\".'#,\n \\1", max_size=60))
def test_any_text_that_toml_accepts_has_a_line_for_every_key(text):
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = toml_lines(text)
    for key in document:
        assert 1 <= lines[key,] <= text.count("\n") + 1
