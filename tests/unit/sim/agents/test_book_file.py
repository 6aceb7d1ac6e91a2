"""Books of accounts as hostile input: one line for each problem, with place and column, and nothing else."""

from __future__ import annotations

import gzip
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.agents import book_file
from sim.agents.book_file import COLUMNS, load_book
from sim.core import table_file
from sim.core.errors import InputError
from sim.core.units import TOKEN_UNIT, WAD

MARKETS = ("ETH", "BTC")
HEADER = ",".join(COLUMNS)
GOOD = ("a", "ETH", "1.5", "2000.25", "500.000001")


def written(tmp_path, *rows, header=HEADER, name="book.csv"):
    path = tmp_path / name
    lines = [row if isinstance(row, str) else ",".join(row) for row in rows]
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


def problems_of(path):
    with pytest.raises(InputError) as refusal:
        load_book(path, MARKETS)
    return refusal.value.problems


def test_a_file_is_read_to_the_last_unit(tmp_path):
    rows = (
        "a,ETH,1.500000000000000001,2000.25,500.000001",
        "b,1,-2,3e4,0",
        "a,BTC,.25,31000.,1",
        "007,0,+1,1,1",
    )
    book = load_book(written(tmp_path, *rows), MARKETS)
    assert book.accounts == ("a", "b", "007")
    assert book.account == (0, 1, 0, 2)
    assert book.market == (0, 1, 1, 0)
    assert book.size == (1_500_000_000_000_000_001, -2 * WAD, WAD // 4, WAD)
    assert book.entry_price == (200_025 * WAD // 100, 30_000 * WAD, 31_000 * WAD, WAD)
    assert book.collateral == (500_000_001, 0, TOKEN_UNIT, TOKEN_UNIT)
    assert book.places[2] == "book.csv:4"


def test_an_edited_file_is_read_anew(tmp_path):
    path = written(tmp_path, GOOD)
    first = load_book(path, MARKETS)
    assert load_book(path, MARKETS) is first
    written(tmp_path, GOOD, ("b", "BTC", "1", "1", "1"))
    assert len(load_book(path, MARKETS)) == 2


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("account", "", "is missing"),
        ("account", "x" * 101, "longer than 100"),
        ("market", "DOGE", "is no market of the scenario, which has ETH, BTC"),
        ("market", "2", "is no market"),
        ("market", "-1", "is no market"),
        ("market", "", "is no market"),
        ("size", "0", "is zero"),
        ("size", "nan", "is no number"),
        ("size", "inf", "is no number"),
        ("size", "1 000", "is no number"),
        ("size", "1'000", "is no number"),
        ("size", "٣", "is no number"),
        ("size", "0x10", "is no number"),
        ("size", "1e18", "is too large"),
        ("size", "1e999", "is too large"),
        ("size", "1e-19", "is zero"),
        ("entry_price", "0", "must be above zero"),
        ("entry_price", "-2000", "must be above zero"),
        ("entry_price", "", "is missing"),
        ("collateral", "-0.01", "is negative"),
        ("collateral", "null", "is no number"),
    ],
)
def test_a_bad_cell_is_told_with_its_place_and_column(tmp_path, column, cell, told):
    bad = [cell if name == column else good for name, good in zip(COLUMNS, GOOD, strict=True)]
    (problem,) = problems_of(written(tmp_path, ("b", "BTC", "1", "30000", "9000"), bad))
    assert problem.startswith(f"{tmp_path / 'book.csv'}:3: {column} ")
    assert told in problem


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("account,market,size,entry_price", "has no column collateral"),
        ("account,market,size,entry_price,collateral,side", "column 'side' is none of a book"),
        ("account,market,size,size,entry_price,collateral", "column size occurs twice"),
        ("a,ETH,1,2000,500", "has no column account"),
    ],
)
def test_wrong_columns_are_refused(tmp_path, header, told):
    assert any(told in problem for problem in problems_of(written(tmp_path, GOOD, header=header)))


def test_positions_in_one_market_are_one_row(tmp_path):
    (problem,) = problems_of(written(tmp_path, GOOD, ("b", *GOOD[1:]), GOOD))
    assert "book.csv:4: market: account a has a position in ETH already" in problem
    assert "book.csv:2" in problem


def test_the_first_twenty_problems_are_told(tmp_path):
    problems = problems_of(written(tmp_path, *[("x", "DOGE", "1", "1", "1")] * 50))
    assert len(problems) == 21
    assert "not listed" in problems[-1]


def test_a_book_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(book_file, "LARGEST_BOOK", 3)
    rows = [(str(number), *GOOD[1:]) for number in range(9)]
    assert "more than 3 accounts" in problems_of(written(tmp_path, *rows))[-1]
    assert len(load_book(written(tmp_path, *rows[:3], name="three.csv"), MARKETS)) == 3
    monkeypatch.setattr(table_file, "LARGEST_FILE", 50)
    assert "larger than" in problems_of(written(tmp_path, *rows, name="big.csv"))[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        HEADER.encode() + b"\n",
        HEADER.encode() + b"\na,ETH,1\n",
        HEADER.encode() + b'\n"a,ETH,1,1,1\n',
        HEADER.encode() + b"\n\xff\xfe,ETH,1,1,1\n",
        b"PAR1nonsense",
        b"\x1f\x8bnonsense",
        gzip.compress(HEADER.encode() + b"\na,ETH,1,1,1\n", mtime=0)[:-9],
        b"\x00" * 100,
    ],
)
def test_a_damaged_file_is_bad_input(tmp_path, content):
    path = tmp_path / "book.csv"
    path.write_bytes(content)
    assert str(path) in problems_of(path)[0]


