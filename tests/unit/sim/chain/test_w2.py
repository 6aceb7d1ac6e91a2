"""The speed comparison must do the peers' work exactly: its trace is known."""

import importlib.util
import sys
from pathlib import Path

import pytest

from sim.chain.chain import engines_here

SCRIPT = Path(__file__).parents[4] / "scripts" / "benchmarks" / "w2.py"


@pytest.fixture(scope="module")
def w2():
    spec = importlib.util.spec_from_file_location("w2_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if not (module.workload_folder() / "margin.vy").is_file():
        pytest.skip("the workload is not in this checkout; set SEAWALL_BENCH to its folder")
    return module


@pytest.mark.parametrize("engine", ["native", "revm"])
@pytest.mark.parametrize("mode", ["scan", "lens"])
def test_reference_trace(w2, mode, engine):
    if engine not in engines_here():
        pytest.skip(f"engine {engine} is not on this machine")
    result = w2.run_w2(engine, mode)
    assert (result.trace, result.transactions) == ("0e4e6e05d238", 8361)
    assert result.matches_reference


def test_exact_engine_gives_the_same_trace(w2):
    pytest.importorskip("pyrevm")
    fast, exact = (w2.run_w2(engine, "lens", traders=40, steps=20) for engine in ("revm", "pyevm"))
    assert fast.trace == exact.trace
    assert fast.matches_reference is None


@pytest.mark.parametrize("peer", ["verbs", "simular"])
def test_a_peers_harness_is_read_and_its_absence_reported(w2, tmp_path, peer):
    fake = tmp_path / "python"
    fake.write_text(
        f"#!/bin/sh\ntest -f margin.out && test -f w2_common.py && test $1 = w2_{peer}.py || exit 3\n"
        f'echo "W2 {peer} $4 N=$2 S=$3 seed=$5: 2.50s 100.0 steps/s tx=8361 (3344/s) view_calls=250 (100/s) '
        'liq=847 fail=0 fund=19690 bad_debt=709417 live=153 trace=0e4e6e05d238"\n'
    )
    fake.chmod(0o755)
    result = w2.run_w2_peer(peer, fake, "lens")
    assert result.engine == peer
    assert (result.steps_per_second, result.transactions, result.matches_reference) == (100.0, 8361, True)
    fake.write_text(f"#!/bin/sh\necho 'ModuleNotFoundError: {peer}' >&2\nexit 1\n")
    with pytest.raises(w2.RunError, match=f"ModuleNotFoundError: {peer}"):
        w2.run_w2_peer(peer, fake, "lens")
