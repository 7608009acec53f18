"""Batches out of plain files: four kinds of records, and tables."""

from __future__ import annotations

import pytest

from monolith.core.errors import DataError, NoFilesMatched, RecordCorrupt, SchemaError
from monolith.core.records import framed, write_records
from monolith.data.plain import Records, read_record_files, read_table_files
from monolith.data.reading import Reading
from monolith.wire.examples import encode_example_batch, encode_examples
from monolith.wire.instance_pb2 import Instance
from monolith.wire.tf_examples import encode_tf_example
from tests.unit.data.conftest import SCHEMA, labels

WRITERS = {
    Records.EXAMPLE_BATCH: lambda batch: [encode_example_batch(batch)],
    Records.EXAMPLE: encode_examples,
    Records.INSTANCE: lambda batch: [Instance(label=[v]).SerializeToString() for v in batch.labels],
    Records.TF_EXAMPLE: lambda batch: [encode_tf_example({"label": [v]}) for v in batch.labels.tolist()],
}


@pytest.mark.parametrize("records", Records)
def test_rows_of_all_files_are_read(stored, tmp_path, records):
    batches = list(stored.batches(Reading(batch_size=25, shuffle=False)))
    for i, batch in enumerate(batches):
        write_records(tmp_path / f"{i:02d}.tfrecord.gz", WRITERS[records](batch))
    read = list(read_record_files(f"{tmp_path}/*", SCHEMA, records, 64))
    assert [len(batch) for batch in read] == [64, 64, 64, 38]
    assert labels(read) == labels(batches)


def test_a_table_needs_no_dataset(tmp_path):
    (tmp_path / "a.csv").write_text("row,tags,size,label\n" + "".join(f"{i},1|2,0.5,{i}\n" for i in range(5)))
    read = list(read_table_files(f"{tmp_path}/a.csv", SCHEMA, 3))
    assert [batch.labels.tolist() for batch in read] == [[0, 1, 2], [3, 4]]
    assert read[1].sparse["tags"].lengths.tolist() == [2, 2]


@pytest.mark.parametrize("records", Records)
def test_another_record_is_refused(tmp_path, records):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(b"\xff\xff"))
    with pytest.raises(DataError, match=f"{path} at byte 0: "):
        list(read_record_files(str(path), SCHEMA, records, 10))


def test_damage_and_absence_are_told(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(b"abc")[:-1])
    with pytest.raises(RecordCorrupt):
        list(read_record_files(str(path), SCHEMA, Records.EXAMPLE, 10))
    with pytest.raises(NoFilesMatched):
        read_record_files(f"{tmp_path}/*.csv", SCHEMA, Records.EXAMPLE, 10)
    (tmp_path / "a.csv").write_text("row\n1\n")
    with pytest.raises(SchemaError, match="no column 'tags'"):
        list(read_table_files(f"{tmp_path}/a.csv", SCHEMA, 10))
