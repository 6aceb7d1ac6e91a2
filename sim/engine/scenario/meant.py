"""Worlds in which nothing could happen: what a scenario must say that it means.

A run in which nobody can be liquidated, nobody can liquidate, or no price arrives breaks nothing and ends
with a quiet page. Each kind has a word; a scenario that lists it in ``meant`` is run all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, Strict

from sim.market.effects import AgentOutage

Idle = Literal["no_accounts", "no_liquidators", "short_prices", "silent_oracle"]
"""No account starts with a position; no liquidator is there, has funds or is ever awake; a recorded price
ends before the run; no report can reach an oracle, or none does and it is stale at the end."""

Meant = Annotated[tuple[Idle, ...], Strict(strict=False), Field(max_length=4)]


def unless_meant(problem: str, word: Idle) -> str:
    """Return the refusal of a world in which nothing could happen, with the way out."""
    return f'{problem}, or say that it is meant: meant = ["{word}"] at the top of the scenario'


def is_out_throughout(outages: Iterable[AgentOutage], blocks: int) -> bool:
    """Return whether outages of everybody reach from the first block of a run to its last."""
    reached = 1
    for outage in sorted(outages, key=lambda one: one.first_block):
        if outage.share >= 1.0 and outage.first_block <= reached:
            reached = max(reached, outage.end_block)
    return reached > blocks
