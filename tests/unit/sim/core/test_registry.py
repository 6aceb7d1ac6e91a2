"""Registries: what files of a package declare, in an order that imports do not decide."""

import sys
from dataclasses import dataclass

import pytest

from sim.core import registry as rooms
from sim.core.errors import InputError
from sim.core.registry import Registry

PACKAGE = """
from sim.core.registry import Registry
THINGS = Registry("thing", "things_of_a_test")
"""
FILE = """
from dataclasses import make_dataclass
from things_of_a_test import THINGS
Thing = make_dataclass("Thing", ["name", "order"])
THINGS.add(Thing({name!r}, {order}))
"""


@dataclass(frozen=True)
class Thing:
    name: str
    order: int = 0


@pytest.fixture(autouse=True)
def _forget_registries(monkeypatch):
    monkeypatch.setattr(rooms, "_ALL", [])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three files, two of which declare something."""
    folder = tmp_path / "things_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "aa_first.py").write_text(FILE.format(name="late", order=2))
    (folder / "bb_second.py").write_text(FILE.format(name="early", order=1))
    (folder / "helper.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "things_of_a_test"
    for name in [name for name in sys.modules if name.startswith("things_of_a_test")]:
        del sys.modules[name]


def test_files_of_the_package_are_found_and_ordered_by_place_not_by_import(package):
    from things_of_a_test import THINGS  # the package is made by this test

    assert THINGS.names() == ("early", "late")
    assert THINGS["late"].order == 2
    assert "helper" not in THINGS


def test_equal_places_are_taken_by_name():
    things = Registry("thing", "sim.core.documents")
    for name in ("b", "a"):
        things.add(Thing(name))
    assert things.names() == ("a", "b")
    assert [thing.name for thing in things] == ["a", "b"]


def test_a_name_is_taken_once():
    things = Registry("thing", "sim.core.documents")
    things.add(Thing("a"))
    with pytest.raises(InputError, match="thing 'a': the name is taken"):
        things.add(Thing("a"))


def test_every_change_of_any_registry_changes_the_revision():
    things = Registry("thing", "sim.core.documents")
    seen = [rooms.revision()]
    things.add(Thing("a"))
    seen.append(rooms.revision())
    things.remove("a")
    seen.append(rooms.revision())
    assert len(set(seen)) == 3
    assert "a" not in things
    with pytest.raises(KeyError):
        things["a"]
