import pytest

from sim.agents.base import Outage
from sim.agents.correlation_keeper import CorrelationKeeper, CorrelationKeepersSection
from sim.protocol.actions import EntryPoint

PERIOD = 120
"""Seconds: ten blocks of twelve."""


def keeper(outages=(), **changes):
    section = CorrelationKeepersSection(**changes)
    return CorrelationKeeper(section, [3], name="k", markets=(0, 2), sample_seconds=PERIOD, outages=outages)


def sends(group, make_state, draws, settle, blocks, status="success"):
    """Return the blocks in which a sample is sent, each settled at once."""
    found = []
    for block in blocks:
        batches = group.decide(make_state(8, block=block), draws)
        found += [block for _ in batches]
        group.observe(settle(batches, block=block, status=status))
    return found


def first_of_periods(make_state, blocks):
    periods = [make_state(8, block=block).timestamp // PERIOD for block in blocks]
    return [block for block, now, last in zip(blocks, periods, [None, *periods], strict=False) if now != last]


def test_it_samples_once_a_period_as_early_as_it_can(make_state, draws, settle):
    blocks = range(1, 40)
    expected = first_of_periods(make_state, blocks)
    assert len(expected) in (4, 5)
    assert sends(keeper(), make_state, draws, settle, blocks) == expected


@pytest.mark.parametrize(
    ("status", "again"), [("success", False), ("reverted", False), ("evicted", True), ("expired", True)]
)
def test_a_refusal_stands_for_the_period_and_what_was_not_heard_is_said_again(
    make_state, draws, settle, status, again
):
    first = first_of_periods(make_state, range(1, 30))[1]
    blocks = range(first, first + 10)
    tried = sends(keeper(), make_state, draws, settle, blocks, status=status)
    assert tried == (list(blocks) if again else [first])


def test_what_waits_is_not_sent_again(make_state, draws, settle):
    group = keeper()
    (batch,) = group.decide(make_state(8, block=1), draws)
    assert (batch.kind, batch.args) == (EntryPoint.UPDATE_PAIR, ([0], [2]))
    assert not any(group.decide(make_state(8, block=block), draws) for block in range(2, 40))
    group.observe(settle([batch], status="evicted", block=39))
    assert group.decide(make_state(8, block=40), draws)


def test_it_is_silent_in_an_outage(make_state, draws, settle):
    out = keeper(outages=[Outage(start_block=1, end_block=30, share=1.0)])
    assert min(sends(out, make_state, draws, settle, range(1, 40))) == 30


def test_it_says_what_it_does():
    assert "markets 0 and 2" in keeper().describe()
    assert "once every 120 seconds" in keeper().describe()
