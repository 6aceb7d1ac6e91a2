"""One path of a scenario: its seeds, its mirror, its book, and the folder the command line makes of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.cli.entry import main
from sim.core.errors import InputError, InvariantViolation
from sim.core.rng import path_seed, population_seed
from sim.engine.blocks.loop import BlockLoop
from sim.engine.explain import explain
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, run_path
from sim.engine.replay import replay_run
from sim.engine.results.crash import crash_folder
from sim.engine.run import build_world, run_scenario
from sim.engine.scenario.path_choice import PathChoice
from tests.support.sealed import seal
from tests.support.small_run import SCENARIO, small_scenario

TINY = (
    "traders.0.count=20",
    "liquidators.count=2",
    "liquidity_providers.count=1",
    "arbitrageurs.count=1",
    "blocks=14",
)


def world_of(scenario, **choice):
    """Return the world of a path before its first block."""
    return build_world(scenario, RunOptions(out=None, path=PathChoice(**choice)), {})


def book_of(world) -> list[tuple[float, float]]:
    """Return everybody's start."""
    return [(opening.size, opening.collateral) for opening in world.openings]


def log_returns(world) -> np.ndarray:
    """Return the log returns of the fundamental price of market 0."""
    return np.diff(np.log(world.external[0].path.prices))


# --- seeds ---


def test_a_choice_knows_its_book_and_its_seeds():
    found = [PathChoice(path=path, populations=3).population for path in range(7)]
    assert found == [0, 1, 2, 0, 1, 2, 0]
    pairs = [PathChoice(path=path, populations=2, antithetic=True).population for path in range(8)]
    assert pairs == [0, 0, 1, 1, 0, 0, 1, 1]  # a pair shares its book, or its halves would not balance
    choice = PathChoice(path=5, populations=4)
    assert choice.streams(9).seed == path_seed(9, 5)
    assert choice.population_streams(9).seed == population_seed(9, 1)
    odd, even = (PathChoice(path=path, antithetic=True) for path in (5, 4))
    assert odd.streams(9).seed == even.streams(9).seed == path_seed(9, 4)
    assert (odd.streams(9).mirrored, even.streams(9).mirrored) == (("price:",), ())


@pytest.mark.parametrize("wrong", [{"path": -1}, {"path": 0, "populations": 0}])
def test_numbers_that_count_nothing_are_refused(wrong):
    with pytest.raises(InputError, match="must"):
        PathChoice(**wrong)
    with pytest.raises(InputError, match="must"):
        run_path(small_scenario(*TINY), PathOptions(**wrong))


def test_the_book_is_that_of_the_population_and_of_nothing_else():
    scenario = small_scenario(*TINY)
    plain = build_world(scenario, RunOptions(out=None), {})
    books = [book_of(world_of(scenario, path=path, populations=2)) for path in range(4)]
    assert books[0] == books[2] == book_of(plain)  # population 0 is the book of the plain run
    assert books[1] == books[3] != books[0]


def test_prices_differ_from_path_to_path_and_from_the_plain_run():
    scenario = small_scenario(*TINY)
    plain = build_world(scenario, RunOptions(out=None), {})
    paths = [plain, *(world_of(scenario, path=path) for path in range(4))]
    assert len({tuple(log_returns(world)) for world in paths}) == 5


def test_an_antithetic_pair_mirrors_its_price_and_nothing_else():
    scenario = small_scenario(
        *TINY, 'markets.0.price={ kind = "gbm", volatility = 1.5, drift = 0.0 }', "shocks=[]", "blocks=40"
    )
    even, odd = (world_of(scenario, path=path, antithetic=True) for path in (6, 7))
    normals = [world.streams.series("price:ETH:diffusion").normal(0, 40) for world in (even, odd)]
    assert np.array_equal(normals[0], -normals[1])
    # Log returns are m + s z and m - s z with m = -s^2 / 2: halves of a pair lie symmetrically about it.
    variance = 1.5**2 * 12 / 31_536_000
    middle = 0.5 * (log_returns(even) + log_returns(odd))
    assert np.allclose(middle, -0.5 * variance, rtol=0.0, atol=1e-14)
    assert np.ptp(log_returns(even)) > 0.0
    assert np.array_equal(
        even.streams.draw("agent:oracle_keeper:keepers_eth:noise", 3).words(8),
        odd.streams.draw("agent:oracle_keeper:keepers_eth:noise", 3).words(8),
    )
    assert book_of(even) == book_of(odd)
    unpaired = world_of(scenario, path=6)
    assert np.array_equal(log_returns(even), log_returns(unpaired))  # the first of a pair is the path itself


