"""A scenario file is hostile input: one line per problem, with file, line and field."""

from pathlib import Path

import pytest

from sim.core.documents.toml_text import MAX_FILE_BYTES
from sim.core.errors import InputError
from sim.engine.scenario.load import load_scenario

BASE = """\
schema_version = 1
title = "A market"
question = "What happens?"
blocks = 10

[[markets]]
name = "ETH"
initial_price = 100.0
[markets.price]
kind = "gbm"
volatility = 0.5

[[traders]]
name = "cohort"
count = 10
leverage = { distribution = "uniform", minimum = 2, maximum = 5 }
"""


def write(folder: Path, text: str, name: str = "case.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_scenario(path, overrides=overrides)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def test_load_valid_file_gives_values_defaults_and_name(tmp_path):
    scenario = load_scenario(write(tmp_path, BASE, "Quiet Day-2.toml"))
    assert scenario.name == "quiet_day_2"
    assert scenario.markets[0].price.volatility == 0.5
    assert scenario.seconds_per_block == 12
    assert scenario.traders[0].leverage.maximum == 5
    assert scenario.start_timestamp == 1_704_067_200
    assert scenario.participants == 10


@pytest.mark.parametrize(
    ("added", "line", "message"),
    [
        (
            "[protocol]\nrisk_modle = 'static'\n",
            18,
            "protocol.risk_modle: unknown key, did you mean risk_model?",
        ),
        ("[chain]\nbase_fee_gwei = '20'\n", 18, "chain.base_fee_gwei: must be a number, was '20'"),
        ("[chain]\nbase_fee_gwei = true\n", 18, "chain.base_fee_gwei: must be a number, was true"),
        ("[chain]\nmempool_size = 20.5\n", 18, "chain.mempool_size: must be a whole number, was 20.5"),
        (
            "[protocol.margin]\ntrade_fee_rate = -0.001\n",
            18,
            "protocol.margin.trade_fee_rate: must be at least 0, was -0.001",
        ),
        ("[chain]\nnative_price = nan\n", 18, "chain.native_price: must be a finite number, was nan"),
        ("[chain]\nnative_price = -inf\n", 18, "chain.native_price: must be a finite number, was -inf"),
        (
            "[protocol]\nrisk_model='static'\nrisk_model_parameters={initial_ratio=0.1,maintenance_ratio=0.2}\n",
            19,
            "protocol.risk_model_parameters.maintenance_ratio: must be below initial_ratio 0.1, was 0.2",
        ),
        (
            "[protocol.risk_model_parameters]\ninitial_flor = 0.1\n",
            18,
            "protocol.risk_model_parameters.initial_flor: the adaptive model has no such parameter, did you",
        ),
        (
            "[protocol.risk_model_parameters]\ninitial_horizon_seconds = 7200.5\n",
            18,
            "protocol.risk_model_parameters.initial_horizon_seconds: must be a whole number of seconds",
        ),
        (
            "[[shocks]]\nkind = 'price_jump'\nat_block = 3\nsize = -1.0\n",
            20,
            "shocks.0.size: must be above -0.99, was -1.0",
        ),
        (
            "[[shocks]]\nkind = 'price_jump'\nsize = -0.5\n",
            17,
            "shocks.0: needs exactly one of at_block and at_minute",
        ),
        (
            "[[shocks]]\nkind = 'depth'\nat_block = 1\nduration_minutes = 1\nsize = 0.1\nmarket = 1\n",
            22,
            "shocks.0.market: there is no market 1, the last is 0",
        ),
        (
            "[expect]\nmax_bad_dept = 0\n",
            18,
            "expect.max_bad_dept: unknown metric 'bad_dept', did you mean bad",
        ),
        (
            "[expect]\nequals = { blokcs = 1 }\n",
            18,
            "expect.equals.blokcs: unknown metric 'blokcs', did you mean",
        ),
        (
            "[keepers]\ncount = 3\n[protocol.oracle]\nvalid_sources = 5\n",
            18,
            "keepers.count: must be at least",
        ),
    ],
)
def test_load_bad_value_names_line_and_field(tmp_path, added, line, message):
    path = write(tmp_path, BASE + added)
    found = problems_of(path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:{line}: {message}")


def test_load_several_problems_gives_one_line_each(tmp_path):
    path = write(tmp_path, BASE.replace("blocks = 10", "blocks = 0").replace("count = 10", "count = -1"))
    assert problems_of(path) == [
        f"{path}:4: blocks: must be at least 1, was 0",
        f"{path}:15: traders.0.count: must be at least 0, was -1",
    ]


def test_load_missing_key_names_the_table(tmp_path):
    path = write(tmp_path, BASE.replace('name = "ETH"\n', ""))
    assert problems_of(path) == [f"{path}:6: markets.0.name: is required"]


def test_load_bad_leverage_bounds_in_inline_table_names_its_line(tmp_path):
    path = write(tmp_path, BASE.replace("minimum = 2", "minimum = 9"))
    assert problems_of(path) == [f"{path}:16: traders.0.leverage.minimum: must be at most maximum 5, was 9"]


def test_load_waypoints_unordered_names_the_entry(tmp_path):
    bridge = 'kind = "bridge"\nwaypoints = [\n  [0, 100.0],\n  [30, 90.0],\n  [20, 80.0],\n]'
    path = write(tmp_path, BASE.replace('kind = "gbm"\nvolatility = 0.5', bridge))
    assert problems_of(path) == [
        f"{path}:14: markets.0.price.waypoints.2: minutes must increase, 20 follows 30"
    ]


def test_load_unknown_kind_lists_the_kinds(tmp_path):
    path = write(tmp_path, BASE.replace('"gbm"', '"gbn"'))
    kinds = "'gbm', 'merton', 'kou', 'garch_t', 'bridge', 'replay', 'bootstrap'"
    assert problems_of(path) == [f"{path}:10: markets.0.price.kind: must be one of {kinds}, was 'gbn'"]


@pytest.mark.parametrize("content", ["", "   \n\n"])
def test_load_empty_file_says_so(tmp_path, content):
    path = write(tmp_path, content)
    assert problems_of(path) == [f"{path}: is empty"]


def test_load_missing_file_says_so(tmp_path):
    assert problems_of(tmp_path / "none.toml") == [
        f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory"
    ]


def test_load_broken_toml_names_line(tmp_path):
    path = write(tmp_path, "schema_version = 1\ntitle = \n")
    assert problems_of(path)[0].startswith(f"{path}:2: not valid TOML: ")


def test_load_binary_names_line(tmp_path):
    path = tmp_path / "case.toml"
    path.write_bytes(b"title = 'a'\n\xff\xfe\n")
    assert problems_of(path) == [f"{path}:2: is not UTF-8 text"]


def test_load_too_large_is_refused_without_reading_it_all(tmp_path):
    path = write(tmp_path, "#" * (MAX_FILE_BYTES + 1))
    assert problems_of(path) == [f"{path}: larger than {MAX_FILE_BYTES} bytes"]


def test_load_at_size_limit_is_read(tmp_path):
    filler = "#" * (MAX_FILE_BYTES - len(BASE.encode()))
    assert load_scenario(write(tmp_path, BASE + filler)).blocks == 10


@pytest.mark.parametrize("opening", ["[" * 5_000, "{a=" * 5_000])
def test_load_deep_nesting_is_refused(tmp_path, opening):
    path = write(tmp_path, f"x = {opening}\n")
    assert problems_of(path)[0].startswith(f"{path}")


def test_load_integer_beyond_digit_limit_is_refused(tmp_path):
    path = write(tmp_path, f"seed = {'9' * 5_000}\n")
    assert problems_of(path)[0].startswith(f"{path}: not valid TOML")


def test_load_file_outside_folder_is_refused(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    write(tmp_path, "x", "outside.vy")
    path = write(folder, BASE + "[protocol]\nrisk_model = '../outside.vy'\n")
    assert problems_of(path) == [
        f"{path}:18: protocol.risk_model: must lie in the scenario's folder, was '../outside.vy'"
    ]


def test_load_symbolic_link_out_of_folder_is_refused(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    outside = write(tmp_path, "x", "outside.vy")
    (folder / "inside.vy").symlink_to(outside)
    path = write(folder, BASE + "[protocol]\nrisk_model = 'inside.vy'\n")
    assert "must lie in the scenario's folder" in problems_of(path)[0]


def test_load_file_outside_folder_given_on_command_line_is_accepted(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    outside = write(tmp_path, "x", "outside.vy")
    scenario = load_scenario(write(folder, BASE), overrides=[f"protocol.risk_model={outside}"])
    assert scenario.file("protocol.risk_model") == outside


def test_load_missing_model_file_is_refused(tmp_path):
    path = write(tmp_path, BASE + "[protocol]\nrisk_model = 'none.vy'\n")
    assert problems_of(path) == [f"{path}:18: protocol.risk_model: there is no file 'none.vy'"]


def test_override_sets_list_entries_and_new_tables(tmp_path):
    scenario = load_scenario(
        write(tmp_path, BASE),
        overrides=["markets.0.initial_price=250", "protocol.liquidation.buffer=0.2", "title=Plain text"],
    )
    assert scenario.markets[0].initial_price == 250
    assert scenario.protocol.liquidation.buffer == 0.2
    assert scenario.title == "Plain text"


def test_override_bad_value_names_the_option(tmp_path):
    assert problems_of(write(tmp_path, BASE), "protocol.margin.trade_fee_rate=-1") == [
        "--set protocol.margin.trade_fee_rate=-1: protocol.margin.trade_fee_rate: must be at least 0, was -1"
    ]


@pytest.mark.parametrize("text", ["blocks", "=3", "a..b=3", ""])
def test_override_malformed_is_refused(tmp_path, text):
    assert "must look like section.key=value" in problems_of(write(tmp_path, BASE), text)[0]


@pytest.mark.parametrize("text", ["markets.1.name=BTC", "markets.x.name=BTC", "title.x=3"])
def test_override_of_nothing_is_refused(tmp_path, text):
    assert problems_of(write(tmp_path, BASE), text)[0].startswith(f"--set {text}: ")


def test_override_of_risk_model_drops_the_parameters_of_the_old_one(tmp_path):
    path = write(tmp_path, BASE + "[protocol.risk_model_parameters]\nz = 3.0\n")
    assert load_scenario(path).risk_parameters(0)["z"] == 3.0
    changed = load_scenario(path, overrides=["protocol.risk_model=static"])
    assert changed.risk_parameters(0) == {"initial_ratio": 0.10, "maintenance_ratio": 0.05, "haircut": 0.0}


def test_override_order_of_risk_model_and_its_parameters_does_not_drop_them(tmp_path):
    scenario = load_scenario(
        write(tmp_path, BASE),
        overrides=["protocol.risk_model=static", "protocol.risk_model_parameters.initial_ratio=0.3"],
    )
    assert scenario.risk_parameters(0)["initial_ratio"] == 0.3
