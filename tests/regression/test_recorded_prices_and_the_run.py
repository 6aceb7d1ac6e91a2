"""A price file and a run that do not fit each other are refused or remarked on, before any block is run.

Daily prices once became 432,000 blocks unasked, and a run outside its file was flat, stale and exited with 0.
"""

import json

import pytest

from sim.cli.entry import main
from sim.core.errors import InputError
from sim.engine import price_files
from sim.engine.options import RunOptions
from sim.engine.price_files import MOST_UNASKED_BLOCKS, fit_to_prices, remarks
from sim.engine.run import load_histories
from tests.support.small_run import SCENARIO, small_scenario

DAY = 86_400
START = 1_609_459_200  # 2021-01-01


def price_file(tmp_path, *, rows: int, seconds: int, price=lambda row: 2_000 + row % 3):
    path = tmp_path / "prices.csv"
    lines = (f"{START + seconds * row},{price(row)}.5\n" for row in range(rows))
    path.write_text("time,price\n" + "".join(lines))
    return path


def fitted(path, **options):
    scenario, chosen = small_scenario(), RunOptions(out=path.parent / "out", prices=path, **options)
    histories = load_histories(scenario, chosen)
    return fit_to_prices(scenario, histories, chosen), histories, chosen


def test_two_months_of_daily_prices_are_run_only_when_asked_for(tmp_path):
    path = price_file(tmp_path, rows=61, seconds=DAY)
    with pytest.raises(InputError) as caught:
        fitted(path)
    assert str(caught.value) == (
        f"{path}: covers 432,000 blocks of 12 s, 2021-01-01 00:00 UTC to 2021-03-02 00:00 UTC; "
        "more than 100,000 are only run when asked for: --blocks N runs the first N, --whole-file all, "
        "--set seconds_per_block=N makes longer ones"
    )
    assert fitted(path, whole_file=True)[0].blocks == 432_000
    assert fitted(path, keep_blocks=True)[0].blocks == small_scenario().blocks


def test_the_largest_length_that_needs_no_asking(tmp_path):
    path = price_file(tmp_path, rows=2, seconds=12 * MOST_UNASKED_BLOCKS)
    with pytest.raises(InputError, match="without a price"):
        fitted(path)  # a gap of fourteen days is refused first
    rows = MOST_UNASKED_BLOCKS * 12 // DAY
    assert fitted(price_file(tmp_path, rows=rows + 1, seconds=DAY))[0].blocks == rows * 7_200


