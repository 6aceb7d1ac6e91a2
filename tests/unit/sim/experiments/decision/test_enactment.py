from pathlib import Path

import pytest

from sim.experiments.decision.arms import load_arms
from sim.experiments.decision.distance import distances
from sim.experiments.decision.enactment import calldata, calldata_text, enact_change
from tests.support.small_run import SCENARIO

PROPOSED = """
[protocol]
risk_model = "static"
[protocol.risk_model_parameters]
initial_ratio = 0.12
maintenance_ratio = 0.06
[protocol.liquidation]
buffer = 0.9                     # from 0.15: more than one step of the rate limit
[protocol.oracle]
tau_fast_seconds = 1_800         # fixed at deployment
[protocol.pool]
deposit = 2_500_000.0            # money
"""


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")
    (folder / "current.toml").write_text("[protocol.margin]\ntrade_fee_rate = 0.0005\n")
    (folder / "proposed.toml").write_text(PROPOSED)
    return load_arms(folder / "current.toml", folder / "proposed.toml", SCENARIO)


@pytest.fixture(scope="module")
def enacting(arms):
    return enact_change(arms)


def test_the_chain_ends_with_what_was_simulated(enacting):
    assert enacting.succeeded
    after = {item.parameter: item.after for item in enacting.parameters}
    assert after["liquidation_engine.buffer"] == 0.9
    assert after["risk_model.kind, market 0"] == "static"
    assert after["risk_model.maintenance_ratio, market 0"] == 0.06
    assert all(item.agrees for item in enacting.parameters)


def test_every_proposal_was_refused_before_its_time(enacting):
    assert all(item.early_reason for item in enacting.enactment.proposals)
    assert all(item.executed_at > item.queued_at for item in enacting.enactment.proposals)
    steps = [item for item in enacting.proposals if "buffer" in item.changed]
    assert len(steps) == steps[0].steps > 1


def test_what_cannot_be_enacted_says_why(enacting):
    reasons = {item.parameter: item.reason for item in enacting.obstacles}
    assert "fixed at deployment" in reasons["price_oracle.tau_fast_seconds"]
    assert "money" in reasons["protocol.pool.deposit"]
    assert not enacting.is_complete
    assert "NOT ENACTABLE protocol.pool.deposit" in calldata_text(enacting)


def test_calldata_is_complete_and_names_no_machine(enacting, arms):
    record = calldata(enacting)
    assert len(record["proposals"]) == len(enacting.proposals)
    for item in record["proposals"]:
        assert item["executed"]
        assert item["refused"] is None
        assert item["propose"].startswith("0x")
        assert item["call"][2:] in item["propose"]
    assert str(arms.proposed.source.parent) not in str(record)


def test_nothing_to_enact(tmp_path: Path):
    (tmp_path / "same.toml").write_text("[protocol.margin]\ntrade_fee_rate = 0.0005\n")
    found = enact_change(load_arms(tmp_path / "same.toml", tmp_path / "same.toml", SCENARIO))
    assert (found.proposals, found.enactment, found.obstacles) == ((), None, ())
    assert found.is_complete
    assert calldata_text(found) == "Nothing to propose.\n"


def test_distance_to_insolvency_of_both_arms(arms):
    found = distances(arms)
    assert [(item.market, item.direction) for item in found] == [("ETH", "down"), ("ETH", "up")]
    down = found[0]
    assert -1.0 < down.current < 0.0
    assert -1.0 < down.proposed < 0.0


def test_a_designers_model_is_named_by_its_file_and_not_by_its_place(tmp_path):
    own = Path("scenarios/models/LinearRiskModel.vy").read_text()
    parameters = (
        "base_ratio = 0.04\nslope = 0.03\ninitial_max = 0.5\nmaintenance_share = 0.5\nhaircut = 0.0\n"
    )

    def written(folder, text):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Mine.vy").write_text(text)
        file = tmp_path / folder / "parameters.toml"
        file.write_text(f'[protocol]\nrisk_model = "Mine.vy"\n[protocol.risk_model_parameters]\n{parameters}')
        return file

    one, same, other = written("a", own), written("b", own), written("c", own + "\n# another\n")
    (tmp_path / "static.toml").write_text('[protocol]\nrisk_model = "static"\n')
    found = enact_change(load_arms(tmp_path / "static.toml", one, SCENARIO))
    kinds = {item.parameter: item.after for item in found.obstacles}
    assert kinds["risk_model.kind, market 0"] == "Mine.vy"
    assert str(tmp_path) not in str(calldata(found)) + calldata_text(found)
    assert not enact_change(load_arms(one, same, SCENARIO)).obstacles
    differs = enact_change(load_arms(one, other, SCENARIO))
    kinds = {item.parameter: (item.before, item.after) for item in differs.obstacles}
    assert kinds["risk_model.kind, market 0"] == ("Mine.vy", "Mine.vy, another file")
