"""What every participant shares: the agent protocol, outcomes, outages and conversions to integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT
from sim.protocol.actions import ActionBatch
from sim.protocol.state import State

Status = Literal["success", "reverted", "dropped", "evicted", "expired", "replaced"]
"""What became of an action. The first two were included in a block and paid gas; ``dropped`` was
refused by the mempool (underfunded, replacement underpriced), ``evicted`` pushed out by better
bids, ``expired`` waited too long, ``replaced`` gave way to a newer bid of the same sender."""

DAY_SECONDS = 86_400


class ActionResult(NamedTuple):
    """What became of one action of an agent."""

    kind: str
    """Entry point, as in :attr:`ActionBatch.kind`."""
    actor: int
    args: tuple[int, ...]
    """Arguments as sent: row of :attr:`ActionBatch.args`."""
    status: Status
    revert_reason: str = ""
    fee_paid_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Results of one agent's own actions, handed to it after each block.

    Actions that still wait in the mempool are absent: they appear once, in the block that
    settles their fate.
    """

    block: int
    """Block that was just executed."""
    results: tuple[ActionResult, ...] = ()


class Agent(Protocol):
    """A participant, or a whole cohort of them, in one world's block loop.

    One object acts for a whole group: `decide` works on columns over its members and accounts and makes no
    object and no call for each of them; `ActorIndex.columns` selects them. What it remembers is columns too
    (`sim.agents.waiting_bids`). An agent belongs to one world and shares nothing with another's, so what it
    does never depends on how many worlds there are (docs/decisions/0014).
    """

    @property
    def name(self) -> str:
        """Stable name: part of every draw name and of the results tables."""
        ...

    @property
    def latency_blocks(self) -> int:
        """Age in blocks of the state the engine shows this agent."""
        ...

    def describe(self) -> str:
        """Return one sentence for users: who this is, and what moves it."""
        ...

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return this block's actions; must not change ``state``.

        Parameters
        ----------
        state
            The world as it was `latency_blocks` ago; its columns are read-only.
        draws
            The world's random numbers, by names that begin with ``agent:`` and the block.

        Returns
        -------
        list of ActionBatch
            From the functions of `sim.protocol.actions`, one for each entry point, empty for nothing; a row
            for each call, in the order in which they are sent. Amounts are Python integers, since WAD does
            not fit int64; senders, accounts and fees may be int64 arrays.
        """
        ...

    def observe(self, outcome: Outcome) -> None:
        """Learn what became of own actions in the last block."""
        ...


@runtime_checkable
class HedgesOutside(Protocol):
    """An agent whose trades have another leg on the outside market, of which it keeps the books."""

    def outside_values(self, prices: Sequence[float]) -> Mapping[int, float]:
        """Return what each participant's outside leg is worth at the outside prices by market, quote."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A window in which part of a group does nothing (a shock: API failure, crashed bot)."""

    start_block: int
    """First silent block."""
    end_block: int
    """First block after the outage."""
    share: float = 1.0
    """Share of the group that is silent; members with the lowest indices go first."""
    market: int | None = None
    """Market it is confined to; None: wherever the group acts."""


def silent_members(outages: Sequence[Outage], block: int, count: int) -> BoolArray:
    """Return the mask of the ``count`` members that are silent in ``block``."""
    silent = np.zeros(count, dtype=np.bool_)
    for outage in outages:
        if outage.start_block <= block < outage.end_block:
            silent[: _ceil(outage.share * count)] = True
    return silent


class ActorIndex:
    """Position of a group's participants in the columns of :class:`State`.

    Parameters
    ----------
    actors
        Participant indices, strictly ascending.

    Raises
    ------
    InputError
        If the indices are not strictly ascending.
    """

    def __init__(self, actors: Sequence[int] | IntArray) -> None:
        self.actors: IntArray = np.asarray(actors, dtype=np.int64)
        if bool(np.any(np.diff(self.actors) <= 0)):
            raise InputError("participants of an agent must be given in strictly ascending order")
        self._start = int(self.actors[0]) if len(self.actors) else 0
        contiguous = bool(len(self.actors)) and int(self.actors[-1]) - self._start + 1 == len(self.actors)
        self._contiguous = contiguous
        stop = self._start + len(self.actors)
        self.columns: slice | IntArray = slice(self._start, stop) if contiguous else self.actors
        """Selects the group from an actor column; a view, not a copy, when contiguous."""

    def __len__(self) -> int:
        """Return the number of participants."""
        return len(self.actors)

    def local(self, actor: int) -> int:
        """Return the position of ``actor`` in the group, or -1 if it is no member."""
        if self._contiguous:
            position = actor - self._start
            return position if 0 <= position < len(self.actors) else -1
        position = int(np.searchsorted(self.actors, actor))
        found = position < len(self.actors) and int(self.actors[position]) == actor
        return position if found else -1


def token_amounts(amounts: FloatArray) -> list[int]:
    """Return quote amounts as whole token units, rounded down."""
    return [int(amount) for amount in np.floor(amounts * float(TOKEN_UNIT)).tolist()]


def limit_price(index_price: int, *, is_buy: bool, slippage: float) -> int:
    """Return the worst acceptable fill, ``slippage`` away from ``index_price`` (WAD, integers)."""
    step = index_price * int(slippage * 1_000_000 + 0.5) // 1_000_000
    return index_price + step if is_buy else max(index_price - step, 1)


def require(problems: Sequence[tuple[bool, str]]) -> None:
    """Raise :class:`InputError` with the text of every pair whose condition is false."""
    wrong = [text for holds, text in problems if not holds]
    if wrong:
        raise InputError(wrong)


def _ceil(value: float) -> int:
    whole = int(value)
    return whole + 1 if value > whole else whole
