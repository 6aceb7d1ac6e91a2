"""Parquet of a results folder as hostile input: known columns, few enough rows, no bomb."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.errors import InputError
from sim.core.folders import TABLE, Folder, damaged

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_DECODED = 384 * 2**20
"""Bytes a table may have in memory. Assumption: a run of 400,000 blocks needs 150 MiB for its largest."""


def read_table(folder: Folder, name: str, schema: pa.Schema | None) -> pa.Table:
    """Return a table of a folder.

    Parameters
    ----------
    schema
        Columns it must have, in this order and of these types; None where the caller checks them.

    Raises
    ------
    InputError
        See `Folder.read`; or it is no Parquet, has other columns, or would be too large in memory.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import, and most commands read no table)
    import pyarrow.parquet as pq  # noqa: PLC0415

    place = folder.path / name
    content = folder.read(name, TABLE)
    try:
        found = pq.ParquetFile(pa.BufferReader(content)).schema_arrow
        if schema is not None and (found.names != schema.names or found.types != schema.types):
            raise InputError(damaged(place, _other_columns(found, schema)))
        # As dictionaries, or a million rows of one long text would be a million copies of it.
        texts = [field.name for field in found if pa.types.is_string(field.type)]
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        _refuse_bomb(place, file.metadata)
        table = file.read()
        table.validate(full=True)
        columns = [_plain(place, column) for column in table.columns]
        return pa.Table.from_arrays(columns, schema=found.remove_metadata())
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(damaged(place, f"is broken Parquet ({reason})")) from None


def _other_columns(found: pa.Schema, schema: pa.Schema) -> str:
    gone = [name for name in schema.names if name not in found.names]
    more = [name for name in found.names if name not in schema.names]
    other = [
        name
        for name in schema.names
        if name in found.names and found.field(name).type != schema.field(name).type
    ]
    for words, names in (("no column", gone), ("a column too many:", more), ("another type of", other)):
        if names:
            return f"has {words} {names[0][:100]}"
    return "has its columns in another order"


def _refuse_bomb(place: Path, metadata: object) -> None:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]  # type: ignore[attr-defined]
    columns: int = metadata.num_columns  # type: ignore[attr-defined]
    rows: int = metadata.num_rows  # type: ignore[attr-defined]
    decoded = sum(group.column(index).total_uncompressed_size for group in groups for index in range(columns))
    if sum(group.num_rows for group in groups) != rows:
        raise InputError(damaged(place, "has another number of rows than it says"))
    # A value takes at least its index of four bytes, however well it is packed.
    if max(decoded, 4 * rows * columns) > LARGEST_DECODED:
        raise InputError(
            damaged(place, f"unpacks to more than {LARGEST_DECODED // 2**20} MiB, the most a table may have")
        )


def _plain(place: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of texts as texts, once it is known that they fit."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    if not pa.types.is_dictionary(column.type):
        return column
    size = 0
    for chunk in column.chunks:
        lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0).cast(pa.int64())
        size += pc.sum(lengths.take(chunk.indices.drop_null())).as_py() or 0
    if size > LARGEST_DECODED:
        raise InputError(
            damaged(place, f"unpacks to more than {LARGEST_DECODED // 2**20} MiB, the most a table may have")
        )
    return column.cast(pa.string())
