"""The table of correlations from the scenario file to the run: what is refused, where, and what is said."""

import json

import numpy as np
import pytest

from sim.cli.entry import main
from sim.core.errors import InputError
from sim.core.rank_correlation import elliptical_correlation, kendall_tau
from sim.engine.options import RunOptions
from sim.engine.price_files import remarks
from sim.engine.results.manifest import market_words
from sim.engine.run import load_histories, world_builder
from sim.engine.scenario.compose import json_schema, scenario_of
from sim.engine.scenario.load import load_scenario
from sim.experiments.backtest.prices import price_series
from sim.experiments.rare.branching import branching_path, price_fall
from sim.experiments.rare.tilt import tilted_scenario

BASE = """\
schema_version = 1
title = "Tiny"
question = "Do markets move together?"
blocks = 20
meant = ["no_accounts"]
[[markets]]
name = "ETH"
initial_price = 2000.0
price = { kind = "gbm" }
[[markets]]
name = "BTC"
initial_price = 30000.0
price = { kind = "kou" }
[[markets]]
name = "SOL"
initial_price = 100.0
price = { kind = "garch_t" }
"""
MARKETS = BASE.count("\n")


def write(folder, table, base=BASE):
    path = folder / "tiny.toml"
    path.write_text(base + table)
    return path


def builder(scenario):
    options = RunOptions(out=None, engine=None, worlds="none")
    return world_builder(scenario, options, load_histories(scenario, options))


