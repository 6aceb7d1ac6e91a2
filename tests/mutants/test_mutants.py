"""Every invariant is shown to work: contracts with one fault stop a run, and the right id reports it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sim.agents.base import Outcome
from sim.core.errors import InvariantViolation
from sim.engine.explain import explain
from sim.engine.results.crash import crash_folder
from sim.engine.results.result import CRASH_FILE
from sim.engine.worlds.world import World
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.invariants import INVARIANTS
from tests.mutants.catalogue import MUTANTS, SCRIPTED, Mutant
from tests.support.closed_form_world import Account, Driver, build_listed_world, run_loop
from tests.support.small_run import small_run

RECONCILED = "J1"  # checked by sim/protocol/reconcile.py, which is no entry of INVARIANTS


def name(mutant: Mutant) -> str:
    return f"{mutant.invariant}: {mutant.fault}"


def test_every_invariant_has_a_mutant():
    checked = {invariant.id for invariant in INVARIANTS} | {RECONCILED}
    assert {mutant.invariant for mutant in MUTANTS + SCRIPTED} == checked


@pytest.mark.parametrize("overrides", sorted({mutant.overrides for mutant in MUTANTS}))
def test_the_contracts_that_ship_pass(tmp_path, overrides):
    result = small_run(tmp_path / "run", *overrides)
    assert result.summary["invariant_violations"] == 0
    # 60 blocks, and two reconciliations: at block 50 and at the end.
    assert result.summary["invariants_checked"] == 60 * len(INVARIANTS) + 2


def test_the_document_names_every_mutant():
    document = (Path(__file__).resolve().parents[2] / "docs" / "invariants.md").read_text()
    for mutant in MUTANTS + SCRIPTED:
        assert f"| `{mutant.invariant}` | {mutant.fault} | `{mutant.file}` |" in document


@pytest.mark.parametrize("mutant", MUTANTS, ids=name)
def test_mutant_is_caught(mutate, tmp_path, mutant):
    with pytest.raises(InvariantViolation) as caught:
        small_run(tmp_path / "run", *mutant.overrides, contracts=mutate(mutant))
    assert caught.value.invariant == mutant.invariant
    assert 0 < caught.value.block <= 60
    assert not (tmp_path / "run").exists()  # nothing half-written

    # The crash report holds the contracts that crashed, and leads to the same block again.
    folder = crash_folder(tmp_path / "run")
    report = json.loads((folder / CRASH_FILE).read_text())
    assert (report["invariant"], report["block"]) == (mutant.invariant, caught.value.block)
    assert mutant.new in (folder / report["inputs"]["contracts"] / mutant.file).read_text()
    explanation = explain(folder)
    assert explanation.reproduced
    assert explanation.lines[0] == f"{mutant.invariant} broken at block {caught.value.block}"


@dataclass
class Attempt:
    """An agent that tries one thing in one block and remembers what became of it."""

    batch: ActionBatch
    block: int
    name: str = "attempt"
    latency_blocks: int = 0
    reasons: Sequence[str] = ()

    def decide(self, state, _draws):
        return [self.batch] if state.block == self.block else []

    def observe(self, outcome: Outcome) -> None:
        self.reasons = [*self.reasons, *(result.revert_reason for result in outcome.results)]


FEES = Fees(10**12, 10**9)
# At 5 % down the long holds 5.3 % of its notional: more than the 5 % required, less than the 5.75 % restored.
ACCOUNTS = [
    Account(notional=100_000.0, collateral=10_001.0),
    Account(notional=-50_000.0, collateral=20_000.0),
]
FALL = 'shocks=[{ kind = "price_jump", at_block = 2, size = -0.05 }]'
REFUSED = {"B1": "margin_checks: margin too low", "C1": "liquidation: healthy"}


def attempt(invariant: str, contracts: Path | None = None) -> tuple[Attempt, World]:
    """Return an agent that tries what an invariant forbids, and a world with it."""
    world = build_listed_world(ACCOUNTS, FALL, contracts=contracts)
    if invariant == "B1":  # a healthy trader takes out what its position needs
        batch = actions.withdraw("attempt", 1, 18_000 * 10**6, FEES)
    else:  # a liquidator goes for an account that is above its requirement
        batch = actions.liquidate("attempt", Driver(world).liquidator, 0, 0, FEES)
    agent = Attempt(batch, block=4)
    return agent, replace(world, agents=(*world.agents, agent))


@pytest.mark.parametrize("invariant", REFUSED)
def test_the_contracts_that_ship_refuse_the_attempt(invariant):
    agent, world = attempt(invariant)
    run_loop(world, 8)
    assert agent.reasons == [REFUSED[invariant]]


@pytest.mark.parametrize("mutant", SCRIPTED, ids=name)
def test_scripted_mutant_is_caught(mutate, mutant):
    _, world = attempt(mutant.invariant, mutate(mutant))
    with pytest.raises(InvariantViolation) as caught:
        run_loop(world, 8)
    assert (caught.value.invariant, caught.value.block) == (mutant.invariant, 4)
