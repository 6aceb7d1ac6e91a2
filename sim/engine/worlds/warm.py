"""Foundations that the paths of one process share.

Set-up takes as long as a few hundred blocks, and paths that differ only in what happens after block 0 have it
in common. It is made once, its chain keeps a snapshot, and every path starts from that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

from sim.core.digest import sha256_file
from sim.core.errors import InputError
from sim.engine.worlds.build import WorldBuilder
from sim.engine.worlds.foundation import Foundation
from sim.engine.worlds.world import World
from sim.market.price_file import load_price_file
from sim.market.price_history import PriceHistory


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
