"""Files of a results folder are opened only if they are what they should be."""

import json
import os
import threading

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sim.core import folders, parquet
from sim.core.errors import InputError
from sim.core.folders import RECORD, Bound, Folder, open_record, parse_object, seal_again, write_record
from sim.core.parquet import read_table

SMALL = Bound("a test", 100)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.csv").write_text("1,2\n")
    (tmp_path / "timing.json").write_text("{}")
    write_record(tmp_path, "manifest.json", {"kind": "test", "value": 1.5})
    return tmp_path


def test_a_record_names_every_file_but_clocks_and_pages(folder):
    opened, record = open_record(folder, "manifest.json", what="test")
    assert list(record["files"]) == ["inputs/a.csv"]
    assert opened.read("inputs/a.csv", SMALL) == b"1,2\n"
    assert opened.check("inputs/a.csv", SMALL) == folder / "inputs" / "a.csv"


def test_a_file_that_the_record_does_not_name_is_refused(folder):
    (folder / "more.csv").write_text("x")
    opened, _ = open_record(folder, "manifest.json", what="test")
    with pytest.raises(InputError, match=r"more\.csv: is not a file that the record names"):
        opened.read("more.csv", SMALL)
    seal_again(folder, "manifest.json")
    opened, record = open_record(folder, "manifest.json", what="test")
    assert opened.read("more.csv", SMALL) == b"x"
    assert record["value"] == 1.5


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda record: record.update(value=2), "seal does not fit"),
        (lambda record: record["files"].update({"inputs/a.csv": "0" * 64}), "seal does not fit"),
        (lambda record: record.pop("seal"), "another program or version wrote it"),
        (lambda record: record.update(files={"inputs/a.csv": 3}), "must be hashes by file name"),
    ],
)
def test_an_edited_record_is_found(folder, edit, message):
    place = folder / "manifest.json"
    record = json.loads(place.read_text())
    edit(record)
    place.write_text(json.dumps(record))
    with pytest.raises(InputError, match=message):
        open_record(folder, "manifest.json", what="test")


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "inputs/../../a", "", ".", "a//b", "a\\b", "a\0b"])
def test_names_that_climb_are_refused(folder, name):
    with pytest.raises(InputError, match="which is no file below it"):
        Folder(folder).read(name, SMALL)


