"""Runs as much as one likes of what the gate samples: the native engine on random, official, mutated code.

    python scripts/fuzz_native.py programs --count 100000 --workers 2     against py-evm
    python scripts/fuzz_native.py shuffled --count 100000 --workers 2     of stack and jumps alone
    python scripts/fuzz_native.py states ARCHIVE --engine native          the official state tests, on native
                                                                          or on pyevm's loop (an hour)
    python scripts/fuzz_native.py mutated --count 1000000 --workers 2     contracts with changed bytes

`--libraries FOLDER` takes the library from another folder, for example one built with sanitizers
(docs/performance.md says how). Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sim.chain.native import library as native
from tests.support import interpreter_state_tests, mutated_code, state_tests
from tests.support.random_programs import Program, compare, random_program, shuffled_program

CHUNK = 500
SECONDS_A_CHUNK = 60.0
"""A chunk of mutated programs that takes longer counts as a hang: the gas ends each in a few milliseconds."""
MEMORY_BYTES = 1 << 30
"""Of a process that has run all its chunks, Python and its libraries included."""


def main() -> int:
    """Run the chosen part and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("programs", "shuffled", "states", "mutated"))
    parser.add_argument("archive", nargs="?", type=Path, help="of state tests")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first program")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", choices=("native", "pyevm"), default="native", help="for states")
    parser.add_argument("--libraries", type=Path, help="folder of the library to test")
    options = parser.parse_args()
    if options.part == "states" and options.archive is None:
        parser.error("states needs the archive")
    _setup(options.libraries)
    started = time.perf_counter()
    chunks = [
        range(first, min(first + CHUNK, options.first + options.count))
        for first in range(options.first, options.first + options.count, CHUNK)
    ]
    if options.part == "states":
        faults = _states(options.archive, options.engine, options.workers, options.libraries)
    else:
        work = {"programs": _programs, "shuffled": _shuffled, "mutated": _mutated}[options.part]
        tally: collections.Counter[str] = collections.Counter()
        faults = []
        for found, wrong in _spread(work, chunks, options.workers, options.libraries):
            tally.update(found)
            faults += wrong
        print(f"{options.part}: {options.count:,}: {dict(sorted(tally.items()))}")
    for fault in faults[:20]:
        print(fault)
    print(f"{len(faults)} faults in {time.perf_counter() - started:.0f} s")
    return 1 if faults else 0


def _setup(libraries: Path | None) -> None:
    if libraries is not None:
        native.LIBRARIES = libraries.resolve()  # type: ignore[misc]
    native.library()


def _spread(
    work: object, chunks: list[range], workers: int, libraries: Path | None
) -> Iterator[tuple[dict[str, int], list[str]]]:
    if workers < 2:
        yield from map(work, chunks)  # type: ignore[arg-type]
        return
    with ProcessPoolExecutor(workers, initializer=_setup, initargs=(libraries,)) as pool:
        yield from pool.map(work, chunks)  # type: ignore[arg-type]


def _programs(seeds: range) -> tuple[dict[str, int], list[str]]:
    return _compared(seeds, random_program)


def _shuffled(seeds: range) -> tuple[dict[str, int], list[str]]:
    return _compared(seeds, shuffled_program)


def _compared(seeds: range, program_of: Callable[[int], Program]) -> tuple[dict[str, int], list[str]]:
    agreed, refused, different = compare(seeds, program_of)
    wrong = [f"seed {seed}: native {mine}, py-evm {theirs}" for seed, mine, theirs in different]
    return {"agreed": agreed, **{f"refused {what}": count for what, count in refused.items()}}, wrong


def _states(archive: Path, engine: str, workers: int, libraries: Path | None) -> list[str]:
    work = state_tests.verdict if engine == "native" else interpreter_state_tests.verdict
    tally: collections.Counter[str] = collections.Counter()
    faults = []
    with ProcessPoolExecutor(workers, initializer=_setup, initargs=(libraries,)) as pool:
        cases, again = itertools.tee(state_tests.archive_cases(archive))
        for case, found in zip(cases, pool.map(work, again, chunksize=10), strict=True):
            tally[found.partition(":")[0]] += 1
            if found.startswith("failed"):
                faults.append(f"{case.name}: {found}")
    print(f"states on {engine}: {sum(tally.values()):,}: {dict(sorted(tally.items()))}")
    return faults


def _mutated(seeds: range) -> tuple[dict[str, int], list[str]]:
    """Run contracts with changed bytes and changed calls; what matters is that the process lives."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mutated_code.recorded()
    started = time.perf_counter()
    tally = collections.Counter(f"status {status}" for status, _, _ in mutated_code.outcomes(seeds))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tally["messages"] = tally.total()
    wrong = [f"{seeds}: took {seconds:.0f} s"] if seconds > SECONDS_A_CHUNK else []
    wrong += [f"{seeds}: {peak / 2**20:.0f} MiB"] if peak > MEMORY_BYTES else []
    return dict(tally), wrong


if __name__ == "__main__":
    sys.exit(main())
