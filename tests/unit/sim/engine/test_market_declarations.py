"""A price process, an impact law and a shock that nobody has heard of join by being in their registries."""

import re
import sys
from typing import ClassVar, Literal

import numpy as np
import pytest

from sim.core.documents.sections import number
from sim.core.errors import InputError
from sim.core.plugins import loaded, read_plugins
from sim.engine.paths import PathOptions, run_path
from sim.engine.results.manifest import market_words
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.compose import json_schema, scenario_of
from sim.engine.scenario.load import load_scenario
from sim.market.effects import AgentOutage, DepthMultiple, PriceMove
from sim.market.impact_law import IMPACT_LAWS, ONE_PERCENT, FadingImpact
from sim.market.price_process import PRICE_PROCESSES, PriceProcess
from sim.market.shock import SHOCKS, LastingShock
from tests.support.small_run import SCENARIO, small_scenario

TINY = ("traders.0.count=20", "blocks=12", "liquidators.count=2", "shocks=[]")
SLIDE = 'markets.0.price={ kind = "slide", fall_per_block = 0.02 }'
LOGARITHMIC = 'markets.0.impact={ law = "logarithmic", depth_per_percent = 200_000.0, bend = 0.5 }'
PANIC = 'shocks=[{ kind = "panic", at_block = 3, duration_minutes = 1.0, size = -0.2 }]'


class Slide(PriceProcess):
    """A price that falls by the same share in every block."""

    label: ClassVar[str] = "steady slide"
    kind: Literal["slide"]
    fall_per_block: float = number(
        0.01, 0.0, 0.5, "1", "Share lost in a block.", source="assumption: a test's"
    )

    def drawn(self, draw):
        return draw.from_returns(np.full(draw.clock.blocks, np.log1p(-self.fall_per_block)))

    def describe(self):
        return f"{self.label} of {100 * self.fall_per_block:g} % a block"


class LogarithmicImpact(FadingImpact):
    """The log price moves with the logarithm of flow."""

    label: ClassVar[str] = "logarithmic price impact"
    law: Literal["logarithmic"]
    bend: float = number(1.0, 0.01, 100.0, "depths", "Where it bends.", source="assumption: a test's")

    def slope(self, displacement):
        reach = max(abs(displacement), 1e-9)
        return ONE_PERCENT * self.bend * float(np.log1p(reach / self.bend)) / reach

    def average(self, displacement):
        return 0.5 * self.slope(displacement) * displacement


class Panic(LastingShock):
    """A fall in which depth goes and liquidators fail."""

    label: ClassVar[str] = "panic"
    kind: Literal["panic"]
    size: float = number(..., -0.9, 0.0, "1", "Fall.", source="stated", above=True)
    agents: str = "liquidators"

    def effects(self, seconds_per_block):
        at, blocks = self.start_block(seconds_per_block), self.duration_blocks(seconds_per_block)
        yield PriceMove(at_block=at, size=self.size)
        yield DepthMultiple(at_block=at, duration_blocks=blocks, size=0.1)
        yield AgentOutage(at_block=at, duration_blocks=blocks, agents=self.agents, market=None, share=1.0)

    def extent(self):
        return f"{100 * self.size:g} % and no depth"


NEW = [(PRICE_PROCESSES, Slide, SLIDE), (IMPACT_LAWS, LogarithmicImpact, LOGARITHMIC), (SHOCKS, Panic, PANIC)]
of_each = pytest.mark.parametrize(
    ("registry", "section", "override"), NEW, ids=["price process", "impact law", "shock"]
)


@pytest.fixture
def declared():
    for registry, section, _ in NEW:
        registry.add(section)
    yield
    for registry, section, _ in NEW:
        registry.remove(section.name)


@of_each
def test_a_stranger_is_refused_by_name(registry, section, override):
    with pytest.raises(InputError, match=rf"must be one of .*, was '{section.name}'"):
        small_scenario(*TINY, override)
    assert section.name not in registry
    assert section.__name__ not in json_schema()["$defs"]


@of_each
@pytest.mark.usefixtures("declared")
def test_once_declared_it_is_in_the_schema_and_in_errors(registry, section, override):
    assert section.name in registry
    described = json_schema()["$defs"][section.__name__]
    own = next(name for name in ("fall_per_block", "bend", "size") if name in section.model_fields)
    assert {"minimum", "exclusiveMinimum"} & described["properties"][own].keys()
    scenario = small_scenario(*TINY, override)
    assert scenario_of(scenario.canonical()) == scenario.with_files({})
    with pytest.raises(InputError, match=rf"{own}: must be at most"):
        small_scenario(*TINY, re.sub(rf"{own} = -?[0-9.]+", f"{own} = 1e9", override))
    with pytest.raises(InputError, match=rf"unknown key, did you mean {own}\?"):
        small_scenario(*TINY, override.replace(f"{own} = ", f"{own}s = "))