# --- outcomes ---


def test_the_command_line_makes_the_folder_of_the_same_path(tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["--path", "3", "--populations", "2", "--antithetic", "--blocks", "20"]
    assert main(["run", str(SCENARIO), *arguments, "--out", str(out)]) == 0
    options = PathOptions(path=3, populations=2, antithetic=True, worlds="forced")
    outcome = run_path(small_scenario("blocks=20"), options)
    assert outcome.population == 1
    assert outcome.summary["liquidations"] > 0
    assert json.loads((out / "summary.json").read_text()) == json.loads(json.dumps(outcome.summary))
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["digest"] == outcome.digest == outcome.summary["digest"]
    assert manifest["path"] == {"path": 3, "populations": 2, "antithetic": True}
    assert replay_run(out, None).identical
    # Without its number the folder describes another run, and with a wrong one it describes nothing.
    for edited in ({**manifest, "path": {**manifest["path"], "path": 4}}, {**manifest, "path": None}):
        (out / "manifest.json").write_text(json.dumps(edited))
        seal(out)
        assert not replay_run(out, None).identical
    (out / "manifest.json").write_text(json.dumps({**manifest, "path": {"path": "3"}}))
    seal(out)
    with pytest.raises(InputError, match="path: must be a table of path, populations and antithetic"):
        replay_run(out, None)
    capsys.readouterr()


def test_a_plain_run_says_nothing_of_paths(tmp_path):
    folder = run_scenario(small_scenario(*TINY), RunOptions(out=tmp_path / "run", worlds="none")).folder
    assert "path" not in json.loads((folder / "manifest.json").read_text())


def test_each_path_has_its_own_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(SCENARIO), "--blocks", "9", "--path", "11", "--worlds", "none", "--json"]) == 0
    assert (tmp_path / "results" / "small_run-5-path11" / "summary.json").is_file()
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--path", "-1"], "--path: must not be negative, was -1"),
        (["--path", "1", "--populations", "0"], "--populations: must be at least 1, was 0"),
        (["--populations", "2"], "--populations: says something about paths, add --path K"),
        (["--antithetic"], "--antithetic: says something about paths, add --path K"),
    ],
)
def test_a_wrong_path_is_bad_input(tmp_path, capsys, arguments, words):
    assert main(["run", str(SCENARIO), "--out", str(tmp_path / "run"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_engines_agree_on_a_path():
    pytest.importorskip("pyrevm", reason="this machine has no revm to compare with")
    scenario = small_scenario(*TINY)
    first, second = (
        run_path(scenario, PathOptions(path=1, populations=2, engine=engine)) for engine in ("revm", "pyevm")
    )
    assert first.digest == second.digest
    assert first.summary == second.summary


def test_the_crash_of_a_path_is_explained_on_that_path(tmp_path, monkeypatch):
    def check(self, block, before, events):
        found = [event for event in events if event.name == "Liquidated"]
        if found:
            raise InvariantViolation("Z9", block, f"{found[0].values}")

    monkeypatch.setattr(BlockLoop, "_check", check)
    messages = []
    for chosen in (PathChoice(path=4, populations=2, antithetic=True), PathChoice(path=1), None):
        out = tmp_path / f"run{len(messages)}"
        with pytest.raises(InvariantViolation) as caught:
            run_scenario(small_scenario(*TINY), RunOptions(out=out, worlds="none", path=chosen))
        explanation = explain(crash_folder(out))
        assert explanation.reproduced
        assert explanation.lines[1] == caught.value.message
        messages.append(caught.value.message)
    assert len(set(messages)) == 3


def test_recorded_prices_have_no_mirror(tmp_path):
    rows = "\n".join(f"{1_600_000_000 + 60 * minute},{1_000 + minute}" for minute in range(30))
    prices = tmp_path / "prices.csv"
    prices.write_text(f"timestamp,price\n{rows}\n")
    with pytest.raises(InputError, match="nothing to mirror"):
        run_path(small_scenario(), PathOptions(path=1, antithetic=True, prices=prices))
