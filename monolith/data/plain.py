"""Batches out of files that are no dataset folder: record files, CSV or Parquet, chosen by a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from monolith.core.batch import Batch
from monolith.core.choice import choice
from monolith.core.errors import DataError
from monolith.core.records import Record, scan_records
from monolith.core.schema import Schema
from monolith.data.files import matching
from monolith.data.raw import needed, to_batch
from monolith.data.rows import sized
from monolith.data.tables import table_chunks
from monolith.wire.examples import parse_example_batch, parse_examples
from monolith.wire.instances import parse_instances
from monolith.wire.tf_examples import parse_tf_examples

_ROWS_AT_ONCE = 1024  # messages of one row each that are parsed together


class Records(StrEnum):
    """What the records of a file are."""

    EXAMPLE_BATCH = "example_batch"
    EXAMPLE = "example"
    INSTANCE = "instance"
    TF_EXAMPLE = "tf_example"


Parse: TypeAlias = Callable[[Sequence[bytes], Schema], Batch]

_PARSERS: dict[Records, Parse] = {
    Records.EXAMPLE_BATCH: lambda payloads, schema: parse_example_batch(payloads[0], schema),
    Records.EXAMPLE: parse_examples,
    Records.INSTANCE: parse_instances,
    Records.TF_EXAMPLE: parse_tf_examples,
}


def read_record_files(pattern: str, schema: Schema, records: Records, batch_size: int) -> Iterator[Batch]:
    """The rows of TFRecord files, in order, `batch_size` at a time; the last batch may be short.

    Raises:
        ConfigError: records of `records` are unknown.
        DataError: nothing matches. While reading: a record is damaged, or is not what `records` says.
        SchemaError: while reading: a record holds other values than the schema says.
    """
    kind = choice(Records, records, "records")
    return sized(_parsed(matching(pattern), schema, kind), batch_size)


def read_table_files(pattern: str, schema: Schema, batch_size: int) -> Iterator[Batch]:
    """The rows of CSV, TSV and Parquet files, likewise.

    Raises:
        DataError, SchemaError: as `table_chunks` and `to_batch`.
    """
    chunks = table_chunks(pattern, needed(schema))
    return sized((to_batch(schema, chunk) for chunk in chunks()), batch_size)


def _parsed(paths: list[Path], schema: Schema, records: Records) -> Iterator[Batch]:
    many = 1 if records is Records.EXAMPLE_BATCH else _ROWS_AT_ONCE
    for path in paths:
        found = scan_records(path)
        while held := list(islice(found, many)):
            yield _parse(path, held, schema, records)


def _parse(path: Path, held: list[Record], schema: Schema, records: Records) -> Batch:
    try:
        return _PARSERS[records]([record.payload for record in held], schema)
    except DataError as exc:
        raise type(exc)(str(exc), path=path, offset=held[0].offset) from exc
