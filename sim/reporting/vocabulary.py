"""What every key of ``summary.json`` means, and the words a reader may not know: one sentence each."""

from collections.abc import Callable
from dataclasses import dataclass

from sim.reporting.formatting import number, percent, significant


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """How one key of the summary is labelled, written and explained."""

    label: str
    unit: str
    meaning: str
    write: Callable[[object], str]
    section: str


def _count(value: object) -> str:
    return number(value)


def _money(value: object) -> str:
    return number(value, 2)


def _share(value: object) -> str:
    return percent(value, 2)


def _plain(value: object) -> str:
    return significant(value, 4)


_ROWS: tuple[tuple[str, str, str, str, Callable[[object], str], str], ...] = (
    ("blocks", "Blocks", "count", "blocks simulated", _count, "Run"),
    ("transactions", "Transactions", "count", "transactions included in a block", _count, "Run"),
    (
        "reverted",
        "Reverted",
        "count",
        "included transactions that failed; their gas was paid all the same",
        _count,
        "Run",
    ),
    ("price_start", "Price at the start", "USDC", "external price in the first block", _plain, "Price"),
    ("price_min", "Lowest price", "USDC", "lowest external price", _plain, "Price"),
    ("price_end", "Price at the end", "USDC", "external price in the last block", _plain, "Price"),
    (
        "liquidations",
        "Liquidations",
        "count",
        "forced closings, partial ones included; one account can have several",
        _count,
        "Cascade",
    ),
    (
        "liquidated_notional",
        "Liquidated notional",
        "USDC",
        "sum of the notional closed by liquidations",
        _money,
        "Cascade",
    ),
    (
        "endogenous_share",
        "Endogenous share",
        "of liquidated notional",
        (
            "part of the notional whose account would have been healthy at the fundamental price, or with "
            "margin ratios frozen at the start"
        ),
        _share,
        "Cascade",
    ),
    (
        "margin_induced_liquidations",
        "Margin-induced liquidations",
        "count",
        "liquidations that would not have happened with margin ratios frozen at the start",
        _count,
        "Cascade",
    ),
    (
        "branching_ratio",
        "Branching ratio",
        "ratio",
        "share of the liquidations that hang on an earlier one; the closer to 1, the longer the chains",
        _plain,
        "Cascade",
    ),
    (
        "cascade_size_max",
        "Largest cascade",
        "liquidations",
        "most liquidations traced back to one first domino",
        _count,
        "Cascade",
    ),
    (
        "cascade_depth_max",
        "Deepest cascade",
        "generations",
        "longest chain of liquidations, each set off by the one before",
        _count,
        "Cascade",
    ),
    (
        "amplification",
        "Amplification",
        "ratio",
        "peak-to-trough fall of this run over that of its twin with forced flow switched off",
        _plain,
        "Cascade",
    ),
    (
        "bad_debt",
        "Bad debt",
        "USDC",
        "losses beyond the collateral of closed accounts, before anyone covers them",
        _money,
        "Losses",
    ),
    (
        "insurance_fund_start",
        "Insurance fund, start",
        "USDC",
        "reserves in the first block",
        _money,
        "Losses",
    ),
    (
        "insurance_fund_min",
        "Insurance fund, lowest",
        "USDC",
        "smallest reserves at the end of any block",
        _money,
        "Losses",
    ),
    ("insurance_fund_end", "Insurance fund, end", "USDC", "reserves in the last block", _money, "Losses"),
    ("fund_depleted", "Fund depleted", "", "whether the reserves ever reached zero", _count, "Losses"),
    (
        "auto_deleveraged_notional",
        "Auto-deleveraged notional",
        "USDC",
        "winning positions closed against the winners' will because the fund was empty",
        _money,
        "Losses",
    ),
    (
        "socialized_loss",
        "Socialised loss",
        "USDC",
        "loss written off against the liquidity pool's shares",
        _money,
        "Losses",
    ),
    (
        "margin_calls",
        "Margin calls",
        "count",
        "times an account fell under its margin-call level",
        _count,
        "Margin",
    ),
    (
        "cured_margin_calls",
        "Cured margin calls",
        "count",
        "margin calls met by a top-up or a reduction",
        _count,
        "Margin",
    ),
    (
        "mean_initial_margin_ratio",
        "Mean initial margin",
        "of notional",
        "time mean of the notional-weighted requirement to open",
        _share,
        "Margin",
    ),
    (
        "mean_maintenance_margin_ratio",
        "Mean maintenance margin",
        "of notional",
        "time mean of the notional-weighted requirement to stay open",
        _share,
        "Margin",
    ),
    (
        "peak_to_trough_margin",
        "Peak to trough of margin",
        "ratio",
        "largest over smallest margin ratio during the run: 1 is not procyclical at all",
        _plain,
        "Margin",
    ),
    (
        "max_1h_margin_increase",
        "Largest increase in 1 h",
        "relative",
        "largest relative rise of the margin ratio within one hour",
        _share,
        "Margin",
    ),
    (
        "margin_coverage",
        "Margin coverage",
        "of windows",
        (
            "part of the positions and windows whose loss over the margin period of risk stayed within "
            "the margin held"
        ),
        _share,
        "Margin",
    ),
    ("breaches", "Breaches", "count", "windows in which the loss exceeded the margin", _count, "Margin"),
    (
        "mean_breach_size",
        "Mean breach size",
        "of margin",
        "mean of loss over margin, less one, in those windows",
        _share,
        "Margin",
    ),
    (
        "liquidator_profit",
        "Liquidators' profit",
        "USDC",
        "bounties and tips less costs, all liquidators together",
        _money,
        "Chain",
    ),
    (
        "oracle_staleness_max_seconds",
        "Oldest oracle price",
        "seconds",
        "greatest age of the index at the end of a block",
        _count,
        "Chain",
    ),
    (
        "base_fee_max_gwei",
        "Highest base fee",
        "gwei",
        "price of gas every included transaction must pay",
        _plain,
        "Chain",
    ),
    (
        "invariants_checked",
        "Invariants checked",
        "count",
        "checks of conservation and solvency made over all blocks",
        _count,
        "Chain",
    ),
    (
        "invariant_violations",
        "Invariant violations",
        "count",
        "checks that failed; any but zero makes the run worthless",
        _count,
        "Chain",
    ),
    ("price_max", "Highest price", "USDC", "highest external price", _plain, "Price"),
    (
        "price_drawdown",
        "Largest fall",
        "of the peak",
        "peak-to-trough fall of the external price",
        _share,
        "Price",
    ),
    (
        "twin_price_drawdown",
        "Largest fall, twin",
        "of the peak",
        "the same in the twin run with forced flow switched off",
        _share,
        "Price",
    ),
    (
        "price_overshoot",
        "Overshoot",
        "of fundamental",
        "largest fall of the external price below the fundamental price",
        _share,
        "Price",
    ),
    (
        "open_interest_start",
        "Open interest, start",
        "USDC",
        "notional of all positions, both sides, after the first block",
        _money,
        "Margin",
    ),
    ("fund_draws", "Paid by the fund", "USDC", "bad debt covered by the insurance fund", _money, "Losses"),
    (
        "auto_deleverage_haircuts",
        "Auto-deleveraging haircuts",
        "USDC",
        "bad debt taken from the gains of winners",
        _money,
        "Losses",
    ),
    (
        "pending_deficit_end",
        "Pending deficit, end",
        "USDC",
        "negative collateral of closed accounts not yet resolved",
        _money,
        "Losses",
    ),
    (
        "negative_equity_end",
        "Unbooked loss, end",
        "USDC",
        "negative equity of accounts still open: bad debt nobody found worth liquidating",
        _money,
        "Losses",
    ),
    (
        "margin_coverage_pairs",
        "Coverage, pairs",
        "count",
        "positions and windows that margin coverage was measured on",
        _count,
        "Margin",
    ),
    (
        "liquidator_tips",
        "Tips",
        "USDC",
        "paid by the fund to liquidators where the bounty was below the minimum",
        _money,
        "Chain",
    ),
    ("index_price_start", "Index at the start", "USDC", "oracle index in the first block", _plain, "Price"),
)

