"""Tries faults one after another in a copy of the tree, the contract tests alone, until the first that fails.

All contracts are compiled once; each fault has a forked process, in which what imports the changed file is
compiled anew and pytest runs. Libraries are called function by function, which in a fork finds the code from
before: their tests have a process of their own.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boa
import hypothesis  # noqa: F401  (imported once for all faults)
import pytest
from vyper.exceptions import VyperException

from sim.chain.compile import import_closure, sources_hash
from tests.support import deployers
from tests.support.deployers import CONTRACTS, HARNESSES, ROOT, deployer
from tests.support.protocol import Protocol
from tests.support.sampled.equivalent import EQUIVALENT
from tests.support.sampled.places import Change

KILLED: Final = "killed"
SURVIVED: Final = "survived"
UNCOMPILED: Final = "does not compile"
SAME_CODE: Final = "same bytecode"
_NOT_COMPILED: Final = ": does not compile: "
_VERDICTS: Final = {0: SURVIVED, 1: KILLED, 2: KILLED, 77: UNCOMPILED, 78: SAME_CODE}

CLOSEST: Final[dict[str, tuple[str, ...]]] = {
    "LiquidationEngine": ("liquidation_engine",),
    "LossWaterfall": ("loss_waterfall",),
    "QueuePolicy": ("loss_waterfall",),
    "ProRataPolicy": ("loss_waterfall",),
    "InsuranceFund": ("insurance_fund", "test_share_properties.py"),
    "LiquidityPool": ("liquidity_pool", "test_share_properties.py", "insurance_fund"),
    "PriceOracle": ("oracle",),
    "RiskGovernor": ("risk_governor",),
    "RiskEngine": ("risk_engine", "clearing_core"),
    "MarketRegistry": ("clearing_core",),
    "TradingDesk": ("clearing_core",),
    "Ledger": ("ledger", "clearing_core", "loss_waterfall"),
    "Lens": ("lens",),
    "StaticRiskModel": ("risk_models",),
    "VolatilityRiskModel": ("risk_models",),
    "AdaptiveRiskModel": ("risk_models",),
}
"""Deployable contract -> tests that touch it, below ``tests/unit/contracts``."""
_DEPLOYABLES: Final = (".", "deleverage_policies", "risk_models")
_NOT_OF_CONTRACTS: Final = ("test_engines_in_lockstep.py", "test_liquidators.py")
_OWN_MUTANTS: Final = "risk_governor/test_mutants.py"
"""Replaces source text itself, so that any fault could stop it."""
_USES_CONTRACTS: Final = re.compile(
    r"tests\.support\.(protocol|deployers|governed|exit_table|access|forced_closes|oracle_driver)|import boa"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a fault."""

    change: Change
    verdict: str
    test: str
    """That failed, if one did."""
    seconds: float
    before: str
    """Line of the source."""
    after: str


