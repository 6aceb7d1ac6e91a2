"""Every contract parameter had two names, its own and one in scenarios: that one says what it is now.

In a scenario, on the command line, as an axis or a draw of an experiment, in a parameter file of a
comparison, and in the manifest of a run that was made before.
"""

from __future__ import annotations

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.compose import scenario_of
from sim.engine.scenario.load import load_scenario
from sim.engine.scenario.market import PoolCurveSection
from sim.engine.scenario.protocol import (
    InsuranceFundParameters,
    LiquidationParameters,
    MarginParameters,
)
from sim.experiments.decision.arms import load_arms
from sim.experiments.sweep.expansion import plan_of
from sim.experiments.sweep.experiment import SweepExperiment, load_experiment
from tests.support.small_run import SCENARIO


def refused(call) -> str:
    with pytest.raises(InputError) as told:
        call()
    return "\n".join(told.value.problems)


RENAMED = {
    f"{path}.{old}": new
    for path, section in {
        "protocol.margin": MarginParameters,
        "protocol.liquidation": LiquidationParameters,
        "protocol.insurance_fund": InsuranceFundParameters,
        "markets.0.pool": PoolCurveSection,
    }.items()
    for old, new in section.renamed.items()
}


def test_there_are_renamed_keys():
    assert len(RENAMED) == 19


@pytest.mark.parametrize("path", RENAMED)
def test_every_renamed_key_is_refused_with_a_name_that_exists(path):
    message = f"{path}: is now {RENAMED[path]}"
    told = refused(lambda: load_scenario(SCENARIO, overrides=[f"{path}=1.0"]))
    assert told == f"--set {path}=1.0: {message}"
    now = RENAMED[path].split(",")[0]
    now = now if "." in now else f"{path.rpartition('.')[0]}.{now}"
    value = 1_000.0 if "cap" in now or "notional" in now else 0.01
    if "fee_max" in now or "share_base" in now or "share_m" in now:
        value = 0.4
    load_scenario(SCENARIO, overrides=[f"{now}={value}"])


def test_a_scenario_file_says_the_line(tmp_path):
    file = tmp_path / "old.toml"
    file.write_text(
        SCENARIO.read_text().replace("[protocol.margin]\n", "[protocol.margin]\nfee_rate = 0.001\n")
    )
    line = file.read_text().splitlines().index("fee_rate = 0.001") + 1
    assert (
        refused(lambda: load_scenario(file))
        == f"{file}:{line}: protocol.margin.fee_rate: is now trade_fee_rate"
    )


@pytest.mark.parametrize(
    "axis",
    [
        '[[parameters]]\nkey = "protocol.insurance_fund.target"\nvalues = [1.0, 2.0]\n',
        '[[draws]]\nkey = "protocol.insurance_fund.target"\nlow = 1.0\nhigh = 2.0\n',
        '[[points]]\nname = "one"\nset = ["protocol.insurance_fund.target=1.0"]\n',
    ],
)
def test_an_experiment_says_the_line(tmp_path, axis):
    file = tmp_path / "experiment.toml"
    (tmp_path / "small.toml").write_text(SCENARIO.read_text())
    file.write_text(
        'schema_version = 1\nkind = "sweep"\ntitle = "x"\nscenario = "small.toml"\npaths = 2\n'
        'metrics = ["bad_debt"]\n' + axis
    )
    told = refused(lambda: plan_of(load_experiment(file, SweepExperiment)))
    assert told.startswith(f"{file}:")
    assert "protocol.insurance_fund.target: is now target_reserves" in told


def test_a_parameter_file_says_the_line(tmp_path):
    (tmp_path / "current.toml").write_text("[protocol.liquidation]\nbuffer = 0.1\n")
    (tmp_path / "proposed.toml").write_text("[protocol.liquidation]\nbase_fee = 0.01\n")
    told = refused(lambda: load_arms(tmp_path / "current.toml", tmp_path / "proposed.toml", SCENARIO))
    assert told.endswith("proposed.toml:2: protocol.liquidation.base_fee: is now fee_base")


def test_a_manifest_of_before_says_what_it_is():
    data = load_scenario(SCENARIO).canonical()
    data["protocol"]["margin"]["fee_rate"] = data["protocol"]["margin"].pop("trade_fee_rate")
    assert refused(lambda: scenario_of(data)) == "protocol.margin.fee_rate: is now trade_fee_rate"