def test_what_is_no_file_is_bad_input(tmp_path):
    assert "is a folder" in problems_of(tmp_path)[0]
    assert "cannot read" in problems_of(tmp_path / "absent.csv")[0]


def test_parquet_of_any_number_type(tmp_path):
    path = tmp_path / "book.parquet"
    columns = {
        "account": pa.array([1, 2]),
        "market": pa.array(["ETH", "BTC"]).dictionary_encode(),
        "size": pa.array([0.1, -2.5]),
        "entry_price": pa.array([2_000, 30_000]),
        "collateral": pa.array([Decimal("0.100001"), Decimal(5)], pa.decimal128(20, 6)),
    }
    pq.write_table(pa.table(columns), path)
    book = load_book(path, MARKETS)
    assert book.accounts == ("1", "2")
    assert book.size == (WAD // 10, -5 * WAD // 2)
    assert book.collateral == (100_001, 5_000_000)
    for name, values, told in (
        ("size", [float("nan"), 1.0], "book.parquet: row 1: size 'nan' is no finite number"),
        ("collateral", [None, 1.0], "book.parquet: row 1: collateral is missing"),
        ("account", [None, "b"], "book.parquet: row 1: account is missing"),
        ("size", [datetime(2024, 1, 1), None], "book.parquet: row 1: size "),  # noqa: DTZ001
        ("entry_price", [True, False], "book.parquet: row 1: entry_price 'True' is no number"),
    ):
        pq.write_table(pa.table({**columns, name: pa.array(values)}), path)
        assert told in problems_of(path)[0]


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        ("9970.669039999997", 9_970_669_040),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.00000051", 1),
        ("1e-300", 0),
        ("999999999999999999.999999", 999_999_999_999_999_999_999_999),
        ("12345678901234567.000001" + "0" * 30, 12_345_678_901_234_567_000_001),
    ],
)
def test_finer_decimals_are_rounded_to_the_nearest_unit(tmp_path, cell, units):
    book = load_book(written(tmp_path, (*GOOD[:4], cell)), MARKETS)
    assert book.collateral == (units,)


def test_a_float_is_rounded_to_the_nearest_unit(tmp_path):
    path = tmp_path / "book.parquet"
    floats = {"size": [0.1 + 0.2], "entry_price": [2_000.1], "collateral": [0.1 + 0.2]}
    pq.write_table(pa.table({"account": ["a"], "market": ["ETH"], **floats}), path)
    book = load_book(path, MARKETS)
    assert book.size == (300_000_000_000_000_040,)  # the shortest decimal of that float
    assert book.collateral == (300_000,)


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats().map(repr),
    st.integers(-(10**30), 10**30).map(str),
    st.text(max_size=12),
)
CELLS = st.one_of(NUMBERS, st.sampled_from((*GOOD, "", "nan", "-1", "1e400", "ETH;BTC", '"', "\x00", "=1+1")))
FILES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda header, rows, separator: "\n".join(separator.join(row) for row in (header, *rows)).encode(
            "utf-8", "surrogatepass"
        ),
        st.one_of(st.just(list(COLUMNS)), st.lists(st.sampled_from((*COLUMNS, "side")), max_size=7)),
        st.lists(st.lists(CELLS, min_size=4, max_size=6), max_size=6),
        st.sampled_from((",", ";", "\t", "|")),
    ),
)


def read_or_refused(path):
    """Return the book, or the problems; anything else is a failure."""
    book_file._load.cache_clear()
    try:
        return load_book(path, MARKETS), ()
    except InputError as error:
        return None, error.problems


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, st.booleans())
def test_any_file_is_a_book_or_bad_input(tmp_path, content, packed):
    path = tmp_path / "any.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    book, problems = read_or_refused(path)
    if book is None:
        assert problems
        assert all(str(path) in problem for problem in problems[:20])
        return
    assert len(book) > 0
    assert all(size != 0 for size in book.size)
    assert all(price > 0 for price in book.entry_price)
    assert all(amount >= 0 for amount in book.collateral)
    assert set(book.account) == set(range(len(book.accounts)))
    assert len(set(zip(book.account, book.market, strict=True))) == len(book)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_one_bit_turned_is_a_book_or_bad_input(tmp_path, data):
    good = tmp_path / "good.parquet"
    if not good.exists():
        rows = [(f"account {number}", "ETH", "1.5", "2000", "700") for number in range(50)]
        table = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        pq.write_table(pa.table(table), good)
    content = bytearray(good.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    book, problems = read_or_refused(path)
    assert bool(problems) == (book is None)
