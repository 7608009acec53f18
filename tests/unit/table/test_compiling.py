"""What kernels are given, and that they work where nothing can be kept on disk."""

import numpy as np
import pytest

from monolith.table.compiling import given, kernel

INPUTS = {
    "plain": np.arange(4),
    "read_only": np.frombuffer(bytes(32), np.int64),
    "misaligned": np.frombuffer(bytes(33), np.int64, 4, 1),
    "strided": np.arange(8)[::2],
}


@pytest.mark.parametrize("kind", INPUTS)
def test_inputs_are_of_one_kind(kind):
    array = given(INPUTS[kind])
    np.testing.assert_array_equal(array, INPUTS[kind])
    assert (array.flags.c_contiguous, array.flags.aligned, array.flags.writeable) == (True, True, False)


def test_callers_array_stays_writable():
    array = np.arange(4)
    given(array)
    array[0] = 1


def test_kernel_without_a_source_file_runs():
    assert kernel(eval("lambda x: x + 1"))(1) == 2
