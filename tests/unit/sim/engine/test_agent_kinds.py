"""An agent that nobody has heard of joins by being in the registry: holders of positions and plain actors."""

import json
from dataclasses import replace

import pytest

from sim.agents.kind import AGENTS, AgentKind, Group, Opening
from sim.core.documents.sections import IDENTIFIER, Section, number, text
from sim.core.errors import InputError
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.compose import json_schema, scenario_class, scenario_of
from sim.engine.worlds.build import BuildOptions, WorldBuilder
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, Fees
from tests.support.small_run import small_run, small_scenario

TINY = ("traders.0.count=20", "blocks=12", "liquidators.count=2")
GROUPS_BEFORE = ["traders:cohort", "whale:whale", "arbitrageurs:0"]


class SellerSection(Section):
    """Sellers who close in one block, all together."""

    name: str = text(..., "Name.", pattern=IDENTIFIER)
    count: int = number(3, 0, 100, "accounts", "Sellers.", source="stated")
    at_block: int = number(4, 0, 100, "block", "When they sell.", source="assumption: early")


class Sellers:
    latency_blocks = 0

    def __init__(self, section, actors):
        self.name, self.section, self.actors = section.name, section, actors
        self.sold = 0

    def describe(self):
        return f"{len(self.actors)} sellers who close in block {self.section.at_block}."

    def decide(self, state, draws):  # noqa: ARG002
        if state.block != self.section.at_block or not len(self.actors):
            return []
        every = [CLOSE_ALL] * len(self.actors)
        return [actions.decrease_position(self.name, self.actors, 0, every, NO_LIMIT, Fees(10**12, 10**9))]

    def observe(self, outcome):
        self.sold += sum(result.status == "success" for result in outcome.results)


class SellerKind(AgentKind[SellerSection]):
    name = "sellers"
    repeated = True
    section = SellerSection

    def accounts(self, section):
        return section.count

    def groups(self, section, setting):  # noqa: ARG002
        yield Group(
            name=f"sellers:{section.name}", count=section.count, label="sudden sellers", holds_positions=True
        )

    def openings(self, section, start):
        for actor in start.members[f"sellers:{section.name}"].tolist():
            yield Opening(
                actor=actor,
                market=0,
                size=5_000.0 / start.setting.prices[0],
                collateral=2_000.0,
                wallet=0.0,
            )

    def agents(self, section, start):
        yield Sellers(section, start.members[f"sellers:{section.name}"])


class WatcherSection(Section):
    """Watchers, who do nothing."""

    count: int = number(2, 0, 10, "accounts", "Watchers.", source="assumption")


class WatcherKind(AgentKind[WatcherSection]):
    name = "watchers"
    order = 5
    section = WatcherSection

    def groups(self, section, setting):  # noqa: ARG002
        yield Group(name="watchers", count=section.count, label="watchers")

    def agents(self, section, start):  # noqa: ARG002
        return ()


@pytest.fixture
def sellers():
    AGENTS.add(SellerKind())
    yield
    AGENTS.remove("sellers")


@pytest.fixture
def watchers():
    AGENTS.add(WatcherKind())
    yield
    AGENTS.remove("watchers")


def world_of(scenario):
    options = BuildOptions(
        engine="pyevm",
        histories={},
        replayed=frozenset(),
        custom_model=None,
        contracts=None,
    )
    return WorldBuilder(scenario, options).build()


def test_without_it_its_table_is_an_unknown_key():
    with pytest.raises(InputError, match="sellers"):
        small_scenario(*TINY, 'sellers=[{ name = "first" }]')


def test_it_is_part_of_the_scenario_and_of_what_is_read_off_it(sellers):
    scenario = small_scenario(*TINY, 'sellers=[{ name = "first", count = 4 }]')
    assert scenario.sellers[0].count == 4
    assert scenario.participants == 20 + 1 + 4
    assert scenario_of(scenario.canonical()) == scenario.with_files({})
    listed = {entry["parameter"]: entry["source"] for entry in assumptions(scenario)}
    assert listed["sellers.0.count"] == "set by the scenario"
    assert listed["sellers.0.at_block"] == "assumption: early"
    assert "SellerSection" in json_schema()["$defs"]
    with pytest.raises(InputError, match=r"sellers\.0\.count: must be at most 100"):
        small_scenario(*TINY, 'sellers=[{ name = "first", count = 101 }]')
    with pytest.raises(InputError, match=r"'a' is already the name of sellers\.0"):
        small_scenario(*TINY, 'sellers=[{ name = "a" }, { name = "a" }]')


def test_the_scenario_forgets_it_with_the_registry(sellers):
    assert "sellers" in scenario_class().model_fields
    AGENTS.remove("sellers")
    try:
        assert "sellers" not in scenario_class().model_fields
    finally:
        AGENTS.add(SellerKind())


def test_holders_are_numbered_before_actors_and_act_in_the_run(sellers, watchers):
    world = world_of(small_scenario(*TINY, 'sellers=[{ name = "first", count = 4 }]'))
    try:
        names = [group.name for group in world.groups]
        assert names[:5] == [*GROUPS_BEFORE, "sellers:first", "watchers"]
        assert world.accounts == 20 + 1 + 2 + 4
        assert len([opening for opening in world.openings if opening.collateral == 2_000.0]) == 4
        assert world.agents[-1].describe() == "4 sellers who close in block 4."
    finally:
        world.chain.close()


def test_it_moves_the_run_and_only_when_it_is_there(sellers):
    AGENTS.remove("sellers")
    before = run_path(small_scenario(*TINY), PathOptions(path=0)).digest
    AGENTS.add(SellerKind())
    assert run_path(small_scenario(*TINY), PathOptions(path=0)).digest == before
    with_four = run_path(
        small_scenario(*TINY, 'sellers=[{ name = "first", count = 4 }]'), PathOptions(path=0)
    )
    later = run_path(
        small_scenario(*TINY, 'sellers=[{ name = "first", count = 4, at_block = 6 }]'), PathOptions(path=0)
    )
    assert len({before, with_four.digest, later.digest}) == 3


def test_the_manifest_has_its_words_and_everybody_elses(sellers, tmp_path):
    small_run(tmp_path, *TINY, "blocks=2", 'sellers=[{ name = "first", count = 1 }]')
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["groups"] == {
        "traders:cohort": "cohort traders",
        "whale:whale": "whale",
        "arbitrageurs:0": "ETH arbitrageurs",
        "sellers:first": "sudden sellers",
        "liquidators:liquidators_0": "liquidators, same block",
        "liquidators:liquidators_2": "liquidators, 2 blocks late",
        "keepers:0": "ETH keepers",
        "liquidity_providers": "liquidity providers",
        "fund_backers": "fund backers",
        "deleverager": "deleverager",
        "closer": "closer run by the protocol",
    }
    assert "1 sellers who close in block 4." in manifest["agents"]


class RicherSellerKind(SellerKind):
    """The same table, and other code behind it."""

    def openings(self, section, start):
        for opening in super().openings(section, start):
            yield replace(opening, collateral=3_000.0)


def test_a_kind_that_was_replaced_shares_no_start_with_the_one_before(sellers):
    scenario = small_scenario(*TINY, 'sellers=[{ name = "first", count = 4 }]')
    warm = WarmStarts()
    poorer = run_path(scenario, PathOptions(path=0), warm).digest
    AGENTS.remove("sellers")
    AGENTS.add(RicherSellerKind())
    richer = run_path(scenario_of(scenario.canonical()), PathOptions(path=0), warm).digest
    assert warm.built == 2
    assert richer != poorer
    warm.close()
