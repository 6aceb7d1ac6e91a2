"""How a metric's value is written in tables, and the words a reader may not know: one sentence each."""

from sim.metrics.book import Metric
from sim.reporting.formatting import number, percent, significant


def write_value(metric: Metric, value: object) -> str:
    """Write the value that one run has of a metric, without its unit."""
    if metric.kind == "amount":
        return number(value, 2)
    if metric.kind == "share":
        return percent(value, 2)
    return significant(value, 4) if metric.kind in ("price", "factor") else number(value)


GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Notional", "size of a position times the price: what it is worth, not what was paid in."),
    ("Equity", "collateral plus unrealised gains and losses, less funding owed."),
    ("Initial margin ratio", "equity needed to open or enlarge a position, as a share of its notional."),
    ("Maintenance margin ratio", "equity needed to keep a position; below it the account may be liquidated."),
    ("Ramp", "limit on how fast the maintenance ratio of positions already open may rise."),
    ("Index price", "weighted median of what the oracle's reporters last said."),
    ("Risk price", "index price with its moves limited, used by the contracts to judge solvency."),
    ("Fundamental price", "the external price without the impact of any flow of ours."),
    ("Forced flow", "trades nobody chose: liquidations and what follows from them on the outside market."),
    ("World", "a run on the same random numbers in which something does not act; causes are differences."),
    ("Excess", "what is liquidated less what is liquidated where forced selling moves no price outside."),
    ("Brought forward", "liquidated in both worlds, and earlier by more than a block in the run."),
    ("Bad debt", "what closed accounts owed beyond their collateral and fund, winners or pool have borne."),
    (
        "Auto-deleveraging",
        "closing winners' positions at a haircut to pay for what the fund cannot.",
    ),
    ("Socialised loss", "bad debt left after fund and auto-deleveraging, borne by liquidity providers."),
    ("Base fee", "price of gas set by the chain itself; it rises while blocks are more than half full."),
    ("Keeper", "whoever sends oracle reports; like everyone else it has to pay for inclusion."),
    ("Digest", "fingerprint of all receipts and the final state; the same run gives the same one anywhere."),
)