def test_what_is_no_regular_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "away").symlink_to(tmp_path.parent)
    (tmp_path / "large").write_bytes(b"x" * 101)
    for name, words in {
        "pipe": "is a pipe",
        "folder": "is a folder",
        "endless": "is a link",
        "away/x": "is a link",
        "large": "is larger than",
        "gone": "is missing",
    }.items():
        with pytest.raises(InputError, match=f"{name}.*{words}|{words}"):
            Folder(tmp_path).read(name, SMALL)
    with pytest.raises(InputError, match="is a device"):
        Folder(tmp_path.__class__("/dev")).read("zero", SMALL)
    assert set(Folder(tmp_path).names()) == {"pipe", "endless", "away", "large"}


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hang(tmp_path, monkeypatch):
    """Opened without waiting: the check before it and the opening are two steps."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Folder, "_refuse_links", lambda *_, **__: None)
    reader = threading.Thread(target=lambda: Folder(tmp_path).open("pipe", SMALL).close(), daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "no JSON object"),
        (b'{"a": NaN}', "is no number"),
        (b'{"a": 1e999}', "is no number"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b'{"a": ' + b"9" * 81 + b"}", "81 digits"),
        (b'{"a": ' * 80 + b"1" + b"}" * 80, "nested too deeply"),
        (b'{"a": ' + b"[" * 1_000_000, "nested too deeply"),
        (b'{"\\"": "]", "a": ' + b"[" * 1_000_000, "nested too deeply"),
        (b'{"' + b'\\"' * 1_000_000, "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_json_that_no_record_holds_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        parse_object(tmp_path / "x.json", content)


def test_the_most_a_record_may_be_is_far_below_the_memory_allowed():
    assert RECORD.bytes * 24 <= 2**30  # the worst JSON, a list of empty lists, takes 24 bytes for one


SCHEMA = pa.schema({"block": pa.int64(), "name": pa.string()})


def write(place, **columns):
    pq.write_table(pa.table(columns), place, compression="zstd")


def test_a_table_comes_back_with_its_columns(tmp_path):
    write(tmp_path / "t.parquet", block=[1, 2, 3], name=["a", None, "a"])
    table = read_table(Folder(tmp_path), "t.parquet", SCHEMA)
    assert table.to_pydict() == {"block": [1, 2, 3], "name": ["a", None, "a"]}
    assert table.schema.types == SCHEMA.types


def test_other_columns_are_refused(tmp_path):
    for columns, message in (
        ({"block": [1]}, "has no column name"),
        ({"block": [1], "name": ["a"], "more": [1]}, "has a column too many: more"),
        ({"block": [1.0], "name": ["a"]}, "has another type of block"),
        ({"name": ["a"], "block": [1]}, "another order"),
    ):
        write(tmp_path / "t.parquet", **columns)
        with pytest.raises(InputError, match=message):
            read_table(Folder(tmp_path), "t.parquet", SCHEMA)


def test_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "LARGEST_DECODED", 2**20)
    write(tmp_path / "t.parquet", block=[7] * 200_000, name=["a"] * 200_000)
    assert (tmp_path / "t.parquet").stat().st_size < 20_000
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_table(Folder(tmp_path), "t.parquet", SCHEMA)
    write(tmp_path / "t.parquet", block=[7] * 2_000, name=["a" * 10_000] * 2_000)
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_table(Folder(tmp_path), "t.parquet", SCHEMA)


def test_broken_parquet_is_named(tmp_path):
    write(tmp_path / "t.parquet", block=[1, 2, 3], name=["a", None, "a"])
    content = (tmp_path / "t.parquet").read_bytes()
    for broken in (content[:-9], b"PAR1", b"", content[:4] + bytes(40) + content[44:]):
        (tmp_path / "t.parquet").write_bytes(broken)
        with pytest.raises(InputError, match=r"t\.parquet: is broken Parquet"):
            read_table(Folder(tmp_path), "t.parquet", SCHEMA)


def test_hashes_are_those_of_the_files(folder):
    (folder / "inputs" / "a.csv").write_text("1,3\n")
    opened, _ = open_record(folder, "manifest.json", what="test")
    for read in (opened.read, opened.check):
        with pytest.raises(InputError, match=r"a\.csv: is not what was written"):
            read("inputs/a.csv", SMALL)


def test_the_largest_table_in_memory_is_below_a_gibibyte():
    assert folders.TABLE.bytes + 2 * parquet.LARGEST_DECODED <= 2**30


def test_a_user_who_trusts_a_folder_may_allow_larger_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "LARGEST_DECODED", 2**20)
    write(tmp_path / "t.parquet", block=[7] * 200_000, name=["a"] * 200_000)
    with pytest.raises(InputError, match=f"{parquet.TRUSTED}="):
        read_table(Folder(tmp_path), "t.parquet", SCHEMA)
    monkeypatch.setenv(parquet.TRUSTED, "8")
    assert read_table(Folder(tmp_path), "t.parquet", SCHEMA).num_rows == 200_000


def test_rows_and_columns_that_are_not_wanted_are_left_out(tmp_path):
    def last_two(part):
        return pc.greater(part["block"], 69_997)

    columns = {"block": list(range(70_000)), "name": ["a"] * 70_000}
    write(tmp_path / "t.parquet", **columns)
    table = read_table(
        Folder(tmp_path),
        "t.parquet",
        SCHEMA,
        columns=["block"],
        keep=last_two,
    )
    assert table.to_pydict() == {"block": [69_998, 69_999]}


def test_a_list_of_one_long_text_is_a_bomb_too(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "LARGEST_DECODED", 2**20)
    topics = pa.array([["a" * 10_000] * 20] * 20, pa.list_(pa.string()))
    pq.write_table(pa.table({"topics": topics}), tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_table(Folder(tmp_path), "t.parquet", None)
    monkeypatch.undo()
    assert read_table(Folder(tmp_path), "t.parquet", None)["topics"].type == pa.list_(pa.string())
