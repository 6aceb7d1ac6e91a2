from pathlib import Path

import pytest

from sim.core.errors import InputError
from sim.engine.scenario.load import before_enactment, load_scenario
from sim.experiments.decision.arms import load_arms
from tests.support.small_run import SCENARIO


@pytest.fixture
def write(tmp_path: Path):
    def written(name: str, text: str) -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return written


def protocol_of(arms, arm):
    """What a sweep makes of the arm's overrides."""
    return load_scenario(arms.file, overrides=arm.overrides)


def test_parameter_files_are_laid_over_the_scenario(write):
    current = write("current.toml", "[protocol.margin]\nramp_per_hour = 0.5\n")
    proposed = write(
        "proposed.toml",
        '[protocol]\nrisk_model = "static"\n[protocol.risk_model_parameters]\nmaintenance_ratio = 0.04\n'
        "[[markets]]\n[markets.pool]\nopen_interest_cap_notional = 9_000_000.0\n",
    )
    arms = load_arms(current, proposed, SCENARIO)
    assert protocol_of(arms, arms.current).canonical() == arms.current.scenario.canonical()
    assert protocol_of(arms, arms.proposed).canonical() == arms.proposed.scenario.canonical()
    assert arms.proposed.scenario.risk_parameters(0)["maintenance_ratio"] == 0.04
    changed = {change.parameter: (change.before, change.after) for change in arms.changes}
    assert changed["protocol.margin.ramp_per_hour"] == (0.5, 0.25)
    assert changed["protocol.risk_model"] == ("adaptive", "static")
    assert changed["markets.0.pool.open_interest_cap_notional"][1] == 9_000_000.0
    assert not arms.identical


def test_accounts_open_under_the_current_parameters_in_both_arms(write):
    write("Mine.vy", Path("scenarios/models/LinearRiskModel.vy").read_text())
    own = "base_ratio = 0.04\nslope = 0.03\ninitial_max = 0.5\nmaintenance_share = 0.5\nhaircut = 0.0\n"
    current = write(
        "current.toml",
        '[protocol]\nrisk_model = "Mine.vy"\n[protocol.risk_model_parameters]\n' + own
        + "[protocol.margin]\nramp_per_hour = 0.5\n",
    )  # fmt: skip
    proposed = write(
        "proposed.toml", "[protocol.pool]\ndeposit = 3_000_000.0\n[protocol.liquidation]\nbuffer = 0.3\n"
    )
    arms = load_arms(current, proposed, SCENARIO)
    now, then = arms.enacted_scenarios()
    assert before_enactment(now) == now
    before = before_enactment(then)
    assert before.protocol.margin == now.protocol.margin
    assert before.protocol.liquidation == now.protocol.liquidation
    assert before.risk_parameters(0) == now.risk_parameters(0)
    assert before.file("protocol.risk_model") == now.file("protocol.risk_model")
    assert then.protocol == arms.proposed.scenario.protocol
    # No proposal moves deposits: the arm has its own from the start.
    assert before.protocol.pool.deposit == 3_000_000.0


def test_a_whole_scenario_and_its_own_parameters_are_identical(write):
    text = SCENARIO.read_text()
    base = write("base.toml", text)
    same = write("same.toml", text.replace("Sixty blocks", "The same sixty blocks"))  # prose may differ
    arms = load_arms(base, same, None)
    assert arms.identical
    assert arms.current.overrides == arms.proposed.overrides == ()
    assert arms.current.sha256 == arms.proposed.sha256


def test_parameters_over_a_whole_base(write):
    base = write("base.toml", SCENARIO.read_text())
    proposed = write("proposed.toml", "[protocol.liquidation]\nbuffer = 0.3\n")
    arms = load_arms(base, proposed, None)
    assert arms.file == base
    assert arms.proposed.overrides == ("protocol.liquidation.buffer=0.3",)


def test_a_designers_model_beside_the_parameter_file(write):
    write("Mine.vy", "# a model")
    write("base.toml", SCENARIO.read_text())
    proposed = write("proposed.toml", '[protocol]\nrisk_model = "Mine.vy"\n')
    arms = load_arms(proposed.parent / "base.toml", proposed, None)
    assert arms.proposed.scenario.file("protocol.risk_model").name == "Mine.vy"
    assert "Mine.vy (sha256 " in arms.proposed.record()["protocol"]["risk_model"]
    assert str(proposed.parent) not in str(arms.proposed.record())
    write("proposed.toml", '[protocol]\nrisk_model = "../Mine.vy"\n')
    with pytest.raises(InputError, match=r"protocol\.risk_model: must lie in the file's folder"):
        load_arms(proposed.parent / "base.toml", proposed, None)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("seed = 5", "seed = 6", "seed: differs from"),
        ("blocks = 60", "blocks = 61", "blocks: differs from"),
        ("volatility = 1.5", "volatility = 1.6", "markets.0.price.volatility: differs from"),
        ("count = 60", "count = 61", "traders.0.count: differs from"),
        ("size = -0.16", "size = -0.17", "shocks.0.size: differs from"),
        (
            "depth_per_percent = 200_000.0",
            "depth_per_percent = 1.0",
            "markets.0.impact.depth_per_percent: differs",
        ),
        ("initial_price = 2_000.0", "initial_price = 2_001.0", "markets.0.initial_price: differs from"),
    ],
)
def test_scenarios_that_differ_in_the_world_are_refused(write, old, new, line):
    base = write("base.toml", SCENARIO.read_text())
    other = write("other.toml", SCENARIO.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_arms(base, other, None)
    assert line in str(caught.value)
    assert "only protocol parameters may differ" in str(caught.value)
    assert f"{other}:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[protocol.margin]\nramp_per_hours = 1.0\n",
            "p.toml:2: protocol.margin.ramp_per_hours: unknown key",
        ),
        (
            "[protocol.margin]\ntrade_fee_rate = -1.0\n",
            "p.toml:2: protocol.margin.trade_fee_rate: must be at least 0",
        ),
        (
            "seed = 4\n[protocol.margin]\ntrade_fee_rate = 0.0\n",
            "p.toml",
        ),  # neither parameters nor a scenario
        ('[[markets]]\nname = "ETH"\n', "p.toml:2: markets.0.name: unknown key"),
        ("[[markets]]\npool = 3\n", "p.toml:2: markets.0.pool: must be a table"),
        ("protocol = 3\n", "p.toml:1: protocol: must be a table"),
        (
            "[[markets]]\n[[markets]]\n[markets.pool]\nmax_premium = 0.1\n",
            "there is no entry 1, the list has 1",
        ),
        ("", "p.toml: is empty"),
    ],
)
def test_bad_parameter_files_are_refused_by_line(write, text, line):
    proposed = write("p.toml", text)
    with pytest.raises(InputError) as caught:
        load_arms(write("c.toml", "[protocol.margin]\ntrade_fee_rate = 0.001\n"), proposed, SCENARIO)
    assert line in str(caught.value).replace(f"{proposed.parent}/", "")


def test_parameters_need_a_scenario_and_scenarios_need_none(write):
    parameters = write("p.toml", "[protocol.margin]\ntrade_fee_rate = 0.001\n")
    with pytest.raises(InputError, match="so --scenario must say what they are laid over"):
        load_arms(parameters, parameters, None)
    base = write("base.toml", SCENARIO.read_text())
    with pytest.raises(InputError, match="both files are whole scenarios already"):
        load_arms(base, base, SCENARIO)
