"""Whose a market's skew is: the traders' net open interest by the origin of the flow that made it, exactly.

The pool's skew is what arbitrageurs carry outside, so that a forced close reaches the outside price through
their trades as well. The ledger follows it there: it says of every trade from which origins it moved skew, in
base units of 1e-18, and what it holds adds up to the chain's net open interest after every block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from sim.engine.worlds.flows import VOLUNTARY
from sim.protocol.codes import PositionCause
from sim.protocol.events import ProtocolEvent

FORCED_CAUSES = (PositionCause.LIQUIDATION, PositionCause.DELEVERAGE)


class TradeKind(Enum):
    """Why a position changed."""

    FORCED = auto()
    """The protocol closed it."""
    ARBITRAGE = auto()
    """It has another leg outside."""
    VOLUNTARY = auto()


class Trade(NamedTuple):
    """One change of a position with the origins of the skew it moved."""

    event: ProtocolEvent
    kind: TradeKind
    parts: Mapping[int, int]
    """Origin -> signed base units (WAD), together the size traded."""


class SkewLedger:
    """The skew of one market by origin: `VOLUNTARY`, or the account whose forced close made it."""

    def __init__(self, net_open_interest: int) -> None:
        """Start with everything voluntary; signed base units (WAD), longs less shorts."""
        self._held: dict[int, int] = {VOLUNTARY: net_open_interest}

    @property
    def net(self) -> int:
        """Sum over all origins, signed base units (WAD)."""
        return sum(self._held.values())

    def held(self, origin: int) -> int:
        """Return what an origin holds now, signed base units (WAD)."""
        return self._held.get(origin, 0)

    def forced(self, account: int, size: int) -> Mapping[int, int]:
        """Book a forced close of an account; ``size`` is what it traded, signed base units (WAD)."""
        return self._add({account: size})

    def voluntary(self, size: int) -> Mapping[int, int]:
        """Book a trade that nobody forced and that has no leg outside."""
        return self._add({VOLUNTARY: size})

    def arbitrage(self, size: int) -> Mapping[int, int]:
        """Book an arbitrageur's trade and return whose skew it moved.

        What reduces the skew, up to the whole of it, is taken from the origins on the side it relieves, pro
        rata of what they hold: origins on the other side had no part in it. The rest is voluntary.
        """
        skew = self.net
        relieved = min(abs(size), abs(skew)) if size * skew < 0 else 0
        sign = 1 if size > 0 else -1
        parts = {VOLUNTARY: sign * (abs(size) - relieved)}
        # Each takes a difference of two rounded sums: the parts add up, and none exceeds its origin.
        opposed = [(origin, -sign * held) for origin, held in self._held.items() if held * sign < 0]
        whole = sum(amount for _, amount in opposed)
        passed = taken = 0
        for origin, amount in opposed if relieved else ():
            passed += amount
            upto = relieved * passed // whole
            if upto > taken:
                parts[origin] = parts.get(origin, 0) + sign * (upto - taken)
            taken = upto
        return self._add(parts)

    def _add(self, parts: Mapping[int, int]) -> Mapping[int, int]:
        for origin, part in parts.items():
            left = self._held.get(origin, 0) + part
            if left:
                self._held[origin] = left
            else:
                self._held.pop(origin, None)
        return parts


class SkewBook:
    """The ledgers of every market, kept by the changes of positions that the contracts declare."""

    def __init__(self, net_open_interest: Iterable[int], hedged: Collection[int]) -> None:
        """Start at block 0.

        Parameters
        ----------
        net_open_interest
            [market] longs less shorts, base units (WAD).
        hedged
            Participants whose trades have another leg outside.
        """
        self.ledgers = [SkewLedger(net) for net in net_open_interest]
        self._hedged = hedged

    @property
    def nets(self) -> list[int]:
        """[market] sum over all origins, signed base units (WAD)."""
        return [ledger.net for ledger in self.ledgers]

    def book(self, events: Sequence[ProtocolEvent]) -> list[Trade]:
        """Book the changes of positions among a block's events, in their order."""
        trades = []
        for event in events:
            if event.name != "PositionChanged":
                continue
            values = event.values
            ledger, size = self.ledgers[values["market"]], values["size_delta"]
            if values["cause"] in FORCED_CAUSES:
                trades.append(Trade(event, TradeKind.FORCED, ledger.forced(event.actor, size)))
            elif event.actor in self._hedged:
                trades.append(Trade(event, TradeKind.ARBITRAGE, ledger.arbitrage(size)))
            else:
                trades.append(Trade(event, TradeKind.VOLUNTARY, ledger.voluntary(size)))
        return trades
