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
    words = ("size", "entry_notional", "effective_maintenance_ratio")
    for market in range(len(mirror.exact_size)):
        sizes, entries = mirror.exact_size[market], mirror.exact_entry[market]
        estimates = valuation.maintenance_ratio[market, actors].tolist()
        columns = client.position_columns(market, actors, words)
        for actor, estimate, size, entry, ratio in zip(numbers, estimates, *columns, strict=True):
            if sizes[actor] != size or entries[actor] != entry:
                raise InvariantViolation(
                    "J1",
                    block,
                    f"account {actor} market {market}: mirror {(sizes[actor], entries[actor])}, "
                    f"chain {(size, entry)}",
                )
            if size and ratio / WAD > estimate * (1.0 + EQUITY_TOLERANCE):
                raise InvariantViolation(
                    "J1",
                    block,
                    f"account {actor} market {market}: ratio {ratio} above its upper estimate {estimate}",
                )
    _reconcile_assets(client, mirror, block)
    columns = client.account_columns(actors, ("collateral", "equity"))
    collaterals = mirror.exact_collateral
    notionals, equities = valuation.notional[actors].tolist(), valuation.equity[actors].tolist()
    for actor, notional, estimate, collateral, equity in zip(
        numbers, notionals, equities, *columns, strict=True
    ):
        if collaterals[actor] != collateral:
            raise InvariantViolation(
                "J1",
                block,
                f"account {actor}: mirror collateral {collaterals[actor]}, chain {collateral}",
            )
        scale = notional + abs(collateral / WAD) + 1.0
        difference = abs(estimate - equity / WAD)
        if difference > EQUITY_TOLERANCE * scale:
            raise InvariantViolation(
                "J1", block, f"account {actor}: estimated equity off by {difference} of scale {scale}"
            )


def _reconcile_assets(client: ProtocolClient, mirror: AccountMirror, block: int) -> None:
    """Compare what accounts have of each asset of the collateral registry, and their sum."""
    ids = client.book.account_ids
    for asset, balances in enumerate(mirror.exact_assets):
        for actor, units in balances.items():
            held = client.read("collateral_registry", "balance_of", ids[actor], asset)
            if held != units:
                raise InvariantViolation(
                    "J1", block, f"account {actor} asset {asset}: mirror {units}, chain {held}"
                )
        total = client.read("collateral_registry", "asset_info", asset)[5]
        if total != sum(balances.values()):
            raise InvariantViolation(
                "J1", block, f"asset {asset}: mirror {sum(balances.values())}, chain {total}"
            )
