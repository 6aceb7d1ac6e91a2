"""How often the interval of a removal holds the mean of many orders of ties, on a crash that ships.

``flash_crash`` is run over many orders without the forced flow of each of the accounts of which most is
closed. What is printed is an interval over five orders: as many are drawn from those that were run, again and
again, and it is counted how often the interval of the page holds the mean of them all. The table in
``docs/statistics.md`` is made here.

    python scripts/coverage_of_removals.py [--orders 40] [--repetitions 2000] [--print]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402
from sim.core.arrays import FloatArray  # noqa: E402  (the project must be on the path first)
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.removals import ORDERS, largest, run_removals  # noqa: E402
from sim.engine.run import execute, load_histories, world_beside  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.metrics.statistics.over_orders import mean_over_orders  # noqa: E402

PAGE = ROOT / "docs" / "statistics.md"
BEGIN, END = "<!-- removals: made by scripts/coverage_of_removals.py -->", "<!-- removals: end -->"
SCENARIO = "flash_crash"
SEED = 20_251_129


def differences(orders: int) -> Iterator[FloatArray]:
    """Yield by account how much less was liquidated without its flow, one value an order."""
    scenario = load_scenario(ROOT / "scenarios" / f"{SCENARIO}.toml")
    options = RunOptions(out=Path(), worlds="none")
    histories = load_histories(scenario, options)
    run = execute(scenario, options, histories)
    run.world.chain.close()
    beside = partial(world_beside, scenario, options, histories)
    accounts = largest(run)
    rows, _ = run_removals(accounts, run, beside, among=run.world.accounts, orders=orders)
    for account in sorted(accounts):
        yield np.array(
            [
                row.liquidated_notional - row.liquidated_notional_without
                for row in rows
                if row.account == account
            ]
        )


def line(number: int, values: FloatArray, repetitions: int) -> str:
    """Return the row of one account: mean, deviation and skewness over all orders, coverage of five."""
    rng = np.random.Generator(np.random.Philox(key=[SEED, number]))
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    skewness = float(((values - mean) ** 3).mean() / values.std() ** 3)
    hits = 0
    for _ in range(repetitions):
        found = mean_over_orders(rng.choice(values, ORDERS))
        hits += found.lower <= mean <= found.upper
    amounts = f"{mean / 1_000:,.0f} | {deviation / 1_000:,.0f} | {skewness:+.1f}"
    return f"| {number} | {amounts} | {100 * hits / repetitions:.1f} |"


def page(orders: int, repetitions: int) -> str:
    """Measure and return the table with its words."""
    rows = [line(number, values, repetitions) for number, values in enumerate(differences(orders), start=1)]
    return "\n".join([
        f"The same of removals, over {ORDERS} orders of ties: three accounts of `{SCENARIO}`, each over",
        f"{orders} orders, from which {repetitions:,} samples of {ORDERS} were drawn with replacement:",
        "chance moves a row by ±1 point. Amounts in thousands of quote.",
        "",
        "| account | less liquidated without its flow | deviation over orders | skewness | covers, % |",
        "|---|---:|---:|---:|---:|",
        *rows,
    ])  # fmt: skip


def main() -> int:
    """Measure, and write the table or print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=2_000)
    parser.add_argument("--print", action="store_true", help="print the table and leave the page as it is")
    options = parser.parse_args()
    table = page(options.orders, options.repetitions)
    print(table)
    if not options.print:
        put_between(PAGE, BEGIN, END, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
