"""G3: not before the delay, once, not after the window, cancellable; the governor's own settings alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.chain.abi import ContractAbi, words_of
from sim.chain.compile import compile_contract
from sim.core.units import WAD
from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from tests.support.governed import DAY, NOBODY, ZERO

FEE = 6 * WAD // 10_000


@pytest.fixture
def queued(governed):
    return governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE))


def fee(governed) -> int:
    return governed.read("trading_desk", "parameters")[0]


def test_a_proposal_shows_what_it_will_do(governed, queued):
    target, data, _, ready_at, expires_at, state = governed.read(GOVERNOR, "proposal", queued)
    assert target.lower() == governed.deployment.addresses["trading_desk"].lower()
    assert data == governed.setting(trade_fee_rate=FEE)
    assert (ready_at, expires_at) == (governed.now + 2 * DAY, governed.now + 16 * DAY)
    assert state == 1
    assert governed.read(GOVERNOR, "proposal_count") == queued + 1
    assert governed.read(GOVERNOR, "proposal", queued + 1)[0].lower() == ZERO


def test_it_is_executed_at_its_first_second_and_not_before(governed, queued):
    ready_at = governed.ready_at(queued)
    before = fee(governed)
    early = governed.execute(queued, at=ready_at - 1)
    assert (early.status, early.revert_reason, fee(governed)) == (False, "governor: too early", before)
    assert governed.execute(queued, at=ready_at).status
    assert fee(governed) == FEE


def test_it_is_executed_at_its_last_second_and_not_after(governed, queued):
    expires_at = governed.read(GOVERNOR, "proposal", queued)[4]
    with governed.undone():
        assert governed.execute(queued, at=expires_at).status
    late = governed.execute(queued, at=expires_at + 1)
    assert (late.status, late.revert_reason) == (False, "governor: expired")


def test_it_is_executed_once(governed, queued):
    assert governed.execute(queued).status
    assert governed.execute(queued).revert_reason == "governor: not queued"
    assert governed.read(GOVERNOR, "proposal", queued)[5] == 2


@pytest.mark.parametrize("who", [OWNER, GUARDIAN])
def test_it_can_be_cancelled(governed, queued, who):
    governed.must(who, GOVERNOR, "cancel", queued)
    assert governed.execute(queued).revert_reason == "governor: not queued"
    assert governed.send(who, GOVERNOR, "cancel", queued).revert_reason == "governor: not queued"
    assert governed.read(GOVERNOR, "proposal", queued)[5] == 3


def test_only_the_owner_executes_and_nobody_else_cancels(governed, queued):
    for who in (NOBODY, governed.trader, GUARDIAN):
        assert governed.execute(queued, sender=who).revert_reason == "access: not owner"
    assert governed.send(NOBODY, GOVERNOR, "cancel", queued).revert_reason == "governor: not guardian"
    for who in (OWNER, GUARDIAN):
        assert governed.send(who, GOVERNOR, "cancel", queued + 1).revert_reason == "governor: not queued"


def test_it_is_void_once_the_words_it_was_made_against_have_changed(governed, queued):
    other = governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE, pool_fee_share=WAD // 2))
    assert governed.execute(other).status
    assert governed.execute(queued).revert_reason == "governor: changed since"


def test_what_the_target_refuses_is_refused_with_its_reason(governed):
    above_one = governed.setting(pool_fee_share=9 * WAD // 10)  # with the fund's share
    queued = governed.propose("trading_desk", above_one)
    assert governed.execute(queued).revert_reason == "fee_params: out of bounds"
    assert governed.read(GOVERNOR, "proposal", queued)[5] == 1


def test_every_step_is_an_event(governed):
    data = governed.setting(trade_fee_rate=FEE)
    abi = governed.deployment.abis[GOVERNOR]
    address = governed.deployment.addresses["trading_desk"]

    def events(receipt):
        found = [
            abi.decode_log(log.topics, log.data) for log in receipt.logs if log.address == governed.governor
        ]
        return [(event.name, event.args) for event in found if event is not None]

    ((name, args),) = events(governed.send(OWNER, GOVERNOR, "propose", address, data))
    assert (name, args["id"], args["data"], args["ready_at"]) == ("Proposed", 0, data, governed.now + 2 * DAY)
    ((name, args),) = events(governed.execute(0))
    assert (name, args["id"]) == ("Executed", 0)
    governed.propose("trading_desk", governed.setting(trade_fee_rate=2 * FEE))
    ((name, args),) = events(governed.send(GUARDIAN, GOVERNOR, "cancel", 1))
    assert (name, args["id"], args["account"].lower()) == ("Cancelled", 1, GUARDIAN.lower())


# Its own settings


def test_its_own_settings_wait_for_the_long_delay(governed):
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "set_delays", 3 * DAY, 9 * DAY))
    assert governed.ready_at(queued) == governed.now + 7 * DAY
    assert governed.execute(queued, at=governed.ready_at(queued) - 1).revert_reason == "governor: too early"
    assert governed.execute(queued).status
    assert governed.read(GOVERNOR, "delay_seconds") == 3 * DAY
    queued = governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE))
    assert governed.ready_at(queued) == governed.now + 3 * DAY


def test_until_it_is_sealed_the_owner_sets_rules_and_nobody_proposes(governed):
    artifact = governed.deployment.artifacts[GOVERNOR]
    abi = governed.deployment.abis[GOVERNOR]
    registry, desk = (governed.deployment.addresses[key] for key in ("market_registry", "trading_desk"))
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    arguments = abi.constructor.encode(OWNER, GUARDIAN, registry, desk, 2 * DAY, 7 * DAY)
    fresh = governed.chain.deploy(artifact, arguments, NOBODY)
    governed.chain.end_block()
    set_guardian = abi["set_guardian"].encode(NOBODY)
    proposing = abi["propose"].encode(fresh, set_guardian)
    assert governed.refusal(NOBODY, fresh, set_guardian) == "access: not owner"
    assert governed.refusal(OWNER, fresh, set_guardian) is None
    assert governed.refusal(OWNER, fresh, proposing) == "governor: not sealed"
    assert governed.send_raw(OWNER, fresh, abi["seal"].encode()).status
    assert governed.refusal(OWNER, fresh, set_guardian) == "governor: not by proposal"
    assert governed.refusal(OWNER, fresh, proposing) is None


@pytest.mark.parametrize("data", ["set_model", "nothing after the selector"])
def test_calldata_that_cannot_be_decoded_is_not_queued(governed, data):
    selector = governed.deployment.abis[GOVERNOR]["set_model"].selector
    broken = selector + (bytes(31) if data == "set_model" else b"")
    assert governed.proposing(GOVERNOR, broken) is not None
    assert governed.tightening(GOVERNOR, broken) is not None


@pytest.mark.parametrize(
    ("delays", "reason"),
    [
        ((2 * DAY - 1, 7 * DAY), "governor: delay too short"),
        ((3 * DAY, 3 * DAY - 1), "governor: long delay below delay"),
        ((2 * DAY, 30 * DAY + 1), "governor: delay too long"),
    ],
)
def test_delays_have_bounds(governed, delays, reason):
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "set_delays", *delays))
    assert governed.execute(queued).revert_reason == reason


@pytest.mark.parametrize("call", rules.CALLS, ids=lambda call: f"{call.contract}.{call.function}")
def test_calls_without_rules_wait_for_their_delay(governed, call):
    entry = governed.deployment.abis[call.contract][call.function]
    data = entry.selector + bytes(32 * len(words_of(entry.inputs)))
    queued = governed.propose(call.contract, data)
    wait = rules.LONG_DELAY_SECONDS if call.is_long else rules.DELAY_SECONDS
    assert governed.ready_at(queued) == governed.now + wait
    assert governed.proposing(call.contract, data + bytes(32)) == "governor: wrong length"
    assert governed.tightening(call.contract, data) == "governor: not tighter"


def test_a_successor_can_take_over(governed):
    for key in rules.OWNED:
        queued = governed.propose(key, governed.data(key, "transfer_ownership", NOBODY))
        assert governed.execute(queued).status
        assert governed.read(key, "owner") == governed.governor  # offered, not yet taken
        governed.must(NOBODY, key, "accept_ownership")
        assert governed.read(key, "owner").lower() == NOBODY.lower()


def test_the_guardian_cannot_keep_itself_in_office(governed):
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "set_guardian", NOBODY))
    refused = governed.send(GUARDIAN, GOVERNOR, "cancel", queued)
    assert refused.revert_reason == "governor: replaces the guardian"
    assert governed.execute(queued).status
    assert governed.read(GOVERNOR, "guardian").lower() == NOBODY.lower()
    assert governed.send(GUARDIAN, GOVERNOR, "pause").revert_reason == "governor: not guardian"
    other = governed.propose(GOVERNOR, governed.data(GOVERNOR, "set_guardian", ZERO))
    governed.must(OWNER, GOVERNOR, "cancel", other)  # the owner may think better of it


def test_nobody_reenters_while_a_proposal_is_executed(governed):
    artifact = compile_contract(Path(__file__).with_name("reentrant.vy"), search_root=Path(__file__).parent)
    abi = ContractAbi(artifact.abi)
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    attacker = governed.chain.deploy(artifact, abi.constructor.encode(governed.governor), NOBODY)
    governed.chain.end_block()
    governed.enact(GOVERNOR, governed.data(GOVERNOR, "set_guardian", attacker))
    governed.enact(
        GOVERNOR, governed.data(GOVERNOR, "register_call", attacker, abi["called"].selector, 0, False)
    )
    identifier = int(governed.must(OWNER, GOVERNOR, "propose", attacker, abi["called"].selector))
    assert governed.execute(identifier).status
    has_paused = abi["has_paused"].decode(governed.chain.call(attacker, abi["has_paused"].encode()))
    assert has_paused is False
    assert governed.read("trading_desk", "paused") is False
    # The same call outside of an execution does what a guardian may do.
    assert governed.send_raw(NOBODY, attacker, abi["called"].selector).status
    assert governed.read("trading_desk", "paused") is True
