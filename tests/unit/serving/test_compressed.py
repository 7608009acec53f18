"""Segments in the form they are served in."""

import numpy as np

from monolith.core.arrays import as_fids
from monolith.serving.compressed import compress, decompress, is_compressed
from monolith.serving.export import ExportWriter
from monolith.table.config import FixedR8, Fp16, Fp32, OneBit, Segment, TableConfig
from monolith.table.rows import TableRows

ALL = TableConfig(
    [Segment(2, compressor=kind) for kind in (Fp32(), Fp16(), FixedR8(), OneBit(amplitude=0.1))]
)


def test_each_segment_takes_its_own_bytes():
    values = np.linspace(-0.9, 0.9, 24, dtype=np.float32).reshape(3, 8)
    tensors = compress(ALL, values)
    assert [tensors[f"segment-{k}"].dtype.name for k in range(4)] == ["float32", "float16", "int8", "int8"]
    served = decompress(ALL, tensors)
    np.testing.assert_array_equal(served[:, :2], values[:, :2])
    assert (np.abs(served - values)[:, 2:6] < [[1e-3, 1e-3, 1 / 128, 1 / 128]]).all()
    np.testing.assert_array_equal(served[:, 6:], 0.1 * np.sign(values[:, 6:]).astype(np.float32))


def test_only_some_are_compressed():
    assert is_compressed(ALL)
    assert not is_compressed(TableConfig([Segment(2)]))


def test_zeros_are_left_out_where_they_are_skipped(tmp_path):
    rows = TableRows(as_fids([1, 2]), np.array([[0, 0], [0, 1]], np.float32), np.empty((2, 0), np.float32))
    with ExportWriter(tmp_path, 1) as writer:
        for skip in (True, False):
            writer.add_table(str(skip), rows, TableConfig([Segment(2)], skip_zero_embedding=skip))
    assert {name: table.rows for name, table in writer.tables.items()} == {"True": 1, "False": 2}
    assert {name: table.skip_zeros for name, table in writer.tables.items()} == {"True": True, "False": False}
