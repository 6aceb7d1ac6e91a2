"""The notebook interface: what it writes as ``--set``, and that it gives what the commands give."""

import tomllib

import pandas as pd
import pytest

import sim
from sim import api
from sim.api import functions
from sim.core.errors import InputError
from tests.support.small_run import SCENARIO


@pytest.mark.parametrize(
    "value", [1, 0.25, True, "static", 'a "quoted" word', [1, 2.5], {"kind": "gbm", "volatility": 0.8}]
)
def test_a_change_is_written_as_toml(value):
    (text,) = functions.assignments({"a.b": value})
    key, _, written = text.partition("=")
    assert key == "a.b"
    assert tomllib.loads(f"x = {written}") == {"x": value}


def test_the_functions_are_in_reach_of_the_package():
    assert sim.run is api.run
    assert {"run", "sweep", "compare"} <= set(dir(sim))
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        _ = sim.walk


def test_a_run_gives_its_tables(tmp_path):
    done = api.run(SCENARIO, changes={"blocks": 20}, seed=5, worlds="none", out=tmp_path / "run")
    assert done.summary["blocks"] == 20
    assert done.digest == done.summary["digest"]
    assert done.report.is_file()
    blocks = done.to_pandas()
    assert isinstance(blocks, pd.DataFrame)
    assert len(blocks) == 20
    assert len(done.to_pandas("liquidations")) == done.summary["liquidations"]
    with pytest.raises(InputError, match="no table 'trades'"):
        done.to_pandas("trades")


def test_a_path_is_another_run(tmp_path):
    plain = api.run(SCENARIO, changes={"blocks": 12}, worlds="none", out=tmp_path / "plain")
    path = api.run(SCENARIO, changes={"blocks": 12}, path=3, worlds="none", out=tmp_path / "path")
    assert plain.digest != path.digest
