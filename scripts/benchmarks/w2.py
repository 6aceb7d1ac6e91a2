"""The W2 "margin crash" workload on our chain, and on verbs and simular where they are installed.

The same openings, path, decisions and block order as the peers' harnesses; the loop alone is timed. A speed
counts only with the right trace: seed 1, N = 1000, S = 250 must give ``0e4e6e05d238`` in 8,361
transactions; any other seed what the peers' harnesses print.

    python scripts/benchmarks/w2.py --mode lens --verbs /path/to/verbs-venv/bin/python
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

ROOT: Final = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.chain.abi import ContractAbi  # noqa: E402  (the path must be set first)
from sim.chain.accounts import accounts  # noqa: E402
from sim.chain.chain import Chain, Transaction, default_engine  # noqa: E402
from sim.chain.compile import Artifact, compile_contract  # noqa: E402
from sim.core.errors import RunError  # noqa: E402
from sim.core.units import WAD  # noqa: E402

PEERS: Final = ("verbs", "simular")
"""Simulators with a harness ``w2_NAME.py`` in the folder of the workload."""

REFERENCE: Final = (1000, 250, 1, "0e4e6e05d238", 8361)  # traders, steps, seed, trace, transactions
_GENESIS: Final = 1_700_000_000
_BLOCK_SECONDS: Final = 12
_SETUP_CHUNK: Final = 100  # openings in one setup block: mining costs more than linear time on ethtester


@dataclass(frozen=True, slots=True, kw_only=True)
class W2Result:
    """One measurement."""

    engine: str
    mode: str
    traders: int
    steps: int
    seed: int
    seconds: float
    steps_per_second: float
    transactions: int
    view_calls: int
    trace: str
    matches_reference: bool | None
    """Whether trace and transactions are the known ones; None where no reference is known."""


def workload_folder() -> Path:
    """Return the folder of the workload: $SEAWALL_BENCH, else ``shared/bench`` beside the checkout."""
    configured = os.environ.get("SEAWALL_BENCH")
    return Path(configured) if configured else ROOT.parent / "shared" / "bench"


def openings(count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return (size, margin) of each trader: size U(1, 20), leverage U(1.2, 10), price 2,000."""
    result = []
    for _ in range(count):
        size = int(rng.uniform(1, 20) * WAD)
        leverage = rng.uniform(1.2, 10)
        result.append((size, int(size * 2000 / leverage)))
    return result


def price_path(steps: int, rng: np.random.Generator) -> list[int]:
    """Return prices with 20 bp of noise a step and a 35 % fall over 5 steps at half time."""
    price = 2000.0
    result = []
    for step in range(steps):
        is_falling = steps // 2 <= step < steps // 2 + 5
        drift = np.log(0.65) / 5 if is_falling else 0.0
        price *= np.exp(drift + 0.002 * rng.standard_normal())
        result.append(int(price * 1e6) * 10**12)
    return result


def compile_workload(folder: Path) -> Artifact:
    """Compile the market of the workload with our compiler front end."""
    return compile_contract(folder / "margin.vy", search_root=folder)


