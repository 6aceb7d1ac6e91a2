"""A path on a shared foundation has the bits it has on its own, whatever ran before it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.trader_cohort import TraderCohort
from sim.chain.chain import Chain
from sim.core.errors import InputError, InvariantViolation, RunError
from sim.engine.paths import PathOptions, PathOutcome, WarmStarts, run_path
from sim.engine.scenario.compose import scenario_class
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.market import MarketSection
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds import foundation
from sim.metrics.worlds import Worlds
from tests.support.small_run import SCENARIO, small_scenario

MODELS = Path(__file__).resolve().parents[2] / "scenarios" / "models"
TINY = (
    "traders.0.count=20",
    "liquidators.count=2",
    "liquidity_providers.count=1",
    "arbitrageurs.count=1",
    "blocks=14",
)

SHARED: tuple[tuple[str, ...], ...] = (
    (),
    ("shocks.0.size=-0.05",),
    ("shocks=[]",),
    ("blocks=9",),
    ("flow.liquidator_share=0.9",),
    ("chain.base_fee_gwei=80.0", "chain.background_fee_gwei=80.0", "chain.native_balance=7.0"),
    ('markets.0.price={ kind = "kou", volatility = 2.0, jump_intensity = 4000.0 }',),
    ('markets.0.impact.law="square_root"', "markets.0.impact.depth_floor=0.5"),
    ('title="Other words"', "expect.max_liquidations=300"),
)
"""Changes of what acts after block 0: one foundation for all."""

OWN: tuple[tuple[str, ...], ...] = (
    ("seed=6",),
    ("seconds_per_block=13",),
    ("start_time=2024-02-01T00:00:00Z",),
    ("protocol.margin.trade_fee_rate=0.002",),
    ('protocol.risk_model="static"',),
    ("protocol.insurance_fund.deposit=9000.0",),
    ("traders.0.long_share=0.2",),
    ("traders.0.top_up.wallet_ratio=2.0",),
    ("whales.0.open_interest_share=0.4",),
    ("liquidators.count=3",),
    ("keepers.count=4",),
    ("arbitrageurs.capital=30000.0",),
    ("liquidity_providers.count=2",),
    ("markets.0.pool.skew_scale=7000.0",),
    ("markets.0.initial_price=1900.0",),
)
"""Changes of what is there at block 0: a foundation each."""

Job = tuple[tuple[str, ...], int, Worlds]
_FORCED: tuple[Worlds, ...] = ("none", "forced", "none", "none")
JOBS: tuple[Job, ...] = (
    *((overrides, index % 3, _FORCED[index % 4]) for index, overrides in enumerate(SHARED)),
    *((overrides, index % 3, "all" if index % 5 == 2 else "none") for index, overrides in enumerate(OWN)),
    *(((), path, "none") for path in range(1, 4)),
)
"""(overrides, path, worlds)"""


def options_of(job: Job) -> PathOptions:
    return PathOptions(path=job[1], populations=2, worlds=job[2])


@cache
def cold(job: Job) -> PathOutcome:
    """Return what a job leads to on its own."""
    return run_path(small_scenario(*TINY, *job[0]), options_of(job))


def same(outcome: PathOutcome, job: Job) -> bool:
    alone = cold(job)
    return (outcome.digest, outcome.summary, outcome.population) == (
        alone.digest,
        alone.summary,
        alone.population,
    )


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    jobs=st.lists(st.sampled_from(JOBS), min_size=4, max_size=10),
    capacity=st.integers(min_value=1, max_value=4),
)
def test_any_order_gives_the_bits_of_cold_starts(jobs, capacity):
    warm = WarmStarts(capacity)
    for job in jobs:
        assert same(run_path(small_scenario(*TINY, *job[0]), options_of(job), warm), job), job
    warm.close()


def test_the_jobs_are_worth_comparing():
    """Every change but that of words changes the run, or nothing would be tested by running it warm."""
    digests = [cold((overrides, 0, "none")).digest for overrides in (*SHARED, *OWN)]
    assert len(set(digests)) == len(digests) - 1
    assert cold(((), 0, "none")).summary["liquidations"] > 0


def test_what_acts_after_block_0_shares_one_foundation():
    warm = WarmStarts()
    for overrides in SHARED:
        job = (overrides, 0, "forced")
        assert same(run_path(small_scenario(*TINY, *overrides), options_of(job), warm), job)
    assert warm.built == 1  # that of the world without price feedback too
    run_path(small_scenario(*TINY), PathOptions(path=1, populations=2), warm)
    assert warm.built == 2
    run_path(small_scenario(*TINY), PathOptions(path=3, populations=2), warm)
    assert warm.built == 2
    warm.close()


def test_a_closed_store_starts_cold_again():
    warm = WarmStarts()
    for _ in range(2):
        assert same(run_path(small_scenario(*TINY), options_of(JOBS[0]), warm), JOBS[0])
        warm.close()
    assert warm.built == 2


def test_room_for_nothing_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        WarmStarts(0)


# --- the key ---


def test_the_key_leaves_out_only_what_there_is():
    assert set(scenario_class().model_fields) > foundation.AFTER_BLOCK_0
    assert set(MarketSection.model_fields) > foundation.AFTER_BLOCK_0_OF_A_MARKET


@pytest.mark.parametrize("overrides", OWN, ids=lambda overrides: overrides[0].split("=")[0])
def test_no_part_of_the_key_can_be_left_out(monkeypatch, overrides):
    """Leave each part out by hand: the second run then starts from the first one's protocol, and shows it."""
    section, *rest = overrides[0].split("=")[0].split(".")
    if section in ("seed", "start_time") or rest[-1:] == ["initial_price"]:
        real = foundation.canonical_json

        def without(parts):
            name = {"seed": "population_seed", "start_time": "start_timestamp"}.get(section, "prices")
            kept = {key: value for key, value in parts.items() if key != name}
            if name == "prices":
                market = {**kept["scenario"]["markets"][0], "initial_price": 0.0}
                kept["scenario"] = {**kept["scenario"], "markets": [market]}
            return real(kept)

        monkeypatch.setattr(foundation, "canonical_json", without)
    elif section == "markets":
        left_out = foundation.AFTER_BLOCK_0_OF_A_MARKET | {rest[1]}
        monkeypatch.setattr(foundation, "AFTER_BLOCK_0_OF_A_MARKET", left_out)
    else:
        monkeypatch.setattr(foundation, "AFTER_BLOCK_0", foundation.AFTER_BLOCK_0 | {section})
        if overrides[0].endswith('"static"'):
            monkeypatch.setattr(foundation, "_code_hashes", lambda *_: {})
    warm = WarmStarts()
    run_path(small_scenario(*TINY), PathOptions(path=0), warm)
    try:
        outcome = run_path(small_scenario(*TINY, *overrides), PathOptions(path=0), warm)
    except (InputError, InvariantViolation, KeyError, ValueError, RuntimeError):
        return  # the wrong protocol is noticed at once
    assert warm.built == 1, "the part that was left out is in the key twice"
    assert not same(outcome, (overrides, 0, "none"))


