#!/usr/bin/env python3
"""What the contracts weigh and what their entry points cost, here and in an older tree, into docs/costs.md.

Deployed bytes with immutables, and their room under the limit of EIP-170: as the chain says of what the
measured deployment has, as the compiler says of every other contract. Exact gas of what an account does with
one, three and eight positions, by the life of ``scripts/update_gas_profile.py``; how many accounts one
batched read of a thousand goes through in a second. Two checkouts are measured by the same script, each with
its own code, in turn; what is not measured again keeps the figures of ``docs/costs.json``.

    python scripts/contract_costs.py                    measure this tree, keep what stands for the older one
    python scripts/contract_costs.py --before DIR       measure a checkout of an older tree as well
    python scripts/contract_costs.py --sizes            weigh this tree by its compiler, keep what was metered
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import cbor2

ROOT: Final = Path(__file__).resolve().parents[1]
MEASURE: Final = "--measure"
SIZES: Final = "--sizes"
if MEASURE not in sys.argv:  # when measuring another tree, its own code is on the path
    sys.path.insert(0, str(ROOT))

PAGE: Final = ROOT / "docs" / "costs.md"
FIGURES: Final = ROOT / "docs" / "costs.json"
LIMIT: Final = 24_576
"""Most bytes of deployed code (EIP-170)."""
ROOM: Final = 1_500
"""What every deployable keeps free, so that one more rule fits."""
ACCOUNTS: Final = 1_000
ROUNDS: Final = 7
POSITIONS: Final = (1, 3, 8)
ENTRY_POINTS: Final = ("deposit", "increase_position", "decrease_position", "withdraw", "liquidate")
HEAD: Final = """# What the contracts weigh and cost

