"""Price files as exchanges, data vendors and data frames write them: read, or refused with what to do.

Each kind was refused, ended in an internal error, or passed in silence once.
"""

import io
import json

import numpy as np
import pandas as pd
import pytest

from sim.cli.entry import main
from sim.core.errors import InputError
from sim.market.price_file import load_price_file
from tests.support.shared_data import require_case
from tests.support.small_run import SCENARIO

MINUTES = pd.date_range("2021-01-10", periods=40, freq="min", tz="UTC")
PRICES = np.round(1_250 + 5 * np.sin(np.arange(40)), 2)
SECONDS = [int(moment.timestamp()) for moment in MINUTES]


def lines(pattern: str, *, header: str = "", separator: str = "\n") -> str:
    """Return one line for each minute; {t} is its time in seconds, {p} its price, {iso} its time in words."""
    rows = [
        pattern.format(
            t=second,
            p=price,
            iso=f"{minute:%Y-%m-%d %H:%M:%S}",
            low=price - 1,
            high=price + 1,
            us=second * 10**6,
        )
        for second, minute, price in zip(SECONDS, MINUTES, PRICES, strict=True)
    ]
    return separator.join([*([header] if header else []), *rows]) + "\n"


def frame(index_name: str | None) -> bytes:
    sink = io.BytesIO()
    pd.DataFrame({"close": PRICES}, index=MINUTES.rename(index_name)).to_parquet(sink)
    return sink.getvalue()


READ = {
    "Binance klines without a header": lines("{t}000,{p},{high},{low},{p},12.5,{t}999,9000,31,6.1,4500,0"),
    "Binance klines in microseconds": lines("{us},{p},{high},{low},{p},12.5,{us},9000,31,6.1,4500,0"),
    "Kraken OHLCVT without a header": lines("{t},{p},{high},{low},{p},12.5,31"),
    "Kraken trades without a header": lines("{t},{p},0.25"),
    "two columns without a header": lines("{t},{p}"),
    "a banner before the header": lines(
        "{t},{iso},ETH/USD,{p},{high},{low},{p}",
        header="https://example.org/data\nunix,date,symbol,open,high,low,close",
    ),
    "comments before the header": lines("{t},{p}", header="# from a vendor, with thanks\n# UTC\ntime,price"),
    "CoinGecko": lines("{iso} UTC,{p},1.0,2.0", header="snapped_at,price,market_cap,total_volume"),
    "CoinMarketCap": lines(
        "{iso};{iso};{p};{high};{low};{p};1", header="timeOpen;timeClose;open;high;low;close;volume"
    ),
    "another name of the time": lines("{iso},{p}", header="observed at,price"),
    "words and units in a header": lines(
        "{iso};{p};{high};{low};{p}", header="Date (UTC);Open, USD;High, USD;Low, USD;Close, USD"
    ),
    "price words in a header": lines(
        "{iso}|{p}|{high}|{low}|{p}", header="Open time|Open price|High price|Low price|Close price"
    ),
    "UTC in words": lines("{iso} UTC,{p}", header="time,close"),
    "a data frame's unnamed index as CSV": lines("{iso}+00:00,{p}", header=",close"),
    "a data frame's unnamed index": frame(None),
    "a data frame's named index": frame("when"),
}


@pytest.fixture
def write(tmp_path):
    def _write(content: str | bytes):
        path = tmp_path / "prices.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


@pytest.mark.parametrize("content", READ.values(), ids=READ.keys())
def test_what_people_export_is_read(write, content):
    history = load_price_file(write(content))
    assert history.rows == 40
    assert history.start_time == SECONDS[0]
    assert history.prices[0] == PRICES[0]
    assert history.prices[-1] == PRICES[-1]


def test_what_was_assumed_is_said(write):
    (note,) = load_price_file(write(READ["Kraken OHLCVT without a header"])).notes
    columns = "open_time, open, high, low, close, volume, trades"
    assert note == f"prices.csv: has no header; its columns are taken for {columns}"
    (note,) = load_price_file(write(READ["a banner before the header"])).notes
    assert note == "prices.csv:1: not a row of the table, passed over: 'https://example.org/data'"
    (note,) = load_price_file(write(READ["another name of the time"])).notes
    assert note == "prices.csv:1: the time is taken from column observed_at"
    assert load_price_file(write(READ["CoinGecko"])).notes == ()


def test_of_trades_in_one_second_the_last_counts(write):
    history = load_price_file(write("1610236800,5.0,1\n1610236800,6.0,1\n1610236860,7.0,1\n"))
    assert history.prices.tolist() == [6.0, 7.0]
    assert "1 trades share a time; the last one counts" in history.notes[-1]


def test_a_file_with_the_newest_row_first_is_put_in_order(write):
    header, *rows = lines("{t},{p},{high},{low},{p}", header="time,open,high,low,close").splitlines()
    forward = load_price_file(write("\n".join([header, *rows])))
    backward = load_price_file(write("\n".join([header, *reversed(rows)])))
    assert backward.prices.tolist() == forward.prices.tolist()
    assert backward.times.tolist() == forward.times.tolist()
    assert backward.notes == ("prices.csv: begins with its newest row; the rows were put in order of time",)