PAIR = '{ between = ["ETH", "BTC"], correlation = 0.8 }'
HEAD = '[correlation]\ncopula = "t"\n'


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("[correlation]\npairs = []\n", 1, r"correlation\.copula: is required"),
        ('[correlation]\ncopula = "clayton"\n', 2, r"copula: must be one of 'gaussian', 't', was 'clayton'"),
        (
            '[correlation]\ncopula = "gaussian"\n',
            1,
            "correlation: says of no markets that they move together",
        ),
        (
            '[correlation]\ncopula = "gaussian"\ndegrees_of_freedom = 5\npairs = []\n',
            3,
            r"degrees_of_freedom: a gaussian copula has none",
        ),
        (HEAD + "degrees_of_freedom = 0\n", 3, "degrees_of_freedom: must be at least 1, was 0"),
        (HEAD + "degrees_of_freedom = 101\n", 3, "degrees_of_freedom: must be at most 100, was 101"),
        (HEAD + "matrix = [[1, 0], [0, 1]]\n", 3, r"correlation\.matrix: must have 3 rows, .* had 2"),
        (
            HEAD + "matrix = [\n  [1, 0, 0],\n  [0, 1],\n  [0, 0, 1],\n]\n",
            5,
            r"matrix\.1: must have 3 entries like the matrix has rows, had 2",
        ),
        (
            HEAD + "matrix = [\n  [1, 0, 0],\n  [0, 1, 0],\n  [0.1, 0, 1],\n]\n",
            6,
            r"matrix\.2\.0: must be 0 as in row 0, column 2, was 0\.1",
        ),
        (
            HEAD + "matrix = [\n  [1, 0, 0],\n  [0, 0.99, 0],\n  [0, 0, 1],\n]\n",
            5,
            r"matrix\.1\.1: the diagonal must be 1, was 0\.99",
        ),
        (
            HEAD + "matrix = [\n  [1, 1.2, 0],\n  [1.2, 1, 0],\n  [0, 0, 1],\n]\n",
            5,
            r"matrix\.1\.0: must be from -1 to 1, was 1\.2",
        ),
        (
            HEAD + "matrix = [\n  [1, 0.9, 0.9],\n  [0.9, 1, -0.9],\n  [0.9, -0.9, 1],\n]\n",
            3,
            r"correlation\.matrix: no prices have these correlations together: .* its row 2 leaves -15",
        ),
        (
            HEAD + "matrix = [[1, 1, 0.5], [1, 1, 0.4], [0.5, 0.4, 1]]\n",
            3,
            r"correlation\.matrix: .*not positive semidefinite, its row 2 leaves -0\.1",
        ),
        (
            HEAD + f'pairs = [\n  {PAIR},\n  {{ between = ["BTC", "ETH"], correlation = 0.1 }},\n]\n',
            5,
            r"pairs\.1\.between: BTC and ETH stand in pairs\.0",
        ),
        (
            HEAD + '[[correlation.pairs]]\nbetween = ["ETH", "DOGE"]\ncorrelation = 0.5\n',
            4,
            r"pairs\.0\.between: there is no market DOGE, there are ETH, BTC, SOL",
        ),
        (
            HEAD + '[[correlation.pairs]]\nbetween = ["ETH", "ETH"]\ncorrelation = 0.5\n',
            4,
            r"pairs\.0\.between: must be two markets, was ETH twice",
        ),
        (
            HEAD + '[[correlation.pairs]]\nbetween = ["ETH", "BTC"]\ncorrelation = 1.5\n',
            5,
            r"pairs\.0\.correlation: must be at most 1, was 1\.5",
        ),
        (HEAD + f"pairs = [{PAIR}]\nmatrix = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n", 3, "not both"),
        (
            HEAD + f"pairs = [{PAIR}]\n[correlation.stress]\nhalf_life_seconds = 60\n",
            4,
            r"correlation\.stress: needs matrix or pairs",
        ),
        (
            HEAD + f"pairs = [{PAIR}]\n[correlation.stress]\npairs = [{PAIR}]\ncalm_volatility = 2.0\n",
            None,
            r"stress\.stress_volatility: must be above calm_volatility 2, was 1\.5",
        ),
        (
            HEAD + f"pairs = [{PAIR}]\n[correlation.stress]\npairs = [\n"
            '{ between = ["ETH", "SOL"], correlation = 0.9 },\n'
            '{ between = ["BTC", "SOL"], correlation = -0.9 }]\n',
            5,
            r"correlation\.stress\.pairs: no prices have these correlations together",
        ),
        (
            HEAD + "[correlation.jumps]\nloadings = { DOGE = 1.0 }\n",
            4,
            r"jumps\.loadings\.DOGE: there is no market DOGE",
        ),
        (HEAD + "[correlation.jumps]\nloadings = { ETH = 11.0 }\n", 4, r"loadings\.ETH: must be at most 10"),
        (HEAD + "[correlation.jumps]\nloadings = {}\n", 4, "loadings"),
        (HEAD + "same_moments = true\n", 3, "same_moments: needs two markets of kind bootstrap"),
        (
            HEAD + '[correlation.estimate]\nfiles = { ETH = "a.csv", BTC = "b.csv" }\n',
            4,
            r"estimate\.files\.ETH: there is no file 'a\.csv'",
        ),
        (
            HEAD + f'pairs = [{PAIR}]\n[correlation.estimate]\nfiles = {{ ETH = "a.csv", BTC = "b.csv" }}\n',
            4,
            "estimate: say either matrix, pairs or estimate",
        ),
    ],
)
def test_what_is_no_correlation_is_refused_with_file_and_line(tmp_path, table, line, message):
    path = write(tmp_path, table)
    with pytest.raises(InputError, match=message) as refused:
        load_scenario(path)
    if line is not None:
        assert any(str(one).startswith(f"{path}:{MARKETS + line}: ") for one in refused.value.problems)


GIVEN = BASE.replace('price = { kind = "gbm" }', 'price = { kind = "replay", file = "a.csv" }').replace(
    'price = { kind = "kou" }', 'price = { kind = "bootstrap", file = "b.csv" }'
)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            f"pairs = [{PAIR}]\n",
            r"pairs\.0: market ETH cannot move together .* kind replay, nothing drives its path",
        ),
        (
            "matrix = [[1, 0, 0], [0, 1, 0.5], [0, 0.5, 1]]\n",
            r"matrix\.1\.2: market BTC cannot move .* kind bootstrap, its returns come in blocks from a file",
        ),
        (
            "[correlation.jumps]\nloadings = { ETH = 1.0 }\n",
            r"loadings\.ETH: a price of kind replay takes no",
        ),
        (
            '[correlation.estimate]\nfiles = { BTC = "b.csv", SOL = "b.csv" }\n',
            r"estimate\.files\.BTC: market BTC cannot move together",
        ),
    ],
)
def test_a_price_that_nothing_drives_is_refused_by_name(tmp_path, table, message):
    path = write(tmp_path, HEAD + table, GIVEN)
    with pytest.raises(InputError, match=message):
        load_scenario(path)


