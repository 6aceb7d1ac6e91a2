"""Measure how fast Seawall is, in one run: W2 beside its peers, the full block loop, and sweeps of paths.

Speeds of different days or machines cannot be compared: this prints ratios of things measured in turn, as
medians, with the facts of the machine. W2 needs the folder of the workload (``../shared/bench`` beside the
checkout, or $SEAWALL_BENCH) and, for the ratios, the Python of an environment with ``verbs`` 0.4.1 and of one
with ``simular-evm`` 0.3.0 (``--verbs-python``, ``--simular-python``); what is missing is skipped with the
reason. The block loop can be measured against another checkout, in turn with it.

    python scripts/bench.py --verbs-python /path/to/venv/bin/python --json bench.json
    python scripts/bench.py --only w2 --seeds 1 7 --verbs-python ... --simular-python ...
    python scripts/bench.py --only loop --accounts 100 1000 10000 100000 --against ../before

Exit code 1 if a trace is wrong: a speed counts only with the right results.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402  (the path must be set first)
from rich.table import Table  # noqa: E402

from scripts.benchmarks import w2  # noqa: E402
from sim.chain.chain import ENGINES, default_engine, engines_here  # noqa: E402
from sim.core.errors import InputError, SeawallError  # noqa: E402
from sim.core.files import atomic_write_text  # noqa: E402

PACKAGES: Final = ("numpy", "pyrevm", "py-evm", "vyper")
TABLE_WIDTH: Final = 100
LOOP_SCRIPT: Final = ROOT / "scripts" / "benchmarks" / "block_loop.py"
MESSAGES_SCRIPT: Final = ROOT / "scripts" / "benchmarks" / "messages.py"
PATHS_SCRIPT: Final = ROOT / "scripts" / "benchmarks" / "paths.py"
OURS: Final = "Seawall"
WORKERS: Final = (1, 2)
MEMORY_BLOCKS: Final = 60  # memory grows by path, not by block, if it grows


@dataclass(slots=True)
class W2Comparison:
    """One mode and seed of W2: every repetition, ours and the peers' in turn."""

    mode: str
    seed: int
    runs: dict[str, list[w2.W2Result]] = field(default_factory=dict)
    """Repetitions by simulator; ours is `OURS`."""

    def is_right(self) -> bool:
        """Return whether every repetition gave one and the same trace, and the known one if one is known."""
        results = [result for repetitions in self.runs.values() for result in repetitions]
        return len({(result.trace, result.transactions) for result in results}) == 1 and all(
            result.matches_reference is not False for result in results
        )

    def is_known(self) -> bool:
        """Return whether something says what the trace must be."""
        return len(self.runs) > 1 or self.runs[OURS][0].matches_reference is not None

    def speed(self, simulator: str) -> float | None:
        """Return the median steps per second, None of a peer that was not run."""
        results = self.runs.get(simulator)
        return None if results is None else statistics.median(one.steps_per_second for one in results)


