"""A bound on a metric that a run does not define failed with "was None" and no reason (R17)."""

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from tests.support.small_run import small_scenario


def test_it_says_why(tmp_path):
    # One minute ends before the first margin period of risk does, so that there is nothing to cover.
    scenario = small_scenario("expect.min_margin_coverage=0.9", "blocks=5")
    result = run_scenario(scenario, RunOptions(out=tmp_path / "run", worlds="none"))
    assert result.summary["margin_coverage"] is None
    why = "no position was open through a whole margin period of risk"
    assert result.expectations == [(f"margin_coverage >= 0.9: was not defined, because {why}", False)]