def test_one_market_moves_together_with_none(tmp_path):
    alone = BASE[: BASE.index('[[markets]]\nname = "BTC"')]
    with pytest.raises(InputError, match="correlation: needs two markets, there is one"):
        load_scenario(write(tmp_path, HEAD, alone))


def test_a_matrix_on_the_edge_is_taken_to_within_the_tolerance(tmp_path):
    """Correlations of a third, written with ten digits; and two prices that are one."""
    third = "-0.3333333333"
    edge = f"matrix = [[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]]\n# {third}\n"
    for table in (edge, "matrix = [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]]\n"):
        load_scenario(write(tmp_path, HEAD + table))
    over = "matrix = [[1, -0.5, -0.5], [-0.5, 1, -0.50001], [-0.5, -0.50001, 1]]\n"
    with pytest.raises(InputError, match="not positive semidefinite"):
        load_scenario(write(tmp_path, HEAD + over))


FULL = (
    HEAD
    + f"pairs = [{PAIR}]\n"
    + '[correlation.stress]\npairs = [{ between = ["BTC", "ETH"], correlation = 0.95 }]\n'
    + "[correlation.jumps]\nloadings = { ETH = 1.0, SOL = 1.5 }\n"
)


def test_it_stands_in_data_schema_and_words(tmp_path):
    scenario = load_scenario(write(tmp_path, FULL))
    assert scenario_of(scenario.canonical()) == scenario
    assert "CorrelationInStress" in json_schema()["$defs"]
    copula, stress, jumps = market_words(scenario, {})["outside_market"][-3:]
    assert copula == "Markets move together by a t copula with 4 degrees of freedom: ETH and BTC 0.8."
    assert stress == (
        "In stress: ETH and BTC 0.95; gone to as ETH's realised volatility (half-life 3,600 s) goes from 65 "
        "to 150 % a year."
    )
    assert jumps == (
        "Common jumps: 10 a year of -0.03 ± 0.07 in the log price, 1 times on ETH, 1.5 times on SOL."
    )
    assert "correlation" not in load_scenario(write(tmp_path, "")).canonical()


def test_a_backtest_walks_the_path_that_a_run_has(tmp_path):
    scenario = load_scenario(write(tmp_path, FULL + "[protocol]\n"))
    paths = builder(scenario)._paths
    for market, path in enumerate(paths):
        walked = price_series(scenario, market)
        assert np.array_equal(walked.prices, path.prices[:21])
    plain = load_scenario(write(tmp_path, ""))
    assert np.array_equal(price_series(plain, 0).prices[1:3], paths[0].prices[1:3]) is False  # t, with jumps
    assert not np.array_equal(price_series(plain, 1).prices, paths[1].prices[:21])


def test_rare_event_methods_that_take_markets_for_independent_are_refused(tmp_path):
    scenario = load_scenario(write(tmp_path, FULL))
    with pytest.raises(InputError, match="drift_tilt: weighs the draws of market 0 alone"):
        tilted_scenario(scenario, -1.0)
    branched = branching_path(scenario, 0, price_fall, warm=None)
    with pytest.raises(InputError, match=r"correlation\.stress: no path can be branched"), branched:
        pass


# --- correlations from files ---


def price_csv(path, returns, start=1_600_000_000, step=60):
    prices = 100 * np.exp(np.cumsum(returns))
    rows = [f"{start + step * i},{price:.8f}" for i, price in enumerate(prices)]
    path.write_text("timestamp,price\n" + "\n".join(rows) + "\n")


ESTIMATE = '[correlation.estimate]\nfiles = { ETH = "eth.csv", BTC = "btc.csv" }\n'


@pytest.fixture
def files(tmp_path):
    """Returns of a t copula with rho 0.6: of the tails of each, Kendall's tau knows nothing."""
    rng = np.random.default_rng(5)
    z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 4_000)
    x = z / np.sqrt(rng.chisquare(3, 4_000) / 3)[:, None]
    price_csv(tmp_path / "eth.csv", 1e-4 * x[:, 0])
    price_csv(tmp_path / "btc.csv", 1e-4 * np.sign(x[:, 1]) * np.abs(x[:, 1]) ** 1.5)
    return x


