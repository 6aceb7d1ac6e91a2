"""The numbers of one path: its summary as floats, and ratios that compare books of different size.

Every metric says what it measures, in which unit, and whether more of it is worse, so that whatever compares,
searches or draws paths needs to know no metric by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Family = Literal["coverage", "severity", "cascade", "procyclicality", "efficiency", "other"]
Kind = Literal["amount", "ratio", "event"]

DUST = 1e-6
"""Uncovered loss, as a share of open interest, up to which a path counts as solvent.

Assumption: rounding of single closes leaves less than a millionth; the smallest loss of interest is larger.
"""

WORSE, NEUTRAL, BETTER = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Metric:
    """What a column of path metrics means."""

    name: str
    unit: str
    """``quote``, ``1`` for a pure number, or the unit itself (``s``, ``gwei``, ``blocks``)."""
    family: Family
    direction: int
    """1 if more is worse for the protocol, -1 if more is better, 0 if neither."""
    kind: Kind
    """``event`` is 0 or 1, ``ratio`` has no dimension, everything else is an ``amount``."""
    description: str


_OF_THE_SUMMARY = (
    Metric("blocks", "blocks", "other", NEUTRAL, "amount", "Blocks simulated."),
    Metric("transactions", "1", "other", NEUTRAL, "amount", "Transactions included in blocks."),
    Metric("reverted", "1", "other", NEUTRAL, "amount", "Included transactions that reverted."),
    Metric("liquidations", "1", "cascade", WORSE, "amount", "Liquidations, partial ones counted singly."),
    Metric("liquidated_notional", "quote", "cascade", WORSE, "amount", "Notional closed by liquidation."),
    Metric("endogenous_share", "1", "cascade", WORSE, "ratio",
           "Share of liquidated notional that earlier liquidations caused."),
    Metric("margin_induced_liquidations", "1", "procyclicality", WORSE, "amount",
           "Liquidations that margin ratios frozen at the start would have avoided."),
    Metric("branching_ratio", "1", "cascade", WORSE, "ratio", "Liquidations caused by one liquidation."),
    Metric("cascade_size_max", "1", "cascade", WORSE, "amount", "Liquidations in the largest cascade."),
    Metric("cascade_depth_max", "1", "cascade", WORSE, "amount", "Generations of the deepest cascade."),
    Metric("amplification", "1", "cascade", WORSE, "ratio",
           "Fall of the outside price over its fall without forced flow; needs the twin."),
    Metric("bad_debt", "quote", "severity", WORSE, "amount", "Loss beyond collateral of closed accounts."),
    Metric("insurance_fund_start", "quote", "other", NEUTRAL, "amount", "Fund before block 0."),
    Metric("insurance_fund_min", "quote", "severity", BETTER, "amount", "Fund at its lowest."),
    Metric("insurance_fund_end", "quote", "severity", BETTER, "amount", "Fund after the last block."),
    Metric("fund_depleted", "1", "severity", WORSE, "event", "Whether the fund was empty at some time."),
    Metric("auto_deleveraged_notional", "quote", "severity", WORSE, "amount",
           "Notional of winners closed to cover what the fund could not."),
    Metric("socialized_loss", "quote", "severity", WORSE, "amount", "Loss charged to the pool's providers."),
    Metric("margin_calls", "1", "procyclicality", WORSE, "amount", "Margin calls made."),
    Metric("cured_margin_calls", "1", "procyclicality", NEUTRAL, "amount", "Margin calls met in time."),
    Metric("mean_initial_margin_ratio", "1", "efficiency", WORSE, "ratio",
           "Initial margin over notional, weighted by open interest and time."),
    Metric("mean_maintenance_margin_ratio", "1", "efficiency", WORSE, "ratio",
           "Maintenance margin over notional, weighted by open interest and time."),
    Metric("peak_to_trough_margin", "1", "procyclicality", WORSE, "ratio",
           "Highest over lowest maintenance ratio of a position held throughout."),
    Metric("max_1h_margin_increase", "1", "procyclicality", WORSE, "ratio",
           "Largest rise of that ratio within one hour, relative."),
    Metric("margin_coverage", "1", "coverage", BETTER, "ratio",
           "Share of (position, window) pairs whose loss stayed within maintenance margin."),
    Metric("breaches", "1", "coverage", WORSE, "amount",
           "(Position, window) pairs whose loss went beyond maintenance margin."),
    Metric("mean_breach_size", "1", "coverage", WORSE, "ratio", "Loss beyond margin, relative, per breach."),
    Metric("liquidator_profit", "quote", "other", NEUTRAL, "amount", "Bounties less gas, all liquidators."),
    Metric("oracle_staleness_max_seconds", "s", "other", WORSE, "amount", "Greatest age of an oracle price."),
    Metric("base_fee_max_gwei", "gwei", "other", NEUTRAL, "amount", "Highest base fee."),
    Metric("invariants_checked", "1", "other", NEUTRAL, "amount", "Invariants checked."),
    Metric("invariant_violations", "1", "other", WORSE, "amount", "Invariants found broken."),
    Metric("price_start", "quote", "other", NEUTRAL, "amount", "Outside price at the start."),
    Metric("price_min", "quote", "other", NEUTRAL, "amount", "Lowest outside price."),
    Metric("price_end", "quote", "other", NEUTRAL, "amount", "Outside price at the end."),
    Metric("fund_draws", "quote", "severity", WORSE, "amount", "Paid out by the fund, refills not netted."),
    Metric("auto_deleverage_haircuts", "quote", "severity", WORSE, "amount",
           "Profit that deleveraged winners gave up."),
    Metric("pending_deficit_end", "quote", "severity", WORSE, "amount", "Booked loss not yet covered."),
    Metric("negative_equity_end", "quote", "severity", WORSE, "amount",
           "What accounts still open owe beyond their collateral."),
    Metric("liquidator_tips", "quote", "other", NEUTRAL, "amount", "Tips from the fund to liquidators."),
    Metric("margin_coverage_pairs", "1", "coverage", NEUTRAL, "amount", "(Position, window) pairs examined."),
    Metric("price_drawdown", "1", "cascade", WORSE, "ratio", "Peak-to-trough fall of the outside price."),
    Metric("price_overshoot", "1", "cascade", WORSE, "ratio",
           "Deepest that flow pressed the outside price below its fundamental, relative."),
    Metric("open_interest_start", "quote", "efficiency", NEUTRAL, "amount", "Open interest before block 0."),
    Metric("twin_price_drawdown", "1", "other", NEUTRAL, "ratio",
           "Peak-to-trough fall of the price without forced flow; needs the twin."),
    Metric("index_price_start", "quote", "other", NEUTRAL, "amount", "Oracle price at the start."),
)  # fmt: skip

_DERIVED = (
    Metric("liquidated_share", "1", "cascade", WORSE, "ratio",
           "Liquidated notional over open interest at the start."),
    Metric("bad_debt_ratio", "1", "severity", WORSE, "ratio", "Bad debt over open interest at the start."),
    Metric("fund_drawdown", "1", "severity", WORSE, "ratio",
           "Fall of the fund from start to lowest, over its start; none without a fund."),
    Metric("fund_drain", "1", "severity", WORSE, "ratio",
           "Fall of the fund from start to lowest, over open interest at the start."),
    Metric("uncovered_loss", "quote", "severity", WORSE, "amount",
           "What neither account nor fund paid: socialized, haircut, pending, negative equity."),
    Metric("uncovered_loss_ratio", "1", "severity", WORSE, "ratio",
           "Uncovered loss, the fund's shortfall, over open interest at the start."),
    Metric("insolvent", "1", "severity", WORSE, "event",
           "Whether the uncovered loss is above a millionth of open interest at the start."),
    Metric("any_liquidation", "1", "cascade", WORSE, "event", "Whether anything was liquidated."),
    Metric("margin_induced_share", "1", "procyclicality", WORSE, "ratio",
           "Margin-induced liquidations over liquidations; 0 if there were none."),
    Metric("bad_debt_per_liquidated", "1", "severity", WORSE, "ratio",
           "Bad debt over liquidated notional; 0 if there was none."),
    Metric("any_breach", "1", "coverage", WORSE, "event", "Whether any loss went beyond its margin."),
)  # fmt: skip

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*_OF_THE_SUMMARY, *_DERIVED)}
)
"""Every metric by name: the summary's keys in their order, then those derived from them."""


