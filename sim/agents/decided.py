"""What an agent of a plug-in decided, looked at before it is sent: its mistakes are its author's to mend.

Agents that ship are held to the same by the type checker and their tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sim.agents.base import Agent
from sim.core.errors import InputError
from sim.core.plugins import active
from sim.protocol.actions import ActionBatch, EntryPoint
from sim.protocol.client import ProtocolClient

_MAX_FEE_WEI = 1 << 96


def plugin_of(agent: Agent) -> Path | None:
    """Return the file of the plug-in in force that declares an agent's class; None for those that ship."""
    module = type(agent).__module__
    return next((plugin.path for plugin in active() if plugin.module_name == module), None)


def checked(
    decided: object, agent: Agent, file: Path, client: ProtocolClient, *, block: int
) -> list[ActionBatch]:
    """Return the batches that an agent of a plug-in decided.

    Parameters
    ----------
    decided
        What its `decide` returned.
    file
        The plug-in.

    Raises
    ------
    InputError
        It is no row of batches, or one names an entry point or a participant that does not exist, bids no
        fee, or cannot be encoded as calls.
    """
    where = f"{file}: agent {agent.name} in block {block}: decide returned"
    if not isinstance(decided, Iterable):
        raise InputError(f"{where} {_told(decided)}; it must be a list of batches, an empty one for none")
    batches: list[ActionBatch] = []
    for batch in decided:
        if (problem := _problem(batch, client)) is not None:
            raise InputError(f"{where}, as item {len(batches)}, {problem}")
        batches.append(batch)
    return batches


def _problem(batch: object, client: ProtocolClient) -> str | None:
    if not isinstance(batch, ActionBatch):
        return f"{_told(batch)}; it must be a batch of sim.protocol.actions"
    if batch.kind not in set(EntryPoint):
        return f"a batch of {batch.kind!r}, which is no entry point"
    accounts = len(client.book)
    named: list[Sequence[object]] = [batch.actors.tolist(), *batch.groups]
    named += [batch.args[at] for at in client.account_arguments(batch.kind) if at < len(batch.args)]
    for actors in named:
        for actor in actors:
            if not isinstance(actor, int | np.integer) or not 0 <= actor < accounts:
                return f"participant {actor!r:.40} in {batch.kind}; there are 0 to {accounts - 1}"
    bidden: tuple[Sequence[object], ...] = (batch.max_fee_wei, batch.priority_fee_wei)
    for fees in bidden:
        bids = [fee for fee in fees if isinstance(fee, int | np.integer) and 0 <= fee < _MAX_FEE_WEI]
        if len(bids) != len(batch) or len(fees) != len(batch):
            return f"fees {fees!r:.40} in {batch.kind}; each call needs a whole number of wei"
    try:
        client.encode(batch)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"{batch.kind} with arguments that are none of it: {error}"
    return None


def _told(value: object) -> str:
    return "None" if value is None else f"{value!r:.40} ({type(value).__name__})"
