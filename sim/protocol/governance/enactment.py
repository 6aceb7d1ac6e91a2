"""Sends proposals to a chain, shows that the time-lock holds, and reads the parameters back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sim.chain.chain import Chain
from sim.chain.transaction import Receipt, Transaction
from sim.core.errors import RunError
from sim.protocol.deployed import OWNER, Deployment
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR
from sim.protocol.governance.types import EnactedProposal, Enactment, Proposal, Reading, Value
from sim.protocol.governance.values import State, read_model, read_setter

_BLOCK_SECONDS = 12


@dataclass
class _Sent:
    """A proposal on its way."""

    proposal: Proposal
    identifier: int | None = None
    """Number that the governor gave it; None if it was not queued."""
    queued_at: int | None = None
    ready_at: int = 0
    early_reason: str = ""
    executed_at: int | None = None
    reason: str | None = None


@dataclass
class _Enacter:
    chain: Chain
    deployment: Deployment
    sent: list[_Sent] = field(default_factory=list)

    def block(self, calls: Sequence[bytes], at: int) -> list[Receipt]:
        """Send calls of the owner in one block, at a time or as soon after as can be."""
        chain = self.chain
        governor = self.deployment.addresses[GOVERNOR]
        chain.start_block(chain.block_number + 1, max(at, chain.timestamp + 1))
        receipts = [chain.execute(Transaction(OWNER, governor, data)) for data in calls]
        chain.end_block()
        return receipts

    def queue(self, proposals: Sequence[Proposal], at: int) -> list[_Sent]:
        """Propose, all or none; the ones that were not queued have a reason."""
        round_ = [_Sent(proposal, reason=self._stale(proposal)) for proposal in proposals]
        self.sent += round_
        if any(sent.reason is not None for sent in round_):
            for sent in round_:
                sent.reason = sent.reason or "not sent: another of its round is stale"
            return round_
        self._check_numbers(proposals)
        receipts = self.block([_bytes(proposal.propose) for proposal in proposals], at)
        for sent, receipt in zip(round_, receipts, strict=True):
            sent.reason = receipt.revert_reason
            if receipt.status:
                # Numbers of a round shift if one of it is refused: the governor's answer counts.
                sent.identifier = int.from_bytes(receipt.output, "big")
                sent.queued_at = self.chain.timestamp
                sent.ready_at = int(self._governor("proposal", sent.identifier)[3])
        return round_

    def execute(self, round_: Sequence[_Sent]) -> None:
        """Try what was queued one second too early, then as soon as it may be."""
        entry = self.deployment.abis[GOVERNOR]["execute"]
        queued = [sent for sent in round_ if sent.identifier is not None]
        for ready_at in sorted({sent.ready_at for sent in queued}):
            due = [sent for sent in queued if sent.ready_at == ready_at]
            calls = [entry.encode(sent.identifier) for sent in due]
            for sent, early in zip(due, self.block(calls, ready_at - 1), strict=True):
                if early.status:
                    raise RunError(f"the governor executed proposal {sent.identifier} too early")
                sent.early_reason = str(early.revert_reason)
            for sent, receipt in zip(due, self.block(calls, ready_at), strict=True):
                sent.reason = receipt.revert_reason
                sent.executed_at = self.chain.timestamp if receipt.status else None

    def _stale(self, proposal: Proposal) -> str | None:
        """Return what differs from the state a proposal was encoded against: its calldata would undo it."""
        now = _read(self.chain, self.deployment, _key(proposal))
        differing = now.differences(proposal.before.get("kind"), proposal.words_before)
        return f"encoded against another state: {', '.join(differing)}" if differing else None

    def _check_numbers(self, proposals: Sequence[Proposal]) -> None:
        """Stop before anything is sent if the calls that execute the proposals name other ones."""
        count = int(self._governor("proposal_count"))
        for number, proposal in enumerate(proposals, start=count):
            if proposal.identifier != number:
                raise RunError(
                    f"the governor would give number {number} to the proposal encoded as "
                    f"{proposal.identifier}: encode with first_identifier = proposal_count"
                )

    def _governor(self, view: str, *arguments: int) -> Any:
        entry = self.deployment.abis[GOVERNOR][view]
        return entry.decode(self.chain.call(self.deployment.addresses[GOVERNOR], entry.encode(*arguments)))


def enact(chain: Chain, deployment: Deployment, proposals: Sequence[Proposal]) -> Enactment:
    """Queue and execute proposals as the governor's owner, each as early as it may be.

    Proposals of one round are queued, tried too early and executed in one block each. The chain is between
    two blocks and is left between two blocks, later by the time-locks. A proposal that the governor or a
    contract refuses says why, and its round is the last. Nothing is executed that was not queued here.

    Raises
    ------
    RunError
        The proposals were encoded for other numbers than the governor gives, or one was executed too early.
    """
    before = {key: _read(chain, deployment, key) for key in _keys(proposals)}
    enacter = _Enacter(chain, deployment)
    start = chain.timestamp + _BLOCK_SECONDS
    for after_seconds, grouped in groupby(proposals, key=lambda proposal: proposal.queue_after_seconds):
        round_ = enacter.queue(list(grouped), start + after_seconds)
        enacter.execute([sent for sent in round_ if sent.reason is None])
        if any(sent.reason is not None for sent in round_):
            break
    after = {key: _read(chain, deployment, key) for key in before}
    return Enactment(
        proposals=tuple(
            EnactedProposal(
                proposal=sent.proposal,
                early_reason=sent.early_reason,
                queued_at=sent.queued_at,
                executed_at=sent.executed_at,
                reason=sent.reason,
            )
            for sent in enacter.sent
        ),
        readings=tuple(_readings(proposals, before, after)),
        mismatches=tuple(_mismatches(proposals, after)),
        seconds=chain.timestamp - first if enacter.sent and (first := enacter.sent[0].queued_at) else 0,
    )


_Key = tuple[str, str, int | None]
"""(contract, function, market) of one setter."""


def _key(proposal: Proposal) -> _Key:
    return proposal.contract, proposal.function, proposal.market


def _keys(proposals: Sequence[Proposal]) -> list[_Key]:
    return list(dict.fromkeys(map(_key, proposals)))


def _bytes(data: str) -> bytes:
    return bytes.fromhex(data.removeprefix("0x"))


def _read(chain: Chain, deployment: Deployment, key: _Key) -> State:
    contract, function, market = key
    if contract == "risk_model" and market is not None:
        return read_model(chain, deployment, market)
    setter = next(s for s in rules.SETTERS if (s.contract, s.function) == (contract, function))
    return read_setter(chain, deployment, setter, market)


def _readings(
    proposals: Sequence[Proposal], before: dict[_Key, State], after: dict[_Key, State]
) -> list[Reading]:
    """Return one reading for each field that some proposal changes, in the order of the first that does."""
    wanted: dict[tuple[_Key, str], Value | None] = {}
    for proposal in proposals:
        for name in proposal.changed:
            wanted[_key(proposal), name] = proposal.after[name]
    return [
        Reading(
            contract=key[0],
            market=key[2],
            field=name,
            before=before[key].values.get(name),
            after=after[key].values.get(name),
            wanted=value,
        )
        for (key, name), value in wanted.items()
    ]


def _mismatches(proposals: Sequence[Proposal], after: dict[_Key, State]) -> list[str]:
    """Return every word of every setter concerned that is not what the last proposal on it holds."""
    last = {_key(proposal): proposal for proposal in proposals}
    return [
        f"{key[0]}{'' if key[2] is None else f', market {key[2]}'}: {difference}"
        for key, proposal in last.items()
        for difference in after[key].differences(proposal.after.get("kind"), proposal.words_after)
    ]
