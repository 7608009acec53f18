"""Exact counts, bounded in number."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monolith.table.admission.exact import ExactCounter

BATCHES = st.lists(
    st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.integers(1, 100), min_size=1, max_size=5), max_size=8
)


@given(BATCHES)
def test_counts_as_a_dict_does(batches):
    counter, model = ExactCounter(1000), {}
    for batch in batches:
        fids, counts = np.array(list(batch)), np.array(list(batch.values()))
        assert counter.add(fids, counts).tolist() == [model.get(fid, 0) for fid in batch]
        model |= {fid: model.get(fid, 0) + count for fid, count in batch.items()}
        restored = ExactCounter(1000)
        restored.restore(counter.state())
        assert restored.get(np.array(list(model))).tolist() == list(model.values())


def test_the_last_capacity_fids_are_remembered():
    counter = ExactCounter(10)
    for fid in range(1000):
        counter.add(np.array([fid]), np.array([2]))
        last = np.arange(max(0, fid - 9), fid + 1)
        assert (counter.get(last) == 2).all()
        assert counter.elements <= 20
    assert counter.get(np.array([0])) == 0


def test_a_fid_that_comes_again_stays():
    counter = ExactCounter(10)
    for fid in range(1000):
        counter.add(np.array([fid, -1]), np.array([1, 1]))
    assert counter.get(np.array([-1])) == 1000
