"""Paths of a sweep in a process of their own: how many a minute, and whether memory stays flat.

The scenario is ``flash_crash``. Every worker gets the same number of paths, so that starting the workers,
which a long sweep does once, weighs the same in each case.

    python scripts/benchmarks/paths.py throughput --workers 2
    python scripts/benchmarks/paths.py memory --paths 500 --blocks 60
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.engine.paths import PathOptions, WarmStarts, run_path  # noqa: E402  (the path must be set first)
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.experiments.sweep.api import Plan, Point, Workers, run_plan  # noqa: E402

SCENARIO: Final = ROOT / "scenarios" / "flash_crash.toml"
SEED: Final = 1
WARM_UP: Final = 50
"""Paths after which memory is read for the first time: caches are full by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """One sweep; seconds are wall-clock and include starting the workers."""

    workers: int
    paths: int
    accounts: int
    blocks: int
    seconds: float
    paths_per_minute: float
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory of one process over many paths."""

    paths: int
    accounts: int
    blocks: int
    seconds: float
    resident_mib: list[float]
    """After the warm-up and then at every tenth of the rest."""
    growth: float
    """Last over first, minus one."""


def throughput(workers: int, paths_per_worker: int, accounts: int, blocks: int) -> Throughput:
    """Run a sweep of one point and return how fast it was."""
    paths = workers * paths_per_worker
    plan = Plan(
        scenario=SCENARIO,
        seed=SEED,
        paths=paths,
        points=(
            Point(index=0, name="flash_crash", overrides=(f"blocks={blocks}", f"traders.0.count={accounts}")),
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        clock = perf_counter()
        result = run_plan(plan, Path(folder) / "sweep", workers=Workers(kind="processes", count=workers))
        seconds = perf_counter() - clock
    if not result.is_complete:
        raise SystemExit(f"only {result.label} finished")
    return Throughput(
        workers=workers,
        paths=paths,
        accounts=accounts,
        blocks=blocks,
        seconds=seconds,
        paths_per_minute=60.0 * paths / seconds,
        digest=result.digest,
    )


def memory(paths: int, accounts: int, blocks: int) -> Memory:
    """Run paths one after the other in this process and return what it holds on the way."""
    overrides = [f"blocks={blocks}", f"traders.0.count={accounts}", f"seed={SEED}", "shocks.0.at_minute=10"]
    scenario = load_scenario(SCENARIO, overrides=overrides)
    warm = WarmStarts()
    marks = {WARM_UP + (paths - WARM_UP) * tenth // 10 for tenth in range(11)}
    resident: list[float] = []
    clock = perf_counter()
    for path in range(paths):
        run_path(scenario, PathOptions(path=path), warm)
        if path + 1 in marks:
            resident.append(resident_mib())
    seconds = perf_counter() - clock
    return Memory(
        paths=paths,
        accounts=accounts,
        blocks=blocks,
        seconds=seconds,
        resident_mib=resident,
        growth=resident[-1] / resident[0] - 1.0,
    )


def resident_mib() -> float:
    """Return the resident memory of this process now; Linux only, elsewhere the highest so far."""
    status = Path("/proc/self/status")
    if not status.is_file():
        import resource  # noqa: PLC0415  (POSIX only)

        per_mib = 1024 if sys.platform != "darwin" else 1024 * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mib
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    """Measure once and print a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("throughput", "memory"))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--paths", type=int, default=12, help="of each worker; of the process for memory")
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--blocks", type=int, default=1_440)
    options = parser.parse_args()
    if options.what == "throughput":
        print(
            json.dumps(asdict(throughput(options.workers, options.paths, options.accounts, options.blocks)))
        )
        return 0
    if options.paths < 2 * WARM_UP:
        parser.error(f"--paths must be at least {2 * WARM_UP}")
    print(json.dumps(asdict(memory(options.paths, options.accounts, options.blocks))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