Made by `scripts/contract_costs.py` from [costs.json](costs.json); do not edit by hand. "Before" is the
tree before `MarginEngine` was split ([decision 16](decisions/0016-split-of-the-clearing-core.md)).
"""


NO_DEPLOYABLES: Final = ("lib", "modules")
REPEATED = ("risk_model:", "collateral_oracle", "collateral_token:", "spot_pool:")


def measure() -> dict[str, Any]:
    """Measure the tree on the path."""
    from scripts import update_gas_profile as profile  # noqa: PLC0415  (of the tree that is measured)

    counts = getattr(profile, "POSITIONS", None)
    if counts is None:  # the tree before the split measured every number of positions up to one of its own
        profile.MOST_POSITIONS = max(POSITIONS)
        counts = tuple(range(1, max(POSITIONS) + 1))
    portfolios = profile.Portfolios("native")
    meter = portfolios.meter
    deployment = meter.client.deployment
    sizes = {}
    for key, address in deployment.addresses.items():
        name = deployment.artifacts[key.partition(":")[0]].name if _is_artifact(deployment, key) else key
        # The tokens and the price oracle of other collateral are contracts that are listed already.
        if key in ("risk_model:0", "spot_pool:0") or not key.startswith(REPEATED):
            sizes[name] = len(meter.chain.code_at(address))
    sizes |= {name: size for name, size in compiled_sizes().items() if name not in sizes}
    rates = []
    for count in POSITIONS:
        trader = next(one for one in portfolios.longs if portfolios.positions(one) == count)
        seconds = []
        for _ in range(ROUNDS):
            started = time.process_time()
            meter.client.account_states([trader] * ACCOUNTS)
            seconds.append(time.process_time() - started)
        rates.append(round(ACCOUNTS / statistics.median(seconds)))
    lines = {**portfolios.quiet(), **portfolios.decline()}
    gas = {
        # Sorted, since the older tree measured its accounts in another order: gas rises with positions.
        name.partition(".")[2]: [sorted(line.gas)[counts.index(count)] for count in POSITIONS]
        for name, line in lines.items()
        if not name.endswith(" refused")
    }
    return {
        "sizes": sizes,
        "gas": {name: gas[name] for name in ENTRY_POINTS},
        "accounts_per_second": rates,
    }


def compiled_sizes() -> dict[str, int]:
    """Return what every contract that can be deployed weighs with its immutables."""
    from sim.chain.compile import compile_contract, contracts_root  # noqa: PLC0415  (the measured tree's)

    found = {}
    for path in sorted(contracts_root().rglob("*.vy")):
        if path.parent.name not in NO_DEPLOYABLES:
            artifact = compile_contract(path)
            found[path.stem] = len(artifact.runtime_bytecode) + immutable_bytes(artifact.bytecode)
    return found


def immutable_bytes(bytecode: bytes) -> int:
    """Return how much a constructor appends to the code it deploys: the compiler says it at the end."""
    length = int.from_bytes(bytecode[-2:], "big")
    return int(cbor2.loads(bytecode[-length:-2])[3])


def _is_artifact(deployment: Any, key: str) -> bool:
    return key.partition(":")[0] in deployment.artifacts


def measured(tree: Path) -> dict[str, Any]:
    """Run this script on a tree and return what it measured.

    Raises
    ------
    SystemExit
        It failed there.
    """
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, str(Path(__file__).resolve()), MEASURE]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"measuring {tree} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def page(figures: dict[str, dict[str, Any]]) -> str:
    """Return docs/costs.md."""
    before, now = figures["before"], figures["now"]
    lines = [HEAD, "## Deployed code", "", "| contract | before | now | room now |", "|---|---:|---:|---:|"]
    names = list(dict.fromkeys([*before["sizes"], *now["sizes"]]))
    for name in names:
        old, new = before["sizes"].get(name), now["sizes"].get(name)
        room = "" if new is None else f"{LIMIT - new:,}"
        lines.append(f"| `{name}` | {_figure(old)} | {_figure(new)} | {room} |")
    lines += [
        "",
        f"Bytes with immutables; the limit is {LIMIT:,}, of which every deployable leaves {ROOM:,} (a test).",
        "",
        "## Gas by the number of an account's positions",
        "",
        "| entry point | 1 before | 1 now | 3 before | 3 now | 8 before | 8 now |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in ENTRY_POINTS:
        pairs = zip(before["gas"][name], now["gas"][name], strict=True)
        lines.append(f"| `{name}` | " + " | ".join(f"{old:,} | {new:,}" for old, new in pairs) + " |")
    lines += [
        "",
        "Exact gas with the intrinsic part, `AdaptiveRiskModel` in eight markets, a block for each call.",
        "",
        "## Batched reads",
        "",
        "| positions of an account | accounts a second before | now | times |",
        "|---:|---:|---:|---:|",
    ]
    reads = zip(POSITIONS, before["accounts_per_second"], now["accounts_per_second"], strict=True)
    lines += [f"| {count} | {old:,} | {new:,} | {new / old:.2f} |" for count, old, new in reads]
    lines += [
        "",
        f"`Lens.account_states` of {ACCOUNTS:,} accounts, medians of {ROUNDS}, processor time on `native`.",
        "",
    ]
    return "\n".join(lines)


def _figure(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def main() -> int:
    """Measure, then write figures and page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, metavar="DIR", help="checkout of an older tree")
    parser.add_argument(SIZES, action="store_true", help="weigh this tree by its compiler, keep the rest")
    parser.add_argument(MEASURE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure()))
        return 0
    from sim.core.files import atomic_write_text  # noqa: PLC0415  (not the measured tree's)

    if options.before and options.sizes:
        parser.error("--sizes meters nothing, and --before meters another tree")
    if options.before is None and not FIGURES.exists():
        parser.error("there are no figures of an older tree yet: name its checkout with --before")
    figures: dict[str, Any] = {} if options.before else json.loads(FIGURES.read_text(encoding="utf-8"))
    if options.before:
        figures["before"] = measured(options.before.resolve())
    if options.sizes:
        found = compiled_sizes()
        stated = [name for name in figures["now"]["sizes"] if name in found]
        figures["now"]["sizes"] = {name: found[name] for name in dict.fromkeys([*stated, *found])}
    else:
        figures["now"] = measured(ROOT)
    atomic_write_text(FIGURES, json.dumps(figures, indent=1) + "\n")
    atomic_write_text(PAGE, page(figures))
    print(page(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