def test_correlations_are_estimated_from_ranks_of_files(tmp_path, files):
    scenario = load_scenario(write(tmp_path, HEAD + ESTIMATE))
    rows = scenario.correlation.calm_rows(["ETH", "BTC", "SOL"])
    tau = kendall_tau(files[1:, 0], files[1:, 1])
    assert rows[0][1] == rows[1][0] == elliptical_correlation(tau)
    assert rows[0][2] == rows[1][2] == 0.0
    batches = [elliptical_correlation(kendall_tau(*part.T)) for part in np.split(files, 40)]
    assert abs(np.mean(batches) - 0.6) < 4.5 * np.std(batches, ddof=1) / np.sqrt(40)
    assert abs(rows[0][1] - 0.6) < 4.5 * np.std(batches, ddof=1) / np.sqrt(40)
    words = f"Kendall's tau-b (ETH and BTC {tau:.3f}) of 3,999 returns of 60 s from 2020-09-13 to 2020-09-16."
    (said,) = remarks(scenario, {}, RunOptions(out=tmp_path / "out"))
    assert said == f"correlation: Correlations are sin(pi tau / 2) of {words}"
    assert f"Correlations are sin(pi tau / 2) of {words}" in market_words(scenario, {})["outside_market"]


def test_a_longer_step_takes_fewer_returns(tmp_path, files):
    scenario = load_scenario(write(tmp_path, HEAD + ESTIMATE + "step_seconds = 600\n"))
    assert "of 399 returns of 600 s" in scenario.correlation.file_words()[0]


def test_correlations_in_stress_go_on_from_those_of_the_files(tmp_path, files):
    stress = "[correlation.stress]\npairs = [{ between = ['ETH', 'SOL'], correlation = 0.5 }]\n"
    scenario = load_scenario(write(tmp_path, HEAD + ESTIMATE + stress))
    names = ["ETH", "BTC", "SOL"]
    calm, later = scenario.correlation.calm_rows(names), scenario.correlation.stress_rows(names)
    assert later[0][1] == calm[0][1]
    assert later[0][2] == 0.5
    # Two that both follow a third must follow each other: what the files say of them decides.
    with_files = stress.replace("0.5 }", "0.8 }, { between = ['BTC', 'SOL'], correlation = 0.8 }")
    load_scenario(write(tmp_path, HEAD + ESTIMATE + with_files))
    with pytest.raises(InputError, match=r"correlation\.stress\.pairs: no prices have these correlations"):
        load_scenario(write(tmp_path, HEAD + with_files))
    further = "{ between = ['BTC', 'SOL'], correlation = -0.9 }"
    impossible = stress.replace("correlation = 0.5 }", f"correlation = 0.5 }}, {further}")
    with pytest.raises(InputError, match=r"correlation\.stress: no prices have these correlations"):
        load_scenario(write(tmp_path, HEAD + ESTIMATE + impossible))


def test_files_that_cannot_be_compared_are_refused(tmp_path, files):
    price_csv(tmp_path / "btc.csv", np.full(4_000, 1e-4), start=1_600_000_000 + 60 * 3_985)
    with pytest.raises(InputError, match=r"btc\.csv, eth\.csv: have 14 steps of 60 s in common"):
        load_scenario(write(tmp_path, HEAD + ESTIMATE))
    price_csv(tmp_path / "btc.csv", np.zeros(4_000))
    with pytest.raises(InputError, match="the price of ETH or BTC never moves"):
        load_scenario(write(tmp_path, HEAD + ESTIMATE))


def test_a_run_with_estimated_correlations_replays_from_its_folder_alone(tmp_path, files, capsys):
    out = tmp_path / "out"
    path = write(tmp_path, HEAD + ESTIMATE)
    assert main(["run", str(path), "--out", str(out), "--worlds", "none"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["inputs"]) == {"correlation.estimate.files.ETH", "correlation.estimate.files.BTC"}
    for name in ("eth.csv", "btc.csv"):
        (tmp_path / name).unlink()
    capsys.readouterr()
    assert main(["replay", str(out)]) == 0


def test_a_price_from_the_command_line_moves_together_with_none_and_it_is_said(tmp_path, files):
    scenario = load_scenario(write(tmp_path, HEAD + f"pairs = [{PAIR}]\n"))
    options = RunOptions(out=tmp_path / "out", prices=tmp_path / "eth.csv")
    said = remarks(scenario, load_histories(scenario, options), options)
    assert "correlation: ETH repeats eth.csv, so that no other market moves together with it" in said
