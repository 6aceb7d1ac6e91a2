"""What everybody can see of a world between two actions: what the rules of the bench compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.protocol.client import AccountState, PositionState
from sim.protocol.events import ProtocolEvent
from sim.protocol.state import MarketState, ProtocolState
from tests.support.economic.drawn_estimators import is_chosen
from tests.support.economic.estimates import Chosen, Correlation
from tests.support.economic.history import Action
from tests.support.economic.verbs import PARTICIPANTS, VAULTS, Deficit, Result, World

STAKE: Final = 10**18
"""About a million quote of stake in a fund that has lost nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A world at one moment, WAD integers."""

    now: int
    accounts: list[AccountState]
    positions: list[list[PositionState]]
    """[market][participant]"""
    markets: tuple[MarketState, ...]
    totals: ProtocolState
    wallets: list[int]
    """Token units."""
    deficits: dict[int, Deficit]
    withdrawals_open: bool
    assets: dict[str, int]
    """Vault -> what its shares are worth, token units."""
    supply: dict[str, int]
    """Vault -> shares."""
    stake_worth: int
    """What `STAKE` shares of the fund are worth, token units."""
    secured: int = 0
    """What debtors' own assets are to cover of what pends."""
    correlations: dict[tuple[int, int], Correlation] = field(default_factory=dict)
    """What is estimated of each two markets, the first one below the second."""
    chosen: dict[int, Chosen] = field(default_factory=dict)
    """What each market has chosen that does."""

    def open_markets(self, account: int) -> list[int]:
        """Return the markets in which an account has a position."""
        return [market for market, row in enumerate(self.positions) if row[account].size]

    def gain(self, account: int, market: int, price: int) -> int:
        """Return the unrealised profit of a position at a price, WAD, without funding."""
        position = self.positions[market][account]
        return position.size * price // 10**18 - position.entry_notional

    def margin_gap(self, account: int) -> int:
        """Return equity less maintenance requirement."""
        state = self.accounts[account]
        return state.equity - state.maintenance_requirement


def look(world: World) -> Seen:
    """Return what can be seen now."""
    everybody = range(PARTICIPANTS)
    markets, totals, accounts = world.markets(), world.totals(), world.states()
    deficits = {}
    if totals.pending_deficit:
        for account in everybody:
            if accounts[account].collateral < 0:
                record = world.deficit(account)
                if record is not None:
                    deficits[account] = record
    return Seen(
        now=world.now,
        accounts=accounts,
        positions=[world.client.positions(market, everybody) for market in range(len(markets))],
        markets=markets,
        totals=totals,
        wallets=list(world.mirror.exact_wallet),
        deficits=deficits,
        withdrawals_open=world.withdrawals_open(),
        assets={"pool": world.assets("pool"), "fund": world.assets("fund")},
        supply={vault: world.share_supply(vault) for vault in VAULTS},
        stake_worth=world.worth("fund", STAKE),
        secured=world.others.total_secured() if world.others.count else 0,
        correlations={
            (first, second): world.correlation(first, second)
            for second in range(len(markets))
            for first in range(second)
        },
        chosen={
            place: world.chosen(place) for place, market in enumerate(world.draw.markets) if is_chosen(market)
        },
    )


@dataclass(slots=True)
class Step:
    """One action with what it was done to and what it led to."""

    action: Action
    world: World
    before: Seen
    after: Seen
    result: Result
    events: Sequence[ProtocolEvent]
    calls: Sequence[Result]
    """Every call that the action consisted of."""
    previews: dict[str, int] = field(default_factory=dict)
    """What was promised before, by what it is about."""
    moving: bool = True

    @property
    def verb(self) -> str:
        """What was done."""
        return self.action.verb

    @property
    def done(self) -> bool:
        """Whether it was."""
        return self.result.status

    def named(self, name: str) -> list[ProtocolEvent]:
        """Return the events of a name."""
        return [event for event in self.events if event.name == name]
