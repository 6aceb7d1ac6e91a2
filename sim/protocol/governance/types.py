"""What a parameter change, its proposals and their enactment are made of: data, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.parameters.words import Number

Value = Number | str
"""A number in people's units, or the name of a risk model's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One parameter that differs."""

    contract: str
    """Contract key, for example ``market_registry``; ``risk_model`` for a market's margin formula."""
    market: int | None
    """Market id, None for a parameter of the whole contract."""
    field: str
    """The ABI's field name; ``kind`` for the kind of a risk model."""
    before: Value | None
    """None if the field is one of another kind of risk model."""
    after: Value | None
    obstacle: str | None = None
    """Why no call of the governor can make this change; None if one can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Everything that differs between two versions of a protocol, and the two versions."""

    current: ProtocolParameters
    proposed: ProtocolParameters
    current_kind: str
    proposed_kind: str
    changes: tuple[Change, ...]

    @property
    def enactable(self) -> tuple[Change, ...]:
        """Changes that proposals can make."""
        return tuple(change for change in self.changes if change.obstacle is None)

    @property
    def obstacles(self) -> tuple[Change, ...]:
        """Changes that no proposal can make, each with its reason."""
        return tuple(change for change in self.changes if change.obstacle is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One proposal to the governor, ready to sign; hex strings start with ``0x``."""

    identifier: int
    """Number the governor gives it, if nothing else is proposed in between."""
    contract: str
    """Contract key of what changes, for example ``liquidation_engine``, or ``risk_model``."""
    function: str
    """Function that the governor calls, for example ``set_parameters``."""
    market: int | None
    step: int
    """1 to ``steps``: a change above a rate limit takes several proposals, each queued after the last is
    executed."""
    steps: int
    before: dict[str, Value]
    """Every argument of the call as it is before this step, by field name."""
    after: dict[str, Value]
    """Every argument of the call."""
    changed: tuple[str, ...]
    """Names of the arguments that this step changes, in order."""
    words_before: tuple[int, ...]
    """The words on chain it is encoded against; empty for a designer's own model, whose words are its own."""
    words_after: tuple[int, ...]
    """The words it sets."""
    governor: str
    """Address that both calls below go to, sent by the governor's owner."""
    target: str
    """Address of the contract that the governor calls."""
    call: str
    """Calldata that the target receives."""
    propose: str
    """Calldata of the governor's ``propose``."""
    execute: str
    """Calldata of the governor's ``execute``."""
    queue_after_seconds: int
    """Least time after the first proposal of all at which this one can be queued."""
    execute_after_seconds: int
    """Least time after the first proposal of all at which this one can be executed."""
    expires_after_seconds: int
    """Time after which it has expired, if it was queued as early as possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnactedProposal:
    """What became of one proposal on a chain."""

    proposal: Proposal
    early_reason: str
    """Why the governor refused to execute it one second too early."""
    queued_at: int | None
    """Timestamp of the block that queued it; None if its calldata is of another state."""
    executed_at: int | None
    """Timestamp of the block that executed it; None if it was refused."""
    reason: str | None
    """Why it was refused; None if it was executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One parameter as the chain has it, in people's units."""

    contract: str
    market: int | None
    field: str
    before: Value | None
    after: Value | None
    wanted: Value | None
    """What the proposals should have made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enactment:
    """Proposals sent to a chain, in order, and the changed parameters read back."""

    proposals: tuple[EnactedProposal, ...]
    readings: tuple[Reading, ...]
    """One for each field that some proposal changes."""
    mismatches: tuple[str, ...]
    """Words of the setters concerned, changed or not, that are not exactly what the last proposals hold."""
    seconds: int
    """Chain time from the first proposal to the last execution."""

    @property
    def succeeded(self) -> bool:
        """Whether every proposal was executed and every word on chain is what it should be."""
        return all(item.reason is None for item in self.proposals) and not self.mismatches
