"""Rounding rows to few bits costs what it must, and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from monolith.serving.quantise import error, quantise, restore

ROWS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)
SMALLEST = 1e-35  # below it, a scale of 16 bits is not finite
BITS = st.sampled_from([8, 16])


@given(ROWS, BITS)
def test_error_is_half_a_step_of_the_row(rows, bits):
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    off = np.abs(restore(quantise(rows, bits)).astype(np.float64) - rows)
    half_a_step = 0.5 * largest.astype(np.float64) / (2 ** (bits - 1) - 1)
    # Beside the rounding to a code, scale and product are rounded to float32; tiny rows become zeros.
    assert (off <= half_a_step + 4 * np.spacing(largest) + SMALLEST).all()


@given(ROWS, BITS)
def test_what_was_rounded_stays(rows, bits):
    once = restore(quantise(rows, bits))
    np.testing.assert_allclose(restore(quantise(once, bits)), once, rtol=1e-5)


@pytest.mark.parametrize("row", [[0.0, 0.0], [1e-45, -1e-45], [1e-38, 0.0]])
def test_rows_near_zero_stay_finite(row):
    stored = quantise(np.array([row], np.float32), 16)
    np.testing.assert_allclose(restore(stored), [row], atol=1e-37)


@pytest.mark.parametrize(("bits", "codes"), [(8, [127, -64, 0]), (16, [32767, -16384, 0])])
def test_codes_are_symmetric_about_zero(bits, codes):
    assert quantise(np.array([[2, -1, 0]], np.float32), bits).codes.tolist() == [codes]


def test_error_tells_worst_and_mean():
    rows = np.array([[127, 0.25], [0, 0]], np.float32)
    assert error(rows, restore(quantise(rows, 8))) == (0.25, 0.0625)


def test_no_rows_have_no_error():
    rows = np.empty((0, 3), np.float32)
    assert error(rows, restore(quantise(rows, 8))) == (0.0, 0.0)
