"""The same scenario gives the same digest: again, in other processes, on lesser processors, on any engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.chain.chain import engines_here
from sim.core.digest import sha256_file
from sim.engine.blocks.tables import TABLES
from tests.support.recomputed import recomputed
from tests.support.small_run import LOSERS, small_run

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    "traders.0.count=20",
    "liquidators.count=2",
    "liquidity_providers.count=1",
    "arbitrageurs.count=1",
    "blocks=14",
)
NUMPY_FEATURES = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
"""Every dispatch target numpy 2.4 has beyond its baseline, x86-64-v2."""

CHILD = """
import json, sys
from pathlib import Path
from tests.support.recomputed import recomputed
from tests.support.small_run import LOSERS, small_run
result = small_run(Path(sys.argv[1]), *LOSERS)
print(json.dumps({"digest": result.digest, "summary": result.summary}))
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return one run in this process."""
    return small_run(tmp_path_factory.mktemp("first") / "run", *LOSERS)


def run_in_child(folder: Path, **environment: str) -> dict[str, object]:
    finished = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder / "run")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def test_the_run_is_worth_comparing(first):
    """It liquidates, uses the waterfall to its end, and has reverted transactions."""
    summary = first.summary
    assert summary["liquidations"] >= 10
    assert summary["reverted"] > 0
    assert min(summary["fund_draws"], summary["auto_deleverage_haircuts"], summary["socialized_loss"]) > 0


def test_twice_in_one_process(first, tmp_path):
    again = small_run(tmp_path / "run", *LOSERS)
    assert again.digest == first.digest
    assert again.summary == first.summary
    for table in TABLES:
        name = f"{table}.parquet"
        assert sha256_file(again.folder / name) == sha256_file(first.folder / name), name
    assert (again.folder / "manifest.json").read_bytes() == (first.folder / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PYTHONHASHSEED": "0"}, id="hash-seed-0"),
        pytest.param({"PYTHONHASHSEED": "4242"}, id="hash-seed-4242"),
        pytest.param({"NPY_DISABLE_CPU_FEATURES": NUMPY_FEATURES}, id="numpy-baseline"),
        pytest.param({"TZ": "Pacific/Apia", "LC_ALL": "C", "OMP_NUM_THREADS": "1"}, id="elsewhere"),
    ],
)
def test_in_another_process(first, tmp_path, environment):
    child = run_in_child(tmp_path, **environment)
    assert child["digest"] == first.digest
    assert child["summary"] == json.loads(json.dumps(first.summary))


def test_numpy_really_runs_at_its_baseline():
    """The variable would be ignored silently if numpy renamed its features."""
    program = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__ as names, __cpu_features__ as found\n"
        "print([name for name in names if found.get(name)])"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": NUMPY_FEATURES},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "[]"


def test_another_seed_has_another_digest(first, tmp_path):
    assert small_run(tmp_path / "run", *LOSERS, "seed=6").digest != first.digest


def test_another_world_does_not_change_the_run(first, tmp_path):
    beside = small_run(tmp_path / "run", *LOSERS, worlds="forced")
    assert beside.digest == first.digest
    assert beside.summary["excess_share"] is not None
    assert first.summary["excess_share"] is None


def test_fewer_blocks_are_a_prefix(first, tmp_path):
    """A shorter run is the beginning of the longer one: nothing looks ahead."""
    import pyarrow.parquet as pq

    shorter = small_run(tmp_path / "run", *LOSERS, "blocks=20")
    column = "block_digest"
    long_run = pq.read_table(first.folder / "blocks.parquet", columns=[column])[column].to_pylist()
    assert (
        pq.read_table(shorter.folder / "blocks.parquet", columns=[column])[column].to_pylist()
        == long_run[:20]
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Return a run that the slow engines can repeat."""
    pytest.importorskip("pyrevm", reason="this machine has no revm to compare with")
    result = small_run(tmp_path_factory.mktemp("tiny") / "run", *TINY, engine="revm")
    assert engines_here()[0] == "native"  # what every other test runs on
    assert result.summary["liquidations"] > 0
    assert recomputed(result.folder) == result.digest
    return result


def test_native_agrees(tiny, tmp_path):
    other = small_run(tmp_path / "run", *TINY, engine="native")
    assert other.digest == tiny.digest == recomputed(other.folder)
    assert other.summary == tiny.summary


@pytest.mark.slow
def test_pyevm_agrees(tiny, tmp_path):
    other = small_run(tmp_path / "run", *TINY, engine="pyevm")
    assert other.digest == tiny.digest == recomputed(other.folder)
    assert other.summary == tiny.summary


@pytest.mark.slow
@pytest.mark.evidence
def test_ethtester_agrees(tiny, tmp_path):
    other = small_run(tmp_path / "run", *TINY, engine="ethtester")
    assert other.digest == tiny.digest == recomputed(other.folder)
    assert other.summary == tiny.summary
