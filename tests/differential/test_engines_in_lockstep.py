"""Every message of a simulation on native and py-evm at once: status, data, logs and gas equal to the unit.

A sample of what ``scripts/compare_engines.py gas`` runs whole.
"""

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from tests.golden.runs import SCENARIOS
from tests.support.small_run import small_execution

pytest.importorskip("sim.chain.native.backend", reason="no native library for this machine")
lockstep = pytest.importorskip("tests.support.lockstep", reason="no native library for this machine")


def test_every_message_of_a_run_with_everything_in_it():
    with lockstep.installed():
        run = small_execution("blocks=40", engine="pyevm")
    counted = dict(lockstep.compared)
    assert counted["deployment"] > 10
    assert counted["transaction"] > 500
    assert counted["transaction, reverted"] > 10
    assert counted["call"] > 100
    assert counted["logs"] > 1_000
    assert run.digest == small_execution("blocks=40", engine="native").digest


@pytest.mark.parametrize("name", ["flash_crash", "custom_risk_model", "whale_unwind"])
def test_every_message_of_scenarios_that_ship(name, tmp_path):
    overrides = ["blocks=40", "traders.0.count=40"]
    scenario = load_scenario(SCENARIOS / f"{name}.toml", overrides=overrides)
    with lockstep.installed():
        run_scenario(scenario, RunOptions(out=tmp_path / name, engine="pyevm", worlds="none"))
    assert lockstep.compared["transaction"] > 150


@pytest.mark.parametrize("field", ["exact_gas", "output", "logs"])
def test_a_difference_is_named_where_it_arises(field, monkeypatch):
    """One unit of gas, a byte of data, an event: of a transaction in the second block of trading."""

    class Wrong(lockstep.PyevmBackend):
        def transact(self, sender, nonce, to, data):
            outcome = super().transact(sender, nonce, to, data)
            if self._state.block_number < 3:
                return outcome
            wrong = {"exact_gas": outcome.exact_gas + 1, "output": b"\0" + outcome.output, "logs": []}
            return outcome._replace(**{field: wrong[field]})

    monkeypatch.setattr(lockstep.Lockstep, "second", Wrong)
    with lockstep.installed(), pytest.raises(lockstep.EnginesDifferError, match=f"block 3, .*: {field}: "):
        small_execution("blocks=5", engine="pyevm")
