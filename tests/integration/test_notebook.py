"""The example notebook says what its cells really give."""

import nbformat

from tests.support.notebook import NOTEBOOK, executed, outputs


def test_the_notebook_shows_what_it_gives():
    stored = nbformat.read(NOTEBOOK, as_version=4)
    expected = outputs(stored)
    assert sum(map(len, expected)) >= 5, "a notebook without outputs shows nothing"
    assert outputs(executed(stored)) == expected
