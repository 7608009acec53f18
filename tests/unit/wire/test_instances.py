"""Instances: ids by slot and by name, old and new, and what is missing or refused."""

from __future__ import annotations

import pytest

from monolith.core.errors import DataError, SchemaError
from monolith.core.fids import make_fid, make_fid_v1
from monolith.core.schema import Feature, Schema
from monolith.wire import example_pb2
from monolith.wire.examples import parse_examples
from monolith.wire.instance_pb2 import Instance
from monolith.wire.instances import parse_instances
from tests.upstream import by_name

VECTORS = by_name("data_parse")
SCHEMA = Schema(
    name="v",
    features=[
        Feature(name="slot_1", kind="integer", slot=1),
        Feature(name="fidv2_row", kind="integer", slot=100),
        Feature(name="ue", kind="float", width=2),
    ],
)


def instance(*slots, **named):
    """An Instance with the old id (s, s) for each slot, and features of the given kind by name."""
    row = Instance(fid=[make_fid_v1(s, s) for s in slots])
    for name, (kind, values) in named.items():
        getattr(row.feature.add(name=name), kind).extend(values)
    return row


def as_instance():
    new = [make_fid(100, i) for i in range(10)]
    return parse_instances([instance(*range(10), fidv2_row=("fid", new)).SerializeToString()] * 2, SCHEMA)


def as_example():
    row = example_pb2.Example()
    row.named_feature.add(name="slot_1").feature.fid_v1_list.value.append(make_fid_v1(1, 1))
    row.named_feature.add(name="fidv2_row").feature.fid_v2_list.value.extend(
        make_fid(100, i) for i in range(10)
    )
    return parse_examples([row.SerializeToString()] * 2, SCHEMA)


@pytest.mark.parametrize("read", [as_instance, as_example])
def test_old_ids_come_back_new(read):
    expect = VECTORS["instance_mixed_v1_v2"]["expect"]
    batch = read()
    assert batch.sparse["slot_1"].fids.reshape(2, -1).tolist() == expect["slot_1"]
    assert batch.sparse["fidv2_row"].fids.reshape(2, -1).tolist() == [expect["fidv2_row"]] * 2
    assert batch.sparse["fidv2_row"].row_splits.tolist() == [0, 10, 20]


@pytest.mark.parametrize("parse", [parse_instances, parse_examples])
def test_missing_features_are_as_they_were(parse):
    """Ids and floats; we have no features of integers or text that are not ids."""
    expect = VECTORS["instance_missing_fields_are_empty_or_zero"]["expect"]
    features = [
        Feature(name="slot_10", kind="integer", slot=10),
        Feature(name="fidv2_2", kind="integer", slot=2),
        Feature(name="ue2", kind="float", width=8),
    ]
    batch = parse([b""], Schema(name="v", features=features))  # no bytes are a message without fields
    for name in ("slot_10", "fidv2_2"):
        assert expect[name] == [[]]
        assert batch.sparse[name].row_splits.tolist() == [0, 0]
    assert batch.dense["ue2"].tolist() == expect["ue2"]
    assert (batch.labels.tolist(), batch.weights.tolist()) == ([0], [1])


def test_all_of_a_row_is_read():
    row = instance(1, 9, slot_1=("fid", [make_fid(1, 7)]), ue=("float_value", [0.5, -1]))
    row.label.extend([3, 4])
    row.instance_weight = 2.5
    batch = parse_instances([row.SerializeToString()], SCHEMA)
    assert batch.sparse["slot_1"].fids.tolist() == [make_fid(1, 1), make_fid(1, 7)]
    assert batch.dense["ue"].tolist() == [[0.5, -1]]
    assert (batch.labels.tolist(), batch.weights.tolist()) == ([3], [2.5])


@pytest.mark.parametrize(
    ("payload", "error", "said"),
    [
        (b"\xff", DataError, "row 1: no Instance message"),
        (instance(ue=("float_value", [1.0])), SchemaError, "'ue' has 1 numbers in row 1, not 2"),
        (instance(ue=("bytes_value", [b"1"])), DataError, "'ue' holds bytes_list"),
        (instance(slot_1=("int64_value", [1])), SchemaError, "'slot_1' holds integers, the schema wants ids"),
    ],
)
def test_what_does_not_fit_is_refused(payload, error, said):
    payload = payload if isinstance(payload, bytes) else payload.SerializeToString()
    with pytest.raises(error, match=said):
        parse_instances([b"", payload], SCHEMA)
