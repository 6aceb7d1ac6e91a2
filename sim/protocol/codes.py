"""Codes of the contracts by name; a test holds each against the constants of the sources."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class PositionCause(IntEnum):
    """Why a position changed (``ILedger.PositionChanged``; ``lib/constants.vy``)."""

    TRADE = 0
    LIQUIDATION = 1
    DELEVERAGE = 2


class AccountMode(IntEnum):
    """How an account is margined (``ILedger.Account``; ``lib/constants.vy``)."""

    CROSS = 0
    ISOLATED = 1
    PORTFOLIO = 2


class CollateralReason(IntEnum):
    """Why collateral changed other than by a fill (``ILedger.CollateralChanged``)."""

    LIQUIDATION_FEE = 1
    FUND_COVER = 2
    HAIRCUT = 3
    SOCIALIZED = 4
    UNPAID_GAIN = 6
    GAIN_HELD = 7
    GAIN_COLLECTED = 8


class MarginCheck(IntEnum):
    """Which requirement was checked (``IRiskEngine.MarginChecked``; ``modules/account_risk.vy``)."""

    INITIAL = 0
    MAINTENANCE = 1
    WITHDRAW = 2


class BreachCause(IntEnum):
    """What moved an account under maintenance (``ILiquidationEngine.Liquidated``)."""

    PRICE = 0
    PARAMETER = 1


class OracleStatus(IntEnum):
    """Ladder of an asset's price, worst last (``lib/constants.vy``)."""

    VALID = 0
    UNCERTAIN = 1
    INSUFFICIENT = 2
    STALE = 3
    TOO_VOLATILE = 4
    NONE = 5


class Refusal(StrEnum):
    """Reasons of the contracts that somebody acts on: what they say when they revert."""

    MARGIN_TOO_LOW = "margin_checks: margin too low"
    OWES_QUOTE = "margin_checks: owes quote"
    PRICE_NOT_VALID = "margin_checks: price not valid"
    POSITION_TOO_SMALL = "trading: position too small"
    OPEN_INTEREST_CAP = "trading: open interest cap"
    NO_GOOD_ANSWER = "formulas: no good answer"
    NO_HAIRCUT = "formulas: no haircut"
