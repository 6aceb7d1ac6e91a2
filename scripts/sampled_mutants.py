#!/usr/bin/env python3
"""Put faults into contracts where a seed says, and write down which contract test finds each.

scripts/sampled_mutants.py [--mutants N] [--seed S]

By hand, not in the gate: a fault takes the time to compile what it touches and to run tests until one fails.
Works in a copy of the tree, in one process. Exit code 1 if fewer than 95 % of what counts is found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

FOLDERS = ("contracts", "docs", "scenarios", "scripts", "sim", "tests")
IN_A_COPY = "--in-a-copy"


def main() -> int:
    """Copy the tree and go on in the copy, or try the faults there; return the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/mutants.md.")
    parser.add_argument(
        "--mutants", type=int, default=60, help="faults to draw, those that do not compile too"
    )
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "mutants.md")
    parser.add_argument(IN_A_COPY, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_a_copy:
        return try_all(asked.mutants, asked.seed, asked.out)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        for name in FOLDERS:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        compiled = ROOT / ".pytest_cache" / "titanoboa"
        if compiled.is_dir():
            shutil.copytree(compiled, tree / ".pytest_cache" / "titanoboa")
        arguments = [
            "--mutants",
            str(asked.mutants),
            "--seed",
            str(asked.seed),
            "--out",
            str(asked.out.resolve()),
        ]
        command = [sys.executable, str(tree / "scripts" / Path(__file__).name), IN_A_COPY, *arguments]
        environment = os.environ | {"PYTHONPATH": str(tree), "SEAWALL_CACHE": str(tree / "cache")}
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


def try_all(count: int, seed: int, out: Path) -> int:
    """Try every fault in the tree that this file is in; the page is written after each."""
    from sim.core.files import atomic_write_text  # noqa: PLC0415  (of the copy)
    from tests.support.sampled.page import ENOUGH, page, proof_of, share  # noqa: PLC0415
    from tests.support.sampled.places import named, sample  # noqa: PLC0415
    from tests.support.sampled.run import KILLED, SURVIVED, Runner, Tried  # noqa: PLC0415

    contracts = ROOT / "contracts"
    always = named(contracts)
    drawn = [*sample(contracts, count, seed)]
    runner = Runner(ROOT / "output.txt")
    found: list[Tried] = []

    def write(tried: Tried, number: int) -> None:
        where = f"{tried.change.file}:{tried.change.line} {tried.change.operator}"
        print(f"{number} {tried.verdict} {where} {tried.test} {tried.seconds:.0f} s", flush=True)
        atomic_write_text(out, page(found[: len(always)], found[len(always) :], seed))

    # The tests that touch what is changed first, for all faults; the others only for what is left then.
    for number, change in enumerate([*always, *drawn]):
        found.append(runner.try_change(change, closest=True))
        write(found[-1], number)
    for number, tried in enumerate(found):
        if tried.verdict == SURVIVED and not proof_of(tried):
            found[number] = runner.try_change(tried.change, closest=False)
            write(found[number], number)
    broken = runner.failing(sorted({tried.test for tried in found if tried.test}))
    if broken:
        print("fail without a fault:", *broken, sep="\n", file=sys.stderr)
        return 1
    is_enough = share(found[len(always) :]) >= ENOUGH
    return 0 if is_enough and all(tried.verdict == KILLED for tried in found[: len(always)]) else 1


if __name__ == "__main__":
    sys.exit(main())