@of_each
@pytest.mark.usefixtures("declared")
def test_once_declared_it_runs_like_any_other(registry, section, override):
    del registry, section
    plain = digest_of(*TINY)
    assert digest_of(*TINY, override) != plain
    assert digest_of(*TINY, override) == digest_of(*TINY, override)


@pytest.mark.usefixtures("declared")
def test_manifest_and_assumptions_tell_them_in_their_own_words():
    scenario = small_scenario(*TINY, SLIDE, LOGARITHMIC, PANIC)
    told = market_words(scenario, {})
    assert told["outside_market"][0] == "Price of ETH: steady slide of 2 % a block."
    assert told["outside_market"][1].startswith("Impact on ETH: logarithmic price impact, 200,000 quote")
    assert told["shocks"] == [
        {
            "label": "panic",
            "details": "-20 % and no depth",
            "description": "",
            "first_block": 3,
            "end_block": 8,
        }
    ]
    listed = {entry["parameter"]: entry for entry in assumptions(scenario)}
    assert listed["markets.0.price.kind"]["value"] == "slide"
    assert listed["markets.0.impact.law"]["value"] == "logarithmic"
    assert listed["markets.0.price.fall_per_block"]["source"] == "set by the scenario"
    assert listed["shocks.0.size"]["value"] == -0.2


@pytest.mark.parametrize("agents", ["market_makers", "traders"])
@pytest.mark.usefixtures("declared")
def test_an_outage_of_agents_that_do_not_exist_or_never_fail_is_refused(agents):
    with pytest.raises(InputError, match=rf"shocks\.0: no agents named '{agents}' can fail, .*liquidators"):
        small_scenario(*TINY, PANIC.replace("size", f'agents = "{agents}", size'))


@pytest.mark.usefixtures("declared")
def test_any_agents_that_can_fail_may():
    failing = {
        agents: digest_of(*TINY, PANIC.replace("size", f'agents = "{agents}", size'))
        for agents in ("liquidators", "keepers", "arbitrageurs")
    }
    assert len(set(failing.values())) == 3


@pytest.mark.usefixtures("declared")
def test_another_law_on_the_command_line_drops_what_only_the_files_law_knows(tmp_path):
    file = tmp_path / "square.toml"
    impact = 'law = "square_root"\nsquare_root_coefficient = 2.0\n'
    file.write_text(SCENARIO.read_text().replace('law = "linear"\n', impact))
    for law in ("none", "linear", "logarithmic", "square_root"):
        changed = load_scenario(file, overrides=[f"markets.0.impact.law={law}"]).markets[0].impact
        assert changed.law == law
        assert changed.depth_per_percent == 200_000.0
        assert getattr(changed, "impact_half_life_seconds", 7_200) == 7_200
    with pytest.raises(InputError, match=r"impact\.square_root_coefficient: unknown key"):
        small_scenario("markets.0.impact.square_root_coefficient=2.0")


@pytest.mark.parametrize("turned", [False, True], ids=["law first", "law last"])
def test_a_key_given_for_a_law_that_does_not_know_it_is_refused_in_any_order(turned):
    given = ["markets.0.impact.law=none", "markets.0.impact.square_root_coefficient=2.0"]
    with pytest.raises(InputError, match=r"impact\.square_root_coefficient: unknown key"):
        small_scenario(*(reversed(given) if turned else given))
    given[0] = "markets.0.impact.law=square_root"
    impact = small_scenario(*(reversed(given) if turned else given)).markets[0].impact
    assert impact.square_root_coefficient == 2.0
    # What was given for a law that a later one replaces goes with it.
    assert small_scenario(*given, "markets.0.impact.law=linear").markets[0].impact.law == "linear"


def digest_of(*overrides):
    return run_path(small_scenario(*overrides), PathOptions(path=0)).digest


PLUGIN = """
from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sim.core.documents.sections import number
from sim.market.price_process import PRICE_PROCESSES, PathDraw, PriceProcess


@PRICE_PROCESSES.add
class Slide(PriceProcess):
    label: ClassVar[str] = "steady slide"
    kind: Literal["slide"]
    fall_per_block: float = number(0.01, 0.0, 0.5, "1", "Share lost in a block.", source="assumption")

    def drawn(self, draw: PathDraw):
        return draw.from_returns(np.full(draw.clock.blocks, np.log1p(-self.fall_per_block)))

    def describe(self) -> str:
        return self.label
"""


def test_a_plug_in_may_write_its_annotations_as_text(tmp_path):
    """They are looked up in the module of the class, which must be among Python's modules for that."""
    file = tmp_path / "slide.py"
    file.write_text(PLUGIN)
    with loaded(read_plugins([file])):
        assert small_scenario(*TINY, SLIDE).markets[0].price.describe() == "steady slide"
        (module,) = [name for name in sys.modules if name.startswith("seawall_plugin_")]
    assert module not in sys.modules
    assert "slide" not in PRICE_PROCESSES
