"""ExampleBatch and Example messages: bytes to columns and back.

An ExampleBatch holds many rows column by column, and is read and written as arrays. An Example holds one
row; those are for interchange, and go through protobuf's own classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from monolith.core.arrays import splits_of
from monolith.core.batch import Batch
from monolith.core.errors import DataError
from monolith.core.schema import Schema
from monolith.wire import example_pb2, line_id_pb2
from monolith.wire.columns import LABEL, LINE_ID, MAX_ROWS, SAMPLE_RATE, TIME, WEIGHT, assembled
from monolith.wire.emit import features, length_delimited
from monolith.wire.fields import LENGTH, VARINT, fields
from monolith.wire.scan import (
    DOUBLES,
    FID_V1,
    FID_V2,
    FLOATS,
    INT64S,
    Column,
    Scratch,
    column,
)
from monolith.wire.scan import name as name_of

_LISTS, _BATCH_SIZE = 1, 3  # fields of ExampleBatch
_DTYPES = {FID_V1: np.uint64, FID_V2: np.uint64, FLOATS: np.float32, DOUBLES: np.float64, INT64S: np.int64}
_MEMBERS = {
    "fid_v1_list": FID_V1,
    "fid_v2_list": FID_V2,
    "float_list": FLOATS,
    "double_list": DOUBLES,
    "int64_list": INT64S,
    "float_value": FLOATS,
    "double_value": DOUBLES,
    "int64_value": INT64S,
}


def parse_example_batch(payload: bytes, schema: Schema) -> Batch:
    """The columns of one serialized ExampleBatch that `schema` names; old fids become new ones.

    A feature that is missing has no ids, or zeros; missing labels are 0, missing weights 1.

    Raises:
        DataError: the bytes are not an ExampleBatch, or its columns disagree about the number of rows.
        SchemaError: a column holds another kind of value than the schema says.
    """
    buf = np.frombuffer(payload, np.uint8)
    rows, spans = 0, {}
    for number, wire, begin, end in fields(buf).tolist():
        if number == _LISTS and wire == LENGTH:
            spans[name_of(buf, begin, end)] = (begin, end)
        elif number == _BATCH_SIZE and wire == VARINT:
            rows = begin
    if not 0 <= rows <= MAX_ROWS:
        raise DataError(f"the batch says it has {rows} rows, not in 0..{MAX_ROWS}")
    scratch = Scratch(max((end - begin for begin, end in spans.values()), default=0))
    return assembled(schema, rows, lambda name: column(buf, *spans[name], scratch) if name in spans else None)


def encode_example_batch(batch: Batch) -> bytes:
    """`batch` as one serialized ExampleBatch, the same bytes for the same batch."""
    ids = [(name, FID_V2, ids.fids, ids.row_splits) for name, ids in sorted(batch.sparse.items())]
    numbers = [(name, FLOATS, *_even(rows)) for name, rows in _numbers(batch)]
    if batch.times is not None:
        numbers.append((TIME, DOUBLES, *_even(batch.times.astype(np.float64).reshape(-1, 1))))
    message = example_pb2.ExampleBatch(batch_size=len(batch))
    lists = [
        length_delimited(
            _LISTS,
            example_pb2.NamedFeatureList(name=name).SerializeToString(),
            features(kind, values, splits),
        )
        for name, kind, values, splits in ids + numbers
    ]
    return b"".join((*lists, message.SerializeToString()))


def line_ids(payload: bytes) -> list[line_id_pb2.LineId]:
    """The line ids of an ExampleBatch, one a row, or none at all if it carries none.

    Raises:
        DataError: the batch, or a line id, cannot be parsed.
    """
    held = [
        feature.bytes_list.value[0] if feature.bytes_list.value else feature.bytes_value
        for one in parsed(example_pb2.ExampleBatch, payload).named_feature_list
        if one.name == LINE_ID
        for feature in one.feature
    ]
    return [parsed(line_id_pb2.LineId, data) for data in held]


def parse_examples(payloads: Sequence[bytes], schema: Schema) -> Batch:
    """As `parse_example_batch`, of serialized Example messages, one a row.

    An Example's own `instance_weight`, the first of its own labels, and its line id's sample rate are read
    where the feature of that name is not there. A weight of 0 is no weight, as its format cannot tell them
    apart, and a rate of 0 no rate: some write it where they know none.
    """
    return assembled_rows([parsed(example_pb2.Example, p, row) for row, p in enumerate(payloads)], schema)


def assembled_rows(rows: Sequence[example_pb2.Example], schema: Schema) -> Batch:
    """What `parse_examples` says, of messages that are parsed already."""
    named = [{one.name: one.feature for one in row.named_feature} for row in rows]
    for row, features_ in zip(rows, named, strict=True):
        if LABEL not in features_ and row.label:
            features_[LABEL] = example_pb2.Feature(float_list={"value": row.label[:1]})
        if WEIGHT not in features_ and row.instance_weight:
            features_[WEIGHT] = example_pb2.Feature(float_value=row.instance_weight)
        told = row.line_id
        if SAMPLE_RATE not in features_ and told.HasField("sample_rate") and told.sample_rate:
            features_[SAMPLE_RATE] = example_pb2.Feature(float_value=told.sample_rate)
    return assembled(schema, len(rows), lambda name: _gathered(name, [row.get(name) for row in named]))


def encode_examples(batch: Batch) -> list[bytes]:
    """`batch` as serialized Example messages, one a row."""
    return [_example(batch, row).SerializeToString() for row in range(len(batch))]


def _example(batch: Batch, row: int) -> example_pb2.Example:
    example = example_pb2.Example(label=[batch.labels[row]], instance_weight=batch.weights[row])
    for name, ids in sorted(batch.sparse.items()):
        fids = ids.fids[ids.row_splits[row] : ids.row_splits[row + 1]].view(np.uint64)
        example.named_feature.add(name=name).feature.fid_v2_list.value.extend(fids.tolist())
    for name, numbers in sorted(batch.dense.items()):
        example.named_feature.add(name=name).feature.float_list.value.extend(numbers[row].tolist())
    if batch.times is not None:
        example.named_feature.add(name=TIME).feature.int64_value = int(batch.times[row])
    if batch.sample_rates is not None:
        example.line_id.sample_rate = batch.sample_rates[row]
    return example


def _numbers(batch: Batch) -> Iterator[tuple[str, Any]]:
    yield from sorted(batch.dense.items())
    yield LABEL, batch.labels.reshape(-1, 1)
    yield WEIGHT, batch.weights.reshape(-1, 1)
    if batch.sample_rates is not None:
        yield SAMPLE_RATE, batch.sample_rates.reshape(-1, 1)


def _even(rows: Any) -> tuple[Any, Any]:
    """A (B, width) block as values and the splits of its rows."""
    return rows.reshape(-1), np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]


def _gathered(name: str, held: list[example_pb2.Feature | None]) -> Column | None:
    """The Features of all rows as one column."""
    kinds, values = set(), []
    for feature in held:
        member = feature.WhichOneof("type") if feature else None
        values.append(_values(name, feature, member) if member else [])
        kinds |= {_MEMBERS[member]} if member else set()
    if len(kinds) > 1:
        raise DataError(f"feature {name!r} holds different kinds of values in different rows")
    if not kinds:
        return None
    kind = kinds.pop()
    splits = splits_of([len(row) for row in values])
    flat = np.array([v for row in values for v in row], _DTYPES[kind])
    return Column(False, kind, flat.view(np.int64) if kind in (FID_V1, FID_V2) else flat, splits)


def _values(name: str, feature: Any, member: str) -> Sequence[Any]:
    if member not in _MEMBERS:
        raise DataError(f"feature {name!r} holds {member}, which is neither ids nor numbers")
    held = getattr(feature, member)
    return held.value if member.endswith("_list") else [held]


def parsed(message: Any, payload: bytes, row: int | None = None) -> Any:
    """One message of that class; if it is none, a DataError that names the row."""
    try:
        return message.FromString(payload)
    except DecodeError as exc:
        place = "" if row is None else f"row {row}: "
        raise DataError(f"{place}no {message.DESCRIPTOR.name} message ({exc})") from exc
