import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.core import table_file
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.price_file import load_price_file
from sim.market.price_history import MICROSECONDS, PriceHistory
from sim.market.price_paths import BlockClock
from sim.market.price_processes.replay import Replay
from tests.support.shared_data import BTC_FOUR_YEARS, BTC_MARCH_2020, ETH_JANUARY_2021, require

TICKS = "timestamp,price\n1610236800,1280.5\n1610236860,1281\n1610236920,1279.25\n"


@pytest.fixture
def write(tmp_path):
    def _write(content: str | bytes, name: str = "prices.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def parquet(columns: dict[str, list[object] | pa.Array], **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def path_of(history: PriceHistory, blocks: int, seconds: int = 12, shocks: ShockSchedule | None = None):
    clock = BlockClock(start_time=history.start_time, seconds_per_block=seconds, blocks=blocks)
    return replayed(history, clock, shocks or NO_SHOCKS)


def replayed(history: PriceHistory, clock: BlockClock, shocks: ShockSchedule = NO_SHOCKS):
    """Return a recording on a clock, as a market that replays it has it."""
    return Replay(kind="replay", file="prices.csv", inside_bars="straight").path(
        clock, initial_price=1.0, streams=Streams(0), name="p", shocks=shocks, history=history
    )


def problems_of(path, **options) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_price_file(path, **options)
    assert caught.value.problems
    assert all("\n" not in problem for problem in caught.value.problems)
    return [problem.replace(f"{path}:", "", 1) for problem in caught.value.problems]


# what is read ------------------------------------------------------------


@pytest.mark.parametrize(
    "times",
    [
        ("2021-01-10T00:00:00Z", "2021-01-10T00:01:00Z"),
        ("2021-01-10 00:00:00", "2021-01-10 00:01:00"),
        ("2021-01-10T02:00:00+02:00", "2021-01-09T20:01:00-04:00"),
        ("1610236800", "1610236860"),
        ("1610236800.0", "1610236860.000"),
        ("1610236800000", "1610236860000"),
        ("1610236800000000", "1610236860000000"),
    ],
)
def test_times_in_iso_and_epoch_are_the_same_times(write, times):
    history = load_price_file(write("time,price\n" + "".join(f"{time},5\n" for time in times)))
    assert history.times.tolist() == [1_610_236_800_000_000, 1_610_236_860_000_000]


def test_fractions_of_seconds_are_kept(write):
    history = load_price_file(write("ts,price\n1610236800.25,1\n1610236801.5,2\n"))
    assert history.times.tolist() == [1_610_236_800_250_000, 1_610_236_801_500_000]
    assert (history.start_time, history.end_time) == (1_610_236_801, 1_610_236_801)


@pytest.mark.parametrize(
    ("header", "row", "price"),
    [
        ("Timestamp,Price", "{},7.5", 7.5),
        ("date,close", "{},7.5", 7.5),
        ("volume,time,close", "n/a,{},7.5", 7.5),
        ("time,bid,ask", "{},7,8", 7.5),
        ("time,ask,bid", "{},8,7", 7.5),
        ("time,close,price", "{},1,7.5", 7.5),
        ("time,bid,ask,close", "{},7,8,1", 7.5),
        ("time,open,close", "{},1,7.5", 7.5),
        (" time ; price ", "{};7.5", 7.5),
        ("time\tprice", "{}\t7.5", 7.5),
        ('"time","price"', '"{}","7.5"', 7.5),
        ("\ufefftime,price", "{}, 7.5e0 ", 7.5),
    ],
)
def test_price_columns(write, header, row, price):
    text = "\r\n".join([header, row.format(1_610_236_800), "", row.format(1_610_236_860), ""])
    assert load_price_file(write(text)).prices.tolist() == [price, price]


def test_the_kind_of_file_is_told_by_its_content(write):
    columns = {"timestamp": [1_610_236_800, 1_610_236_860, 1_610_236_920], "price": [1280.5, 1281.0, 1279.25]}
    contents = [
        TICKS.encode(),
        gzip.compress(TICKS.encode()),
        parquet(columns),
        gzip.compress(parquet(columns)),
    ]
    contents.append(gzip.compress(TICKS[:30].encode()) + gzip.compress(TICKS[30:].encode()))  # two members
    for content in contents:
        history = load_price_file(write(content, "prices.bin"))
        assert history.prices.tolist() == [1280.5, 1281.0, 1279.25]
        assert history.rows == 3


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1_610_236_800_000_000_000, 1_610_236_860_000_000_000], pa.timestamp("ns")),
        pa.array([1_610_236_800, 1_610_236_860], pa.timestamp("s", "Europe/Berlin")),
        [datetime(2021, 1, 10, tzinfo=UTC), datetime(2021, 1, 10, 0, 1, tzinfo=UTC)],
        ["2021-01-10T00:00:00Z", "2021-01-10T00:01:00Z"],
        [1_610_236_800_000, 1_610_236_860_000],
        [1_610_236_800.0, 1_610_236_860.0],
    ],
)
def test_parquet_times_of_every_type(write, times):
    history = load_price_file(write(parquet({"time": times, "close": [Decimal("7.5"), Decimal("8.25")]})))
    assert history.times.tolist() == [1_610_236_800_000_000, 1_610_236_860_000_000]
    assert history.prices.tolist() == [7.5, 8.25]