def machine_facts() -> dict[str, Any]:
    """Return what a reader needs to judge the figures."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:
        return "not installed"


def compare_w2(
    engine: str,
    pythons: Mapping[str, Path],
    seeds: Sequence[int],
    repetitions: int,
    say: Callable[[str], None],
) -> list[W2Comparison]:
    """Run W2 in both modes with each seed, our engine and the peers in turn."""
    comparisons = [W2Comparison(mode, seed) for seed in seeds for mode in ("scan", "lens")]
    for comparison in comparisons:
        mode, seed, runs = comparison.mode, comparison.seed, comparison.runs
        for repetition in range(repetitions):
            say(f"W2 {mode}, seed {seed} {repetition + 1}/{repetitions}")
            runs.setdefault(OURS, []).append(w2.run_w2(engine, mode, seed=seed))
            for peer, python in pythons.items():
                runs.setdefault(peer, []).append(w2.run_w2_peer(peer, python, mode, seed=seed))
    return comparisons


def measure_loop(
    engine: str, accounts: int, blocks: int, script: Path = LOOP_SCRIPT, root: Path = ROOT
) -> dict[str, Any]:
    """Run the block loop of a checkout once in a child process.

    Raises
    ------
    SeawallError
        The child failed; with its last line.
    """
    return child(script, "--engine", engine, "--accounts", accounts, "--blocks", blocks, root=root)


def measure_sweeps(repetitions: int, paths: int, blocks: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run sweeps with one worker and with two in turn, each in a child process."""
    runs: dict[int, list[dict[str, Any]]] = {workers: [] for workers in WORKERS}
    for repetition in range(repetitions):
        for workers, measured in runs.items():
            say(f"sweep, {workers} workers {repetition + 1}/{repetitions}")
            measured.append(
                child(PATHS_SCRIPT, "throughput", "--workers", workers, "--paths", paths, "--blocks", blocks)
            )
    rates = {
        workers: statistics.median(run["paths_per_minute"] for run in measured)
        for workers, measured in runs.items()
    }
    efficiency = rates[WORKERS[-1]] / rates[WORKERS[0]] * WORKERS[0] / WORKERS[-1]
    return {"paths_per_minute": rates, "efficiency": efficiency, "runs": runs}


