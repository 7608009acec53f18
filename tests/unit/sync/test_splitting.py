"""Rows are cut into messages as upstream cuts them, and none is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.sync.splitting import split
from tests.upstream import vectors

COUNTS = st.lists(st.integers(0, 500), min_size=1, max_size=4)


@pytest.mark.parametrize(
    "told", vectors("param_sync", "request_split_in_two", "request_below_limit_is_not_split")
)
def test_tables_are_cut_as_upstream_cuts_them(told) -> None:
    tables, expected = told["given"]["tables"], told["expect"]["requests"]
    widths = [8 + 5 * table["dim_size"] for table in tables]  # upstream's floats are not packed
    cuts = list(split([len(t["fids"]) for t in tables], widths, told["given"]["max_bytes"]))
    if isinstance(expected, int):
        assert len(cuts) == expected
    else:
        found = [[t["fids"][part] for t, part in zip(tables, cut, strict=True)] for cut in cuts]
        assert found == [[t["fids"] for t in request] for request in expected]


@given(COUNTS, st.integers(1, 300), st.integers(1, 5_000))
def test_every_row_travels_once(counts: list[int], width: int, limit: int) -> None:
    cuts = list(split(counts, [width] * len(counts), limit))
    for k, count in enumerate(counts):
        assert np.concatenate([np.arange(count)[cut[k]] for cut in cuts]).tolist() == list(range(count))


@given(COUNTS, st.integers(1, 300), st.integers(1, 5_000))
def test_messages_are_about_as_large_as_they_may_be(counts: list[int], width: int, limit: int) -> None:
    cuts = list(split(counts, [width] * len(counts), limit))
    rows = [sum(len(range(*part.indices(n))) for part, n in zip(cut, counts, strict=True)) for cut in cuts]
    assert all(width * some <= limit for some in rows[:-1])
    assert rows[-1] <= limit / width + len(counts) * len(cuts)
