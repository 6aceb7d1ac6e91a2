"""The change as the ``RiskGovernor``'s calls, executed on a fresh chain that has the current parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.digest import sha256_file
from sim.engine.options import RunOptions
from sim.engine.price_files import starting_with_prices
from sim.engine.run import load_histories, world_builder
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.experiments.decision.arms import Arms
from sim.market.price_history import PriceHistory
from sim.protocol.governance.proposal import Change, Enactment, Proposal, diff, enact, encode
from sim.protocol.governance.types import Value

CAPITAL = {
    "protocol.pool.deposit": "liquidity providers' money, not a parameter: they deposit it",
    "protocol.insurance_fund.deposit": "the fund's money, not a parameter: stakers deposit it",
}
"""Values of a scenario's protocol that no contract holds as a parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnactable:
    """A difference that no proposal can make."""

    parameter: str
    before: object
    after: object
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enacted:
    """One parameter on the chain, before and after, against what was simulated as proposed."""

    parameter: str
    before: Value | None
    after: Value | None
    simulated: Value | None

    @property
    def agrees(self) -> bool:
        """Whether the chain has what was simulated, to the last place of its fixed point."""
        if isinstance(self.after, int | float) and isinstance(self.simulated, int | float):
            return math.isclose(self.after, self.simulated, rel_tol=1e-15, abs_tol=1e-18)
        return self.after == self.simulated


@dataclass(frozen=True, slots=True, kw_only=True)
class Enacting:
    """What enacting the change takes, and the proof that it does."""

    proposals: tuple[Proposal, ...]
    enactment: Enactment | None
    """None if there is nothing to propose."""
    parameters: tuple[Enacted, ...]
    """Every parameter the governor changes."""
    obstacles: tuple[NotEnactable, ...]

    @property
    def steps(self) -> int:
        """Rounds of proposals, one after the other; 0 if there is nothing to propose."""
        return len({item.queue_after_seconds for item in self.proposals})

    @property
    def succeeded(self) -> bool:
        """Whether every proposal was executed and the chain then had what was simulated."""
        done = self.enactment is None or self.enactment.succeeded
        return done and all(item.agrees for item in self.parameters)

    @property
    def is_complete(self) -> bool:
        """Whether the whole change can be enacted."""
        return self.succeeded and not self.obstacles


def enact_change(arms: Arms) -> Enacting:
    """Encode the change, execute it on a fresh, populated protocol with the current parameters, read it back.

    Raises
    ------
    RunError
        The governor executed a proposal before its time.
    """
    capital = tuple(
        NotEnactable(
            parameter=change.parameter,
            before=change.before,
            after=change.after,
            reason=CAPITAL[change.parameter],
        )
        for change in arms.changes
        if change.parameter in CAPITAL
    )
    current, proposed = arms.current.scenario, arms.proposed.scenario
    options = RunOptions(out=Path())
    histories = load_histories(current, options)
    current, proposed = (starting_with_prices(arm, histories) for arm in (current, proposed))
    prices = _first_prices(current, histories)
    difference = diff(
        protocol_parameters(current, prices),
        protocol_parameters(proposed, prices),
        current_kind=_kind(current),
        proposed_kind=_kind(proposed, current),
    )
    obstacles = capital + tuple(
        NotEnactable(
            parameter=_name(change.contract, change.market, change.field),
            before=change.before,
            after=change.after,
            reason=str(change.obstacle),
        )
        for change in difference.obstacles
    )
    if not difference.enactable:
        return Enacting(proposals=(), enactment=None, parameters=(), obstacles=obstacles)
    foundation = world_builder(current, options, histories).found()
    try:
        deployment = foundation.client.deployment
        proposals = encode(difference, deployment)
        enactment = enact(foundation.chain, deployment, proposals)
    finally:
        foundation.chain.close()
    return Enacting(
        proposals=tuple(proposals),
        enactment=enactment,
        parameters=tuple(_enacted(difference.enactable, enactment)),
        obstacles=obstacles,
    )


def _enacted(changes: tuple[Change, ...], enactment: Enactment) -> list[Enacted]:
    read = {(item.contract, item.market, item.field): item for item in enactment.readings}
    found = []
    for change in changes:
        key = (change.contract, change.market, change.field)
        if change.after is None:  # a field of the risk model that is replaced: it goes with it
            continue
        reading = read.get(key)
        found.append(
            Enacted(
                parameter=_name(*key),
                before=change.before if reading is None else reading.before,
                after=None if reading is None else reading.after,
                simulated=change.after,
            )
        )
    return found


