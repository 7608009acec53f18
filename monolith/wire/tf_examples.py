"""tf.train.Example without TensorFlow: rows of raw values, made into ids and numbers by a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from monolith.core.arrays import Floats, splits_of
from monolith.core.batch import Batch, Ragged
from monolith.core.errors import DataError, SchemaError
from monolith.core.raw_ids import to_fids
from monolith.core.schema import Feature, Schema
from monolith.wire.tf import message

_EXAMPLE = "tensorflow.Example"


def parse_tf_examples(payloads: Sequence[bytes], schema: Schema) -> Batch:
    """The Batch of serialized tf.train.Example messages, one a row.

    Raw values become ids as `core.raw_ids.to_fids` makes them. A feature is looked for under the name that
    the raw data has for it. What is missing is empty, or 0; a missing weight is 1.

    Raises:
        DataError: a row is not a tf.train.Example.
        SchemaError: a value is not what the schema says; feature and row are named.
    """
    rows = [_parsed(payload, row) for row, payload in enumerate(payloads)]
    return Batch(
        {f.name: _ids(f, [_held(row, f.column or f.name) for row in rows]) for f in schema.sparse},
        {f.name: _block(f.column or f.name, rows, f.width) for f in schema.dense},
        _labels(schema, rows),
        _block(schema.weight, rows, 1, missing=1).reshape(-1),
    )


def encode_tf_example(row: Mapping[str, Sequence[Any]]) -> bytes:
    """One serialized tf.train.Example: a list of ints, floats, or bytes or text, under each name.

    The same row gives the same bytes.
    """
    example = message(_EXAMPLE)()
    for name, values in row.items():
        feature = example.features.feature[name]
        if all(isinstance(v, int) for v in values):
            feature.int64_list.value.extend(values)
        elif all(isinstance(v, int | float) for v in values):
            feature.float_list.value.extend(values)
        else:
            feature.bytes_list.value.extend(v.encode() if isinstance(v, str) else v for v in values)
    encoded: bytes = example.SerializeToString(deterministic=True)
    return encoded


def _parsed(payload: bytes, row: int) -> Any:
    try:
        return message(_EXAMPLE).FromString(payload).features.feature
    except DecodeError as exc:
        raise DataError(f"row {row}: not a tf.train.Example ({exc})") from exc


def _held(row: Any, name: str) -> Sequence[Any]:
    """The raw values under `name`; looking it up must not create it, as a protobuf map would."""
    if name not in row:
        return ()
    feature = row[name]
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


def _ids(feature: Feature, held: list[Sequence[Any]]) -> Ragged:
    splits = splits_of([len(values) for values in held])
    flat = [_text(feature, v) if isinstance(v, bytes) else v for values in held for v in values]
    return Ragged(to_fids(feature, np.array(flat, object)), splits)


def _text(feature: Feature, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise SchemaError(f"feature {feature.name!r} has a value that is not UTF-8 text: {value!r}") from exc


def _labels(schema: Schema, rows: list[Any]) -> Floats:
    labels = _block(schema.label.column, rows, 1).reshape(-1)
    if schema.label.threshold is None:
        return labels
    return (labels >= schema.label.threshold).astype(np.float32)


def _block(name: str, rows: list[Any], width: int, missing: float = 0) -> Floats:
    """(B, width) numbers under `name`, `missing` where a row has none."""
    block = np.full((len(rows), width), missing, np.float32)
    for i, row in enumerate(rows):
        values = _held(row, name)
        if not values:
            continue
        if len(values) != width or isinstance(values[0], bytes):
            raise SchemaError(f"feature {name!r} has {list(values)!r} in row {i}, not {width} numbers")
        block[i] = values
    return block
