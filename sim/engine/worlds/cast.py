"""Everybody who acts in a run, by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.agents.arbitrageur import Arbitrageurs
from sim.agents.base import Agent
from sim.agents.deleverager import Deleverager
from sim.agents.liquidator import Liquidators
from sim.agents.liquidity_provider import LiquidityProviders
from sim.agents.oracle_keeper import OracleKeepers
from sim.agents.trader_cohort import TraderCohort
from sim.agents.whale import Whale
from sim.core.arrays import IntArray
from sim.protocol.address_book import AddressBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The participants of one run, who remember what they have seen: made anew for each run."""

    cohorts: tuple[TraderCohort, ...]
    whales: tuple[Whale, ...]
    arbitrageurs: tuple[Arbitrageurs, ...]
    """[market]"""
    liquidators: tuple[Liquidators, ...]
    keepers: tuple[OracleKeepers, ...]
    """[market]"""
    providers: tuple[LiquidityProviders, LiquidityProviders]
    """Of the pool, and the backers of the fund."""
    deleveragers: tuple[Deleverager, ...]

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody, in the order in which they decide."""
        return (
            *self.cohorts,
            *self.whales,
            *self.arbitrageurs,
            *self.liquidators,
            *self.keepers,
            *self.providers,
            *self.deleveragers,
        )


def members(book: AddressBook, name: str) -> IntArray:
    """Return the participants of a group, ascending."""
    group = book.groups[name]
    return np.arange(group.start, group.stop, dtype=np.int64)