def run_w2(engine: str, mode: str, *, traders: int = 1000, steps: int = 250, seed: int = 1) -> W2Result:
    """Run the workload on our chain.

    Parameters
    ----------
    engine
        As in `Chain.create`.
    mode
        ``scan`` reads the health of each live position with a call, ``lens`` all of them with one.
    """
    artifact = compile_workload(workload_folder())
    abi = ContractAbi(artifact.abi)
    health, health_many = abi["health"], abi["health_many"]
    set_price, add_margin, liquidate = abi["set_price"], abi["add_margin"], abi["liquidate"]
    recorded = [(abi[name], abi[name].encode()) for name in ("price", "fund", "bad_debt")]
    admin, keeper = (account.address for account in accounts("w2", 2))
    addresses = [account.address for account in accounts("w2:trader", traders)]
    rng = np.random.default_rng(seed)

    chain = Chain.create(engine, _GENESIS)
    block = 1
    chain.start_block(block, _GENESIS + _BLOCK_SECONDS)
    market = chain.deploy(artifact, abi.constructor.encode(2000 * WAD, 50_000 * WAD), admin)
    for index, (size, margin) in enumerate(openings(traders, rng)):
        if index and index % _SETUP_CHUNK == 0:
            chain.end_block()
            block += 1
            chain.start_block(block, _GENESIS + block * _BLOCK_SECONDS)
        chain.execute(Transaction(addresses[index], market, abi["open"].encode(size, margin)))
    chain.end_block()

    prices = price_path(steps, rng)
    live = list(range(traders))
    rows: list[tuple[int, int, int, int]] = []
    transactions = view_calls = 0
    call, execute = chain.call, chain.execute
    top_up = add_margin.encode(10 * WAD)
    started = time.perf_counter()
    for step in range(steps):
        acts = rng.random(traders)
        if mode == "scan":
            values = [health.decode(call(market, health.encode(addresses[i]))) for i in live]
            view_calls += len(live)
        else:
            view = health_many.encode([addresses[i] for i in live])
            values = health_many.decode(call(market, view)) if live else []
            view_calls += 1
        weak = [i for i, value in zip(live, values, strict=True) if value < 0]
        block += 1
        chain.start_block(block, _GENESIS + block * _BLOCK_SECONDS)
        batch = [Transaction(admin, market, set_price.encode(prices[step]))]
        batch += [Transaction(addresses[i], market, top_up) for i in reversed(live) if acts[i] < 0.05]
        chain.execute_many(batch)
        liquidations = [execute(Transaction(keeper, market, liquidate.encode(addresses[i]))) for i in weak]
        chain.end_block()
        dead = {i for i, receipt in zip(weak, liquidations, strict=True) if receipt.status}
        transactions += len(batch) + len(weak)
        live = [i for i in live if i not in dead]
        price, fund, bad_debt = (function.decode(call(market, data)) for function, data in recorded)
        rows.append((price, fund, bad_debt, len(live)))
    seconds = time.perf_counter() - started
    chain.close()
    trace = hashlib.sha256(repr(rows).encode()).hexdigest()[:12]
    known = (traders, steps, seed) == REFERENCE[:3]
    return W2Result(
        engine=engine,
        mode=mode,
        traders=traders,
        steps=steps,
        seed=seed,
        seconds=seconds,
        steps_per_second=steps / seconds,
        transactions=transactions,
        view_calls=view_calls,
        trace=trace,
        matches_reference=(trace, transactions) == REFERENCE[3:] if known else None,
    )


def run_w2_peer(
    peer: str, python: Path, mode: str, *, traders: int = 1000, steps: int = 250, seed: int = 1
) -> W2Result:
    """Run the workload on one of `PEERS`, in the environment that `python` belongs to.

    Raises
    ------
    RunError
        The peer is not installed there, or its harness failed.
    """
    folder = workload_folder()
    artifact = compile_workload(folder)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for file in ("w2_common.py", f"w2_{peer}.py"):
            shutil.copy(folder / file, work / file)
        # The harness reads ABI and bytecode from this file: the same bytecode that we run.
        compiled = f"{json.dumps(list(artifact.abi))}\n0x{artifact.bytecode.hex()}\n"
        (work / "margin.out").write_text(compiled, encoding="utf-8")
        command = [str(python), f"w2_{peer}.py", str(traders), str(steps), mode, str(seed)]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    found = re.search(
        r": ([\d.]+)s ([\d.]+) steps/s tx=(\d+) .*?view_calls=(\d+) .* trace=(\w+)", done.stdout
    )
    if done.returncode != 0 or found is None:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise RunError(f"{peer} harness failed with {python}: {last}")
    known = (traders, steps, seed) == REFERENCE[:3]
    outcome = (found[5], int(found[3]))
    return W2Result(
        engine=peer,
        mode=mode,
        traders=traders,
        steps=steps,
        seed=seed,
        seconds=float(found[1]),
        steps_per_second=steps / float(found[1]),
        transactions=int(found[3]),
        view_calls=int(found[4]),
        trace=found[5],
        matches_reference=outcome == REFERENCE[3:] if known else None,
    )


def main() -> int:
    """Measure, print JSON lines; exit 1 if a trace is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default=default_engine())
    parser.add_argument("--mode", choices=("scan", "lens"), default="scan")
    parser.add_argument("--traders", type=int, default=REFERENCE[0])
    parser.add_argument("--steps", type=int, default=REFERENCE[1])
    parser.add_argument("--seed", type=int, default=REFERENCE[2])
    for peer in PEERS:
        parser.add_argument(
            f"--{peer}", type=Path, help=f"Python of an environment with {peer}: measures the ratio"
        )
    options = parser.parse_args()
    size = {"traders": options.traders, "steps": options.steps, "seed": options.seed}
    ours = run_w2(options.engine, options.mode, **size)
    print(json.dumps(asdict(ours)))
    results = [ours]
    for peer in PEERS:
        python = getattr(options, peer)
        if python is None:
            continue
        theirs = run_w2_peer(peer, python, options.mode, **size)
        print(json.dumps(asdict(theirs)))
        print(json.dumps({"peer": peer, "ratio": ours.steps_per_second / theirs.steps_per_second}))
        results.append(theirs)
    is_wrong = any(result.matches_reference is False for result in results)
    is_wrong |= len({(result.trace, result.transactions) for result in results}) > 1
    return 1 if is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
