import gc
import weakref
from itertools import count

import pytest

from sim.core.garbage import _COLLECT_EVERY, heap_at_rest


class Node:
    """Refers to itself: only a search finds it."""

    def __init__(self):
        self.me = self


@pytest.fixture
def thawed(monkeypatch):
    """Neither what others have frozen nor how often they have used it is what is tested here."""
    monkeypatch.setattr("sim.core.garbage._uses", count(1))
    gc.unfreeze()
    yield
    gc.unfreeze()


def lost() -> weakref.ref:
    return weakref.ref(Node())


def test_what_is_there_before_is_not_searched_and_what_is_made_inside_is(thawed):
    gc.disable()
    try:
        before = lost()
        with heap_at_rest():
            inside = lost()
            gc.collect()
            assert before() is not None
            assert inside() is None
        gc.collect()
        assert before() is None
    finally:
        gc.enable()


def test_an_error_ends_it(thawed):
    with pytest.raises(ValueError, match="block"), heap_at_rest():
        raise ValueError("block")
    assert gc.get_freeze_count() == 0


def test_one_inside_another_changes_nothing(thawed):
    with heap_at_rest():
        with heap_at_rest():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_garbage_between_uses_goes_though_every_search_falls_inside_one(thawed):
    gc.disable()
    try:
        found = lost()
        for _ in range(_COLLECT_EVERY):
            with heap_at_rest():
                gc.collect()
        assert found() is None
    finally:
        gc.enable()
