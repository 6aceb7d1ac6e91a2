"""T1, T3, T5: causes were read off one run, and most of what it called caused was brought forward."""

import re
from pathlib import Path

import pytest

from sim.engine.blocks.rows import LiquidationRow
from sim.metrics.book import METRICS

ROOT = Path(__file__).parents[2]
GONE = (
    "endogenous_share", "margin_induced", "branching_ratio", "cascade_size_max", "cascade_depth_max",
    "amplification", "twin_price_drawdown",
)  # fmt: skip
CAUSAL = re.compile(r"\b(caus|induc|amplif|endogen|exogen|domino|set off|sets off|triggered)", re.IGNORECASE)
READ = {".py", ".md", ".toml", ".js", ".j2", ".ipynb"}


def test_no_close_has_a_parent_or_a_cause_of_its_own():
    assert not {"cause", "parent", "parents", "root", "depth", "cascade"} & set(LiquidationRow._fields)


@pytest.mark.parametrize("metric", list(METRICS), ids=lambda metric: metric.name)
def test_a_metric_that_speaks_of_causes_needs_a_world(metric):
    if CAUSAL.search(f"{metric.name.replace('_', ' ')} {metric.label} {metric.meaning}"):
        assert metric.worlds, metric.meaning


def test_the_old_names_are_nowhere():
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for folder in ("sim", "docs", "scenarios", "scripts")
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in READ
        for name in GONE
        if name in file.read_text(encoding="utf-8")
    ]
    assert found == []
