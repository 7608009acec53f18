"""Ids leave each once, to their owner; rows come back in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.routing import Route
from tests.upstream import by_name

FIDS = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), max_size=40).map(
    lambda ids: np.array(ids, np.int64)
)
SHARDS = st.integers(1, 5)


@given(FIDS, SHARDS)
def test_each_id_goes_to_its_owner(fids: np.ndarray, shards: int) -> None:
    way = Route.of(fids, shards, unique=False)
    assert [set(part.tolist()) for part in way.parts] == [
        {f for f in fids.tolist() if f % shards == shard} for shard in range(shards)
    ]
    assert sum(map(len, way.parts)) == len(set(fids.tolist()))


@given(FIDS, SHARDS, st.booleans())
def test_rows_come_back_in_order(fids: np.ndarray, shards: int, unique: bool) -> None:
    fids = np.unique(fids)[::-1] if unique else fids
    way = Route.of(fids, shards, unique=unique)
    answers = [np.stack([part % 97, part % 89], axis=1).astype(np.float32) for part in way.parts if len(part)]
    np.testing.assert_array_equal(way.join(answers, 2), np.stack([fids % 97, fids % 89], axis=1))


@given(FIDS, SHARDS)
def test_gradients_of_an_id_add_up(fids: np.ndarray, shards: int) -> None:
    way = Route.of(fids, shards, unique=False)
    grads = np.arange(len(fids), dtype=np.float32).reshape(-1, 1)
    expected = {f: grads[fids == f].sum() for f in fids.tolist()}
    sent = {
        f: row[0]
        for part, rows in zip(way.parts, way.split(grads), strict=True)
        for f, row in zip(part.tolist(), rows.tolist(), strict=True)
    }
    assert sent == expected


@pytest.mark.parametrize("feature", ["uid", "cid", "gid"])
def test_two_servers_share_a_feature(feature: str) -> None:
    vector = by_name("distributed_ps")["layout_merged_table_ids_by_ps"]
    parts = [vector["expect"][f"{feature}:{shard}"] for shard in range(vector["given"]["num_ps"])]
    way = Route.of(np.sort(np.concatenate(parts)), len(parts), unique=True)
    assert [part.tolist() for part in way.parts] == parts
