"""Every rule of the governor is shown to work: with a fault in its source, the check of that rule fails.

Compiling the governor takes seconds, so faults that do not touch each other's checks share a copy of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sim.chain.abi import ContractAbi
from sim.chain.compile import compile_contract, contracts_root
from sim.core.units import MAX_UINT256, WAD
from sim.protocol.account_ids import OWN_INDEX
from sim.protocol.contracts import compile_risk_models
from sim.protocol.deployed import OWNER
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN, blueprint
from tests.support.governed import DAY, NOBODY, Governed

FEE = 6 * WAD // 10_000


def refused(receipt) -> bool:
    return not receipt.status


def queue(governed: Governed) -> int:
    return governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE))


def only_the_owner_proposes(governed: Governed) -> bool:
    return governed.proposing("trading_desk", governed.setting(trade_fee_rate=FEE), sender=NOBODY) is not None


def settings_are_changed_by_proposal(governed: Governed) -> bool:
    data = governed.data(GOVERNOR, "set_guardian", NOBODY)
    return governed.refusal(OWNER, governed.governor, data) is not None


def words_stay_below_their_maximum(governed: Governed) -> bool:
    # From 0 a step of five points is allowed however small the word; above 1 it is not.
    return governed.proposing("risk_engine", governed.setting(upnl_weight=WAD + WAD // 10)) is not None


def words_rise_by_a_step(governed: Governed) -> bool:
    return governed.proposing("trading_desk", governed.setting(trade_fee_rate=WAD // 100)) is not None


def words_fall_by_a_step(governed: Governed) -> bool:
    return governed.proposing("risk_engine", governed.setting(upnl_weight=WAD // 4)) is not None


def limits_stay_on(governed: Governed) -> bool:
    return governed.proposing("risk_engine", governed.setting(upnl_cap=MAX_UINT256)) is not None


def a_formula_keeps_the_ratios_near(governed: Governed) -> bool:
    queued = governed.propose(GOVERNOR, governed.set_model([WAD, WAD // 2, 0], "static"))
    return refused(governed.execute(queued))


def not_before_the_delay(governed: Governed) -> bool:
    queued = queue(governed)
    return refused(governed.execute(queued, at=governed.ready_at(queued) - 1))


def not_twice(governed: Governed) -> bool:
    queued = governed.propose("trading_desk", governed.data("trading_desk", "collect_fees", NOBODY))
    assert governed.execute(queued).status
    return refused(governed.execute(queued))


def not_after_the_window(governed: Governed) -> bool:
    queued = queue(governed)
    return refused(governed.execute(queued, at=governed.ready_at(queued) + 14 * DAY + 1))


def not_after_a_cancel(governed: Governed) -> bool:
    queued = queue(governed)
    governed.must(GUARDIAN, GOVERNOR, "cancel", queued)
    return refused(governed.execute(queued))


def void_after_a_change(governed: Governed) -> bool:
    queued = queue(governed)
    other = governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE + 1))
    assert governed.execute(other).status
    return refused(governed.execute(queued, at=governed.now + DAY))


def executions_keep_their_distance(governed: Governed) -> bool:
    there, waiting = (
        queue(governed),
        governed.propose("trading_desk", governed.setting(trade_fee_rate=FEE + 1)),
    )
    assert governed.execute(there).status
    back = governed.propose("trading_desk", governed.setting(trade_fee_rate=5 * WAD // 10_000))
    assert governed.execute(back).status
    return refused(governed.execute(waiting))


def the_guardian_takes_one_step_a_day(governed: Governed) -> bool:
    address = governed.deployment.addresses["risk_engine"]
    governed.must(GUARDIAN, GOVERNOR, "tighten", address, governed.setting(upnl_weight=WAD * 3 // 4))
    return governed.tightening("risk_engine", governed.setting(upnl_weight=WAD // 2)) is not None


def the_guardian_does_not_loosen(governed: Governed) -> bool:
    governed.enact("risk_engine", governed.setting(upnl_weight=WAD // 2))
    later = governed.now + 2 * DAY
    governed.send(NOBODY, "market_registry", "poke", 0, at=later)
    return governed.tightening("risk_engine", governed.setting(upnl_weight=WAD * 6 // 10)) is not None


def the_guardian_does_not_unpause(governed: Governed) -> bool:
    governed.must(GUARDIAN, GOVERNOR, "pause")
    return governed.tightening("trading_desk", governed.data("trading_desk", "unpause")) is not None


def the_guardian_can_be_replaced(governed: Governed) -> bool:
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "set_guardian", NOBODY))
    return refused(governed.send(GUARDIAN, GOVERNOR, "cancel", queued))


def the_guardian_does_not_choose_the_formula(governed: Governed) -> bool:
    initial, maintenance = governed.read("market_registry", "market_snapshot", 0)[-3:-1]
    words = [initial * 3 // 2, maintenance * 3 // 2, 0]
    return governed.tightening(GOVERNOR, governed.set_model(words, "static")) is not None


def crowd(governed: Governed) -> None:
    """Open one large position."""
    governed.fill(collateral=8_000_000 * 10**6, liquidity=200_000_000 * 10**6)
    governed.report(2_000 * WAD)
    governed.must(governed.other, "trading_desk", "increase_position", OWN_INDEX, 0, 9_000 * WAD, 0)


def the_ramp_does_not_turn_a_tightening_round(governed: Governed) -> bool:
    crowd(governed)
    return governed.tightening(GOVERNOR, governed.set_model(governed.model_words(z=6 * WAD))) is not None


def the_ramp_does_not_turn_it_round_for_small_positions(governed: Governed) -> bool:
    crowd(governed)
    floors = {"maintenance_floor": WAD * 375 // 10_000, "initial_floor": WAD * 75 // 1_000}
    first = governed.model_words(**floors, size_coefficient=WAD * 3 // 2)
    governed.must(GUARDIAN, GOVERNOR, "tighten", governed.governor, governed.set_model(first))
    governed.must(NOBODY, "market_registry", "poke", 0, at=governed.now + 2 * DAY)
    floors = {"maintenance_floor": WAD * 42 // 1_000, "initial_floor": WAD * 825 // 10_000}
    second = governed.model_words(**floors, size_coefficient=WAD * 9 // 4)
    return governed.tightening(GOVERNOR, governed.set_model(second)) is not None


def the_guardian_leaves_the_cap_of_funding(governed: Governed) -> bool:
    words = governed.model_words(maintenance_horizon_seconds=4_500)
    return governed.tightening(GOVERNOR, governed.set_model(words)) is not None


def a_formula_keeps_the_haircut_near(governed: Governed) -> bool:
    words = [8 * WAD // 100, 4 * WAD // 100, WAD // 2]
    return refused(governed.execute(governed.propose(GOVERNOR, governed.set_model(words, "static"))))


def a_formula_has_the_words_that_were_asked(governed: Governed) -> bool:
    """Rules for two of its three words: the third would be what the constructor reads behind them."""
    blueprint_, word_rules = governed.read(GOVERNOR, "model_rule", 1)
    governed.enact(
        GOVERNOR, governed.data(GOVERNOR, "register_model", 1, blueprint_, [tuple(r) for r in word_rules[:2]])
    )
    words = [8 * WAD // 100, 4 * WAD // 100]
    return refused(governed.execute(governed.propose(GOVERNOR, governed.set_model(words, "static"))))


def nobody_else_pauses(governed: Governed) -> bool:
    return governed.refusal(NOBODY, governed.governor, governed.data(GOVERNOR, "pause")) is not None


def an_admitted_formula_keeps_its_code(governed: Governed) -> bool:
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    other = governed.chain.deploy(blueprint(compile_risk_models()["volatility"]), b"", NOBODY)
    governed.chain.end_block()
    queued = governed.propose(GOVERNOR, governed.data(GOVERNOR, "register_model", 1, other, []))
    return refused(governed.execute(queued))


def rules_cannot_be_shed(governed: Governed) -> bool:
    selector = governed.deployment.abis["risk_engine"]["set_parameters"].selector
    address = governed.deployment.addresses["risk_engine"]
    data = governed.data(GOVERNOR, "register_call", address, selector, 11, False)
    return refused(governed.execute(governed.propose(GOVERNOR, data)))


def structure_waits_longer(governed: Governed) -> bool:
    data = governed.data("insurance_fund", "set_drawer", NOBODY, True)
    return governed.ready_at(governed.propose("insurance_fund", data)) >= governed.now + 7 * DAY


def nobody_reenters(governed: Governed) -> bool:
    path = Path(__file__).with_name("reentrant.vy")
    artifact = compile_contract(path, search_root=path.parent)
    abi = ContractAbi(artifact.abi)
    governed.chain.start_block(governed.chain.block_number + 1, governed.now + 12)
    attacker = governed.chain.deploy(artifact, abi.constructor.encode(governed.governor), NOBODY)
    governed.chain.end_block()
    governed.enact(GOVERNOR, governed.data(GOVERNOR, "set_guardian", attacker))
    called = abi["called"].selector
    governed.enact(GOVERNOR, governed.data(GOVERNOR, "register_call", attacker, called, 0, False))
    identifier = int(governed.must(OWNER, GOVERNOR, "propose", attacker, called))
    assert governed.execute(identifier).status
    return not governed.read("trading_desk", "paused")


class Mutant(NamedTuple):
    """A one-line fault in a copy of the governor, and the check that must notice."""

    check: Callable[[Governed], bool]
    file: str
    old: str
    new: str


PROPOSALS, RULES, MODELS, ROLES = (
    f"modules/governance_{name}.vy" for name in ("proposals", "rules", "models", "roles")
)
COPIES = {
    "words": (
        Mutant(
            words_stay_below_their_maximum, RULES,
            "x >= rule.minimum and x <= rule.maximum", "x >= rule.minimum",
        ),
        Mutant(words_rise_by_a_step, RULES, "assert new - base <= max(", "assert 0 * (new - base) <= max("),
        Mutant(words_fall_by_a_step, RULES, "assert base - new <= max(", "assert 0 * (base - new) <= max("),
        Mutant(
            a_formula_has_the_words_that_were_asked, MODELS,
            "assert keccak256(found) == keccak256(asked)", "assert len(found) != len(asked) + 1",
        ),
        Mutant(
            the_ramp_does_not_turn_it_round_for_small_positions, MODELS,
            "<= part * ROUNDING", "<= part * constants.WAD",
        ),
    ),
    "life of a proposal": (
        Mutant(not_before_the_delay, PROPOSALS, ">= proposal.ready_at,", ">= proposal.ready_at - 1,"),
        Mutant(not_twice, PROPOSALS, ".state = EXECUTED", ".state = QUEUED"),
        Mutant(not_after_the_window, PROPOSALS, "<= proposal.expires_at,", "<= proposal.expires_at + 1,"),
        Mutant(
            executions_keep_their_distance, PROPOSALS,
            'assert block.timestamp >= terms.allowed_at, "governor: too soon"\n    self._proposals',
            "self._proposals",
        ),
        Mutant(not_after_a_cancel, PROPOSALS, ".state = CANCELLED", ".state = QUEUED"),
        Mutant(
            void_after_a_change, RULES,
            "assert expected in [empty(bytes32), found],", "assert found not in [empty(bytes32)],",
        ),
    ),
    "guardian": (
        Mutant(
            the_guardian_takes_one_step_a_day, PROPOSALS,
            "[terms.key] = block.timestamp\n    log IRiskGovernor.Tightened",
            "[terms.key] = 0\n    log IRiskGovernor.Tightened",
        ),
        Mutant(
            the_guardian_does_not_loosen, RULES,
            "rule.tighter == LOWER and new < old", "rule.tighter == LOWER and new != old",
        ),
        Mutant(
            the_guardian_does_not_unpause, PROPOSALS,
            '        assert not only_tighter, "governor: not tighter"\n        assert len(data)',
            "        assert len(data)",
        ),
        Mutant(
            the_ramp_does_not_turn_a_tightening_round, MODELS,
            "if let_through >= before", "if let_through + constants.WAD**2 >= before",
        ),
        Mutant(
            the_guardian_leaves_the_cap_of_funding, MODELS,
            "        >= before.initial_ratio - before.maintenance_ratio", "        >= 0",
        ),
        Mutant(the_guardian_can_be_replaced, PROPOSALS, "!= SET_GUARDIAN", "!= empty(bytes4)"),
        Mutant(
            the_guardian_does_not_choose_the_formula, MODELS,
            '        assert not only_tighter, "governor: other kind"\n', "",
        ),
    ),
    "roles and structure": (
        Mutant(
            only_the_owner_proposes, PROPOSALS,
            "    access._check_owner()\n    assert governance_roles.sealed",
            "    assert governance_roles.sealed",
        ),
        Mutant(
            settings_are_changed_by_proposal, ROLES,
            'assert msg.sender == self, "governor: not by proposal"',
            "assert msg.sender in [self, access.owner]",
        ),
        Mutant(
            nobody_else_pauses, PROPOSALS,
            "        governance_roles._check_guardian()\n    extcall", "        pass\n    extcall",
        ),
        Mutant(nobody_reenters, PROPOSALS, "@external\ndef pause()", "@external\n@reentrant\ndef pause()"),
        Mutant(
            an_admitted_formula_keeps_its_code, MODELS,
            "assert known == empty(address) or known == blueprint,", "assert known != self,",
        ),
        Mutant(
            a_formula_keeps_the_haircut_near, MODELS,
            "IRiskModel(info.risk_model).collateral_haircut()", "IRiskModel(model).collateral_haircut()",
        ),
        Mutant(a_formula_keeps_the_ratios_near, MODELS, "    if new != old:\n", "    if only_tighter:\n"),
        Mutant(limits_stay_on, RULES, "if new == UNLIMITED and rule.unlimited:", "if new == UNLIMITED:"),
        Mutant(rules_cannot_be_shed, RULES, "kind == NOT_CALLABLE or kind == route.kind", "kind <= CALL"),
        Mutant(structure_waits_longer, PROPOSALS, "terms.is_long = route.is_long", "terms.is_long = False"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """Return a function that deploys a copy of the contracts with all faults of one row, once."""
    deployed: dict[str, Governed] = {}

    def make(name: str) -> Governed:
        if name not in deployed:
            folder = tmp_path_factory.mktemp("copy") / "contracts"
            shutil.copytree(contracts_root(), folder)
            for mutant in COPIES[name]:
                path = folder / mutant.file
                source = path.read_text()
                assert source.count(mutant.old) == 1, f"{mutant.file}: {mutant.old!r} must occur exactly once"
                path.write_text(source.replace(mutant.old, mutant.new))
            deployed[name] = Governed(contracts=folder)
        return deployed[name]

    return make


@pytest.mark.parametrize(
    ("copy", "mutant"),
    [(name, mutant) for name, mutants in COPIES.items() for mutant in mutants],
    ids=lambda value: value.check.__name__ if isinstance(value, Mutant) else "",
)
def test_a_fault_in_the_governor_is_noticed(governed, faulty, copy, mutant):
    with governed.undone():
        assert mutant.check(governed)
    other = faulty(copy)
    with other.undone():
        assert not mutant.check(other)
