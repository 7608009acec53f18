"""The format is safetensors: the library reads ours, we read the library's."""

import google_crc32c
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monolith.checkpoint.files import FileEntry
from monolith.checkpoint.tensorfile import read_tensors, write_tensors
from monolith.core.errors import CheckpointError, CheckpointUnreadable
from monolith.testing.faulty_disk import RecordingDisk

DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "<u8", "<u4", "<u2", "u1", "?", "<c8"]
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
TENSORS = st.dictionaries(
    st.text(max_size=8), st.sampled_from(DTYPES).flatmap(lambda d: arrays.arrays(d, SHAPES))
)


def entry(content):
    return FileEntry(name="t", kind="dense", size=len(content), crc32c=google_crc32c.value(content))


def written(folder, tensors):
    write_tensors(folder / "t", tensors, RecordingDisk())
    return (folder / "t").read_bytes()


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype
        np.testing.assert_array_equal(left[name], right[name])


@settings(max_examples=30)
@given(tensors=TENSORS)
def test_the_library_reads_ours_and_so_do_we(tmp_path_factory, tensors):
    folder = tmp_path_factory.mktemp("t")
    content = written(folder, tensors)
    assert_same(safetensors.numpy.load(content), tensors)
    assert_same(read_tensors(folder, entry(content)), tensors)


def test_we_read_the_library_s(tmp_path):
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(3)}
    content = safetensors.numpy.save(tensors)
    (tmp_path / "t").write_bytes(content)
    assert_same(read_tensors(tmp_path, entry(content)), tensors)


def test_order_does_not_matter(tmp_path):
    a, b = np.zeros(2, np.int64), np.ones((2, 2), np.float32)
    assert written(tmp_path, {"a": a, "b": b}) == written(tmp_path, {"b": b, "a": a})


def test_strided_arrays_are_written_as_they_look(tmp_path):
    tensor = np.arange(12).reshape(3, 4)[::2, ::-1]
    assert_same(safetensors.numpy.load(written(tmp_path, {"t": tensor})), {"t": tensor})


def test_what_was_read_may_be_written_to(tmp_path):
    content = written(tmp_path, {"a": np.zeros(3, np.float32)})
    read_tensors(tmp_path, entry(content))["a"] += 1


@pytest.mark.parametrize("dtype", [object, "U3", "<f16", ">f4", "M8[s]"])
def test_other_dtypes_are_refused(tmp_path, dtype):
    with pytest.raises(CheckpointError, match=r"tensor 'odd' has dtype .*, which safetensors lacks"):
        written(tmp_path, {"odd": np.zeros(1, dtype)})


@settings(max_examples=30)
@given(content=st.binary(max_size=64))
def test_any_bytes_read_or_are_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("t")
    (folder / "t").write_bytes(content)
    with pytest.raises(CheckpointUnreadable, match="is not a safetensors file"):
        read_tensors(folder, entry(content))
