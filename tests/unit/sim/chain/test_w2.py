"""The speed comparison must do the peers' work exactly: its trace is known."""

import importlib.util
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("mode", ["scan", "lens"])
def test_reference_trace(w2, mode):
    pytest.importorskip("pyrevm")
    result = w2.run_w2("revm", mode)
    assert (result.trace, result.transactions) == ("0e4e6e05d238", 8361)
    assert result.matches_reference


def test_exact_engine_gives_the_same_trace(w2):
    pytest.importorskip("pyrevm")
    fast, exact = (w2.run_w2(engine, "lens", traders=40, steps=20) for engine in ("revm", "pyevm"))
    assert fast.trace == exact.trace
    assert fast.matches_reference is None


def test_verbs_harness_is_read_and_its_absence_reported(w2, tmp_path):
    fake = tmp_path / "python"
    fake.write_text(
        "#!/bin/sh\ntest -f margin.out && test -f w2_common.py || exit 3\n"
        'echo "W2 verbs $4 N=$2 S=$3 seed=$5: 2.50s 100.0 steps/s tx=8361 (3344/s) view_calls=250 (100/s) '
        'liq=847 fail=0 fund=19690 bad_debt=709417 live=153 trace=0e4e6e05d238"\n'
    )
    fake.chmod(0o755)
    result = w2.run_w2_verbs(fake, "lens")
    assert (result.steps_per_second, result.transactions, result.matches_reference) == (100.0, 8361, True)
    fake.write_text("#!/bin/sh\necho 'ModuleNotFoundError: verbs' >&2\nexit 1\n")
    with pytest.raises(w2.RunError, match="ModuleNotFoundError: verbs"):
        w2.run_w2_verbs(fake, "lens")