def child(script: Path, *arguments: object, root: Path = ROOT) -> dict[str, Any]:
    """Run a measurement in a process of its own and return what it prints.

    Raises
    ------
    SeawallError
        The child failed; with its last line.
    """
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=root)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise SeawallError(f"{script.name} {' '.join(map(str, arguments))} failed: {last}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def loop_medians(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of repetitions of one case; peak memory is the highest.

    Raises
    ------
    SeawallError
        Two repetitions gave different digests.
    """
    if len({run["digest"] for run in runs}) != 1:
        raise SeawallError("the same run gave two digests")
    middle = {
        name: statistics.median(run[name] for run in runs)
        for name in ("setup_seconds", "seconds", "blocks_per_second")
    }
    phases = {name: statistics.median(run["phases"][name] for run in runs) for name in runs[0]["phases"]}
    memory = max(run["peak_memory_mib"] for run in runs)
    return {**runs[0], **middle, "phases": phases, "peak_memory_mib": memory}


def growth(cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the exponents of growth between neighbouring numbers of accounts.

    A figure that grows as accounts to the power k has the exponent k: 0 if it does not grow, 1 in proportion.
    """
    found = []
    for small, large in pairwise(cases):
        step = math.log(large["accounts"] / small["accounts"])
        exponents = {
            name: math.log(large[name] / small[name]) / step
            for name in ("seconds", "setup_seconds", "peak_memory_mib")
        }
        found.append({"from": small["accounts"], "to": large["accounts"], **exponents})
    return found


def w2_table(comparisons: Sequence[W2Comparison]) -> Table:
    """Return steps per second and the ratios."""
    table = Table("mode", "seed", f"{OURS} steps/s", title="W2 margin crash")
    for peer in w2.PEERS:
        table.add_column(f"{peer} steps/s")
        table.add_column("ratio")
    table.add_column("trace")
    for comparison in comparisons:
        ours = comparison.speed(OURS) or math.nan
        cells = [comparison.mode, str(comparison.seed), f"{ours:.1f}"]
        for peer in w2.PEERS:
            theirs = comparison.speed(peer)
            cells += ["-", "-"] if theirs is None else [f"{theirs:.1f}", f"{ours / theirs:.2f}"]
        verdict = ("right" if comparison.is_known() else "unknown") if comparison.is_right() else "WRONG"
        table.add_row(*cells, f"{comparison.runs[OURS][0].trace} {verdict}")
    return table


def growth_table(exponents: Sequence[dict[str, Any]]) -> Table:
    """Return the exponents of growth."""
    table = Table("accounts", title="Growth: exponent of accounts (0 flat, 1 in proportion)")
    for name in ("loop seconds", "set-up", "peak memory"):
        table.add_column(name, justify="right")
    for step in exponents:
        table.add_row(
            f"{step['from']:,} to {step['to']:,}",
            f"{step['seconds']:.2f}",
            f"{step['setup_seconds']:.2f}",
            f"{step['peak_memory_mib']:.2f}",
        )
    return table


def against_table(cases: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> Table:
    """Return our block loop beside another checkout's."""
    table = Table(title=f"Against the other checkout (engine {others[0]['engine']})")
    for name in ("accounts", "blocks/s", "theirs", "ratio", "whole run s", "theirs", "ratio"):
        table.add_column(name, justify="right")
    for ours, theirs in zip(cases, others, strict=True):
        whole, their_whole = (case["setup_seconds"] + case["seconds"] for case in (ours, theirs))
        table.add_row(
            f"{ours['accounts']:,}",
            f"{ours['blocks_per_second']:.1f}",
            f"{theirs['blocks_per_second']:.1f}",
            f"{ours['blocks_per_second'] / theirs['blocks_per_second']:.2f}",
            f"{whole:.2f}",
            f"{their_whole:.2f}",
            f"{their_whole / whole:.2f}",
        )
    return table


def loop_tables(cases: Sequence[dict[str, Any]]) -> list[Table]:
    """Return speed and memory of the block loop, and where its time goes."""
    speed = Table(title="Block loop, flash_crash without other worlds")
    for name in ("accounts", "blocks", "blocks/s", "set-up s", "peak MiB", "transactions", "liquidations"):
        speed.add_column(name, justify="right")
    shares = Table("phase", title="Where the time goes: seconds and share of the loop")
    for case in cases:
        speed.add_row(
            f"{case['accounts']:,}",
            str(case["blocks"]),
            f"{case['blocks_per_second']:.1f}",
            f"{case['setup_seconds']:.2f}",
            f"{case['peak_memory_mib']:.0f}",
            f"{case['transactions']:,}",
            f"{case['liquidations']:,}",
        )
        shares.add_column(f"{case['accounts']:,} accounts", justify="right")
    for phase in cases[0]["phases"]:
        cells = [
            f"{case['phases'][phase]:.2f}  {case['phases'][phase] / case['seconds']:4.0%}" for case in cases
        ]
        shares.add_row(phase, *cells)
    return [speed, shares]


def sweep_tables(sweeps: dict[str, Any], memory: dict[str, Any]) -> list[Table]:
    """Return paths a minute by number of workers, and memory over many paths."""
    sample = sweeps["runs"][WORKERS[0]][0]
    speed = Table(title=f"Sweep, {sample['accounts']:,} accounts x {sample['blocks']:,} blocks")
    for name in ("workers", "paths/min", "efficiency"):
        speed.add_column(name, justify="right")
    for workers, rate in sweeps["paths_per_minute"].items():
        share = "" if workers == WORKERS[0] else f"{sweeps['efficiency']:.0%}"
        speed.add_row(str(workers), f"{rate:.1f}", share)
    resident = memory["resident_mib"]
    flat = Table(title=f"Memory of one process over {memory['paths']:,} paths of {memory['blocks']} blocks")
    for name in ("after the warm-up, MiB", "highest", "at the end", "growth"):
        flat.add_column(name, justify="right")
    flat.add_row(
        f"{resident[0]:.1f}", f"{max(resident):.1f}", f"{resident[-1]:.1f}", f"{memory['growth']:+.1%}"
    )
    return [speed, flat]


def parse_arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for peer in w2.PEERS:
        configured = os.environ.get(f"SEAWALL_{peer.upper()}_PYTHON")
        parser.add_argument(
            f"--{peer}-python",
            type=Path,
            default=Path(configured) if configured else None,
            help=f"Python of an environment with {peer}; $SEAWALL_{peer.upper()}_PYTHON without it",
        )
    parser.add_argument("--seeds", type=_positive, nargs="+", default=[1], help="of W2")
    parser.add_argument("--against", type=Path, help="another checkout: its block loop is run in turn")
    parser.add_argument("--against-engine", help="its engine; --engine by default")
    parser.add_argument("--engine", choices=ENGINES, default=default_engine())
    parser.add_argument("--repetitions", type=_positive, default=3)
    parser.add_argument("--accounts", type=_positive, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--blocks", type=_positive, default=720)
    parser.add_argument("--sweep-paths", type=_positive, default=12, help="paths of each worker")
    parser.add_argument("--sweep-blocks", type=_positive, default=1_440)
    parser.add_argument("--memory-paths", type=_positive, default=500)
    parser.add_argument(
        "--only", choices=("w2", "engines", "loop", "mechanisms", "sweep"), help="measure one part alone"
    )
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    return parser.parse_args()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, was {value}")
    return value


def measure_w2(options: argparse.Namespace, out: Console, progress: Console) -> list[W2Comparison]:
    """Run W2 where its workload is, and print the table."""
    folder = w2.workload_folder()
    if not (folder / "margin.vy").is_file():
        out.print(f"W2: skipped, there is no {folder / 'margin.vy'}; set SEAWALL_BENCH to its folder")
        return []
    given = {peer: getattr(options, f"{peer}_python") for peer in w2.PEERS}
    pythons = {peer: python for peer, python in given.items() if python is not None}
    comparisons = compare_w2(options.engine, pythons, options.seeds, options.repetitions, progress.print)
    out.print(w2_table(comparisons))
    for peer in w2.PEERS:
        if peer not in pythons:
            out.print(f"{peer}: skipped, no --{peer}-python")
    return comparisons


def measure_engines(options: argparse.Namespace, out: Console, progress: Console) -> list[dict[str, Any]]:
    """Send the messages of one recorded run to native and revm in turn, and print the table."""
    engines = [engine for engine in ("native", "revm") if engine in engines_here()]
    if engines != ["native", "revm"]:
        out.print("time inside the engines: skipped, native and revm are not both here")
        return []
    progress.print("time inside the engines")
    arguments = ("--blocks", options.blocks, "--repetitions", options.repetitions)
    results: list[dict[str, Any]] = child(MESSAGES_SCRIPT, "--engines", *engines, *arguments)["engines"]
    count = results[0]["messages"]
    table = Table(title=f"Inside the engine: {count:,} messages of flash_crash")
    for name in ("engine", "seconds", "times native"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for result in results:
        table.add_row(result["engine"], f"{result['median']:.3f}", f"{result['times_the_first']:.2f}")
    out.print(table)
    return results


def measure_loops(options: argparse.Namespace, out: Console, progress: Console) -> dict[str, Any]:
    """Run the block loop for every number of accounts, and print the tables."""
    other = None if options.against is None else options.against.resolve()
    runs: dict[int, list[dict[str, Any]]] = {accounts: [] for accounts in sorted(set(options.accounts))}
    others: dict[int, list[dict[str, Any]]] = {accounts: [] for accounts in runs}
    for repetition in range(options.repetitions):  # the cases in turn, so that a busy minute hits all
        for accounts, ours in runs.items():
            progress.print(f"block loop, {accounts:,} accounts {repetition + 1}/{options.repetitions}")
            ours.append(measure_loop(options.engine, accounts, options.blocks))
            if other is not None:
                engine = options.against_engine or options.engine
                script = other / LOOP_SCRIPT.relative_to(ROOT)
                others[accounts].append(measure_loop(engine, accounts, options.blocks, script, other))
    cases = [loop_medians(measured) for measured in runs.values()]
    exponents = growth(cases)
    tables = loop_tables(cases)
    if exponents:
        tables.append(growth_table(exponents))
    report: dict[str, Any] = {"cases": cases, "growth": exponents}
    if other is not None:
        report["against"] = [loop_medians(measured) for measured in others.values()]
        tables.append(against_table(cases, report["against"]))
    for table in tables:
        out.print(table)
    return report


def measure_mechanisms(
    options: argparse.Namespace, out: Console, progress: Console
) -> dict[str, dict[str, Any]]:
    """Run two markets with 1,000 accounts, plain and with everything that asks for margin, in turn."""
    runs: dict[str, list[dict[str, Any]]] = {"off": [], "on": []}
    for repetition in range(options.repetitions):
        for mechanisms, measured in runs.items():
            progress.print(f"mechanisms {mechanisms} {repetition + 1}/{options.repetitions}")
            blocks = ("--blocks", options.blocks, "--engine", options.engine)
            measured.append(child(LOOP_SCRIPT, "--mechanisms", mechanisms, *blocks))
    found = {mechanisms: loop_medians(measured) for mechanisms, measured in runs.items()}
    table = Table(title="Block loop, two markets and 1,000 accounts, plain and with everything")
    for name in ("mechanisms", "blocks/s", "of plain", "set-up s", "transactions", "liquidations"):
        table.add_column(name, justify="right")
    for mechanisms, case in found.items():
        table.add_row(
            mechanisms,
            f"{case['blocks_per_second']:.1f}",
            f"{case['blocks_per_second'] / found['off']['blocks_per_second']:.2f}",
            f"{case['setup_seconds']:.2f}",
            f"{case['transactions']:,}",
            f"{case['liquidations']:,}",
        )
    out.print(table)
    return found


def main() -> int:
    """Measure, print tables, write the JSON file; exit 1 if a trace is wrong."""
    options = parse_arguments()
    for peer in w2.PEERS:
        python = getattr(options, f"{peer}_python")
        if python is not None and not python.is_file():
            raise InputError(f"--{peer}-python {python}: there is no such file")
    if options.against is not None and not (options.against / LOOP_SCRIPT.relative_to(ROOT)).is_file():
        raise InputError(f"--against {options.against}: there is no {LOOP_SCRIPT.relative_to(ROOT)} in it")
    out, progress = Console(highlight=False), Console(stderr=True, highlight=False)
    out.width = max(out.width, TABLE_WIDTH)  # a pipe counts as 80 columns
    facts = machine_facts()
    report: dict[str, Any] = {"machine": facts, "engine": options.engine, "repetitions": options.repetitions}
    out.print(
        f"{facts['system']}, {facts['cpu_count']} CPUs, load {facts['load_average']}, "
        f"Python {facts['python']}, "
        + ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
        + f"; engine {options.engine}, medians of {options.repetitions}"
    )
    comparisons: list[W2Comparison] = []
    if options.only in (None, "w2"):
        comparisons = measure_w2(options, out, progress)
        report["w2"] = [asdict(comparison) for comparison in comparisons]
    if options.only in (None, "engines"):
        report["engines"] = measure_engines(options, out, progress)
    if options.only in (None, "loop"):
        report["block_loop"] = measure_loops(options, out, progress)
    if options.only in (None, "mechanisms"):
        report["mechanisms"] = measure_mechanisms(options, out, progress)
    if options.only in (None, "sweep"):
        sweeps = measure_sweeps(
            options.repetitions, options.sweep_paths, options.sweep_blocks, progress.print
        )
        progress.print(f"memory over {options.memory_paths} paths")
        memory = child(PATHS_SCRIPT, "memory", "--paths", options.memory_paths, "--blocks", MEMORY_BLOCKS)
        for table in sweep_tables(sweeps, memory):
            out.print(table)
        report["sweep"], report["memory"] = sweeps, memory
    if options.json is not None:
        atomic_write_text(options.json, json.dumps(report, indent=2) + "\n")
    return 0 if all(comparison.is_right() for comparison in comparisons) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SeawallError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