# --- files count by what they hold ---


PARAMETERS = "{ top_leverage = 15.0, tier_notional = 50_000.0, maintenance_share = 0.5 }"


def custom_scenario(folder: Path) -> Scenario:
    path = folder / "custom.toml"
    path.write_text(SCENARIO.read_text().replace('risk_model = "adaptive"', 'risk_model = "Model.vy"'))
    return load_scenario(path, overrides=[*TINY, f"protocol.risk_model_parameters={PARAMETERS}"])


def test_a_custom_model_counts_by_its_code(tmp_path):
    source = (MODELS / "LeverageTierRiskModel.vy").read_text()
    harder = source.replace("(tier + 1)", "(tier + 2)")
    assert harder != source
    warm = WarmStarts()
    digests = []
    for text in (source, harder, source):
        (tmp_path / "Model.vy").write_text(text)
        scenario = custom_scenario(tmp_path)
        warmed = run_path(scenario, PathOptions(path=0), warm)
        assert warmed.digest == run_path(scenario, PathOptions(path=0)).digest
        digests.append(warmed.digest)
    assert digests[0] == digests[2] != digests[1]
    assert warm.built == 2
    warm.close()


def test_a_price_file_counts_by_its_prices(tmp_path):
    warm, file, digests = WarmStarts(), tmp_path / "recorded.csv", []
    for first, step in ((2_000.0, -6.0), (1_000.0, -5.0), (1_000.0, -9.0), (2_000.0, -6.0)):
        rows = [f"{1_700_000_000 + 12 * i},{first + step * i:.6f}" for i in range(15)]
        file.write_text("timestamp,price\n" + "\n".join(rows) + "\n")
        options = PathOptions(path=0, prices=file)
        warmed = run_path(small_scenario(*TINY), options, warm)
        alone = run_path(small_scenario(*TINY), options)
        assert (warmed.digest, warmed.summary) == (alone.digest, alone.summary)
        digests.append(warmed.digest)
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3
    assert warm.built == 2  # the first price, not the file, is part of the foundation
    file.unlink()
    with pytest.raises(InputError, match=r"recorded\.csv"):
        run_path(small_scenario(*TINY), PathOptions(path=0, prices=file), warm)
    warm.close()


