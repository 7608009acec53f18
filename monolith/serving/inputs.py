"""From a request's inputs to a batch: raw values feature by feature, or whole rows, serialized."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from monolith.core.batch import Batch
from monolith.core.errors import DataError, InvalidRequest
from monolith.core.schema import Schema
from monolith.serving.columns import RawColumn, to_batch
from monolith.wire.examples import parse_example_batch, parse_examples
from monolith.wire.instances import parse_instances
from monolith.wire.tensors import to_array
from monolith.wire.tf_examples import parse_tf_examples


def _one_batch(payloads: Sequence[bytes], schema: Schema) -> Batch:
    if len(payloads) != 1:
        raise DataError(f"takes one message, which holds all rows, and got {len(payloads)}")
    return parse_example_batch(payloads[0], schema)


# Inputs that hold whole rows, each a DT_STRING tensor.
SERIALIZED: dict[str, Callable[[Sequence[bytes], Schema], Batch]] = {
    "example_batch": _one_batch,  # one monolith.io.proto.ExampleBatch
    "examples": parse_examples,  # monolith.io.proto.Example, one a row
    "instances": parse_instances,  # parser.proto.Instance, one a row
    "tf_examples": parse_tf_examples,  # tf.train.Example, one a row
}


def from_tensors(schema: Schema, inputs: Mapping[str, Any]) -> Batch:
    """The batch in the TensorProtos of a PredictRequest.

    Raises:
        InvalidRequest: they do not fit the model; the input is named.
    """
    arrays = {name: to_array(name, tensor) for name, tensor in inputs.items()}
    for name in SERIALIZED.keys() & arrays.keys() - {f.name for f in schema.features}:
        if len(arrays) > 1:
            raise InvalidRequest(
                f"input {name!r} holds whole rows: give no other input beside it", input=name
            )
        return _parsed(name, arrays[name], schema)
    numbers = {f.name for f in schema.dense}  # where -1 is a number like any other
    return to_batch(
        schema, {n: RawColumn.of_array(n, array, padded=n not in numbers) for n, array in arrays.items()}
    )


def from_instances(schema: Schema, rows: Any) -> Batch:
    """The batch in the `instances` of a JSON request: an object of feature and value(s) for each row.

    Raises:
        InvalidRequest: they do not fit the model; the input is named.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidRequest('"instances" must be a list of objects, {feature: value}', input="instances")
    names = dict.fromkeys(name for row in rows for name in row)
    return to_batch(
        schema, {name: RawColumn.of_rows(name, [row.get(name) for row in rows]) for name in names}
    )


def from_columns(schema: Schema, columns: Any) -> Batch:
    """The batch in the `inputs` of a JSON request: for each feature a list, with value(s) for each row.

    Raises:
        InvalidRequest: they do not fit the model; the input is named.
    """
    if not isinstance(columns, dict) or not all(isinstance(column, list) for column in columns.values()):
        raise InvalidRequest('"inputs" must be an object of lists, {feature: [value, ...]}', input="inputs")
    return to_batch(schema, {name: RawColumn.of_rows(name, column) for name, column in columns.items()})


def _parsed(name: str, payloads: NDArray[Any], schema: Schema) -> Batch:
    if payloads.dtype != object:
        raise InvalidRequest(f"input {name!r} holds serialized messages: send DT_STRING", input=name)
    try:
        return SERIALIZED[name](payloads.reshape(-1).tolist(), schema)
    except DataError as exc:
        raise InvalidRequest(f"input {name!r}: {exc}", input=name) from exc