def test_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(price_files, "MOST_UNASKED_BLOCKS", 19)
    path = price_file(tmp_path, rows=21, seconds=12)
    base = [
        "run",
        str(SCENARIO),
        "--prices",
        str(path),
        "--worlds",
        "none",
        "--json",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(base) == 2
    assert "covers 20 blocks of 12 s" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*base, "--whole-file"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("seawall: 20 blocks of 12 s, 0.1 hours, with 61 accounts\n")
    assert json.loads(said.out)["blocks"] == 20
    assert main(["replay", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("also", [[], ["--prices", "x.csv", "--blocks", "5"]])
def test_the_flag_needs_something_to_say(also, tmp_path, capsys):
    (tmp_path / "x.csv").write_text("time,price\n1,1\n")
    also = [str(tmp_path / word) if word == "x.csv" else word for word in also]
    assert main(["run", str(SCENARIO), "--whole-file", *also]) == 2
    assert "--whole-file: says how much of --prices to run" in capsys.readouterr().err


REPLAY = """\
[markets.price]
kind = "replay"
file = "prices.csv"
"""


def replaying(tmp_path, start_time: str, blocks: int = 20):
    """Return the small scenario with a recorded price, written where its file lies."""
    text = SCENARIO.read_text()
    begin, end = text.index("[markets.price]"), text.index("[markets.impact]")
    text = text[:begin] + REPLAY + "\n" + text[end:]
    text = text.replace("blocks = 60", f"blocks = {blocks}\nstart_time = {start_time}")
    path = tmp_path / "replaying.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("start_time", "words"),
    [
        ("2024-01-01T00:00:00Z", "the run starts after them, at 2024-01-01 00:00:00 UTC; set start_time"),
        ("2020-12-31T23:59:59Z", "the run starts before them, at 2020-12-31 23:59:59 UTC"),
        ("2021-01-01T01:00:00Z", "the run starts after them"),
        ("2021-01-01T00:00:01Z", "none of them lies within the run"),
    ],
)
def test_a_run_in_which_no_recorded_price_falls_is_refused(tmp_path, capsys, start_time, words):
    price_file(tmp_path, rows=2, seconds=3_600)
    path = replaying(tmp_path, start_time)
    assert main(["run", str(path), "--worlds", "none", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "prices.csv: prices from 2021-01-01 00:00:00 UTC to 2021-01-01 01:00:00 UTC" in said
    assert words in said
    assert not (tmp_path / "out").exists()


def test_a_run_that_outlives_its_file_is_refused_and_its_last_row_stands_for_as_long_as_any(tmp_path, capsys):
    """Rows of 600 s end at block 100; the last one stands until block 150."""
    price_file(tmp_path, rows=3, seconds=600)
    path = replaying(tmp_path, "2021-01-01T00:00:00Z", blocks=151)
    command = ["run", str(path), "--worlds", "none", "--json", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert (
        "prices.csv: the price of market 0 ends at block 100 of 151, 2021-01-01 00:20 UTC, and would stand "
        "still from there; ask for at most 100 blocks, or set an earlier start_time, or say that it is "
        'meant: meant = ["short_prices"] at the top of the scenario'
    ) in said
    assert not (tmp_path / "out").exists()
    assert main([*command, "--blocks", "150"]) == 0
    assert "prices.csv: ends at block 100 of 150; its last price stands from there" in capsys.readouterr().err


def test_an_experiment_that_outlives_its_file_is_refused_before_its_first_path(tmp_path, capsys):
    price_file(tmp_path, rows=3, seconds=600)
    replaying(tmp_path, "2021-01-01T00:00:00Z", blocks=151)
    experiment = tmp_path / "sweep.toml"
    experiment.write_text(
        'schema_version = 1\nkind = "sweep"\ntitle = "One"\nscenario = "replaying.toml"\nseed = 1\n'
        'paths = 2\nmetrics = ["bad_debt"]\n'
        '[[parameters]]\nkey = "protocol.margin.ramp_per_hour"\nvalues = [0.05]\n'
    )
    assert main(["sweep", str(experiment), "--workers", "0", "--out", str(tmp_path / "sweep")]) == 2
    assert "the price of market 0 ends at block 100 of 151" in capsys.readouterr().err


def test_a_run_that_is_meant_to_outlive_its_file_or_sees_it_coarsely_is_remarked_on(tmp_path, capsys):
    price_file(tmp_path, rows=3, seconds=600)
    path = replaying(tmp_path, "2021-01-01T00:00:00Z", blocks=151)
    meant = ["--set", 'meant=["short_prices"]']
    assert main(["run", str(path), *meant, "--worlds", "none", "--json", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "prices.csv: ends at block 100 of 151; its last price stands from there" in said
    assert "prices.csv: has a row every 600 s" in said
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["prices"]["markets.0"]["row_seconds"] == 600


def test_minutes_are_fine_enough(tmp_path):
    scenario, histories, options = fitted(price_file(tmp_path, rows=10, seconds=60))
    assert remarks(scenario, histories, options) == []


@pytest.mark.parametrize("price", ["1e-6", "1e12"])
def test_a_price_that_the_oracle_refuses_is_bad_input(tmp_path, capsys, price):
    out = tmp_path / "out"
    changes = ["--set", f"markets.0.initial_price={price}", "--blocks", "2"]
    assert main(["run", str(SCENARIO), *changes, "--worlds", "none", "--out", str(out)]) == 2
    assert f"markets.0: the price at the start, {float(price):g}, must be between 1e-06 and 1e+09" in (
        capsys.readouterr().err
    )


def test_sweeps_and_backtests_say_what_stands_out_too(tmp_path, capsys):
    path = price_file(tmp_path, rows=40, seconds=60)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    scenario = replaying(tmp_path, "2021-01-01T00:00:00Z")
    experiment = tmp_path / "sweep.toml"
    experiment.write_text(
        'schema_version = 1\nkind = "sweep"\ntitle = "One"\nscenario = "replaying.toml"\nseed = 1\n'
        "paths = 2\n"
        'metrics = ["bad_debt"]\n[[parameters]]\nkey = "protocol.margin.ramp_per_hour"\nvalues = [0.05]\n'
    )
    assert main(["sweep", str(experiment), "--workers", "0", "--out", str(tmp_path / "sweep")]) == 0
    note = "seawall: prices.csv: begins with its newest row; the rows were put in order of time"
    assert capsys.readouterr().err.splitlines()[0] == note
    quick = [
        "--noise-runs",
        "0",
        "--windows",
        "2",
        "--horizon-seconds",
        "60",
        "--out",
        str(tmp_path / "test"),
    ]
    assert main(["backtest", str(scenario), *quick]) == 0
    assert note in capsys.readouterr().err.splitlines()
