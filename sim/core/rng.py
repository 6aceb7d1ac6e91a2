"""Random numbers that depend on a name, a step and nothing else.

Every draw is addressed: (seed, name, step) opens a stream of 64-bit words of Philox 4x64-10 (Salmon, Moraes,
Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), a counter-based generator made of integer
operations alone. Adding an agent, changing a parameter or using more workers therefore never shifts another
draw, and words are the same on every machine. Floats come from words through `portable_math`, never through
numpy's distributions.

A run's seed is the scenario's own, or that of one of its paths (`path_seed`); what exists before block 0 has
a seed of its own (`population_seed`), so that many paths can share one book of accounts.

The key is SHA-256 of seed and name. The 256-bit counter, lowest word first, is (block of four words, 0, step,
kind); kind 0 serves `draw`, kind 1 `series`, so the two never overlap.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

import numpy as np

from sim.core import portable_math
from sim.core.arrays import FloatArray, IntArray, WordArray

_UNIT: Final = 2.0**-52
_SMALL: Final = 32  # below this many values plain Python beats the overhead of numpy calls
_AHEAD_VALUES: Final = 4096  # drawn ahead at once: so many are made in little more time than a few
_AHEAD_STEPS: Final = 64
_KIND_DRAW: Final = 0
_KIND_SERIES: Final = 1
_MAX_STEP: Final = 2**63
_SEED_BITS: Final = 63  # a derived seed is a seed: scenario files hold integers from 0 to 2**63 - 1


def path_seed(seed: int, path: int) -> int:
    """Return the seed of everything after block 0 on one path of a scenario.

    Parameters
    ----------
    seed
        The scenario's.
    path
        Number of the path, from 0.

    Returns
    -------
    int
        63 bits of SHA-256 over both: neighbouring paths differ as any two seeds do.
    """
    return _derived("path", seed, path)


def population_seed(seed: int, population: int) -> int:
    """Return the seed of one population: accounts and everything else that is drawn for block 0.

    Population 0 has the scenario's own seed, so it is the book of a plain run at that seed.
    """
    return seed if population == 0 else _derived("population", seed, population)


def branch_seed(seed: int, branch: int) -> int:
    """Return the seed with which one offspring goes on where a path of a seed was branched."""
    return _derived("branch", seed, branch)


def _derived(kind: str, seed: int, number: int) -> int:
    for name, value in (("seed", seed), (kind, number)):
        if value < 0:
            raise ValueError(f"{name} must not be negative, was {value}")
    digest = hashlib.sha256(f"seawall seed\0{kind}\0{seed}\0{number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> (64 - _SEED_BITS)


class _Ahead(NamedTuple):
    """Lognormals of one stream at consecutive steps."""

    step: int
    rows: FloatArray
    """float64[steps, values of a step]"""


class Streams:
    """All random numbers of a run."""

    __slots__ = ("_ahead", "_counter", "_generator", "_key", "_keys", "_state", "mirrored", "seed")

    def __init__(self, seed: int, *, mirrored: tuple[str, ...] = ()) -> None:
        """Open the streams of `seed`, any integer from 0.

        Parameters
        ----------
        mirrored
            Beginnings of names. Streams so named give the complement of every word: each uniform u becomes
            exactly 1 - u and each normal its negative, for antithetic pairs.
        """
        if seed < 0:
            raise ValueError(f"seed must not be negative, was {seed}")
        self.seed = seed
        self.mirrored = mirrored
        self._keys: dict[str, WordArray] = {}
        self._ahead: dict[tuple[str, float, int], _Ahead] = {}
        # One generator is moved from address to address; assigning its state is the quickest way to do so.
        self._generator = np.random.Philox(key=0)
        self._state: Any = self._generator.state
        self._counter: WordArray = self._state["state"]["counter"]
        self._key: WordArray = self._state["state"]["key"]

    def draw(self, name: str, step: int = 0) -> Draw:
        """Return the stream of `name` at `step` (0 <= step < 2**63), from its beginning."""
        if not 0 <= step < _MAX_STEP:
            raise ValueError(f"step must be in 0..2**63-1, was {step}")
        return Draw(self, self._key_of(name), step, mirrored=name.startswith(self.mirrored))

    def lognormal(
        self, name: str, step: int, n: int, deviation: float, *, first_group: int = 0
    ) -> FloatArray:
        """Return n lognormals of median 1 of the stream `name` at `step`, float64[n], not to be changed.

        They are ``exp(deviation * normals)``, made for the coming steps too and kept: for what is drawn at
        every step, since a few values take as long as thousands.

        Parameters
        ----------
        deviation
            Of the logarithm.
        first_group
            Group of four words they begin at: past what a `draw` of the same name and step has used.
        """
        if not 0 <= step < _MAX_STEP - _AHEAD_STEPS:
            raise ValueError(f"step must be in 0..2**63-1 less {_AHEAD_STEPS}, was {step}")
        kept = (name, deviation, first_group)
        ahead = self._ahead.get(kept)
        if ahead is None or n > ahead.rows.shape[1] or not 0 <= step - ahead.step < len(ahead.rows):
            key = self._key_of(name)
            # Next time some more may be asked for, as they were before; many times more are not likely.
            width = n if ahead is None else max(n, min(ahead.rows.shape[1], 2 * n))
            steps = min(max(_AHEAD_VALUES // max(width, 1), 1), _AHEAD_STEPS)
            words = np.concatenate(
                [self.words_at(key, first_group, step + i, _KIND_DRAW, width) for i in range(steps)]
            )
            normals = portable_math.normal_ppf(_to_unit(~words if name.startswith(self.mirrored) else words))
            rows = portable_math.exp(deviation * normals).reshape(steps, width)
            rows.flags.writeable = False
            ahead = self._ahead[kept] = _Ahead(step, rows)
        return ahead.rows[step - ahead.step, :n]

    def series(self, name: str) -> Series:
        """Return the endless sequence of `name`, addressed by position: for whole paths in one call."""
        return Series(self, self._key_of(name), mirrored=name.startswith(self.mirrored))

    def _key_of(self, name: str) -> WordArray:
        key = self._keys.get(name)
        if key is None:
            text = f"seawall stream\0{self.seed}\0{name}".encode()
            key = np.frombuffer(hashlib.sha256(text).digest()[:16], dtype="<u8").astype(np.uint64)
            self._keys[name] = key
        return key

    def words_at(self, key: WordArray, block: int, step: int, kind: int, count: int) -> WordArray:
        """Return `count` words from group `block` on; reached through `Draw` and `Series`."""
        # numpy's Philox raises the counter before it encrypts it: the words belong to counters block + 1
        # onwards.
        counter = self._counter
        counter[0] = block
        counter[1] = 0
        counter[2] = step
        counter[3] = kind
        self._key[:] = key
        self._generator.state = self._state
        words: WordArray = self._generator.random_raw(count)
        return words


def _to_unit(words: WordArray) -> FloatArray:
    """Return words as odd multiples of 2**-53 strictly between 0 and 1: their upper 52 bits and a half."""
    if words.size <= _SMALL:
        return np.array([((word >> 12) + 0.5) * _UNIT for word in words.tolist()], dtype=np.float64)
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * _UNIT


def _to_normal(words: WordArray) -> FloatArray:
    """Return words as standard normals by inversion."""
    if words.size <= _SMALL:
        ppf = portable_math.normal_ppf
        return np.array([ppf(((word >> 12) + 0.5) * _UNIT) for word in words.tolist()], dtype=np.float64)
    return portable_math.normal_ppf(_to_unit(words))


def _to_exponential(words: WordArray) -> FloatArray:
    """Return words as exponentials of mean 1 by inversion."""
    if words.size <= _SMALL:
        log = portable_math.log
        return np.array([-log(((word >> 12) + 0.5) * _UNIT) for word in words.tolist()], dtype=np.float64)
    return -portable_math.log(_to_unit(words))


class Draw:
    """A stream at one step. Each call continues where the last one ended, on a fresh group of four words.

    Two `Draw` of the same name and step give the same numbers: make it once per purpose and block.
    """

    __slots__ = ("_block", "_key", "_mirrored", "_step", "_streams")

    def __init__(self, streams: Streams, key: WordArray, step: int, *, mirrored: bool = False) -> None:
        self._streams = streams
        self._key = key
        self._mirrored = mirrored
        self._step = step
        self._block = 0

    def words(self, n: int) -> WordArray:
        """Return n random words, uint64[n]."""
        block = self._block
        self._block = block + (n + 3) // 4
        words = self._streams.words_at(self._key, block, self._step, _KIND_DRAW, n)
        return ~words if self._mirrored else words

    def uniform(self, n: int) -> FloatArray:
        """Return n uniforms strictly between 0 and 1, float64[n], on a grid of 2**-52."""
        return _to_unit(self.words(n))

    def normal(self, n: int) -> FloatArray:
        """Return n standard normals, float64[n]; the largest possible magnitude is 8.2."""
        return _to_normal(self.words(n))

    def exponential(self, n: int) -> FloatArray:
        """Return n exponentials of mean 1, float64[n]."""
        return _to_exponential(self.words(n))

    def integers(self, low: int, high: int, n: int) -> IntArray:
        """Return n integers from `low` up to but without `high`, int64[n].

        The upper half of word * span / 2**64: one word each, so the number drawn never depends on chance. No
        value is favoured by more than span / 2**64.
        """
        span = high - low
        if span <= 0:
            raise ValueError(f"high must be above low, was {low}..{high}")
        words = self.words(n)
        if n <= _SMALL or span >= 2**32:
            return np.array([low + (word * span >> 64) for word in words.tolist()], dtype=np.int64)
        factor = np.uint64(span)
        upper = (words >> np.uint64(32)) * factor
        lower = ((words & np.uint64(0xFFFFFFFF)) * factor) >> np.uint64(32)
        return ((upper + lower) >> np.uint64(32)).astype(np.int64) + low

    def permutation(self, n: int) -> IntArray:
        """Return a random order of 0..n-1, int64[n].

        The ranks of n words; a tie has chance n**2 / 2**65 and keeps its order.
        """
        if n < 2:  # nothing to choose, but the words are used up as for any other number
            self._block += n
            return np.arange(n)
        return np.argsort(self.words(n), kind="stable").astype(np.int64)


class Series:
    """An endless sequence addressed by position: any slice, in any chunks, has the same values."""

    __slots__ = ("_key", "_mirrored", "_streams")

    def __init__(self, streams: Streams, key: WordArray, *, mirrored: bool = False) -> None:
        self._streams = streams
        self._key = key
        self._mirrored = mirrored

    def words(self, start: int, stop: int) -> WordArray:
        """Return the words at positions start..stop-1, uint64[stop - start]."""
        if not 0 <= start <= stop:
            raise ValueError(f"need 0 <= start <= stop, was {start}..{stop}")
        block = start // 4
        skipped = start - 4 * block
        words = self._streams.words_at(self._key, block, 0, _KIND_SERIES, stop - 4 * block)[skipped:]
        return ~words if self._mirrored else words

    def uniform(self, start: int, stop: int) -> FloatArray:
        """Return uniforms at positions start..stop-1, strictly between 0 and 1."""
        return _to_unit(self.words(start, stop))

    def normal(self, start: int, stop: int) -> FloatArray:
        """Return standard normals at positions start..stop-1."""
        return _to_normal(self.words(start, stop))