def test_a_file_out_of_order_is_refused_whichever_way_it_began(write):
    with pytest.raises(
        InputError, match=r":4: time is later than the row before, 1610236801, in a file that"
    ):
        load_price_file(write("time,price\n1610236860,5\n1610236800,5\n1610236801,5\n"))


def test_a_few_rows_without_a_price_are_passed_over_with_a_count(write):
    header, *rows = lines("{iso},{p},{high},{low},{p}", header="Date,Open,High,Low,Close").splitlines()
    rows[7] = rows[7].split(",")[0] + ",null,null,null,null"
    rows[9] = rows[9].split(",")[0] + ",,,,"
    history = load_price_file(write("\n".join([header, *rows])))
    assert history.rows == 38
    assert history.notes == ("prices.csv: 2 rows without a price were passed over",)
    rows[11] = rows[11].split(",")[0] + ",null,null,null,null"
    with pytest.raises(InputError, match=r":9: open is missing \(3 of 40 rows have no price, up to 5% may\)"):
        load_price_file(write("\n".join([header, *rows])))


def test_half_a_row_is_refused(write):
    with pytest.raises(InputError, match=r":3: low is missing"):
        load_price_file(write("time,open,high,low,close\n1610236800,5,6,4,5\n1610236860,5,6,null,5\n"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("time,price\n0001-01-02T00:00:00Z,5\n0001-01-02T00:01:00Z,5\n", ":2: time must be from 1970"),
        ("time,price\n2200-01-01,5\n2200-01-02,5\n", ":2: time must be from 1970 to 2099, was 2200-01-01"),
        ("time,price\n7258118400,5\n7258118460,5\n", ":2: time must be from 1970 to 2099, was 7258118400"),
        ("time;price\n1610236800;1250,43\n1610236860;1250,5\n", "write it with a point and without"),
        ("1,2,3,4\n5,6,7,8\n", "no time column"),
        ("1610236800,2,3,4\n1610236860,6,7,8\n", ":1: has no header, and 4 columns are no export of Binance"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(write, content, problem):
    with pytest.raises(InputError) as caught:
        load_price_file(write(content))
    assert problem in caught.value.problems[0]


def test_integers_with_eight_decimals_are_refused_with_what_to_do(write):
    rows = (f"{second},{round(price * 1e8)}\n" for second, price in zip(SECONDS, PRICES, strict=True))
    with pytest.raises(InputError, match=r"every price is a whole number.*divide them \(often by 1e8\)"):
        load_price_file(write("time,price\n" + "".join(rows)))


def test_whole_numbers_are_prices_as_long_as_they_are_no_larger_than_prices(write):
    assert load_price_file(write("time,price\n1610236800,58000\n1610236860,58010\n")).prices[0] == 58_000
    large = "time,price\n1610236800,1400000000.0\n1610236860,1400000001.0\n"
    assert load_price_file(write(large)).prices[0] == 1_400_000_000


@pytest.mark.parametrize("factor", [1_000.0, 0.001])
def test_a_single_spike_is_refused(write, factor):
    prices = PRICES.copy()
    prices[20] *= factor
    rows = "".join(f"{second},{price}\n" for second, price in zip(SECONDS, prices, strict=True))
    with pytest.raises(InputError) as caught:
        load_price_file(write("time,price\n" + rows))
    (problem,) = caught.value.problems
    assert ":22: price" in problem
    assert problem.endswith("correct the row or remove it")


def test_a_step_and_a_wick_that_may_be_right_are_said(write):
    history = load_price_file(write("time,price\n1610236800,100\n1610236860,10\n1610236920,11\n"))
    assert history.notes == ("prices.csv:3: price goes from 100 to 10 in one row; is that right?",)
    bars = "time,open,high,low,close\n1610236800,300,301,0.1,299\n1610236860,299,300,298,299\n"
    assert load_price_file(write(bars)).notes == (
        "prices.csv:2: a bar from 300 to 299 reaches from 0.1 to 301; is that right?",
    )
    fall = "time,price\n1610236800,100\n1610236860,21\n1610236920,22\n"  # -79 % in a minute is a crash
    assert load_price_file(write(fall)).notes == ()


def test_the_user_is_told_before_the_run_and_the_manifest_keeps_it(write, tmp_path, capsys):
    header, *rows = lines("{t},{p}", header="time,price").splitlines()
    path = write("\n".join([header, *reversed(rows)]))
    out = tmp_path / "out"
    arguments = ["run", str(SCENARIO), "--prices", str(path), "--blocks", "10", "--worlds", "none", "--json"]
    assert main([*arguments, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "seawall: 10 blocks of 12 s" in said
    assert "seawall: prices.csv: begins with its newest row" in said
    kept = json.loads((out / "manifest.json").read_text())["prices"]["markets.0"]
    assert kept["notes"] == "prices.csv: begins with its newest row; the rows were put in order of time"
    assert kept["row_seconds"] == 60


# the files themselves ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rows"), [("banner_line.csv", 58), ("utc_word.csv", 39), ("unnamed_index.parquet", 130)]
)
def test_cases_that_were_refused_are_read(name, rows):
    assert load_price_file(require_case(name)).rows == rows


def test_a_case_with_eight_decimals_is_refused_with_a_hint():
    with pytest.raises(InputError, match="divide them"):
        load_price_file(require_case("eight_decimals_integer.csv"))
