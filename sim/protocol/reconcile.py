"""Compares the mirror with the chain, account by account."""

from __future__ import annotations

from sim.core.arrays import IntArray
from sim.core.errors import InvariantViolation
from sim.core.units import WAD
from sim.protocol.client import ProtocolClient
from sim.protocol.mirror import AccountMirror, Valuation

EQUITY_TOLERANCE = 1e-9
"""Stated error of the mirror's equity, relative to notional plus collateral: doubles carry 2**-53 and
an equity is a sum of a handful of products."""


def reconcile(
    client: ProtocolClient, mirror: AccountMirror, actors: IntArray, valuation: Valuation, block: int
) -> None:
    """Compare participants with ``Lens``.

    Raises
    ------
    InvariantViolation
        ``J1``: a booked integer differs, or an estimate is off by more than its stated error.
    """
    numbers = actors.tolist()
    for market in range(len(mirror.exact_size)):
        for actor, position in zip(numbers, client.positions(market, actors), strict=True):
            mine = (mirror.exact_size[market][actor], mirror.exact_entry[market][actor])
            if mine != (position.size, position.entry_notional):
                raise InvariantViolation(
                    "J1",
                    block,
                    f"account {actor} market {market}: mirror {mine}, chain {tuple(position[:2])}",
                )
            if position.size:
                estimate = float(valuation.maintenance_ratio[market, actor])
                if position.effective_maintenance_ratio / WAD > estimate * (1.0 + EQUITY_TOLERANCE):
                    raise InvariantViolation(
                        "J1",
                        block,
                        f"account {actor} market {market}: ratio {position.effective_maintenance_ratio} "
                        f"above its upper estimate {estimate}",
                    )
    for actor, state in zip(numbers, client.account_states(actors), strict=True):
        if mirror.exact_collateral[actor] != state.collateral:
            raise InvariantViolation(
                "J1",
                block,
                f"account {actor}: mirror collateral {mirror.exact_collateral[actor]}, "
                f"chain {state.collateral}",
            )
        scale = float(valuation.notional[actor]) + abs(state.collateral / WAD) + 1.0
        difference = abs(float(valuation.equity[actor]) - state.equity / WAD)
        if difference > EQUITY_TOLERANCE * scale:
            raise InvariantViolation(
                "J1", block, f"account {actor}: estimated equity off by {difference} of scale {scale}"
            )