def test_parquet_dates(write):
    content = parquet({"date": [date(2020, 3, 12), date(2020, 3, 13)], "close": [1, 2]})
    assert load_price_file(write(content)).times.tolist() == [1_583_971_200_000_000, 1_584_057_600_000_000]


def test_observed_liquidations_are_kept_beside_the_prices(write):
    text = (
        "timestamp,bid,ask,observed_long_liquidations,observed_short_liquidations\n"
        "1610236829,9,11,0.0,4.5\n1610236889,10,12,7,\n"
    )
    observed = load_price_file(write(text)).observed_liquidations
    assert observed.timestamps.tolist() == [1_610_236_829, 1_610_236_889]
    assert observed.long.tolist() == [0.0, 7.0]
    assert observed.short.tolist() == [4.5, 0.0]
    assert load_price_file(write(TICKS)).observed_liquidations is None


# onto the block clock ------------------------------------------------------------


def test_a_block_sees_the_last_observation_not_after_it(write):
    history = load_price_file(write("time,price\n1610236800,1\n1610236813,2\n1610236814,3\n1610236848,4\n"))
    path = path_of(history, 5)
    assert path.prices.tolist() == [1, 1, 3, 3, 4, 4]
    assert (path.published_at - 1_610_236_800).tolist() == [0, 0, 14, 14, 48, 48]
    assert history.blocks_covered(12) == 4


def test_in_a_gap_the_price_stands_and_its_observation_grows_old(write):
    history = load_price_file(write("time,price\n1610236800,1\n1610240400,2\n"))
    path = path_of(history, 301)
    ages = 1_610_236_800 + 12 * np.arange(302) - path.published_at
    assert path.prices[:300].tolist() == [1.0] * 300
    assert ages[:300].tolist() == list(range(0, 3600, 12))
    assert (path.prices[300], ages[300], ages[301]) == (2.0, 0, 12)


def test_a_run_cannot_start_before_the_first_price(write):
    history = load_price_file(write(TICKS))
    clock = BlockClock(start_time=history.start_time - 1, seconds_per_block=12, blocks=1)
    with pytest.raises(InputError, match="the run starts before them"):
        replayed(history, clock)


BARS = "time,open,high,low,close\n1610236800,100,104,90,95\n1610240400,95,130,93,120\n"


def test_a_bar_is_walked_over_the_nearer_extreme_first(write):
    history = load_price_file(write(BARS))
    path = path_of(history, 6, seconds=1_200)
    assert path.prices.tolist() == [100.0, 104.0, 90.0, 95.0, 93.0, 130.0, 120.0]
    middles = path_of(history, 12, seconds=600).prices[1::2]
    assert middles.tolist() == [102.0, 97.0, 92.5, 94.0, 111.5, 125.0]


