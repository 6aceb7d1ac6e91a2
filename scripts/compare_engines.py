"""Holds the engines against each other on the scenarios that ship.

    python scripts/compare_engines.py digests            whole runs on native, revm and pyevm
    python scripts/compare_engines.py digests --engines ethtester --blocks 60
    python scripts/compare_engines.py gas flash_crash     every message on native and py-evm in lockstep

Digests of whole runs are compared with those of ``tests/golden/expected``, shorter ones with each other. In
lockstep status, data, reason, logs and gas of every deployment and transaction must be equal to the unit, and
all but the gas of every call. Exit code 1 if anything differs. py-evm takes minutes for a scenario.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.golden.runs import expected, names, summary_of


def main() -> int:
    """Run the chosen part and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("digests", "gas"))
    parser.add_argument("scenarios", nargs="*", metavar="NAME", help="scenarios that ship; all by default")
    parser.add_argument("--engines", nargs="+", default=["native", "revm", "pyevm"], metavar="ENGINE")
    parser.add_argument("--blocks", type=int, help="cut the runs short")
    options = parser.parse_args()
    chosen = options.scenarios or names()
    if unknown := sorted(set(chosen) - set(names())):
        parser.error(f"no such scenario: {', '.join(unknown)}")
    if options.part == "gas":
        return _gas(chosen, options.blocks)
    return _digests(chosen, options.engines, options.blocks)


def _digests(scenarios: list[str], engines: list[str], blocks: int | None) -> int:
    """Print a line for each scenario and engine; 1 if a digest differs from what it must be."""
    different = 0
    for name in scenarios:
        wanted = expected(name)["digest"] if blocks is None else _run(name, "native", blocks)[0]
        for engine in engines:
            digest, seconds = _run(name, engine, blocks)
            different += digest != wanted
            remark = "" if digest == wanted else f"  DIFFERS from {wanted}"
            print(f"{name:20} {engine:9} {digest} {seconds:7.1f} s of processor{remark}", flush=True)
    return 1 if different else 0


def _gas(scenarios: list[str], blocks: int | None) -> int:
    """Print what was compared of each scenario; 1 at the first difference of each."""
    from tests.support import lockstep  # noqa: PLC0415  (needs the library of native)

    different = 0
    for name in scenarios:
        with lockstep.installed():
            try:
                digest, seconds = _run(name, "pyevm", blocks)
            except lockstep.EnginesDifferError as error:
                different += 1
                print(f"{name:20} DIFFERS: {error}", flush=True)
                continue
            counted = ", ".join(f"{count:,} {what}" for what, count in sorted(lockstep.compared.items()))
        print(f"{name:20} equal: {counted}; {digest[:12]}, {seconds:.0f} s of processor", flush=True)
    return 1 if different else 0


def _run(name: str, engine: str, blocks: int | None) -> tuple[str, float]:
    clock = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        summary = summary_of(name, Path(folder), engine=engine, blocks=blocks)
    return str(summary["digest"]), time.process_time() - clock


if __name__ == "__main__":
    sys.exit(main())
