"""Instance messages, the older form of a row: old ids in one list, and features by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from monolith.core.batch import Batch
from monolith.core.fids import slot_of_v1, v1_to_v2
from monolith.core.schema import Schema
from monolith.wire.example_pb2 import Example
from monolith.wire.examples import assembled_rows, parsed
from monolith.wire.feature_pb2 import Feature
from monolith.wire.instance_pb2 import Instance


def parse_instances(payloads: Sequence[bytes], schema: Schema) -> Batch:
    """As `parse_examples`, of serialized Instance messages, one a row.

    An id of the one list belongs to the feature with its slot; ids whose slot is no feature's are dropped.
    What stands under a feature's name comes after these. `next_fid`, `value` and `dense` are not read.
    """
    names = {feature.slot: feature.name for feature in schema.sparse}
    rows = [parsed(Instance, payload, row) for row, payload in enumerate(payloads)]
    return assembled_rows([_example(row, names) for row in rows], schema)


def _example(row: Instance, names: Mapping[int, str]) -> Example:
    example = Example(label=row.label[:1], instance_weight=row.instance_weight, line_id=row.line_id)
    fids = np.array(row.fid, np.uint64)
    slots, new = slot_of_v1(fids), v1_to_v2(fids)
    ids = {names[slot]: new[slots == slot].tolist() for slot in np.unique(slots).tolist() if slot in names}
    for held in row.feature:
        if held.fid:
            ids[held.name] = [*ids.get(held.name, ()), *held.fid]
        else:
            _add_numbers(example, held)
    for name, values in ids.items():
        example.named_feature.add(name=name).feature.fid_v2_list.value.extend(values)
    return example


def _add_numbers(example: Example, held: Feature) -> None:
    """Numbers under a name; text and lists of lists are not for a Batch, and are found out when asked for."""
    added = example.named_feature.add(name=held.name).feature
    if held.float_value:
        added.float_list.value.extend(held.float_value)
    elif held.int64_value:
        added.int64_list.value.extend(held.int64_value)
    elif held.bytes_value:
        added.bytes_list.value.extend(held.bytes_value)
