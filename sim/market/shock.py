"""What a scripted shock is: one class in one file of `sim.market.shocks`, or of a plug-in.

The class is an entry of ``[[shocks]]`` in a scenario and the behaviour at once: its fields are the entry's
keys, and `effects` says what it acts on. Whoever builds a world asks for effects and never for the kind of a
shock, so adding a class to `SHOCKS` is all that a new one takes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Set
from typing import Any, ClassVar

from sim.core.documents.sections import Problem, Section, number, text
from sim.core.documents.variants import literal_of
from sim.core.registry import Registry
from sim.market.effects import (
    AgentOutage,
    Effect,
    GasSurge,
    Multiple,
    PriceMove,
    ShockSchedule,
)


class Shock(Section):
    """Something a scenario scripts, from a block or minute on."""

    name: ClassVar[str] = ""
    """Literal of ``kind``."""
    order: ClassVar[int] = 100
    """Place in lists."""
    label: ClassVar[str]
    """What reports call it."""
    in_recorded_prices: ClassVar[bool] = False
    """Whether it still acts when the command line brings recorded prices, which have their own falls."""

    kind: str
    description: str = text("", "What the shock stands for.")
    at_block: int | None = number(
        None, 0, 10_000_000, "block", "First block, or use at_minute.", source="stated"
    )
    at_minute: float | None = number(None, 0.0, 1e7, "min", "First minute, or use at_block.", source="stated")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the name from the literal that chooses this class."""
        if "label" in cls.__dict__:
            cls.name = literal_of(cls, "kind")

    @abstractmethod
    def effects(self, seconds_per_block: int) -> Iterator[Effect]:
        """Yield what it does, in blocks of a length."""

    @abstractmethod
    def extent(self) -> str:
        """Return how far it goes, in words: ``-12 % in market 0``."""

    def problems(self) -> Iterator[Problem]:
        """Yield a shock without a start, or with two."""
        if (self.at_block is None) == (self.at_minute is None):
            yield (), "needs exactly one of at_block and at_minute"

    def start_block(self, seconds_per_block: int) -> int:
        """Return the first block it acts in."""
        if self.at_block is not None:
            return self.at_block
        assert self.at_minute is not None  # noqa: S101  (narrowing: problems() refused the rest)
        return int(self.at_minute * 60 // seconds_per_block)


class LastingShock(Shock):
    """A shock with an end."""

    duration_minutes: float = number(..., 0.0, 1e7, "min", "How long it lasts.", source="stated", above=True)

    def duration_blocks(self, seconds_per_block: int) -> int:
        """Return how many blocks it acts in, at least one."""
        return max(1, round(self.duration_minutes * 60 / seconds_per_block))


SHOCKS: Registry[type[Shock]] = Registry("shock", "sim.market.shocks")
"""Every shock a scenario may script."""


def effects_in_force(
    shocks: Iterable[Shock], seconds_per_block: int, *, replayed: Set[int] = frozenset()
) -> Iterator[tuple[Shock, Effect]]:
    """Yield what shocks do in a run, each effect with its shock.

    Parameters
    ----------
    replayed
        Markets whose price comes from the command line. A recorded price has its own falls and whatever
        answered them, so that only shocks that say so act on it; an effect on no market in particular, such
        as a surge of gas, is one on all.
    """
    for shock in shocks:
        for effect in shock.effects(seconds_per_block):
            market = getattr(effect, "market", None)
            if shock.in_recorded_prices or not (market in replayed if market is not None else replayed):
                yield shock, effect


def market_schedule(
    shocks: Iterable[Shock], market: int, seconds_per_block: int, *, replayed: Set[int] = frozenset()
) -> ShockSchedule:
    """Return what shocks do to the price, volatility and depth of one market; see `effects_in_force`."""
    return ShockSchedule(
        tuple(
            effect
            for _, effect in effects_in_force(shocks, seconds_per_block, replayed=replayed)
            if isinstance(effect, PriceMove | Multiple) and effect.market == market
        )
    )


def gas_surges(
    shocks: Iterable[Shock], seconds_per_block: int, *, replayed: Set[int] = frozenset()
) -> tuple[GasSurge, ...]:
    """Return the surges of background demand; see `effects_in_force`."""
    effects = effects_in_force(shocks, seconds_per_block, replayed=replayed)
    return tuple(effect for _, effect in effects if isinstance(effect, GasSurge))


def agent_outages(
    shocks: Iterable[Shock], agents: str, seconds_per_block: int, *, replayed: Set[int] = frozenset()
) -> tuple[AgentOutage, ...]:
    """Return when agents of a kind, named by their table, are silent; see `effects_in_force`."""
    effects = effects_in_force(shocks, seconds_per_block, replayed=replayed)
    return tuple(
        effect for _, effect in effects if isinstance(effect, AgentOutage) and effect.agents == agents
    )


def shock_records(
    shocks: Iterable[Shock], seconds_per_block: int, *, replayed: Set[int] = frozenset()
) -> list[dict[str, Any]]:
    """Return the shocks in force, in their order, as a manifest tells them: words and blocks."""
    found: dict[int, tuple[Shock, list[Effect]]] = {}
    for shock, effect in effects_in_force(shocks, seconds_per_block, replayed=replayed):
        found.setdefault(id(shock), (shock, []))[1].append(effect)
    return [
        {
            "label": shock.label,
            "details": shock.extent(),
            "description": shock.description,
            "first_block": min(effect.at_block for effect in effects),
            "end_block": max(effect.end_block for effect in effects),
        }
        for shock, effects in found.values()
    ]


def moves_price(shock: Shock, market: int, seconds_per_block: int) -> bool:
    """Return whether a shock moves the price of a market."""
    return any(
        isinstance(effect, PriceMove) and effect.market == market
        for effect in shock.effects(seconds_per_block)
    )