def test_inside_bars_every_block_has_a_fresh_observation_and_after_them_none(write):
    history = load_price_file(write(BARS))
    path = path_of(history, 602)
    ages = 1_610_236_800 + 12 * np.arange(603) - path.published_at
    assert ages.tolist() == [0] * 601 + [12, 24]
    assert path.prices[600:].tolist() == [120.0] * 3


def test_a_missing_bar_is_a_gap_from_the_close_to_the_next_open(write):
    rows = "1610236800,10,10,10,10\n1610240400,10,12,9,11\n1610244000,11,11,11,11\n1610251200,14,14,14,14\n"
    history = load_price_file(write("time,open,high,low,close\n" + rows))
    path = path_of(history, 8, seconds=1_800)
    ages = 1_610_236_800 + 1_800 * np.arange(9) - path.published_at
    assert path.prices[4:].tolist() == [11, 11, 11, 11, 14]
    assert ages.tolist() == [0, 0, 0, 0, 0, 0, 0, 1_800, 0]


def test_shocks_act_on_a_replay_and_none_leaves_it_untouched(write):
    history = load_price_file(
        write("time,price\n1610236800,100\n1610236812,110\n1610236824,99\n1610236836,99\n")
    )
    assert path_of(history, 3).prices.tolist() == [100, 110, 99, 99]
    jump = ShockSchedule((PriceMove(at_block=2, size=-0.5),))
    assert path_of(history, 3, shocks=jump).prices.tolist() == [100, 110, 49.5, 49.5]
    calm = ShockSchedule((VolatilityMultiple(at_block=1, duration_blocks=1, size=0.0),))
    assert path_of(history, 3, shocks=calm).prices == pytest.approx([100, 100, 90, 90])
    wild = ShockSchedule((VolatilityMultiple(at_block=2, duration_blocks=1, size=2.0),))
    assert path_of(history, 3, shocks=wild).prices == pytest.approx([100, 110, 89.1, 89.1])


# what is refused ------------------------------------------------------------

REFUSED_ROWS = {
    "duplicate time": ("1610236860,5", "4: timestamp repeats the time of the row before"),
    "unordered": ("1610236859,5", "4: timestamp is earlier than the row before"),
    "NaN": ("1610236920,NaN", "4: price must be finite, was NaN"),
    "infinite": ("1610236920,-inf", "4: price must be finite, was -inf"),
    "overflow": ("1610236920,1e999", "4: price must be finite, was inf"),
    "zero": ("1610236920,0", "4: price must be above zero, was 0"),
    "negative": ("1610236920,-3.5", "4: price must be above zero, was -3.5"),
    "empty price": ("1610236920,", "4: price is missing"),
    "text": ("1610236920,12x", "4: price is not a number, was '12x'"),
    "underscore": ("1610236920,1_000", "4: price is not a number, was '1_000'"),
    "thousands": ('1610236920,"1,000"', "4: price is not a number, was '1,000'"),
    "foreign digits": ("1610236920,١٢", "4: price is not a number"),
    "enormous": ("1610236920,1e16", "4: price must be between"),
    "tiny": ("1610236920,1e-16", "4: price must be between"),
    "endless": ("1610236920," + "9" * 5000, "4: price is not a number"),
    "empty time": (",5", "4: timestamp is missing"),
    "no time": ("soon,5", "4: timestamp must be ISO 8601 or seconds, ms or us since 1970, was 'soon'"),
    "impossible date": ("2021-02-30T00:00:00Z,5", "4: timestamp must be ISO 8601"),
    "compact date": ("20210110,5", "4: timestamp is too early for seconds since 1970"),
    "negative time": ("-5,5", "4: timestamp must be ISO 8601"),
    "nanoseconds": ("1610236920000000000,5", "4: timestamp is too large for microseconds since 1970"),
    "endless time": ("9" * 5000 + ",5", "4: timestamp must be ISO 8601"),
    "another unit": ("1610236920000,5", "4: timestamp is in ms, the rows before are in s"),
    "another format": ("2021-01-10T00:02:00Z,5", "4: timestamp is in ISO 8601, the rows before are in s"),
    "gap": ("1610323261,5", "4: 86,401 s without a price before this row, max_gap_seconds is 86,400"),
    "short row": ("1610236920", "4: has 1 cells, the header has 2"),
    "long row": ("1610236920,5,6", "4: has 3 cells, the header has 2"),
    "broken quotes": ('"1610236920"5,5', "4: not CSV"),
}


