"""A change of parameters that meets the book whole: queued before there is one, executed in one block.

``encode`` and ``enact`` show how a change is made on a chain that is in use: in steps, each after its
time-lock. A simulation asks what the change as a whole does to the accounts that exist. So the governor is
deployed with rules that bound nothing (`setup.hand_over`), every setter takes one proposal, and all of them
are queued, wait out the same time-lock, and are executed in one block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim.chain.abi import ContractAbi
from sim.chain.chain import Chain
from sim.chain.compile import Artifact
from sim.chain.transaction import Receipt, Transaction
from sim.core.errors import InputError
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.deployment import deploy_formula
from sim.protocol.governance import rules
from sim.protocol.governance.encoding import places, values_of
from sim.protocol.governance.rules import Setter
from sim.protocol.governance.setup import FORWARDER, GOVERNOR
from sim.protocol.parameters.values import ProtocolParameters

_HALF_BITS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """The margin formula of every market, after the change."""

    kind: str
    """Name of one that ships; empty for a designer's own."""
    artifact: Artifact
    differs: bool
    """Whether it is another formula than before, whatever its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedCall:
    """One proposal that waits."""

    identifier: int
    what: str
    """Setter and market, for messages."""


def queue_whole(
    chain: Chain,
    deployment: Deployment,
    before: ProtocolParameters,
    after: ProtocolParameters,
    formula: Formula,
    *,
    can_freeze_margins: bool,
) -> tuple[Deployment, tuple[QueuedCall, ...]]:
    """Propose a whole change in the block that is open, one call a setter.

    Parameters
    ----------
    deployment
        With a governor whose rules bound nothing.
    before, after
        What the contracts were deployed with, and what they shall have.
    can_freeze_margins
        Whether new formulas can hold their inputs too (`sim.protocol.frozen_margins`).

    Returns
    -------
    tuple
        The deployment as it is after the change, and the proposals in the order of their execution.

    Raises
    ------
    InputError
        A parameter is one that the contracts refuse.
    """
    addresses = dict(deployment.addresses)
    artifacts = {**deployment.artifacts, "risk_model": formula.artifact}
    artifacts.pop(FORWARDER, None)  # no part of the protocol
    abis = {**deployment.abis, "risk_model": ContractAbi(formula.artifact.abi)}
    queued: list[QueuedCall] = []
    for what, target, call in _setter_calls(deployment, before, after):
        queued.append(_propose(chain, deployment, what, target, call))
    for market, (here, there) in enumerate(zip(before.markets, after.markets, strict=True)):
        if not formula.differs and dict(here.risk_model) == dict(there.risk_model):
            continue
        what = f"risk model of {there.name}"
        if formula.kind and not can_freeze_margins:
            words = rules.field_words(rules.MODELS[formula.kind], there.risk_model)
            kind = rules.KINDS[formula.kind]
        else:
            address = deploy_formula(
                chain, formula.artifact, there.risk_model, what, can_freeze_margins=can_freeze_margins
            )
            addresses[f"risk_model:{market}"] = address
            words = list(divmod(int(address, 16), 1 << _HALF_BITS))
            kind = rules.FORWARDER_KIND
        call = deployment.abis[GOVERNOR]["set_model"].encode(market, kind, words)
        queued.append(_propose(chain, deployment, what, addresses[GOVERNOR], call))
    return replace(deployment, addresses=addresses, artifacts=artifacts, abis=abis), tuple(queued)


def execute_whole(chain: Chain, deployment: Deployment, queued: Sequence[QueuedCall]) -> None:
    """Execute every proposal in the block that is open.

    Raises
    ------
    InputError
        A contract refuses one: parameters that it takes in a deployment, but not on a book that exists.
    """
    entry = deployment.abis[GOVERNOR]["execute"]
    for call in queued:
        receipt = _send(chain, deployment, entry.encode(call.identifier))
        if not receipt.status:
            raise InputError(
                f"the change cannot come into force: {call.what}: {receipt.revert_reason or 'no reason'};"
                " change what is proposed"
            )


def _setter_calls(
    deployment: Deployment, before: ProtocolParameters, after: ProtocolParameters
) -> Iterator[tuple[str, str, bytes]]:
    """Yield what is set, where, and the call, of every setter whose words differ."""
    for setter, market in places(before, after):
        old, new = values_of(before, setter, market), values_of(after, setter, market)
        if rules.field_words(setter.fields, old) == rules.field_words(setter.fields, new):
            continue
        what = setter.contract if market is None else f"{setter.contract}, market {market}"
        call = _setter_call(deployment, setter, market, rules.field_words(setter.fields, new))
        yield f"{what}.{setter.function}", deployment.addresses[setter.contract], call


def _setter_call(deployment: Deployment, setter: Setter, market: int | None, words: list[int]) -> bytes:
    entry = deployment.abis[setter.contract][setter.function]
    head: list[object] = [] if market is None else [market]
    head += [deployment.addresses[f"{name}:{market}"] for name in setter.fixed]
    return entry.encode(*head, *rules.as_arguments(entry.inputs, words))


def _propose(chain: Chain, deployment: Deployment, what: str, target: str, call: bytes) -> QueuedCall:
    data = deployment.abis[GOVERNOR]["propose"].encode(target, call)
    receipt = _send(chain, deployment, data)
    if not receipt.status:
        raise InputError(f"the change cannot be proposed: {what}: {receipt.revert_reason or 'no reason'}")
    return QueuedCall(identifier=int.from_bytes(receipt.output, "big"), what=what)


def _send(chain: Chain, deployment: Deployment, data: bytes) -> Receipt:
    return chain.execute(Transaction(OWNER, deployment.addresses[GOVERNOR], data))