METRICS: dict[str, Metric] = {
    key: Metric(label=label, unit=unit, meaning=meaning, write=write, section=section)
    for key, label, unit, meaning, write, section in _ROWS
}

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Notional", "size of a position times the price: what it is worth, not what was paid in."),
    ("Equity", "collateral plus unrealised gains and losses, less funding owed."),
    ("Initial margin ratio", "equity needed to open or enlarge a position, as a share of its notional."),
    ("Maintenance margin ratio", "equity needed to keep a position; below it the account may be liquidated."),
    ("Ramp", "limit on how fast the maintenance ratio of positions already open may rise."),
    ("Index price", "weighted median of what the oracle's reporters last said."),
    ("Risk price", "index price with its moves limited, used by the contracts to judge solvency."),
    ("Fundamental price", "the external price as it would be had no forced trade ever touched it."),
    ("Forced flow", "trades nobody chose: liquidations and what follows from them on the outside market."),
    ("Exogenous liquidation", "one that the outside price alone would have caused."),
    ("Endogenous liquidation", "one that needed the market's own forced selling, or a raised margin ratio."),
    ("First domino", "the liquidation at the start of a chain; it needed no other."),
    ("Bad debt", "what a closed account owes beyond its collateral."),
    (
        "Auto-deleveraging",
        "closing winners' positions at a haircut to pay for bad debt when the fund is empty.",
    ),
    ("Socialised loss", "bad debt left after fund and auto-deleveraging, borne by liquidity providers."),
    ("Base fee", "price of gas set by the chain itself; it rises while blocks are more than half full."),
    ("Keeper", "whoever sends oracle reports; like everyone else it has to pay for inclusion."),
    ("Digest", "fingerprint of all receipts and the final state; the same run gives the same one anywhere."),
)
