"""What the paths of one process share: a protocol that is deployed, funded and populated.

Set-up takes as long as a few hundred blocks, and paths that differ only in what happens after block 0 have it
in common. It is made once, its chain keeps a snapshot, and every path starts from that.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.agents.population import Population
from sim.chain.chain import Chain
from sim.chain.compile import Artifact, contracts_root
from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError
from sim.engine.population import Opening
from sim.engine.scenario import Scenario
from sim.engine.world import World
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.contracts import compile_protocol
from sim.protocol.mirror import AccountMirror

if TYPE_CHECKING:
    from sim.engine.build import WorldBuilder

AFTER_BLOCK_0 = frozenset(
    (
        # Words, and what is expected of the outcome.
        "schema_version", "name", "title", "question", "description", "expect",
        # The seed of accounts, the first prices and the time of block 0 are part of the key on their own.
        "seed", "start_time",
        # Set-up transactions pay no gas and wait in no mempool; routes and shocks are made for each path.
        "blocks", "chain", "flow", "shocks",
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
    populations: tuple[Population, ...]
    """Accounts of each cohort."""
    openings: tuple[Opening, ...]
    shares: Mapping[str, tuple[int, ...]]
    """Group -> vault shares of its members."""
    token_supply: int
    raised_openings: int


def foundation_key(
    scenario: Scenario,
    *,
    engine: str,
    population_seed: int,
    start_timestamp: int,
    prices: Sequence[float],
    custom_model: Path | None,
    contracts: Path | None,
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
        "contracts": _code_hashes(scenario.protocol.risk_model, custom_model, contracts),
    }
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


class WarmStarts:
    """Foundations that the paths run in one process share, the least recently used dropped first.

    Results are the same with and without, whatever ran before. Not thread-safe: one object a thread.
    """

    def __init__(self, capacity: int = 4) -> None:
        """Keep up to ``capacity`` foundations.

        Raises
        ------
        InputError
            Less than one.
        """
        if capacity < 1:
            raise InputError(f"warm starts: capacity must be at least 1, was {capacity}")
        self._capacity = capacity
        self._held: OrderedDict[str, tuple[Foundation, int]] = OrderedDict()
        self._histories: OrderedDict[tuple[str, str, int], PriceHistory] = OrderedDict()
        self.built = 0
        """Foundations made so far."""

    @contextmanager
    def world(self, builder: WorldBuilder) -> Iterator[World]:
        """Give the world of a path before its first block; valid until the next one is asked for.

        A path that fails takes its foundation with it: its chain may stand in the middle of a block.
        """
        key = builder.foundation_key()
        held = self._held.get(key)
        if held is None:
            while len(self._held) >= self._capacity:
                self._held.popitem(last=False)[1][0].chain.close()
            foundation = builder.found()
            held = self._held[key] = (foundation, foundation.chain.snapshot())
            self.built += 1
        else:
            self._held.move_to_end(key)
            held[0].chain.restore(held[1])
        try:
            yield builder.branch(held[0], deepcopy(held[0].mirror))
        except BaseException:
            if self._held.get(key) is held:
                del self._held[key]
                held[0].chain.close()
            raise

    def history(self, path: Path, max_gap_seconds: int) -> PriceHistory:
        """Load a price file, or return it from an earlier path if the file still holds the same.

        Raises
        ------
        InputError
            It is missing or no price file.
        """
        if not path.is_file():
            return load_price_file(path, max_gap_seconds=max_gap_seconds)
        key = (str(path.resolve()), sha256_file(path), max_gap_seconds)
        known = self._histories.get(key)
        if known is None:
            while len(self._histories) >= self._capacity:
                self._histories.popitem(last=False)
            known = load_price_file(path, max_gap_seconds=max_gap_seconds)
        self._histories[key] = known
        self._histories.move_to_end(key)
        return known

    def close(self) -> None:
        """Release every foundation; the object can be used again, and starts cold."""
        for foundation, _ in self._held.values():
            foundation.chain.close()
        self._held.clear()
        self._histories.clear()