@pytest.mark.parametrize("row", REFUSED_ROWS.values(), ids=REFUSED_ROWS.keys())
def test_a_bad_row_is_refused_with_its_line(write, row):
    text, message = row
    path = write(f"timestamp,price\n1610236800,5\n1610236860,5\n{text}\n")
    (problem,) = problems_of(path)
    assert problem.startswith(message)


def test_a_gap_of_exactly_the_limit_is_allowed_and_the_limit_can_be_changed(write):
    path = write("time,price\n1610236800,5\n1610323200,5\n")
    assert load_price_file(path).rows == 2
    assert problems_of(path, max_gap_seconds=86_399)[0].startswith("3: 86,400 s without a price")


def test_bars_that_follow_each_other_have_no_gap_between_them(write):
    assert load_price_file(write(BARS), max_gap_seconds=1).rows == 2


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("time,bid,ask", "1610236860,8,7", "3: bid 8 is above ask 7"),
        ("time,bid,ask", "1610236860,8,", "3: ask is missing"),
        ("time,open,high,low,close", "1610236860,5,6,4,7", "3: bar is impossible"),
        ("time,open,high,low,close", "1610236860,5,6,5.5,5.5", "3: bar is impossible"),
        ("time,open,high,low,close", "1610236860,5,6,0,5.5", "3: low must be above zero"),
        (
            "time,price,observed_long_liquidations",
            "1610236860,5,-1",
            "3: observed_long_liquidations must not be",
        ),
        (
            "time,price,observed_short_liquidations",
            "1610236860,5,nan",
            "3: observed_short_liquidations must be",
        ),
    ],
)
def test_inconsistent_columns_are_refused_with_their_line(write, header, row, message):
    good = {"b": "1610236800,7,8", "o": "1610236800,5,6,4,5", "p": "1610236800,5,1"}[header[5]]
    (problem,) = problems_of(write(f"{header}\n{good}\n{row}\n"))
    assert problem.startswith(message)


BROKEN_FILES = {
    "nothing": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "nothing packed": (gzip.compress(b"", mtime=0), "the file is empty"),
    "byte order mark": (b"\xef\xbb\xbf\n", "the file is empty"),
    "header alone": (b"time,price\n", "has 0 rows of prices, needs at least two"),
    "one row": (b"time,price\n1610236800,5\n", "has 1 rows of prices, needs at least two"),
    "no time": (b"price\n5\n", "1: no time column"),
    "no ask": (b"time,bid\n1610236800,5\n", "1: no price"),
    "two prices": (b"time,price,price\n1610236800,5,6\n", "1: column price occurs twice"),
    "latin": (b"time,price\n1610236800,\xff\n", "2: not a text file in UTF-8"),
    "null byte": (b"time,price\n1610236800,5\n\x00,5\n", "3: "),
    "gzip cut": (gzip.compress(TICKS.encode(), mtime=0)[:-12], "broken gzip file"),
    "gzip damaged": (gzip.compress(TICKS.encode(), mtime=0)[:20] + b"rubbish" * 9, "broken gzip file"),
    "gzip magic alone": (b"\x1f\x8brubbish", "broken gzip file"),
    "Parquet magic alone": (b"PAR1rubbish", "broken Parquet file"),
    "Parquet cut": (parquet({"time": [1, 2], "price": [1, 2]})[:-9], "broken Parquet file"),
}


