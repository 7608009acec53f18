"""Row splits written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.arrays import splits_of
from monolith.core.errors import DataError
from monolith.core.ragged import fused_value_rowids, gen_seq_mask

LENGTHS = st.lists(st.integers(0, 5), max_size=6)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_masks_mark_what_is_there(dtype):
    mask = gen_seq_mask([0, 2, 3], 3, dtype)
    np.testing.assert_array_equal(mask, [[1, 1, 0], [1, 0, 0]])
    assert mask.dtype == dtype


@given(LENGTHS, st.integers(0, 7))
def test_masks_count_what_is_there(lengths, max_len):
    mask = gen_seq_mask(splits_of(lengths), max_len)
    assert mask.shape == (len(lengths), max_len)
    np.testing.assert_array_equal(mask.sum(1), np.minimum(lengths, max_len))
    assert (np.diff(mask, axis=1) <= 0).all()  # ones, then zeros


@given(LENGTHS)
def test_row_ids_count_what_is_there(lengths):
    ids = fused_value_rowids(splits_of(lengths))
    np.testing.assert_array_equal(np.bincount(ids, minlength=len(lengths)), lengths)
    assert (np.diff(ids) >= 0).all()


def test_row_ids_skip_empty_rows():
    assert fused_value_rowids([0, 0, 1, 3]).tolist() == [1, 2, 2]


@pytest.mark.parametrize("write_out", [fused_value_rowids, lambda splits: gen_seq_mask(splits, 3)])
def test_no_splits_are_refused(write_out):
    with pytest.raises(DataError, match=r"^row_splits must be non-empty \(batch\+1\)$"):
        write_out([])


def test_falling_splits_are_refused():
    said = "^row_splits must be non-decreasing; row 1 has start=3 > end=2$"
    with pytest.raises(DataError, match=said):
        fused_value_rowids([0, 3, 2, 1])
