"""Titanoboa deployers of our contracts: each source is compiled once per session."""

from __future__ import annotations

import gc
import os
import pickle
import time
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boa
from boa.contracts.vyper.vyper_contract import VyperDeployer
from boa.interpret import set_cache_dir
from vyper.semantics.namespace import get_namespace

from sim.chain.compile import sources_hash
from sim.core.files import atomic_write_bytes
from sim.reference.fixed_point import WAD

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
HARNESSES = ROOT / "tests" / "harnesses"

# Configuration of the oracle, in the order of `IPriceOracle.OracleParameters`.
ORACLE_PARAMETERS: dict[str, int] = {
    "heartbeat_grace_seconds": 0,  # assumption: the heartbeat is the whole allowance
    "max_source_confidence_ratio": WAD // 10,  # assumption: a width of 10 % is no price
    "max_confidence_ratio": WAD // 50,  # Drift v2 oracle guard rails: 2 %
    "max_divergence": 5 * WAD,  # Drift v2 oracle guard rails: 5x the average
    "min_price": 10**12,  # assumption: 1e-6 quote, one token unit
    "max_price": 10**27,  # assumption: 1e9 quote
    "tau_fast_seconds": 3_600,  # Pyth's price average remembers about an hour
    "tau_slow_seconds": 604_800,  # a week: one full weekly season
    "tau_ema_seconds": 3_600,  # Pyth's price average remembers about an hour
    "max_return": WAD // 2,  # assumption: heavy tails, one return counts for at most 50 %
    "limiter_horizon_seconds": 300,  # FTX's price bands: five minutes
    "limiter_minimum": WAD // 20,  # assumption: 5 % over the horizon, a quarter of FTX's band
    "limiter_coefficient": 4 * WAD,  # assumption: four standard deviations
    "valid_sources": 3,  # the least number whose median survives one liar
    "minimum_sources": 2,  # assumption: one source is never believed
    "open_status": 0,  # VALID
    "withdraw_status": 0,  # VALID
    "liquidate_status": 1,  # UNCERTAIN: with two sources, one of them can hold the index
    "settle_status": 1,  # UNCERTAIN: beyond, reductions settle at their worst side
}


COMPILED = ROOT / ".pytest_cache" / "titanoboa"
KEPT_SECONDS = 7 * 86_400
"""How long a compiled contract is kept that nobody asks for."""


@cache
def deployer(path: Path) -> VyperDeployer:
    """Compile one source file, or read the result of an earlier compilation of the same sources.

    Titanoboa's own cache covers a source and what that imports, but not what its imports import, and it
    analyses every source before it looks.
    """
    kept = COMPILED / path.stem / f"{sources_hash(path, search_root=CONTRACTS)[:16]}.pickle"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kept.is_file():
            os.utime(kept)
            return VyperDeployer(_unpickled(kept), filename=str(path))
        with TemporaryDirectory() as scratch:
            set_cache_dir(scratch)  # else titanoboa makes no source map
            found = boa.load_partial(str(path))
    _forget_what_is_old(kept.parent)
    atomic_write_bytes(kept, pickle.dumps(found.compiler_data))
    return found


def _unpickled(file: Path) -> Any:
    """Return what was kept. To look for garbage among a million new objects takes most of the time."""
    get_namespace()  # without a compilation in this process no internal function could be called
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return pickle.loads(file.read_bytes())  # noqa: S301  (of our own making)
    finally:
        if was_enabled:
            gc.enable()


def _forget_what_is_old(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # another process may have forgotten it
            if time.time() - file.stat().st_mtime > KEPT_SECONDS:
                file.unlink()


def deploy(name: str, *args: Any) -> Any:
    """Deploy `contracts/<name>.vy`."""
    return deployer(CONTRACTS / f"{name}.vy").deploy(*args)


def harness(name: str, *args: Any) -> Any:
    """Deploy `tests/harnesses/<name>.vy`."""
    return deployer(HARNESSES / f"{name}.vy").deploy(*args)


def deploy_oracle(owner: str, **changes: int) -> Any:
    """Deploy a price oracle without assets; `changes` replace default parameters."""
    unknown = changes.keys() - ORACLE_PARAMETERS.keys()
    if unknown:
        raise KeyError(f"no such oracle parameters: {sorted(unknown)}")
    return deploy("PriceOracle", owner, tuple((ORACLE_PARAMETERS | changes).values()))
