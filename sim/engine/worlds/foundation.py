"""What the paths of one process share: a protocol that is deployed, funded and populated.

Set-up takes as long as a few hundred blocks, and paths that differ only in what happens after block 0 have it
in common. It is made once, its chain keeps a snapshot, and every path starts from that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sim.agents.kind import Opening
from sim.agents.population import Population
from sim.chain.chain import Chain
from sim.chain.compile import Artifact, contracts_root
from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.registry import revision
from sim.engine.scenario.schema import Scenario
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.contracts import compile_protocol
from sim.protocol.mirror import AccountMirror

AFTER_BLOCK_0 = frozenset(
    (
        # Words, and what is expected of the outcome.
        "schema_version", "name", "title", "question", "description", "expect", "meant",
        # The seed of accounts, the first prices and the time of block 0 are part of the key on their own.
        "seed", "start_time",
        # Set-up transactions pay no gas and wait in no mempool; routes and shocks are made for each path.
        "blocks", "chain", "flow", "shocks", "correlation",
    )
)  # fmt: skip
"""Sections of a scenario that act from block 1 on. Whatever is not listed, a new section too, tells
foundations apart: sharing too little costs time, sharing too much would be wrong."""

AFTER_BLOCK_0_OF_A_MARKET = frozenset(("price", "impact"))
"""The same of a market: its first price is part of the key, the rest of the path is made for each path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """A protocol at block 0. Nothing in it may be changed but the chain, which can be restored."""

    chain: Chain
    client: ProtocolClient
    book: AddressBook
    mirror: AccountMirror
    populations: Mapping[str, Population]
    """Group -> its accounts, for groups whose accounts were drawn."""
    openings: tuple[Opening, ...]
    shares: Mapping[str, tuple[int, ...]]
    """Group -> vault shares of its members."""
    token_supply: int
    raised_openings: int
    largest_entry_error: float
    """Farthest that a position was opened from the price it was to be opened at, relative to that."""
    added_units: int
    """Token units that raised openings deposited beyond what their leverage asked for."""


def foundation_key(
    scenario: Scenario,
    *,
    engine: str,
    population_seed: int,
    start_timestamp: int,
    prices: Sequence[float],
    custom_model: Path | None,
    contracts: Path | None,
    margin_feedback: bool = True,
) -> str:
    """Return what tells foundations apart: equal keys have the same protocol at block 0, bit for bit.

    Files count by what they hold: contracts, a custom model among them, by their compiled code.
    """
    sections: dict[str, Any] = {
        name: value for name, value in scenario.canonical().items() if name not in AFTER_BLOCK_0
    }
    sections["markets"] = [
        {name: value for name, value in market.items() if name not in AFTER_BLOCK_0_OF_A_MARKET}
        for market in sections["markets"]
    ]
    parts = {
        "scenario": sections,
        "engine": engine,
        "population_seed": population_seed,
        "start_timestamp": start_timestamp,
        "prices": [price.hex() for price in prices],
        "declarations": list(revision()),
        "margin_feedback": margin_feedback,
        "files": {name: sha256_file(file) for name, file in scenario.agent_files().items()},
        "contracts": _code_hashes(scenario.protocol.risk_model, custom_model, contracts),
    }
    if scenario.enactment.is_custom_model:
        before = scenario.file("enactment.risk_model_before")
        parts["contracts_before"] = _code_hashes("", before, contracts)
    return sha256_hex(canonical_json(parts))


def _code_hashes(risk_model: str, custom_model: Path | None, contracts: Path | None) -> dict[str, str]:
    """Return the hash of every contract's creation code."""
    if custom_model is not None:  # may import from anywhere around it: the compiler's cache knows
        return _hashes(compile_protocol(risk_model, custom_model, contracts))
    root = contracts_root() if contracts is None else contracts
    sources = hashlib.sha256()
    for file in sorted(root.rglob("*.vy*")):
        content = file.read_bytes()
        sources.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        sources.update(content)
    return _hashes_of_sources(risk_model, str(root), sources.hexdigest())


@lru_cache(maxsize=16)
def _hashes_of_sources(risk_model: str, root: str, sources: str) -> dict[str, str]:
    """Ask the compiler once for the same sources: its own cache takes 20 ms to answer."""
    del sources  # part of what is remembered
    return _hashes(compile_protocol(risk_model, None, Path(root)))


def _hashes(artifacts: Mapping[str, Artifact]) -> dict[str, str]:
    return {key: sha256_hex(artifact.bytecode) for key, artifact in sorted(artifacts.items())}
