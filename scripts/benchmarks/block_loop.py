"""One full run of the block loop in a process of its own, so that its peak memory is its own.

The scenario is ``flash_crash`` without other worlds. With more accounts everything that bounds them grows in
proportion (pool, fund, depth, open interest limits): the same market with more people in it, and a real crash
in each case.

    python scripts/benchmarks/block_loop.py --accounts 10000
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


def run_block_loop(engine: str, accounts: int, blocks: int) -> LoopResult:
    """Build the world, run its blocks, and return what it took."""
    overrides = [f"blocks={blocks}", f"traders.0.count={accounts}"]
    if accounts > BASE_ACCOUNTS:
        factor = accounts / BASE_ACCOUNTS
        overrides += [f"{key}={value * factor!r}" for key, value in SCALED.items()]
    scenario = load_scenario(SCENARIO, overrides=overrides)
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
    options = parser.parse_args()
    print(json.dumps(asdict(run_block_loop(options.engine, options.accounts, options.blocks))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