# Named, because an id made of the bytes of a file may differ between the workers of pytest-xdist.
@pytest.mark.parametrize(("content", "message"), BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_broken_files_are_refused(write, content, message):
    path = write(content)
    assert message in problems_of(path)[0]


def test_files_that_cannot_be_read_are_refused(tmp_path):
    assert problems_of(tmp_path / "absent.csv") == [" no such file"]
    assert problems_of(tmp_path) == [" is a folder, not a price file"]
    (tmp_path / "file").write_bytes(b"x")
    assert "cannot read" in problems_of(tmp_path / "file" / "below.csv")[0]
    assert "cannot read" in problems_of(tmp_path / "nul\0byte.csv")[0]


def test_oversized_files_are_refused(write, monkeypatch):
    bomb = write(gzip.compress(TICKS.encode() + b"\n" * 100_000))
    monkeypatch.setattr(table_file, "LARGEST_FILE", 50_000)
    assert "larger than" in problems_of(bomb)[0]
    monkeypatch.setattr(table_file, "LARGEST_ROWS", 2)
    assert problems_of(write(TICKS))[0] == "4: more than 2 rows"
    content = parquet({"time": [1_610_236_800, 1_610_236_860, 1_610_236_920], "price": [1, 2, 3]})
    assert "more than 2 rows" in problems_of(write(content))[0]


def test_every_bad_row_is_listed_up_to_a_limit(write):
    rows = [f"{1_610_236_800 + 60 * i},{'x' if i % 2 else 5}" for i in range(10)]
    problems = problems_of(write("time,price\n" + "\n".join(rows) + "\n1\n"))
    assert [problem.split(":")[0] for problem in problems] == ["3", "5", "7", "9", "11", "12"]
    many = problems_of(write("time,price\n" + "x,5\n" * 100))
    assert len(many) == 21
    assert many[-1].endswith("further problems are not listed")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"time": [1_610_236_800, 1_610_236_860], "price": [5.0, float("nan")]},
            "row 2: price must be finite",
        ),
        ({"time": [1_610_236_800, 1_610_236_860], "price": [5.0, None]}, "row 2: price is missing"),
        ({"time": [1_610_236_800, None], "price": [5.0, 5.0]}, "row 2: time is missing"),
        ({"time": [1_610_236_800, 1_610_236_800], "price": [5, 5]}, "row 2: time repeats"),
        ({"time": [1.5e9, float("nan")], "price": [5, 5]}, "row 2: time must be ISO 8601"),
        ({"time": [True, False], "price": [5, 5]}, "row 1: time is not a time, was a bool"),
        (
            {"time": [1_610_236_800, 1_610_236_860], "price": [{"a": 1}, {"a": 2}]},
            "row 1: price is not a number",
        ),
        ({"time": [1_610_236_800, 1_610_236_860], "price": [b"5", b"6"]}, "row 1: price is not a number"),
        ({"time": pa.array([2**60, 2**60 + 1], pa.timestamp("us")), "price": [5, 5]}, "row 1: "),
        ({"when": [1, 2], "price": [1, 2]}, "no time column"),
    ],
)
def test_bad_parquet_cells_are_refused_with_their_row(write, columns, message):
    assert message in problems_of(write(parquet(columns), "prices.parquet"))[0]


# anything at all ------------------------------------------------------------


def load_or_refuse(path) -> None:
    """Load a file; anything but a sound history or InputError is a failure."""
    try:
        history = load_price_file(path)
    except InputError:
        return
    assert (np.diff(history.times) >= 0).all()
    assert np.isfinite(history.prices).all()
    assert (history.prices > 0).all()
    clock = BlockClock(
        start_time=history.start_time, seconds_per_block=600, blocks=min(history.blocks_covered(600), 1000)
    )
    try:
        path_on_clock = replayed(history, clock)
    except InputError:
        return  # no second price falls on a block
    assert (path_on_clock.published_at <= clock.timestamps).all()
    assert path_on_clock.prices.min() >= history.prices.min() * (1 - 1e-15)
    assert path_on_clock.prices.max() <= history.prices.max() * (1 + 1e-15)


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.one_of(
    st.text(max_size=12),
    st.floats().map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(1_610_236_800, 1_610_240_000).map(str),
    st.floats(0.5, 5000).map(repr),
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(["", '"', "2021-01-10", "0x10", "1e5", "24:00", "2021-W01-1", "NaN", "1610236800.5.5"]),
)
HEADERS = st.sampled_from(
    [
        "time,price",
        "timestamp,bid,ask",
        "date,open,high,low,close",
        "ts,close,observed_long_liquidations",
        "a,b",
    ]
)


