"""``summary.json`` of a run: the keys of the design, numbers in quote units unless named otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.core.portable_math import ordered_sum
from sim.core.units import GWEI, WAD
from sim.engine.blocks.recorder import Recorder
from sim.protocol.state import MarketState, ProtocolState

Summary = dict[str, object]


def build_summary(
    *,
    recorder: Recorder,
    digest: str,
    blocks: int,
    before: ProtocolState,
    after: ProtocolState,
    first: MarketState,
    external_start: float,
    external_end: float,
    native_price: float,
    invariants_checked: int,
    invariant_violations: int,
    twin_drawdown: float | None,
    unbooked_loss: float,
) -> Summary:
    """Return the summary of a finished run.

    Notes
    -----
    ``amplification`` is the peak-to-trough fall of the outside price over that of the twin run without
    forced flow; None without a twin or when the twin's price did not fall.
    ``negative_equity_end`` is what accounts still open at the end owe beyond their collateral: bad debt
    that nobody found worth liquidating, and so nobody booked.
    ``margin_coverage`` is None when no position was open at the start of any window.
    """
    totals, forest = recorder.totals, recorder.forest
    weight = ordered_sum(np.array(totals.notional))
    initial = ordered_sum(np.array(totals.initial_weighted))
    maintenance = ordered_sum(np.array(totals.maintenance_weighted))
    liquidated = totals.liquidated_notional
    amplification = totals.drawdown / twin_drawdown if twin_drawdown else None
    gas_quote = totals.liquidator_gas_wei / WAD * native_price
    return {
        "digest": digest,
        "blocks": blocks,
        "transactions": totals.transactions,
        "reverted": totals.reverted,
        "liquidations": len(forest),
        "liquidated_notional": liquidated,
        "endogenous_share": totals.endogenous_notional / liquidated if liquidated else 0.0,
        "margin_induced_liquidations": totals.margin_induced,
        "branching_ratio": forest.branching_ratio,
        "cascade_size_max": forest.size_max,
        "cascade_depth_max": forest.depth_max,
        "amplification": amplification,
        "bad_debt": _quote(after.bad_debt - before.bad_debt),
        "insurance_fund_start": _quote(before.fund_reserves),
        "insurance_fund_min": _quote(min(totals.fund_min, before.fund_reserves)),
        "insurance_fund_end": _quote(after.fund_reserves),
        "fund_depleted": totals.fund_min == 0,
        "auto_deleveraged_notional": totals.auto_deleveraged_notional,
        "socialized_loss": _quote(after.socialized_loss - before.socialized_loss),
        "margin_calls": totals.margin_calls,
        "cured_margin_calls": totals.cured_margin_calls,
        "mean_initial_margin_ratio": initial / weight if weight else 0.0,
        "mean_maintenance_margin_ratio": maintenance / weight if weight else 0.0,
        "peak_to_trough_margin": recorder.procyclicality.peak_to_trough,
        "max_1h_margin_increase": recorder.procyclicality.max_increase,
        "margin_coverage": recorder.coverage.coverage,
        "breaches": recorder.coverage.breaches,
        "mean_breach_size": recorder.coverage.mean_breach_size,
        "liquidator_profit": totals.bounties / WAD - gas_quote,
        "oracle_staleness_max_seconds": totals.oracle_age_max,
        "base_fee_max_gwei": totals.base_fee_max / GWEI,
        "invariants_checked": invariants_checked,
        "invariant_violations": invariant_violations,
        "price_start": external_start,
        "price_min": totals.price_min,
        "price_end": external_end,
        # Beyond the design's list.
        "fund_draws": _quote(after.fund_draws - before.fund_draws),
        "auto_deleverage_haircuts": _quote(after.haircuts - before.haircuts),
        "pending_deficit_end": _quote(after.pending_deficit),
        "negative_equity_end": unbooked_loss,
        "liquidator_tips": _quote(after.tips - before.tips),
        "margin_coverage_pairs": recorder.coverage.pairs,
        "price_drawdown": totals.drawdown,
        "price_overshoot": totals.overshoot,
        "open_interest_start": totals.notional[0] if totals.notional else 0.0,
        "twin_price_drawdown": twin_drawdown,
        "index_price_start": first.index_price / WAD,
    }


def _quote(value: int) -> float:
    return value / WAD


def check_expectations(
    expectations: Mapping[str, Mapping[str, object]], summary: Mapping[str, object]
) -> list[tuple[str, bool]]:
    """Return one (line, passed) for each bound of a scenario's ``[expect]``.

    Parameters
    ----------
    expectations
        Summary key -> {"min": x, "max": y, "equals": z}, any of them.
    """
    results: list[tuple[str, bool]] = []
    for key, bounds in expectations.items():
        value = summary.get(key)
        for bound, limit in bounds.items():
            if bound == "equals":
                passed, sign = value == limit, "=="
            elif not isinstance(value, int | float) or not isinstance(limit, int | float):
                passed, sign = False, bound
            elif bound == "min":
                passed, sign = value >= limit, ">="
            else:
                passed, sign = value <= limit, "<="
            shown = f"{value:.6g}" if isinstance(value, float) else str(value)
            results.append((f"{key} {sign} {limit}: was {shown}", passed))
    return results
