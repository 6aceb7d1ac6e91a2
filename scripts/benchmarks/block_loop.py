"""One full run of the block loop in a process of its own, so that its peak memory is its own.

The scenario is ``flash_crash`` without other worlds. With more accounts everything that bounds them grows in
proportion (pool, fund, depth, open interest limits): the same market with more people in it, and a real crash
in each case.

    python scripts/benchmarks/block_loop.py --accounts 10000

With ``--mechanisms`` it is two markets, plain or with most of what asks for margin: prices that move
together, three tenths of the accounts in portfolio mode, more with assets of 6, 8 and 18 decimals, estimators
and historical performance, and a whale in twenty linked accounts. The people are the same in both.

    python scripts/benchmarks/block_loop.py --mechanisms on
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.chain.chain import ENGINES, default_engine  # noqa: E402  (the path must be set first)
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import execute  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402

SCENARIO: Final = ROOT / "scenarios" / "flash_crash.toml"
BASE_ACCOUNTS: Final = 1_000  # what the scenario is calibrated for
_KIB_PER_MIB: Final = 1024 if sys.platform != "darwin" else 1024 * 1024  # ru_maxrss is in bytes on macOS

SCALED: Final = {
    "markets.0.impact.depth_per_percent": 2_000_000.0,
    "markets.0.pool.skew_scale": 200_000.0,
    "markets.0.pool.open_interest_cap_notional": 50_000_000.0,
    "protocol.pool.deposit": 15_000_000.0,
    "protocol.insurance_fund.deposit": 150_000.0,
    "protocol.insurance_fund.target_reserves": 300_000.0,
    "protocol.risk_model_parameters.open_interest_lower": 20_000_000.0,
    "protocol.risk_model_parameters.open_interest_upper": 50_000_000.0,
}
"""Values of the scenario, or its defaults, that grow with the number of accounts."""


SCALED_SEVERAL: Final = {
    f"markets.{market}.{key}": value
    for market in (0, 1)
    for key, value in (("impact.depth_per_percent", 1_000_000.0), ("pool.skew_scale", 1_000_000.0))
} | {"protocol.pool.deposit": 15_000_000.0, "protocol.insurance_fund.deposit": 150_000.0}
SEVERAL: Final = ROOT / "scenarios" / "contagion.toml"
SEVERAL_SIZE: Final = 2.5
"""Times the market of the scenario, which has 400 accounts."""
PAIR: Final = '[{ between = ["ETH", "BTC"], correlation = 0.8 }]'
CHOICE: Final = (
    "{ slow_weight = 1.0, range_weight = 1.0, true_range_weight = 1.0, implied_weight = 1.0, buffer = 0.25, "
    "floor_weight = 0.5, rise_per_hour = 0.7, fall_per_hour = 0.1 }"
)
ASSETS: Final = {"USDX": (6, 1.0, 0.02), "WBTC": (8, 40_000.0, 0.6), "STETH": (18, 1_250.0, 0.8)}
"""Name -> decimals, price, volatility."""
SPREAD: Final = "deviation = 0.4, minimum = 3.0, maximum = 15.0"
PEOPLE: Final = (
    ("plain", 0.4, "concentrated", {}),
    ("pledged", 0.3, "concentrated", {"collateral": '{ asset = "WBTC", share = 0.5 }'}),
    ("spread", 0.3, "hedged", {"mode": '"portfolio"', "collateral": '{ asset = "USDX", share = 0.5 }'}),
)
"""Cohort: its part of the accounts, how it holds both markets, what it does besides if everything is on."""
ESTIMATED: Final = "estimated = true, sample_seconds = 60, least_sample_count = 1"
EVERYTHING: Final = {
    "correlation": f'{{ copula = "t", degrees_of_freedom = 4, pairs = {PAIR} }}',
    "protocol.portfolio": f"{{ pairs = {PAIR}, {ESTIMATED} }}",
    "collaterals": "["
    + ", ".join(
        f'{{ name = "{name}", decimals = {decimals}, initial_price = {price}, '
        f"initial_volatility = {volatility}, deposit_cap = 1e9, "
        f'price = {{ kind = "gbm", volatility = {volatility} }} }}'
        for name, (decimals, price, volatility) in ASSETS.items()
    )
    + "]",
    "markets.0.estimator": CHOICE,
    "markets.1.estimator": CHOICE,
    "markets.0.performance": "{ yellow_multiplier = 1.133, red_multiplier = 1.333 }",
    "markets.1.performance": "{ yellow_multiplier = 1.133, red_multiplier = 1.333 }",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResult:
    """One measurement; seconds are wall-clock."""

    engine: str
    accounts: int
    blocks: int
    setup_seconds: float
    seconds: float
    blocks_per_second: float
    phases: dict[str, float]
    """Seconds by phase; ``reconcile`` is what no phase of the loop counts."""
    peak_memory_mib: float
    transactions: int
    liquidations: int
    digest: str


def people(accounts: int, *, is_on: bool) -> list[str]:
    """Return the cohorts and the whale of two markets, the same people with and without everything."""
    cohorts = []
    for name, share, style, more in PEOPLE:
        words = {
            "name": f'"{name}"',
            "count": round(share * accounts),
            "long_share": 0.8,
            "leverage": f"{{ distribution = 'lognormal', median = 8.0, {SPREAD} }}",
            "size": "{ distribution = 'pareto', minimum = 8_000.0, maximum = 400_000.0, shape = 1.5 }",
            "several": f"{{ markets = ['ETH', 'BTC'], style = '{style}' }}",
            **(more if is_on else {}),
        }
        cohorts.append("{ " + ", ".join(f"{key} = {value}" for key, value in words.items()) + " }")
    whale = "name = 'split', notional = 4_000_000.0, accounts = 20, leverage = 6.0"
    if is_on:
        whale += ", declared = true, collateral = { asset = 'STETH', share = 0.5 }"
    return [f"traders=[{', '.join(cohorts)}]", f"whales=[{{ {whale} }}]"]


def run_block_loop(engine: str, accounts: int, blocks: int, mechanisms: str | None = None) -> LoopResult:
    """Build the world, run its blocks, and return what it took."""
    overrides = [f"blocks={blocks}"]
    factor = accounts / BASE_ACCOUNTS
    if mechanisms is not None:
        overrides += [f"{key}={value * SEVERAL_SIZE * factor!r}" for key, value in SCALED_SEVERAL.items()]
        overrides += people(accounts, is_on=mechanisms == "on")
        if mechanisms == "on":
            overrides += [f"{key}={value}" for key, value in EVERYTHING.items()]
    else:
        overrides.append(f"traders.0.count={accounts}")
        if accounts > BASE_ACCOUNTS:
            overrides += [f"{key}={value * factor!r}" for key, value in SCALED.items()]
    scenario = load_scenario(SCENARIO if mechanisms is None else SEVERAL, overrides=overrides)
    options = RunOptions(out=Path("unused"), engine=engine, worlds="none")
    run = execute(scenario, options, {})
    phases = {name: float(getattr(run.loop.phases, name)) for name in type(run.loop.phases).__slots__}
    seconds = run.seconds["blocks"]
    phases["reconcile"] = seconds - sum(phases.values())
    return LoopResult(
        engine=engine,
        accounts=accounts,
        blocks=blocks,
        setup_seconds=run.seconds["setup"],
        seconds=seconds,
        blocks_per_second=blocks / seconds,
        phases=phases,
        peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_MIB,
        transactions=run.recorder.totals.transactions,
        liquidations=len(run.recorder.closes),
        digest=run.digest,
    )


def main() -> int:
    """Measure once and print a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=ENGINES, default=default_engine())
    parser.add_argument("--accounts", type=int, default=BASE_ACCOUNTS)
    parser.add_argument("--blocks", type=int, default=720)
    parser.add_argument("--mechanisms", choices=("off", "on"), help="two markets, plain or with everything")
    options = parser.parse_args()
    found = run_block_loop(options.engine, options.accounts, options.blocks, options.mechanisms)
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