@FUZZ
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PAR1", b"\x1f\x8b\x08", b"time,price\n", b"\xef\xbb\xbf"]),
)
def test_any_bytes_are_read_or_refused(tmp_path, content, start):
    path = tmp_path / "any"
    path.write_bytes(start + content)
    load_or_refuse(path)


@FUZZ
@given(HEADERS, st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6), st.booleans())
def test_any_cells_are_read_or_refused(tmp_path, header, rows, quoted):
    mark = '"' if quoted else ""
    lines = [header, *(",".join(f"{mark}{cell}{mark}" for cell in row) for row in rows)]
    path = tmp_path / "any.csv"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    load_or_refuse(path)


@FUZZ
@given(st.data())
def test_any_damage_to_a_good_file_is_read_or_refused(tmp_path, data):
    columns = {"time": list(range(1_610_236_800, 1_610_238_000, 60)), "price": [100.0 + i for i in range(20)]}
    good = data.draw(
        st.sampled_from([TICKS.encode(), gzip.compress(TICKS.encode(), mtime=0), parquet(columns)])
    )
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]))
    load_or_refuse(path)


@FUZZ
@given(
    st.integers(1, 10**6),
    st.lists(
        st.tuples(st.floats(1, 9), st.floats(1, 9), st.floats(1, 9), st.floats(1, 9)), min_size=2, max_size=5
    ),
)
def test_every_bar_reaches_its_extremes(tmp_path, seed, bars):
    ordered = [sorted(bar) for bar in bars]
    lines = [f"{1_610_236_800 + 3600 * i},{b},{d},{a},{c}" for i, (a, b, c, d) in enumerate(ordered)]
    path = tmp_path / "bars.csv"
    path.write_text("time,open,high,low,close\n" + "\n".join(lines))
    prices = path_of(load_price_file(path), 3 * len(bars), seconds=1_200).prices
    for i, (low, opened, closed, high) in enumerate(ordered):
        inside = prices[3 * i : 3 * i + 3].tolist()
        assert inside[0] == opened
        assert sorted(inside[1:]) == [low, high]
        assert abs(inside[1] - opened) <= abs(inside[2] - opened)
        if i + 1 == len(ordered):
            assert prices[-1] == closed


# real files ------------------------------------------------------------


def test_the_minutes_of_the_january_2021_crash():
    history = load_price_file(require(ETH_JANUARY_2021))
    assert history.rows == 4_320
    assert history.prices[0] == (1280.1202 + 1280.4272) * 0.5
    assert 915 < history.prices.min() < 920
    assert 1_340 < history.prices.max() < 1_350
    path = path_of(history, history.blocks_covered(12))
    assert path.prices.size == 5 * 4_319 + 1
    first_block_after = -(-(history.times // MICROSECONDS - history.start_time) // 12)
    assert np.array_equal(path.prices[first_block_after], history.prices)
    ages = history.start_time + 12 * np.arange(path.prices.size) - path.published_at
    assert ages.max() < 75  # rows lie within seconds of a minute apart
    observed = history.observed_liquidations
    crash = observed.timestamps // 3_600 == int(datetime(2021, 1, 11, 6, tzinfo=UTC).timestamp()) // 3_600
    assert observed.long.sum() > observed.short.sum() > 0
    assert crash.sum() == 60


def test_the_hours_of_black_thursday():
    history = load_price_file(require(BTC_MARCH_2020))
    assert history.rows == 264
    assert (history.prices.min(), history.prices.max()) == (3_850.0, 8_901.12)
    path = path_of(history, history.blocks_covered(12))
    assert path.prices.size == 264 * 300 + 1
    assert (path.prices.min(), path.prices.max()) == (3_850.0, 8_901.12)  # extremes fall on blocks
    assert path.prices[-1] == history.prices[-1]


def test_four_years_of_hours():
    history = load_price_file(require(BTC_FOUR_YEARS))
    assert history.rows == 33_259
    assert history.times[-1] - history.times[0] > 3 * 31_536_000 * MICROSECONDS
    assert load_price_file(BTC_FOUR_YEARS, max_gap_seconds=1).rows == 33_259  # no hour is missing
