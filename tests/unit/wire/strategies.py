"""Feature lists and batches that hypothesis draws."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from monolith.core.batch import Batch, Ragged
from monolith.core.schema import Feature, Schema
from monolith.wire import example_pb2 as pb

SCHEMA = Schema(
    name="drawn",
    features=(
        Feature(name="user", kind="integer", slot=1),
        Feature(name="tags", kind="string", slot=2, many=True),
        Feature(name="vector", kind="float", width=2),
    ),
)

words = st.integers(-(1 << 63), (1 << 63) - 1)
fids = st.integers(0, (1 << 64) - 1)
singles = st.floats(width=32, allow_nan=False)

_MEMBERS = {
    "fid_v1_list": fids,
    "fid_v2_list": fids,
    "float_list": singles,
    "double_list": st.floats(allow_nan=False),
    "int64_list": words,
}
_SCALARS = {"float_value": singles, "double_value": st.floats(allow_nan=False), "int64_value": words}


@st.composite
def features(draw):
    """Features whose values are of one kind; some hold nothing."""
    lists = draw(st.sampled_from(sorted(_MEMBERS)))
    scalars = [name for name in _SCALARS if lists.startswith(name.partition("_")[0])]
    return draw(
        st.lists(st.one_of(st.just(pb.Feature()), *(_feature(n) for n in (lists, *scalars))), max_size=6)
    )


def _feature(member):
    if member in _SCALARS:
        return _SCALARS[member].map(lambda value: pb.Feature(**{member: value}))
    return st.lists(_MEMBERS[member], max_size=40).map(
        lambda values: pb.Feature(**{member: {"value": values}})
    )


@st.composite
def batches(draw):
    """Batches of SCHEMA."""
    rows = draw(st.integers(0, 5))
    numbers = np.array(draw(st.lists(singles, min_size=4 * rows, max_size=4 * rows)), np.float32)
    vector, labels, weights = np.split(numbers, [2 * rows, 3 * rows])
    sparse = {name: draw(raggeds(rows)) for name in ("user", "tags")}
    seconds = st.lists(st.integers(0, 2**32 - 1), min_size=rows, max_size=rows)
    times = draw(st.none() | seconds.map(lambda each: np.array(each, np.uint32)) if rows else st.none())
    chances = st.lists(st.floats(0, 1, width=32, exclude_min=True), min_size=rows, max_size=rows)
    rates = draw(st.none() | chances.map(lambda each: np.array(each, np.float32)) if rows else st.none())
    return Batch(sparse, {"vector": vector.reshape(rows, 2)}, labels, weights, times, rates)


@st.composite
def raggeds(draw, rows):
    lists = draw(st.lists(st.lists(st.integers(0, (1 << 63) - 1), max_size=20), min_size=rows, max_size=rows))
    return ragged(lists)


def ragged(lists):
    splits = np.cumsum([0, *map(len, lists)])
    return Ragged(np.array([fid for row in lists for fid in row], np.int64), splits)


def told(batch):
    """A batch as plain lists, to compare."""
    sparse = {n: (r.fids.tolist(), r.row_splits.tolist()) for n, r in sorted(batch.sparse.items())}
    dense = {n: v.tolist() for n, v in sorted(batch.dense.items())}
    times = None if batch.times is None else batch.times.tolist()
    rates = None if batch.sample_rates is None else batch.sample_rates.tolist()
    return sparse, dense, batch.labels.tolist(), times, rates, batch.weights.tolist()
