"""CSV and Parquet files as chunks of raw columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from monolith.core.errors import DataError, SchemaError
from monolith.data.arrow import CHUNK_ROWS, check_columns, parquet_chunks
from monolith.data.files import matching
from monolith.data.raw import Chunk

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def table_chunks(pattern: str, columns: Sequence[str]) -> Callable[[], Iterator[Chunk]]:
    """A function that reads the named columns of the matching files, one file after another, each time.

    Raises:
        DataError: nothing matches, or a file has a suffix other than .csv, .tsv or .parquet.
            While reading: a file is not what its suffix says.
        SchemaError: while reading: a column is not there.
    """
    readers = [_reader(path, columns) for path in matching(pattern)]
    return lambda: (chunk for read in readers for chunk in read())


def csv_chunks(path: Path, columns: Sequence[str], separator: str = ",") -> Iterator[Chunk]:
    """The named columns of a file whose first line names them, as text; row 1 is the line after that.

    Raises:
        SchemaError: a column is not there, or a row has more or fewer fields than there are names.
        DataError: the file is not such a text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=separator, strict=True)
            names = next(rows, [])
            check_columns(path, names, columns)
            places = [names.index(name) for name in columns]
            row = 1
            while held := list(islice(rows, CHUNK_ROWS)):
                _even(path, held, len(names), row)
                fields = list(zip(*held, strict=True))
                yield Chunk({names[p]: np.array(fields[p], object) for p in places}, str(path), row)
                row += len(held)
    except (csv.Error, OSError, UnicodeDecodeError) as exc:
        raise DataError(f"cannot be read as CSV ({exc})", path=path) from exc


def _reader(path: Path, columns: Sequence[str]) -> Callable[[], Iterator[Chunk]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return lambda: parquet_chunks(path, columns)
    if suffix in _SEPARATORS:
        return lambda: csv_chunks(path, columns, _SEPARATORS[suffix])
    raise DataError(f"suffix {suffix!r} does not tell what this is: use .csv, .tsv or .parquet", path=path)


def _even(path: Path, rows: list[list[str]], width: int, first: int) -> None:
    for number, row in enumerate(rows, start=first):
        if len(row) != width:
            raise SchemaError(f"row {number} has {len(row)} fields, the first line names {width}", path=path)
