"""What the integers of events and calls mean to people: units, codes and participants by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import IntEnum

from sim.core.units import TOKEN_UNIT, WAD
from sim.protocol.codes import BreachCause, CollateralReason, MarginCheck, OracleStatus, PositionCause

PEOPLE = frozenset(
    (
        "account", "bankrupt", "winner", "holder", "liquidator", "sender", "receiver", "recipient", "owner",
        "caller", "payer", "reporter", "drawer", "contributor", "spender", "guardian",
    )
)  # fmt: skip
"""Arguments that are participants."""

_COUNTS = frozenset(
    (
        "market", "asset", "round_id", "id", "kind", "cause", "reason", "status", "breach_cause", "mode",
        "exponent", "weight",
    )
)  # fmt: skip
_TIMES = frozenset(("published_at", "accrued_at", "ready_at", "expires_at"))
_VAULTS = ("insurance_fund", "liquidity_pool")
_TOKENS: Mapping[tuple[str, str], frozenset[str]] = {
    ("ledger", "Deposited"): frozenset(("amount",)),
    ("ledger", "Withdrawn"): frozenset(("amount",)),
    ("ledger", "FeesCollected"): frozenset(("amount",)),
    ("insurance_fund", "Drawn"): frozenset(("asked", "paid", "reserves")),
    ("insurance_fund", "Contributed"): frozenset(("amount", "reserves")),
    ("liquidity_pool", "ReservesChanged"): frozenset(("reserves",)),
    ("collateral_registry", "AssetSold"): frozenset(("proceeds", "fee")),
    ("loss_waterfall", "CollateralSold"): frozenset(("proceeds", "fee", "repaid", "lien_repaid")),
    **{
        (vault, event): frozenset(("assets", "shares"))
        for vault in _VAULTS
        for event in (
            "Deposit",
            "Withdraw",
            "ExitRequested",
            "ExitCancelled",
            "DepositRequested",
            "DepositCancelled",
            "SharesClaimed",
        )
    },
    ("trading_desk", "deposit"): frozenset(("amount",)),
    ("trading_desk", "withdraw"): frozenset(("amount",)),
    **{
        (vault, call): frozenset(("assets", "shares"))
        for vault in _VAULTS
        for call in ("deposit", "mint", "withdraw", "redeem", "request_exit")
    },
}
"""Arguments in units of the token; every other amount, price and ratio is a WAD."""

_UNITS: Mapping[tuple[str, str], frozenset[str]] = {
    **{
        ("collateral_registry", event): frozenset(("amount", "balance"))
        for event in ("AssetDeposited", "AssetWithdrawn", "AssetSold")
    },
    ("spot_pool", "Swapped"): frozenset(("amount_in", "amount_out")),
    ("spot_pool", "swap"): frozenset(("amount_in", "min_amount_out")),
    ("collateral_token", "Transfer"): frozenset(("amount",)),
    ("collateral_token", "Approval"): frozenset(("amount",)),
}
"""Arguments in units of a token whose decimals the event does not tell: they are written as they are."""

_CODES: Mapping[tuple[str, str], type[IntEnum]] = {
    ("PositionChanged", "cause"): PositionCause,
    ("CollateralChanged", "reason"): CollateralReason,
    ("MarginChecked", "kind"): MarginCheck,
    ("Liquidated", "breach_cause"): BreachCause,
    ("IndexUpdated", "status"): OracleStatus,
}


_ALL = 2**255
"""From here on an amount stands for all there is (``CLOSE_ALL``)."""


def worded(
    contract: str, name: str, values: Mapping[str, int], person: Callable[[int], str]
) -> dict[str, str]:
    """Return the arguments of an event or a call as people read them.

    Parameters
    ----------
    contract
        Contract key, ``trading_desk``.
    name
        Name of the event, or of the entry point.
    values
        Every argument by name as an integer.
    person
        Participant -> name; asked only for numbers from 0.
    """
    return {field: _word(contract, name, field, value, person) for field, value in values.items()}


def _word(contract: str, name: str, field: str, value: int, person: Callable[[int], str]) -> str:
    if field in PEOPLE:
        return person(value) if value >= 0 else "a contract"
    codes = _CODES.get((name, field))
    if codes is not None and value in codes.__members__.values():
        return codes(value).name.lower().replace("_", " ")
    if value >= _ALL:
        return "all"
    if field in _TIMES and 0 <= value < 2**36:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if field in _UNITS.get((contract, name), ()):
        return f"{value:,} units"
    if field in _COUNTS or field in _TIMES or field.endswith("_seconds"):
        return str(value)
    unit = TOKEN_UNIT if field in _TOKENS.get((contract, name), ()) else WAD
    return plain_number(value, unit)


def plain_number(value: int, unit: int) -> str:
    """Return an amount with at most six places behind the point, or three figures if it is smaller.

    Examples
    --------
    >>> plain_number(-1_234_500_000_000_000_000_000, 10**18)
    '-1,234.5'
    """
    whole = value / unit
    if value and abs(whole) < 0.001:
        return f"{whole:.3g}"
    text = f"{whole:,.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def named(groups: Mapping[str, range]) -> Callable[[int], str]:
    """Return what names a participant: its group and its place there, ``traders:3 (participant 17)``.

    Parameters
    ----------
    groups
        Group -> numbers of its participants.
    """

    def person(number: int) -> str:
        for group, members in groups.items():
            if number in members:
                return f"{group}:{number - members.start} (participant {number})"
        return f"participant {number}"

    return person
