"""Parquet of a results folder as hostile input: known columns, few enough rows, no bomb."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.errors import InputError
from sim.core.folders import TABLE, Bound, Folder, damaged

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_DECODED = 384 * 2**20
"""Bytes a table may have in memory. Assumption: a run of 400,000 blocks needs 150 MiB for its figures."""

TRUSTED = "SEAWALL_TABLE_MIB"
"""Variable of the environment by which a user allows larger tables, of a folder that he trusts."""

_BATCH = 65_536

Keep = Callable[["pa.Table"], Any]
"""Rows of a part of a table -> mask of those that are wanted."""


def read_table(
    folder: Folder,
    name: str,
    schema: pa.Schema | None,
    *,
    columns: Sequence[str] | None = None,
    keep: Keep | None = None,
) -> pa.Table:
    """Return a table of a folder.

    Parameters
    ----------
    schema
        Columns it must have, in this order and of these types; None where the caller checks them.
    columns
        Those to read, all by default.
    keep
        Which rows to return; the others are never all in memory.

    Raises
    ------
    InputError
        See `Folder.read`; or it is no Parquet, has other columns, or would be too large in memory.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import, and most commands read no table)
    import pyarrow.parquet as pq  # noqa: PLC0415

    place = folder.path / name
    content = folder.read(name, Bound(TABLE.kind, TABLE.bytes if _most() <= LARGEST_DECODED else _most()))
    try:
        found = pq.ParquetFile(pa.BufferReader(content)).schema_arrow
        if schema is not None and (found.names != schema.names or found.types != schema.types):
            raise InputError(damaged(place, _other_columns(found, schema)))
        wanted = found.names if columns is None else [name for name in found.names if name in columns]
        # As dictionaries, or a million rows of one long text would be a million copies of it.
        texts = [field.name for field in found if pa.types.is_string(field.type)]
        texts += [f"{field.name}.list.element" for field in found if pa.types.is_list(field.type)]
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        _refuse_bomb(place, file.metadata, {*wanted} if columns is not None else None)
        parts = list(_parts(place, file, wanted, keep))
        kept = pa.schema([found.field(name) for name in wanted])
        return pa.concat_tables(parts) if parts else kept.empty_table()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(damaged(place, f"is broken Parquet ({reason})")) from None


def _parts(place: Path, file: Any, wanted: list[str], keep: Keep | None) -> Iterator[pa.Table]:
    import pyarrow as pa  # noqa: PLC0415

    schema = pa.schema([field for field in file.schema_arrow if field.name in wanted]).remove_metadata()
    total = 0
    for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
        batch.validate(full=True)
        size = sum(_decoded(column) for column in batch.columns)
        _refuse_more(place, size)
        plain = [column.cast(_plain(field.type)) for column, field in zip(batch.columns, schema, strict=True)]
        part = pa.Table.from_arrays(plain, names=wanted)
        if keep is not None:
            part = part.filter(keep(part))
            size = part.nbytes
        total += size
        _refuse_more(place, total)
        yield part


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type that stands for one read as a dictionary."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.list_(_plain(kind.value_type)) if pa.types.is_list(kind) else kind


def _decoded(column: pa.Array) -> int:
    """Return how many bytes a column has once it is plain."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    if pa.types.is_list(column.type):
        return 4 * len(column) + _decoded(column.flatten())
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.fill_null(pc.binary_length(column.dictionary), 0).cast(pa.int64())
    return 4 * len(column) + int(pc.sum(lengths.take(column.indices.drop_null())).as_py() or 0)


def _other_columns(found: pa.Schema, schema: pa.Schema) -> str:
    gone = [name for name in schema.names if name not in found.names]
    more = [name for name in found.names if name not in schema.names]
    both = [name for name in schema.names if name in found.names]
    other = [name for name in both if found.field(name).type != schema.field(name).type]
    for words, names in (("no column", gone), ("a column too many:", more), ("another type of", other)):
        if names:
            return f"has {words} {names[0][:100]}"
    return "has its columns in another order"


def _refuse_bomb(place: Path, metadata: Any, wanted: set[str] | None) -> None:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    chunks = [group.column(index) for group in groups for index in range(metadata.num_columns)]
    if sum(group.num_rows for group in groups) != metadata.num_rows:
        raise InputError(damaged(place, "has another number of rows than it says"))
    if wanted is not None:
        chunks = [chunk for chunk in chunks if chunk.path_in_schema.removesuffix(".list.element") in wanted]
    # A value takes at least its index of four bytes, however well it is packed.
    packed = sum(chunk.total_uncompressed_size for chunk in chunks)
    _refuse_more(place, max(packed, 4 * sum(chunk.num_values for chunk in chunks)))


def _most() -> int:
    """Return the bytes that a table may have in memory, more if the user allows it."""
    told = os.environ.get(TRUSTED, "")
    return int(told) * 2**20 if told.isdecimal() and len(told) < 10 else LARGEST_DECODED


def _refuse_more(place: Path, size: int) -> None:
    most = _most()
    if size > most:
        raise InputError(
            damaged(place, f"unpacks to more than {most // 2**20} MiB, the most a table may have")
            + f"; if you trust it, allow more: {TRUSTED}={2 * size // 2**20 + 1}"
        )