def _kind(scenario: Scenario, other: Scenario | None = None) -> str:
    """Return the kind of a margin formula as a report names it: a designer's own by its file's name.

    With ``other``, a file of the same name that is not the same file is told apart.
    """
    if not scenario.protocol.is_custom_model:
        return scenario.protocol.risk_model
    file = scenario.file("protocol.risk_model")
    if other is not None and other.protocol.is_custom_model:
        before = other.file("protocol.risk_model")
        if before.name == file.name and sha256_file(before) != sha256_file(file):
            return f"{file.name}, another file"
    return file.name


def _first_prices(scenario: Scenario, histories: Mapping[int, PriceHistory]) -> list[float]:
    return [
        float(histories[index].prices[0]) if market.price.repeats_file else market.initial_price
        for index, market in enumerate(scenario.markets)
    ]


def _name(contract: str, market: int | None, field: str) -> str:
    return f"{contract}.{field}" if market is None else f"{contract}.{field}, market {market}"


def calldata(enacting: Enacting) -> dict[str, Any]:
    """Return the proposals as plain data: what a multisig signs, and the proof."""
    enactment = enacting.enactment
    return {
        "governor": enacting.proposals[0].governor if enacting.proposals else None,
        "addresses": "of a fresh deployment of the shipped contracts; on your chain they are your own",
        "proposals": [_proposal_record(item, enactment) for item in enacting.proposals],
        "parameters": [
            {
                "parameter": item.parameter,
                "before": plain(item.before),
                "after": plain(item.after),
                "simulated": plain(item.simulated),
                "agrees": item.agrees,
            }
            for item in enacting.parameters
        ],
        "not_enactable": [
            {
                "parameter": item.parameter,
                "before": plain(item.before),
                "after": plain(item.after),
                "reason": item.reason,
            }
            for item in enacting.obstacles
        ],
        "chain_seconds": None if enactment is None else enactment.seconds,
        "succeeded": enacting.succeeded,
    }


def plain(value: object) -> object:
    """Return a value as JSON can hold it: a limit that is switched off is ``unlimited``."""
    return "unlimited" if isinstance(value, float) and math.isinf(value) else value


def _proposal_record(item: Proposal, enactment: Enactment | None) -> dict[str, Any]:
    sent = next((one for one in enactment.proposals if one.proposal == item), None) if enactment else None
    return {
        "id": item.identifier,
        "contract": item.contract,
        "function": item.function,
        "market": item.market,
        "step": f"{item.step} of {item.steps}",
        "changed": {name: [plain(item.before.get(name)), plain(item.after[name])] for name in item.changed},
        "target": item.target,
        "call": item.call,
        "propose": item.propose,
        "execute": item.execute,
        "queue_after_seconds": item.queue_after_seconds,
        "execute_after_seconds": item.execute_after_seconds,
        "expires_after_seconds": item.expires_after_seconds,
        "refused_one_second_early": sent.early_reason if sent else None,
        "executed": sent is not None and sent.executed_at is not None,
        "refused": sent.reason if sent else "not reached",
    }


def calldata_text(enacting: Enacting) -> str:
    """Return the proposals as text, one call a line, in the order to send them."""
    lines = []
    if enacting.proposals:
        lines += [
            f"RiskGovernor {enacting.proposals[0].governor}, calls of its owner, in this order.",
            "Addresses are those of a fresh deployment; put your own in their place (docs/compare.md).",
        ]
    else:
        lines.append("Nothing to propose.")
    for item in enacting.proposals:
        changed = ", ".join(
            f"{name} {plain(item.before.get(name))} -> {plain(item.after[name])}" for name in item.changed
        )
        until = f"not before {item.execute_after_seconds} s, not after {item.expires_after_seconds} s"
        lines += [
            "",
            f"{item.identifier}: {item.contract}.{item.function}, step {item.step} of {item.steps}",
            f"  {changed}",
            f"  propose, not before {item.queue_after_seconds} s:",
            f"    {item.propose}",
            f"  execute, {until}:",
            f"    {item.execute}",
        ]
    for obstacle in enacting.obstacles:
        lines += ["", f"NOT ENACTABLE {obstacle.parameter}: {obstacle.reason}"]
    return "\n".join(lines) + "\n"
