"""Ids: the layouts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.core.fids import (
    MAX_SLOT,
    VALUE_MASK,
    make_fid,
    make_fid_v1,
    slot_of,
    slot_of_v1,
    v1_to_v2,
    value_of,
)
from tests.upstream import vectors

slots = st.integers(0, MAX_SLOT)
words = st.sampled_from([0, -1, VALUE_MASK, VALUE_MASK + 1]) | st.integers(-(1 << 63), (1 << 64) - 1)


@pytest.mark.parametrize("vector", vectors("fid"))
def test_vectors_hold(vector):
    given_, expect = vector["given"], vector["expect"]
    make, slot = (make_fid_v1, slot_of_v1) if given_.get("version") == 1 else (make_fid, slot_of)
    if "entry_id" in given_:
        assert slot_of(given_["entry_id"]) == expect["slot"]
    elif "fids" in given_:
        assert slot_of(np.array(given_["fids"])).tolist() == expect["slots"]
    elif "v1" in given_:
        old = make_fid_v1(given_["v1"]["slot"], given_["v1"]["signature"])
        assert v1_to_v2(old) == expect["v2"]["fid"]
    elif "raises" in expect:
        with pytest.raises(ValueError, match="is not in 0"):
            make(given_["slot"], 0)
    else:
        fid = make(given_["slot"], given_["signature"])
        assert (fid, slot(fid)) == (expect["fid"], expect["slot"])


@given(slots, words)
def test_slot_and_value_are_kept(slot, value):
    fid = make_fid(slot, value)
    assert 0 <= fid < 1 << 63
    assert (slot_of(fid), value_of(fid)) == (slot, value & VALUE_MASK)


@given(st.lists(st.tuples(st.integers(0, 1023), words), min_size=1))
def test_old_ids_convert_as_arrays(pairs):
    old = np.array([make_fid_v1(*pair) for pair in pairs], np.uint64).view(np.int64)
    new = v1_to_v2(old)
    assert slot_of(new).tolist() == [slot for slot, _ in pairs]
    assert value_of(new).tolist() == [value & VALUE_MASK for _, value in pairs]
