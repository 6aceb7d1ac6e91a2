"""Batched return data: arrays of structs of one-word fields, read without a general codec."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import numpy as np

from sim.core.arrays import FloatArray

_WORD: Final = 32


def decode_rows(data: bytes, columns: int, *, signed: Iterable[int] = ()) -> list[list[int]]:
    """Return an ABI array of static structs as rows of Python integers.

    Parameters
    ----------
    data
        Return data of a function that returns one such array: offset, length, words.
    columns
        Words in one struct.
    signed
        Indices of columns that are signed.
    """
    structs = _words_of(columns, range(columns)).iter_unpack(array_words(data, columns))
    rows = [list(map(int.from_bytes, struct)) for struct in structs]  # most significant byte first
    for column in signed:
        for row in rows:
            if row[column] >> 255:
                row[column] -= 1 << 256
    return rows


def decode_columns(
    data: bytes, columns: int, wanted: Iterable[int], *, signed: Iterable[int] = ()
) -> list[list[int]]:
    """Return some columns of an ABI array of static structs, each as a list of Python integers.

    Parameters
    ----------
    data, columns, signed
        As for `decode_rows`.
    wanted
        Indices of the columns to read, in the order of the result.
    """
    order = list(wanted)
    negative = frozenset(signed)
    structs = _words_of(columns, frozenset(order)).iter_unpack(array_words(data, columns))
    read = dict(zip(sorted(set(order)), zip(*structs, strict=True), strict=False))  # no struct, no column
    found: list[list[int]] = []
    for column in order:
        values = list(map(int.from_bytes, read.get(column, ())))
        if column in negative:
            values = [value - (1 << 256) if value >> 255 else value for value in values]
        found.append(values)
    return found


@lru_cache(maxsize=64)
def _words_of(columns: int, wanted: range | frozenset[int]) -> Struct:
    """Return what cuts the wanted words, in their order there, out of a struct of so many."""
    return Struct("".join(f"{_WORD}{'s' if column in wanted else 'x'}" for column in range(columns)))


def decode_words(
    data: bytes, columns: int, *, signed: Iterable[int] = ()
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return `decode_rows` as an object array of exact integers, shape (rows, columns)."""
    rows = decode_rows(data, columns, signed=signed)
    result = np.empty((len(rows), columns), dtype=object)
    if rows:
        result[:] = rows
    return result


def decode_floats(data: bytes, columns: int, *, signed: Iterable[int] = ()) -> FloatArray:
    """Return an ABI array of static structs as float64[rows, columns], in the units of the words.

    Relative error below 2**-50; computed with + and * alone, so the same on every machine.
    """
    words = array_words(data, columns)
    limbs = np.frombuffer(words, dtype=">u8").reshape(-1, columns, 4).astype(np.uint64)
    columns_signed = list(signed)
    negative = np.zeros(limbs.shape[:2], dtype=bool)
    if columns_signed:
        negative[:, columns_signed] = (limbs[:, columns_signed, 0] >> np.uint64(63)) == 1
        # Two's complement: -x = ~x + 1; the 1 is added to the lowest limb as a float, below the stated error.
        limbs = np.where(negative[:, :, None], ~limbs, limbs)
    value = limbs[:, :, 0].astype(np.float64)
    for limb in (1, 2, 3):
        value = value * 2.0**64 + limbs[:, :, limb].astype(np.float64)
    result: FloatArray = np.where(negative, -(value + 1.0), value)
    return result


def array_words(data: bytes, columns: int) -> bytes:
    """Return the words of an ABI array of static structs, checked against the length of the data."""
    if len(data) < 2 * _WORD:
        raise ValueError(f"array needs at least {2 * _WORD} bytes, was {len(data)}")
    start = int.from_bytes(data[:_WORD], "big")
    count = int.from_bytes(data[start : start + _WORD], "big")
    stop = start + _WORD + count * columns * _WORD
    if stop > len(data):
        raise ValueError(f"array of {count} structs needs {stop} bytes, was {len(data)}")
    return data[start + _WORD : stop]