def path_metrics(summary: Mapping[str, object]) -> dict[str, float | None]:
    """Return the metrics of one path.

    Parameters
    ----------
    summary
        ``summary.json`` of the path.

    Returns
    -------
    dict
        Name -> value, in the order of `METRICS`: every number of the summary as it is there, true and false
        as 1 and 0, then the derived ones. None where a metric is not defined: the amplification of a run
        without a twin, a ratio to an open interest or a fund that is zero.

    Notes
    -----
    ``uncovered_loss`` is the fund's shortfall of the literature: the loss beyond collateral and fund that
    somebody else bears or that is still open when the path ends. What the path's end cuts short is counted
    (``negative_equity_end``), or a late crash would look harmless.
    """
    found: dict[str, float | None] = {
        name: None if value is None else float(value)
        for name, value in summary.items()
        if value is None or isinstance(value, bool | int | float)
    }

    def amount(name: str) -> float:
        return found.get(name) or 0.0

    open_interest = amount("open_interest_start")
    fund = amount("insurance_fund_start")
    fall = max(fund - amount("insurance_fund_min"), 0.0)
    uncovered = (
        amount("socialized_loss")
        + amount("auto_deleverage_haircuts")
        + amount("pending_deficit_end")
        + amount("negative_equity_end")
    )
    found["liquidated_share"] = _ratio(amount("liquidated_notional"), open_interest)
    found["bad_debt_ratio"] = _ratio(amount("bad_debt"), open_interest)
    found["fund_drawdown"] = _ratio(fall, fund)
    found["fund_drain"] = _ratio(fall, open_interest)
    found["uncovered_loss"] = uncovered
    found["uncovered_loss_ratio"] = _ratio(uncovered, open_interest)
    found["insolvent"] = float(uncovered > DUST * open_interest)
    found["any_liquidation"] = float(amount("liquidations") > 0.0)
    found["margin_induced_share"] = _ratio(amount("margin_induced_liquidations"), amount("liquidations"), 0.0)
    found["bad_debt_per_liquidated"] = _ratio(amount("bad_debt"), amount("liquidated_notional"), 0.0)
    found["any_breach"] = float(amount("breaches") > 0.0)
    return found


def _ratio(part: float, whole: float, otherwise: float | None = None) -> float | None:
    return part / whole if whole > 0.0 else otherwise
