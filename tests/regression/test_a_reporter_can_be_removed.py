"""S13: a bad reporter could not be removed, and no weight or heartbeat changed."""

from __future__ import annotations

import boa
import pytest

from sim.protocol.governance import rules
from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.governed import DAY, NOBODY, Governed
from tests.support.oracle_driver import HEARTBEAT, START_PRICE, OracleDriver

PRICE = START_PRICE


@pytest.fixture
def make():
    """Return oracles of so many reporters, each of whom has said what it is told to."""
    with boa.env.anchor():
        owner = boa.env.generate_address()
        reporters = [boa.env.generate_address() for _ in range(7)]

        def made(prices, **changes):
            oracle = OracleDriver(owner, reporters, count=len(prices), **changes)
            oracle.wait(12)
            for position, price in enumerate(prices):
                oracle.report(position, price * WAD, 0)
            oracle.wait(12)
            return oracle

        yield made


def remove(oracle, position):
    oracle.contract.remove_reporter(0, oracle.reporters[position], sender=oracle.owner)


@pytest.mark.parametrize("position", range(4))
def test_its_last_report_leaves_the_index_in_that_transaction(make, position):
    prices = [1_990, 2_000, 2_010, 2_015]
    oracle = make(prices)
    before = oracle.read()
    remove(oracle, position)
    left = sorted(price for i, price in enumerate(prices) if i != position)
    now = oracle.read()
    assert (now.index_price, now.round_id) == (left[1] * WAD, before.round_id + 1)
    assert now.updated_at == oracle.now
    with boa.reverts("oracle: not a reporter"):
        oracle.report(position, PRICE)
    assert oracle.contract.source_report(0, oracle.reporters[position]) == (0, 0, 0, 0, 0)
    # The one that took its place kept its own report, weight and order of time.
    for other in set(range(4)) - {position}:
        said = oracle.contract.source_report(0, oracle.reporters[other])
        assert (said.price, said.heartbeat_seconds) == (prices[other] * WAD, HEARTBEAT)
        with boa.reverts("oracle: not newer"):
            oracle.report(other, PRICE, 0, oracle.now - 12)
        oracle.report(other, 2_005 * WAD, 0)
    assert oracle.read().index_price == 2_005 * WAD


def test_it_comes_back_only_as_somebody_new(make):
    oracle = make([2_000] * 4)
    remove(oracle, 0)
    with boa.reverts("oracle: not a reporter"):
        remove(oracle, 0)
    oracle.contract.add_reporter(0, oracle.reporters[0], 7, 30, sender=oracle.owner)
    assert oracle.contract.source_report(0, oracle.reporters[0]) == (7, 30, 0, 0, 0)
    assert oracle.read().index_price == PRICE
    assert sorted(oracle.contract.reporters(0)) == sorted(oracle.reporters)


def test_as_many_as_a_valid_price_needs_are_left(make):
    oracle = make([2_000] * 4)
    remove(oracle, 3)
    for position in range(3):
        with boa.reverts("oracle: too few reporters left"):
            remove(oracle, position)
    assert len(oracle.contract.reporters(0)) == 3
    assert oracle.read().status == oracle_math.STATUS_VALID


def test_without_it_too_few_are_fresh_and_the_price_is_stale_at_once(make):
    oracle = make([2_000] * 4)
    oracle.wait(HEARTBEAT)
    oracle.report(0, PRICE)
    oracle.report(1, PRICE)
    assert oracle.read().status == oracle_math.STATUS_INSUFFICIENT
    before = oracle.read()
    remove(oracle, 1)
    now = oracle.read()
    assert now.status == oracle_math.STATUS_STALE
    assert (now.round_id, now.index_price) == (before.round_id, before.index_price)
    oracle.report(2, PRICE)
    assert oracle.read().status == oracle_math.STATUS_INSUFFICIENT


def test_a_weight_and_a_heartbeat_count_from_that_moment_and_alone_change_the_outcome(make):
    oracle = make([1_990, 2_000, 2_010, 2_020, 2_030])
    assert oracle.read().index_price == 2_000 * WAD + 10 * WAD
    last = oracle.reporters[4]
    oracle.contract.change_reporter(0, last, 3, HEARTBEAT, sender=oracle.owner)
    assert oracle.read().index_price == 2_020 * WAD
    oracle.contract.change_reporter(0, last, 3, 5, sender=oracle.owner)  # silent for longer than five seconds
    assert oracle.read().index_price == 2_000 * WAD
    for weight, heartbeat, reason in (
        (0, 60, "oracle: zero weight"),
        (4_096, 60, "oracle: weight too large"),
        (1, 0, "oracle: zero heartbeat"),
        (1, 2**24, "oracle: heartbeat too long"),
    ):
        with boa.reverts(reason):
            oracle.contract.change_reporter(0, last, weight, heartbeat, sender=oracle.owner)


def test_only_the_owner_may_and_only_of_reporters_of_a_listed_asset(make):
    oracle = make([2_000] * 4)
    contract, someone = oracle.contract, oracle.reporters[0]
    for call in (
        lambda asset, who, sender: contract.remove_reporter(asset, who, sender=sender),
        lambda asset, who, sender: contract.change_reporter(asset, who, 1, 60, sender=sender),
    ):
        with boa.reverts("access: not owner"):
            call(0, someone, someone)
        for asset in (1, 8, 2**255):
            with boa.reverts("oracle: unknown asset"):
                call(asset, someone, oracle.owner)
        with boa.reverts("oracle: not a reporter"):
            call(0, boa.env.generate_address(), oracle.owner)


def test_removal_before_any_round_changes_nothing_else(make):
    oracle = make([])
    oracle.reporters = [boa.env.generate_address() for _ in range(4)]
    for reporter in oracle.reporters:
        oracle.contract.add_reporter(0, reporter, 1, HEARTBEAT, sender=oracle.owner)
    before = oracle.read()
    remove(oracle, 0)
    assert oracle.read() == before
    assert before.status == oracle_math.STATUS_NONE


def test_through_the_governor_a_removal_takes_the_short_delay_and_an_addition_the_long_one():
    governed = Governed()
    oracle = governed.deployment.addresses["price_oracle"]
    bad = governed.keepers[0]
    takes = {"remove_reporter": (0, bad), "add_reporter": (0, NOBODY, 1, 60)}
    takes["change_reporter"] = (0, governed.keepers[1], 2, 3_600)
    delays = {}
    for function, arguments in takes.items():
        proposal = governed.propose("price_oracle", governed.data("price_oracle", function, *arguments))
        delays[function] = governed.ready_at(proposal) - governed.now
        early = governed.execute(proposal, at=governed.ready_at(proposal) - 1)
        assert early.revert_reason == "governor: too early"
        assert governed.execute(proposal).status
    assert delays["remove_reporter"] == rules.DELAY_SECONDS == 2 * DAY
    assert delays["add_reporter"] == delays["change_reporter"] == rules.LONG_DELAY_SECONDS == 7 * DAY
    found = set(governed.read("price_oracle", "reporters", 0))
    assert found == {*governed.keepers[1:], NOBODY}
    assert governed.read("price_oracle", "source_report", 0, governed.keepers[1])[0] == 2
    refused = governed.refusal(bad, oracle, governed.data("price_oracle", "report", 0, WAD, 0, governed.now))
    assert refused == "oracle: not a reporter"
