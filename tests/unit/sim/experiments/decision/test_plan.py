import tomllib
from pathlib import Path

import pytest

from sim.core.errors import InputError
from sim.experiments.decision.plan import DEFAULT_ENDPOINTS, ComparePlan, load_plan
from sim.metrics.book import METRICS

LOSS = """
[[endpoints]]
metric = "bad_debt_ratio"
role = "solvency"
margin = 0.001
largest = 0.02
superiority = true
"""


def test_the_built_in_plan_says_everything():
    plan, prices = load_plan(None)
    assert prices is None
    assert set(plan.price_models) >= {"scenario", "gbm", "kou", "garch_t"}
    assert set(plan.impact_laws) == {"linear", "square_root"}
    assert plan.rule.alpha == 0.025
    assert plan.paths >= plan.rule.least_paths
    roles = {endpoint.role for endpoint in plan.all_endpoints()}
    assert roles == {"solvency", "guardrail", "efficiency"}
    assert all("assumption" in section.source for section in DEFAULT_ENDPOINTS)
    assert any(METRICS[endpoint.metric].is_event for endpoint in plan.all_endpoints())


def test_the_registered_text_is_the_plan():
    plan, _ = load_plan(None, paths=250)
    again = ComparePlan.model_validate(tomllib.loads(plan.text()))
    assert again.text() == plan.text()
    assert again.sha256 == plan.sha256
    assert again.all_endpoints() == plan.all_endpoints()
    assert load_plan(None, paths=251)[0].sha256 != plan.sha256


def test_a_file_sets_what_it_names(tmp_path: Path):
    file = tmp_path / "plan.toml"
    file.write_text("paths = 90\nseed = 3\nconfidence = 0.95\n" + LOSS)
    plan, _ = load_plan(file, paths=None, seed=8)
    assert (plan.paths, plan.seed, plan.rule.alpha) == (90, 8, 0.05)
    (endpoint,) = plan.all_endpoints()
    assert (endpoint.statistic, endpoint.direction, endpoint.largest) == ("mean", 1, 0.02)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("pathz = 3", "plan.toml:1: pathz: unknown key, did you mean paths?"),
        ("paths = 1", "plan.toml:1: paths: must be at least 2, was 1"),
        ('paths = "9"', "plan.toml:1: paths: must be a whole number, was '9'"),
        ("confidence = 1.2", "plan.toml:1: confidence: must be at most 0.9999, was 1.2"),
        ("confidence = 0.5", "plan.toml:1: confidence: must be at least 0.8, was 0.5"),
        ('kind = "sweep"', "plan.toml:1: kind: must be one of 'compare', was 'sweep'"),
        ('price_models = ["gbm", "kou"]', "plan.toml:1: price_models: needs at least 3"),
        ('price_models = ["gbm", "kou", "kou"]', "plan.toml:1: price_models: names one twice"),
        ('price_models = ["gbm", "kou", "heston"]', "plan.toml:1: price_models.2: must be one of"),
        ('impact_laws = ["linear"]', "plan.toml:1: impact_laws: needs at least 2"),
        (
            'price_models = ["gbm", "kou", "bootstrap"]',
            "price_file: is required by the price model bootstrap",
        ),
        (
            'price_file = "x.csv"',
            "plan.toml:1: price_file: is given, but bootstrap is not among price_models",
        ),
        ("endpoints = []", "plan.toml:1: endpoints: needs at least 1 entries"),
        (LOSS.replace("0.001", "0.0"), "plan.toml:5: endpoints.0.margin: must be above 0, was 0.0"),
        (LOSS.replace("0.001", "-1.0"), "plan.toml:5: endpoints.0.margin: must be above 0, was -1.0"),
        (LOSS.replace("0.001", "0.02"), "plan.toml:5: endpoints.0.margin: must be below largest 0.02"),
        (
            LOSS.replace("largest = 0.02\n", ""),
            "endpoints.0.largest: is required for a metric that is no event",
        ),
        (LOSS.replace("bad_debt_ratio", "bad_dept_ratio"), "unknown metric 'bad_dept_ratio', did you mean"),
        (LOSS.replace("bad_debt_ratio", "transactions"), "transactions has no direction"),
        (LOSS.replace("true", "false"), "endpoints: needs at least one with superiority = true"),
        (LOSS.replace("solvency", "guardrail"), 'endpoints: needs at least one with role = "solvency"'),
        (LOSS.replace("solvency", "solvent"), "plan.toml:4: endpoints.0.role: must be one of"),
        (LOSS + LOSS, "endpoints.1.metric: bad_debt_ratio is there already"),
        (LOSS + 'statistic = "probability"\n', "endpoints.0.statistic: bad_debt_ratio is no event"),
        (
            LOSS + 'statistic = "expected_shortfall"\ntail = 0.01\n',
            "rests on 4 paths, 10 are needed for an interval",
        ),
        (
            LOSS.replace("bad_debt_ratio", "insolvent").replace("0.001", "1.0"),
            "endpoints.0.margin: must be below 1, was 1",
        ),
        (
            LOSS.replace("bad_debt_ratio", "insolvent").replace("largest = 0.02", "threshold = 0.01"),
            "endpoints.0.threshold: must be 0 for an event",
        ),
        (
            LOSS.replace("bad_debt_ratio", "insolvent") + 'statistic = "mean"\n',
            "endpoints.0.statistic: insolvent is an event: only its probability can be compared",
        ),
        (
            LOSS.replace("true", "false") + "threshold = 0.1\n",
            "endpoints.0.threshold: says how large an improvement must be, but superiority is false",
        ),
        (
            '[[draws]]\nkey = "protocol.margin.trade_fee_rate"\nlow = 0.0\nhigh = 1.0',
            "plan.toml:2: draws.0.key: protocol.margin.trade_fee_rate is part of an arm or of a cell",
        ),
        ('[[draws]]\nkey = "shocks.0.size"\nlow = 0.1\nhigh = 0.0', "draws.0.low: must be below high 0"),
        ("paths = [", "plan.toml:1: not valid TOML"),
    ],
)
def test_bad_plans_are_refused_by_line(tmp_path: Path, text: str, line: str):
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_plan(file)
    assert line in str(caught.value).replace(f"{tmp_path}/", "")


def test_a_plan_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_plan(tmp_path / "none.toml")


def test_the_price_file_is_confined_to_the_plans_folder(tmp_path: Path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "prices.csv").write_text("time,price\n0,1\n")
    file = tmp_path / "inside" / "plan.toml"
    text = 'price_models = ["scenario", "gbm", "bootstrap"]\nprice_file = "{}"\n'
    file.write_text(text.format("../prices.csv"))
    with pytest.raises(InputError, match="price_file: must lie in the plan's folder"):
        load_plan(file)
    file.write_text(text.format("prices.csv"))
    with pytest.raises(InputError, match="price_file: there is no file"):
        load_plan(file)
    (tmp_path / "inside" / "prices.csv").write_text("time,price\n0,1\n")
    assert load_plan(file)[1] == (tmp_path / "inside" / "prices.csv").resolve()
