"""ExampleBatch and Example messages: bytes to columns and back, never row by row."""

from __future__ import annotations

from collections.abc import Sequence

from monolith.core.batch import Batch
from monolith.core.schema import Schema


def parse_example_batch(payload: bytes, schema: Schema) -> Batch:
    """The columns of one serialized ExampleBatch that `schema` names.

    A feature that is missing has no ids, or zeros; missing labels are 0, missing weights 1.

    Raises:
        DataError: the bytes are not an ExampleBatch, or its columns disagree about the number of rows.
    """
    raise NotImplementedError


def encode_example_batch(batch: Batch) -> bytes:
    """`batch` as one serialized ExampleBatch; its features in order of name."""
    raise NotImplementedError


def parse_examples(payloads: Sequence[bytes], schema: Schema) -> Batch:
    """As `parse_example_batch`, of serialized Example messages, one a row."""
    raise NotImplementedError


def encode_examples(batch: Batch) -> list[bytes]:
    """`batch` as serialized Example messages, one a row."""
    raise NotImplementedError
