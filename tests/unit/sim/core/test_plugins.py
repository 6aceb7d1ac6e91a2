"""Plug-ins: executed only when named, whole or not at all, and gone afterwards."""

import sys

import pytest

from sim.core.errors import InputError
from sim.core.plugins import MAX_PLUGIN_BYTES, Plugin, loaded, read_plugins, require_named
from tests.support.plugin_things import THINGS

GOOD = """
from tests.support.plugin_things import THINGS, Thing
THINGS.add(Thing("from_outside"))
"""


@pytest.fixture
def write(tmp_path):
    def _write(text: str, name: str = "mine.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        return path

    return _write


def test_what_a_plug_in_declares_is_there_while_it_is_loaded(write):
    plugin = Plugin.read(write(GOOD))
    assert "from_outside" not in THINGS
    with loaded([plugin]):
        assert "from_outside" in THINGS
    assert "from_outside" not in THINGS


def test_reading_executes_nothing(write, tmp_path):
    mark = tmp_path / "mark"
    Plugin.read(write(f"open({str(mark)!r}, 'w')"))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "declares nothing"),
        ("def f(:", "mine.py:1: not valid Python"),
        ("\n\nraise RuntimeError('no')", "mine.py:3: RuntimeError: no"),
        ("import a_module_nobody_has", "mine.py:1: ModuleNotFoundError"),
        (GOOD + GOOD, "thing of plug-in tests .from_outside.: the name is taken"),
        (GOOD + "\n1 / 0", "mine.py:5: ZeroDivisionError"),
        ("x = '\0'", "mine.py"),
        ("raise SystemExit(0)", "mine.py:1: SystemExit"),
    ],
)
def test_a_plug_in_that_fails_leaves_nothing_behind(write, text, words):
    plugin = Plugin.read(write(text))
    with pytest.raises(InputError, match=words), loaded([plugin]):
        raise AssertionError("must not be reached")
    assert "from_outside" not in THINGS


def test_the_second_plug_in_fails_and_the_first_goes_too(write):
    good, bad = Plugin.read(write(GOOD)), Plugin.read(write("1 / 0", "bad.py"))
    with pytest.raises(InputError, match="ZeroDivisionError"), loaded([good, bad]):
        raise AssertionError("must not be reached")
    assert "from_outside" not in THINGS


def test_only_python_files_of_bounded_size_are_read(write, tmp_path):
    with pytest.raises(InputError, match=r"ending in \.py"):
        Plugin.read(tmp_path / "mine.txt")
    with pytest.raises(InputError, match="there is no such file"):
        Plugin.read(tmp_path / "absent.py")
    with pytest.raises(InputError, match="larger than"):
        Plugin.read(write("#" * (MAX_PLUGIN_BYTES + 1)))


def test_two_plug_ins_of_one_name_are_told_apart_or_refused(write):
    one, same = write(GOOD), write(GOOD, "elsewhere/mine.py")
    assert len(read_plugins([one, same])) == 1
    with pytest.raises(InputError, match=r"called mine\.py too"):
        read_plugins([one, write("x = 1", "other/mine.py")])


def test_repeating_needs_exactly_the_recorded_files(write):
    plugin = Plugin.read(write(GOOD))
    recorded = [plugin.record()]
    require_named(recorded, [plugin], "manifest.json")
    require_named(None, [], "manifest.json")
    with pytest.raises(InputError, match=r"unless you name the file: --plugin PATH/mine\.py"):
        require_named(recorded, [], "manifest.json")
    with pytest.raises(InputError, match="is not the plug-in that took part"):
        require_named(recorded, [Plugin.read(write(GOOD + "#"))], "manifest.json")
    with pytest.raises(InputError, match="took no part"):
        require_named(None, [plugin], "manifest.json")


@pytest.mark.parametrize("recorded", [{}, [1], [{"file": "a.py"}], [{"file": 1, "sha256": "x"}], "a.py"])
def test_records_of_strangers_are_checked(recorded):
    with pytest.raises(InputError, match="plugins: must be"):
        require_named(recorded, [], "manifest.json")


def test_an_interrupt_passes_through(write):
    plugin = Plugin.read(write(GOOD + "\nraise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt), loaded([plugin]):
        raise AssertionError("must not be reached")
    assert "from_outside" not in THINGS
    assert plugin.module_name not in sys.modules
