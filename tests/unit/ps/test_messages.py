"""Values that cross the wire come out as they went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monolith.checkpoint.files import FileEntry
from monolith.core.errors import DimensionMismatch
from monolith.ps import messages
from monolith.ps.api import Gradients
from monolith.wire import ps_training_pb2 as pb

TENSORS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))


@given(st.dictionaries(st.text(max_size=5), TENSORS, max_size=3))
def test_dense_values_survive(tensors: dict[str, np.ndarray]) -> None:
    arrived = messages.dense_of(messages.dense_messages(tensors))
    assert arrived.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(arrived[name], tensor, strict=True)


@pytest.mark.parametrize("shape", [(3,), (-1,), (-1, -2), (0, -2), (2, 2)])
def test_impossible_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DimensionMismatch, match="w of shape"):
        messages.dense_of([pb.DenseTensor(name="w", shape=shape, values=b"\0" * 8)])


@pytest.mark.parametrize("told", [(None, None), ([1, 2**40], None), (None, [0, 2**32 - 1])])
def test_occurrences_survive(told) -> None:
    """A count beyond uint32 is the highest that it has."""
    counts, times = (None if n is None else np.array(n) for n in told)
    update = Gradients("t", np.array([5, 6]), np.ones((2, 1), np.float32), counts=counts, times=times)
    sent = messages.gradients_request(update, packed=True).SerializeToString()
    arrived = messages.gradients_of(pb.ApplyGradientsRequest.FromString(sent), 1)
    np.testing.assert_array_equal(arrived.counts, counts if counts is None else [1, 2**32 - 1])
    np.testing.assert_array_equal(arrived.times, times)


@pytest.mark.parametrize("name", ["counts", "times"])
def test_too_few_are_refused(name: str) -> None:
    message = pb.ApplyGradientsRequest(fids=[1, 2], gradients=bytes(8), **{f"{name}_le": bytes(4)})
    with pytest.raises(DimensionMismatch, match=name):
        messages.gradients_of(message, 1)


def test_files_survive() -> None:
    files = [FileEntry(name="x", kind="rows", size=2**40, crc32c=2**32 - 1, table="t", shard=3, count=9)]
    assert messages.files_of(messages.file_messages(files)) == files
