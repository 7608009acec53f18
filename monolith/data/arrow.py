"""Parquet files as columns, by way of pyarrow where it is installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from monolith.core.errors import DataError, MissingExtra, SchemaError
from monolith.data.raw import Chunk, Column

CHUNK_ROWS = 65_536


def table_columns(file: BinaryIO) -> dict[str, Column]:
    """Every column of a Parquet file, whole.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    table = _parquet().read_table(file)
    return {name: _column(table[name]) for name in table.column_names}


def parquet_chunks(path: Path, columns: Sequence[str]) -> Iterator[Chunk]:
    """The named columns of a Parquet file, some rows at a time.

    Raises:
        MissingExtra: pyarrow is not installed.
        SchemaError: a column is not there.
        DataError: the file cannot be read as Parquet.
    """
    parquet = _parquet()
    import pyarrow

    row = 1
    try:
        with parquet.ParquetFile(path) as file:
            check_columns(path, file.schema_arrow.names, columns)
            for batch in file.iter_batches(CHUNK_ROWS, columns=list(columns)):
                yield Chunk({name: _column(batch[name]) for name in columns}, str(path), row)
                row += batch.num_rows
    except (pyarrow.ArrowException, OSError) as exc:
        raise DataError(f"cannot be read as Parquet ({exc})", path=path) from exc


def check_columns(path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise SchemaError if a wanted column is not there, or is there more than once."""
    for name in wanted:
        if there.count(name) != 1:
            found = f"{there.count(name)} columns" if name in there else "no column"
            raise SchemaError(f"there is {found} {name!r} (columns: {', '.join(there)})", path=path)


def _column(array: Any) -> Column:
    """As numpy. Integers with gaps stay integers, as floats round the large ones; lists stay lists."""
    from pyarrow import ChunkedArray
    from pyarrow.types import is_fixed_size_list, is_integer, is_large_list, is_list

    lists = any(is_kind(array.type) for is_kind in (is_list, is_large_list, is_fixed_size_list))
    if lists or (array.null_count and is_integer(array.type)):
        return np.fromiter(array.to_pylist(), object, len(array))
    values: Column = array.to_numpy() if isinstance(array, ChunkedArray) else array.to_numpy(False)
    return values


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as exc:
        raise MissingExtra("reading Parquet", "arrow") from exc
    return pyarrow.parquet
