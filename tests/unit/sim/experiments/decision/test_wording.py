import pytest

from sim.experiments.decision.arms import ParameterChange, load_arms
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.wording import amount, label, leverage_words
from sim.reporting.findings.compare.change_words import change_words, title
from tests.support.small_run import SCENARIO


@pytest.mark.parametrize(
    ("current", "proposed", "words"),
    [
        (1 / 17.2, 1 / 13.9, "17x becomes 14x"),
        (0.07, 0.12, "14x becomes 8x"),
        (0.10, 0.098, "10.0x becomes 10.2x"),
        (0.1, 0.1, ""),
        (0.0, 0.1, ""),
        (float("nan"), 0.1, ""),
    ],
)
def test_leverage_in_words_people_use(current, proposed, words):
    assert leverage_words(current, proposed) == words


def test_amounts_are_points_where_the_metric_is_a_share():
    share = Endpoint(
        metric="mean_initial_margin_ratio", role="efficiency", statistic="mean", margin=0.01, largest=0.2,
        direction=1,
    )  # fmt: skip
    event = Endpoint(
        metric="insolvent", role="solvency", statistic="probability", margin=0.02, largest=1.0, direction=1
    )
    assert amount(share, 0.0361) == amount(share, -0.0361) == "3.61 points"
    assert label(share) == "mean initial margin"
    assert label(event) == 'the probability of "insolvent"'


@pytest.fixture
def arms(tmp_path):
    def made(current, proposed):
        (tmp_path / "a.toml").write_text(current)
        (tmp_path / "b.toml").write_text(proposed)
        return load_arms(tmp_path / "a.toml", tmp_path / "b.toml", SCENARIO)

    return made


@pytest.mark.parametrize(
    ("current", "proposed", "words"),
    [
        (
            "[protocol.margin]\nmaintenance_ramp = false\n",
            "[protocol.margin]\nmaintenance_ramp = true\n",
            "Maintenance ramp: off to on",
        ),
        (
            "[protocol.risk_model_parameters]\ninitial_horizon_seconds = 5625\n",
            "[protocol.risk_model_parameters]\ninitial_horizon_seconds = 9000\n",
            "Initial horizon: 5,625 s to 9,000 s",
        ),
        (
            '[protocol]\nrisk_model = "static"\n[protocol.risk_model_parameters]\ninitial_ratio = 0.07\n',
            '[protocol]\nrisk_model = "static"\n[protocol.risk_model_parameters]\ninitial_ratio = 0.12\n',
            "Initial ratio: 7.00\u202f% to 12.0\u202f%",
        ),
        (
            "[protocol.liquidation]\nbuffer = 0.1\n",
            "[protocol.liquidation]\nbuffer = 0.2\nfee_base = 0.004\nfee_shortfall_coefficient = 0.3\n",
            "; and 1 more change",
        ),
        ("[protocol.liquidation]\nbuffer = 0.1\n", "[protocol.liquidation]\nbuffer = 0.1\n", "No change"),
        (
            "[protocol.risk_model_parameters]\nz = 3.0\n",
            '[protocol]\nrisk_model = "static"\n[protocol.risk_model_parameters]\ninitial_ratio = 0.12\n',
            "Risk model: adaptive to static",
        ),
    ],
)
def test_a_title_says_what_is_proposed(arms, current, proposed, words):
    said = title(arms(current, proposed))
    assert words in said
    assert "none" not in said


def test_a_default_is_named_by_its_value(arms):
    key = "protocol.risk_model_parameters.initial_horizon_seconds"
    found = arms(
        "[protocol.margin]\nramp_per_hour = 0.5\n",
        "[protocol.risk_model_parameters]\ninitial_horizon_seconds = 9000\n",
    )
    change = next(item for item in found.changes if item.parameter == key)
    assert change == ParameterChange(parameter=key, before=None, after=9000)
    assert change_words(change, found).endswith(" s to 9,000 s")
    assert "none" not in change_words(change, found)