class Runner:
    """Compiles everything once and tries faults in the tree that it is imported from."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._made: dict[Path, Any] = {}
        self._deployables = {
            path: import_closure(path, search_root=CONTRACTS)
            for folder in _DEPLOYABLES
            for path in sorted((CONTRACTS / folder).glob("*.vy"))
        }
        others = [*sorted((CONTRACTS / "testing").glob("*.vy")), *sorted(HARNESSES.glob("*.vy"))]
        self._known = {
            path: (sources_hash(path, search_root=CONTRACTS), deployer(path))
            for path in (*self._deployables, *others)
        }
        with boa.env.anchor():
            Protocol()  # what titanoboa works out at a first deployment is kept for all faults
        gc.collect()
        gc.freeze()

    def try_change(self, change: Change, *, closest: bool) -> Tried:
        """Put one fault in, run tests until one fails, and take the fault out again.

        Parameters
        ----------
        closest
            Run the tests that touch what is changed, else all others.
        """
        path = CONTRACTS / change.file
        source = path.read_text(encoding="utf-8")
        mutated = change.put_into(source)
        before, after = (_line(text, change.line) for text in (source, mutated))
        if (change.file, before, after) in EQUIVALENT:
            return Tried(change=change, verdict=SURVIVED, test="", seconds=0.0, before=before, after=after)
        affected = [found for found, closure in self._deployables.items() if path in closure]
        twins = twins_of(path)[0 if closest else 1]
        tests = tests_of(path, affected)[0 if closest else 1]
        began = time.monotonic()
        try:
            path.write_text(mutated, encoding="utf-8")
            verdict, test = self._in_a_new_process(twins) if twins else (SURVIVED, "")
            if verdict == SURVIVED:
                verdict, test = self._in_a_process(lambda: self._test(affected, tests))
        finally:
            path.write_text(source, encoding="utf-8")
        return Tried(
            change=change,
            verdict=verdict,
            test=test,
            seconds=time.monotonic() - began,
            before=before,
            after=after,
        )

    def failing(self, tests: Sequence[str]) -> list[str]:
        """Return which of some tests fail without a fault."""
        if not tests:
            return []
        twins = [test for test in tests if "/differential/" in test]
        found = [self._in_a_new_process([test])[1] for test in twins]
        others = [test for test in tests if test not in twins]
        if others:
            self._in_a_process(lambda: int(pytest.main(["-q", "-p", "no:cacheprovider", *others])))
            found += _failed(self._output())
        return [*filter(None, found)]

    def _in_a_new_process(self, tests: Sequence[str]) -> tuple[str, str]:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1, 2):
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-2_000:]}")
        if "VyperException" in done.stdout or "vyper.exceptions" in done.stdout:
            return UNCOMPILED, ""
        failed = _failed(done.stdout)
        return _VERDICTS[done.returncode], failed[0] if failed else ""

    def _in_a_process(self, work: Callable[[], int]) -> tuple[str, str]:
        child = os.fork()
        if child == 0:
            code = 3
            try:
                with self._scratch.open("w", encoding="utf-8") as output:
                    os.dup2(output.fileno(), 1)
                    os.dup2(output.fileno(), 2)
                    sys.stdout, sys.stderr = output, output
                    deployers.deployer = self._deployer  # type: ignore[assignment]
                    code = work()
                    output.flush()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code not in _VERDICTS:
            raise RuntimeError(f"pytest ended with {code}:\n{self._output()[-2_000:]}")
        output = self._output()
        if code == 1 and _NOT_COMPILED in output:  # for an engine, not for titanoboa
            return UNCOMPILED, ""
        failed = _failed(output)
        return _VERDICTS[code], failed[0] if failed else ""

    def _output(self) -> str:
        return self._scratch.read_text(encoding="utf-8")

    def _test(self, affected: Sequence[Path], tests: Sequence[str]) -> int:
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
        if code == 0 and affected and all(self._is_same(path) for path in affected):
            return 78
        return code

    def _is_same(self, path: Path) -> bool:
        found, known = self._deployer(path), self._known[path][1]
        return bool(found.compiler_data.bytecode_runtime == known.compiler_data.bytecode_runtime)

    def _deployer(self, path: Path) -> Any:
        """Stand for ``deployers.deployer``: what imports no changed file is there already."""
        known = self._known.get(path)
        if known is not None and known[0] == sources_hash(path, search_root=CONTRACTS):
            return known[1]
        if path not in self._made:
            try:
                self._made[path] = deployer.__wrapped__(path)
            except VyperException:
                if known is None:
                    raise  # a source that a test has made up
                os._exit(77)
        return self._made[path]


def twins_of(changed: Path) -> tuple[list[str], list[str]]:
    """Return the tests of a library against its twin, and those of the others; none of what is no library."""
    if changed.parent.name != "lib":
        return [], []
    own = ROOT / "tests" / "differential" / f"test_{changed.stem}.py"
    others = [
        path
        for path in sorted((ROOT / "tests" / "differential").glob("test_*.py"))
        if path != own and path.name not in _NOT_OF_CONTRACTS
    ]
    return [str(own)] * own.is_file(), [str(path) for path in others]


def tests_of(changed: Path, affected: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Return the tests of contracts that touch what a changed file is part of, and all others."""
    units = ROOT / "tests" / "unit" / "contracts"
    first: list[Path] = []
    # The fewer contracts a folder of tests is about, the sooner it finds a fault of one of them.
    for name in (name for name in CLOSEST if any(path.stem == name for path in affected)):
        for folder in CLOSEST[name]:
            found = units / folder
            first += sorted(found.rglob("test_*.py")) if found.is_dir() else [found]
    if changed.parent.name != "lib":
        first.append(units / "test_access.py")  # guards, pauses and events
    rest = [*sorted(units.rglob("test_*.py"))]
    rest += [
        path
        for path in sorted((ROOT / "tests" / "regression").glob("test_*.py"))
        if _USES_CONTRACTS.search(path.read_text(encoding="utf-8"))
    ]
    first = [*dict.fromkeys(first)]
    rest = [path for path in dict.fromkeys(rest) if path not in first]
    close, others = ([str(p) for p in paths if not str(p).endswith(_OWN_MUTANTS)] for paths in (first, rest))
    return close, others


def _failed(output: str) -> list[str]:
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)


def _line(source: str, number: int) -> str:
    return source.splitlines()[number - 1].strip()
