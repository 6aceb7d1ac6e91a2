"""Titanoboa deployers of our contracts: each source is compiled once per session."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import boa
from boa.contracts.vyper.vyper_contract import VyperDeployer
from boa.interpret import set_cache_dir

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


def _keep_what_is_compiled(folder: Path) -> None:
    """Let titanoboa keep compiled contracts under the digest of all sources, and forget other digests.

    Its own key covers a source and what that imports, but not what its imports import: after a change of a
    library the tests would go on with the old code.
    """
    sources = [
        file for root in (CONTRACTS, HARNESSES) for kind in ("*.vy", "*.vyi") for file in root.rglob(kind)
    ]
    digest = hashlib.sha256()
    for file in sorted(sources):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    kept = folder / digest.hexdigest()[:16]
    for other in folder.glob("*"):
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    set_cache_dir(kept)


_keep_what_is_compiled(ROOT / ".pytest_cache" / "titanoboa")


@cache
def deployer(path: Path) -> VyperDeployer:
    """Compile one source file, once per session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return boa.load_partial(str(path))


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
