"""Who lost and who gained: the result of every group that put money in, and the losses by leverage."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sim.reporting.figures.style import COLORS, Figure, array, panel_layout, plain
from sim.reporting.findings.run.context import group_label
from sim.reporting.run_folder import FloatArray, RunFolder, column, has_columns

LEVERAGE_EDGES = (0.0, 2.0, 5.0, 10.0, 20.0, np.inf)
PROTOCOL_GROUPS = {
    "liquidity_providers": "Liquidity providers (pool)",
    "fund_backers": "Insurance fund",
    "liquidators": "Liquidators",
    "keepers": "Oracle keepers",
}
"""Group -> what stands in for it where the accounts table has no such group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One group's outcome, quote units; None where it does not apply."""

    name: str
    members: int | None
    start: float | None
    result: float | None
    liquidated: int | None
    liquidated_notional: float | None
    fees_paid: float | None
    funding_paid: float | None
    topped_up: float | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageBand:
    """Accounts that started with leverage in one range."""

    label: str
    accounts: int
    liquidated: int
    start: float
    result: float


def parties(run: RunFolder) -> list[Party]:
    """Return every group in the order of the accounts table, then what stands in for missing ones."""
    found = _groups(run)
    present = set()
    if has_columns(run.accounts, ["group"]):
        present = {str(group).partition(":")[0] for group in run.accounts["group"].unique()}
    return found + [party for key, party in _stand_ins(run) if key not in present]


def _stand_ins(run: RunFolder) -> Iterator[tuple[str, Party]]:
    rows = run.protocol_blocks
    if has_columns(rows, ["pool_assets"]):
        assets = column(rows, "pool_assets")
        note = "change in pool assets, deposits and redemptions included"
        yield _stand_in("liquidity_providers", float(assets[0]), float(assets[-1] - assets[0]), note)
    start, end = run.summary.get("insurance_fund_start"), run.summary.get("insurance_fund_end")
    if start is not None and end is not None:
        note = "change in reserves, contributions included"
        yield _stand_in("fund_backers", float(start), float(end) - float(start), note)
    profit = run.summary.get("liquidator_profit")
    if profit is not None:
        yield _stand_in("liquidators", None, float(profit), "profit as in the summary")
    cost = _gas_cost(run, "report")
    if cost is not None:
        yield _stand_in("keepers", None, -cost, "gas of their reports, at the scenario's price of ETH")


def leverage_bands(run: RunFolder) -> list[LeverageBand]:
    """Return outcomes by starting leverage, lowest band first; empty bands are left out."""
    if not has_columns(run.accounts, ["leverage_start", "liquidations", "equity_end", "collateral_start"]):
        return []
    leverage = column(run.accounts, "leverage_start")
    liquidated = column(run.accounts, "liquidations") > 0
    start = column(run.accounts, "collateral_start")
    result = account_results(run.accounts)
    bands = []
    for low, high in pairwise(LEVERAGE_EDGES):
        inside = (leverage > low) & (leverage <= high)
        if not inside.any():
            continue
        bands.append(
            LeverageBand(
                label=f"over {low:g}×"
                if np.isinf(high)
                else f"up to {high:g}×"
                if low == 0
                else f"{low:g}× to {high:g}×",
                accounts=int(inside.sum()),
                liquidated=int(liquidated[inside].sum()),
                start=float(np.nansum(start[inside])),
                result=float(np.nansum(result[inside])),
            )
        )
    return bands


def account_results(accounts: pd.DataFrame) -> FloatArray:
    """Return each account's gain or loss, quote units.

    The recorded profit where there is one (equity, wallet and vault shares, less gas); otherwise equity at
    the end less collateral at the start and later top-ups.
    """
    if "profit" in accounts:
        return column(accounts, "profit")
    added = np.nan_to_num(column(accounts, "topped_up"))
    return column(accounts, "equity_end") - column(accounts, "collateral_start") - added


def parties_figure(found: list[Party]) -> Figure | None:
    """Draw each group's gain or loss as a bar."""
    drawn = [party for party in found if party.result is not None and np.isfinite(party.result)]
    if not drawn:
        return None
    results = [float(party.result or 0.0) for party in drawn]
    layout = panel_layout([""])
    layout |= {"hovermode": "closest", "showlegend": False, "margin": {"l": 20, "r": 40, "t": 10, "b": 44}}
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False, "type": "category", "nticks": 0}
    layout["xaxis"] |= {
        "title": {"text": "gain (right) or loss (left), USDC", "standoff": 6},
        "showgrid": True,
        "zeroline": True,
        "tickformat": "~s",
    }
    return Figure(
        key="parties",
        title="Who lost, who gained",
        caption=(
            "Result of each group over the run: the change of everything its members have (equity, "
            "wallet, vault shares), realised or not, less gas. The bars need not sum to zero: hedges and "
            "arbitrageurs' other legs are settled outside, and gas is paid to the chain."
        ),
        traces=[
            {
                "type": "bar",
                "orientation": "h",
                "y": [plain(party.name) for party in drawn],
                "x": array(np.array(results), "f8"),
                "marker": {
                    "color": [COLORS["gain" if one >= 0 else "loss"] for one in results],
                    "line": {"width": 0},
                },
                "hovertemplate": "%{y}: %{x:,.0f} USDC<extra></extra>",
            }
        ],
        layout=layout,
        height=90 + 34 * len(drawn),
        description="Bars of each group's gain or loss.",
    )


def _groups(run: RunFolder) -> list[Party]:
    if not has_columns(run.accounts, ["account", "group", "equity_end", "collateral_start"]):
        return []
    results = account_results(run.accounts)
    found = []
    for name in dict.fromkeys(run.accounts["group"].astype(str)):  # in the order of the table
        mine = (run.accounts["group"].astype(str) == name).to_numpy()
        rows = run.accounts[mine]

        def total(key: str, rows: pd.DataFrame = rows) -> float:
            return float(np.nansum(column(rows, key)))

        found.append(
            Party(
                name=group_label(run, name),
                members=int(mine.sum()),
                start=total("equity_start" if "equity_start" in rows else "collateral_start"),
                result=float(np.nansum(results[mine])),
                liquidated=int((column(rows, "liquidations") > 0).sum()) if "liquidations" in rows else None,
                liquidated_notional=total("liquidated_notional") if "liquidated_notional" in rows else None,
                fees_paid=total("fees_paid") if "fees_paid" in rows else None,
                funding_paid=total("funding_paid") if "funding_paid" in rows else None,
                topped_up=total("topped_up") if "topped_up" in rows else None,
            )
        )
    return found


def _stand_in(key: str, start: float | None, result: float, note: str) -> tuple[str, Party]:
    return key, Party(
        name=PROTOCOL_GROUPS[key],
        members=None,
        start=start,
        result=result,
        liquidated=None,
        liquidated_notional=None,
        fees_paid=None,
        funding_paid=None,
        topped_up=None,
        note=note,
    )


def _gas_cost(run: RunFolder, kind: str) -> float | None:
    """Return the quote cost of all transactions of one kind, or None where it cannot be known."""
    chain = run.scenario.get("chain")
    price = chain.get("native_price") if isinstance(chain, dict) else None
    if not isinstance(price, (int, float)) or not has_columns(run.transactions, ["kind", "fee_paid_eth"]):
        return None
    mine = run.transactions[run.transactions["kind"].astype(str) == kind]
    return float(np.nansum(column(mine, "fee_paid_eth"))) * float(price) if len(mine) else None
