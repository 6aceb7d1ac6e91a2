import numpy as np
import pytest

from sim.agents.base import ActionResult, Outcome
from sim.agents.dishonest_reporter import KIND, DishonestReporters, DishonestReportersSection
from sim.core.units import WAD

START = 1_700_000_000


def liars(**changes):
    section = DishonestReportersSection(name="liar", **changes)
    return DishonestReporters(section, range(section.count))


def at(make_state, block, price=2_000.0):
    return make_state(8, block=block, external_prices=np.array([price]))


def said(group, make_state, draws, block):
    """Return the prices reported in a block, in quote, each settled at once."""
    batches = group.decide(at(make_state, block), draws)
    for batch in batches:
        results = tuple(ActionResult(KIND, int(actor), (), "success") for actor in batch.actors)
        group.observe(Outcome(block=block, results=results))
    return [price / WAD for batch in batches for price in batch.args[1]]


def test_a_multiple_is_reported_in_every_block(make_state, draws):
    group = liars(factor=0.5, count=2, confidence_ratio=0.01)
    assert said(group, make_state, draws, 0) == [1_000.0] * 2
    (batch,) = group.decide(at(make_state, 1), draws)
    assert batch.args[2] == [10 * WAD] * 2


def test_multiple_and_fraction_take_turns(make_state, draws):
    group = liars(lie="alternate", factor=0.5, start_block=3, every_blocks=2)
    found = [said(group, make_state, draws, block) for block in range(9)]
    assert found == [[], [], [], [1_000.0], [], [4_000.0], [], [1_000.0], []]


def test_who_withholds_never_reports(make_state, draws):
    group = liars(lie="withhold")
    assert not any(said(group, make_state, draws, block) for block in range(20))


def test_what_waits_is_not_repeated_until_its_fate_is_known(make_state, draws):
    group = liars()
    assert len(group.decide(at(make_state, 0), draws)) == 1
    assert group.decide(at(make_state, 1), draws) == []
    group.observe(Outcome(block=1, results=(ActionResult(KIND, 0, (), "evicted"),)))
    assert len(group.decide(at(make_state, 2), draws)) == 1


@pytest.mark.parametrize(
    ("lie", "words"),
    [("withhold", "say nothing"), ("multiply", "0.7 times"), ("alternate", "and its fraction in turn")],
)
def test_it_says_what_it_is(lie, words):
    assert words in liars(lie=lie).describe()