# --- accidents ---


def test_a_path_that_fails_leaves_nothing_behind(monkeypatch):
    """A path breaks off inside a block: the next one on the same foundation is as if it had not been."""
    warm = WarmStarts()
    run_path(small_scenario(*TINY), PathOptions(path=0, populations=2), warm)
    execute = Chain.execute

    def failing(self, transaction, *further):
        if self.block_number == 12:
            raise RunError("out of order")
        return execute(self, transaction, *further)

    monkeypatch.setattr(Chain, "execute", failing)
    with pytest.raises(RunError, match="out of order"):
        run_path(small_scenario(*TINY), PathOptions(path=0, populations=2), warm)
    monkeypatch.undo()
    for job in (JOBS[0], JOBS[1]):
        assert same(run_path(small_scenario(*TINY, *job[0]), options_of(job), warm), job)
    warm.close()


def test_a_path_cannot_change_the_shared_book(monkeypatch):
    def spoiling(self, state, draws):
        self.population.leverage[0] = 3.0
        return []

    monkeypatch.setattr(TraderCohort, "decide", spoiling)
    with pytest.raises(ValueError, match="read-only"):
        run_path(small_scenario(*TINY), PathOptions(path=0))


# --- other engines, and memory ---


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pyevm", pytest.param("ethtester", marks=pytest.mark.evidence)])
def test_other_engines_start_warm_alike(engine):
    warm, short = WarmStarts(), ("blocks=10",)
    for path in (0, 1, 0):
        options = PathOptions(path=path, engine=engine)
        warmed = run_path(small_scenario(*TINY, *short), options, warm)
        assert warmed.digest == run_path(small_scenario(*TINY, *short), PathOptions(path=path)).digest
    assert warm.built == 1
    warm.close()


def test_the_journal_of_revm_stays_short_over_many_paths(monkeypatch):
    pytest.importorskip("pyrevm", reason="this machine has no revm")
    monkeypatch.setattr("sim.chain.revm._MAX_JOURNAL", 150)
    warm, job = WarmStarts(), JOBS[0]
    lengths = []
    for _ in range(4):
        options = replace(options_of(job), engine="revm")
        assert same(run_path(small_scenario(*TINY, *job[0]), options, warm), job)
        ((held, _),) = warm._held.values()
        lengths.append(held.chain._backend._evm.journal_len)
    assert max(lengths) <= 151  # under an open checkpoint it would be some 500, then 1,000, ...
    assert len(set(lengths)) == 1
    warm.close()
