"""What may be an id, and what a row."""

from __future__ import annotations

import numpy as np
import pytest

from monolith.core.arrays import as_fids, as_rows
from monolith.core.errors import ConfigError, DimensionMismatch


@pytest.mark.parametrize("values", [[1, 2], (1, 2), np.array([1, 2], np.uint8), np.array([[1], [2]])])
def test_whole_numbers_are_fids(values: object) -> None:
    fids = as_fids(values)
    assert (fids.dtype, fids.tolist()) == (np.int64, [1, 2])


def test_fids_that_are_fids_are_not_copied() -> None:
    fids = np.arange(3)
    assert as_fids(fids) is fids or as_fids(fids).base is fids


def test_unsigned_fids_keep_their_bits() -> None:
    assert as_fids(np.array([2**64 - 1, 2**63], np.uint64)).tolist() == [-1, -(2**63)]


def test_nothing_is_no_fids_and_no_rows() -> None:
    assert as_fids([]).shape == (0,)
    assert as_rows([], 0, 3).shape == (0, 3)


NO_FIDS = {"float64": [1.5], "<U1": ["a"], "object": [2**64], "bool": [True], "complex128": [1j]}
NO_ROWS = {"<U1": ["a"], "object": [None], "bool": [True], "complex128": [1j], "datetime64[s]": ["1970"]}


@pytest.mark.parametrize("dtype", NO_FIDS)
def test_what_is_no_whole_number_is_no_fid(dtype: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        as_fids(NO_FIDS[dtype])
    assert str(refusal.value) == f"fids of {dtype}: must be whole numbers"


@pytest.mark.parametrize("dtype", NO_ROWS)
def test_what_is_no_number_is_no_row(dtype: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        as_rows(np.array(NO_ROWS[dtype], dtype), 1, 1)
    assert str(refusal.value) == f"1 rows of 1 values of {dtype}: must be numbers"


def test_lists_of_several_lengths_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^2 rows of 2 values of lists of several lengths: must be numbers"
    ):
        as_rows([[1, 2], [3]], 2, 2)
    with pytest.raises(ConfigError, match=r"^fids of lists of several lengths: must be whole numbers"):
        as_fids([[1, 2], [3]])


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(DimensionMismatch, match=r"expected 6, got 5 \(2 rows of 3 values\)"):
        as_rows(range(5), 2, 3)
