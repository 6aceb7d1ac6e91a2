"""Digests that anyone can recompute: SHA-256 over canonical bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sim.core.errors import InputError


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 lowercase hex digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 lowercase hex digits.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}") from error


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON with one spelling only.

    Keys sorted by code point, no white space, ASCII escapes, integers in full, floats in Python's shortest
    form that reads back to the same double (the same on every machine).

    Raises
    ------
    ValueError
        NaN or infinity, which JSON cannot hold.
    TypeError
        A key that is not a string, or a value JSON has no form for.
    """
    _require_string_keys(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def _require_string_keys(value: Any) -> None:
    # json.dumps turns 1 and "1" into the same key, so two different values could share one spelling.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"canonical JSON needs string keys, was {key!r}")
            _require_string_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_string_keys(item)


def count_bytes(count: int) -> bytes:
    """Return a count or a length as 4 bytes, most significant first."""
    return count.to_bytes(4, "big")


def integer_bytes(value: int) -> bytes:
    """Return an integer as one length byte and so many bytes of two's complement, most significant first.

    The length is the number of bits of the magnitude divided by 8, rounded down, plus 1: one spelling for
    each integer of up to 254 bytes.
    """
    length = value.bit_length() // 8 + 1
    return length.to_bytes(1, "big") + value.to_bytes(length, "big", signed=True)


def integers_bytes(values: Collection[int]) -> bytes:
    """Return how many integers there are, and each of them."""
    return count_bytes(len(values)) + b"".join(map(integer_bytes, values))


def sized_bytes(content: bytes) -> bytes:
    """Return bytes preceded by how many they are."""
    return len(content).to_bytes(4, "big") + content


class Digest:
    """SHA-256 over a sequence of parts, each preceded by its length so that no two sequences collide."""

    __slots__ = ("_hash",)

    def __init__(self, domain: str) -> None:
        self._hash = hashlib.sha256()
        self.update(domain.encode("utf-8"))

    def update(self, part: bytes) -> None:
        """Add one part."""
        self._hash.update(len(part).to_bytes(8, "big"))
        self._hash.update(part)

    def update_json(self, value: Any) -> None:
        """Add one part in canonical JSON; see `canonical_json`."""
        self.update(canonical_json(value))

    def hexdigest(self) -> str:
        """Return the digest of the parts added so far; more may follow."""
        return self._hash.copy().hexdigest()
