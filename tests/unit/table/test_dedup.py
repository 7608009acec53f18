"""Ids before they travel, against numpy's slower ways to the same end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monolith.core.errors import ConfigError
from monolith.table.dedup import dedup, route
from tests.unit.table.reference import unmix
from tests.upstream import by_name, vectors

clashing = [unmix(k << 40) for k in range(8)]  # the same home in any hash table that fits into memory
some = st.one_of(st.integers(-5, 5), st.sampled_from(clashing), st.integers(-(2**63), 2**63 - 1))
fids = arrays(np.int64, st.integers(0, 60), elements=some)


@given(fids)
def test_dedup_keeps_first_seen_order(ids):
    unique, inverse = dedup(ids)
    np.testing.assert_array_equal(unique[inverse], ids)
    assert unique.tolist() == list(dict.fromkeys(ids.tolist()))


@given(fids, st.integers(1, 7))
def test_route_groups_by_floor_modulo(ids, num_shards):
    order, counts = route(ids, num_shards)
    owners = np.mod(ids, num_shards)
    np.testing.assert_array_equal(order, np.argsort(owners, kind="stable"))
    np.testing.assert_array_equal(counts, np.bincount(owners, minlength=num_shards))


def test_route_to_no_shard_is_refused():
    with pytest.raises(ConfigError, match="num_shards=0"):
        route(np.array([1]), 0)


OPS = by_name("distribution_ops")


def test_ids_split_as_upstreams():
    given_ = OPS["split_by_indices"]["given"]
    order, counts = route(np.array(given_["ids"]), given_["num_splits"])
    parts = np.split(np.array(given_["ids"])[order], np.cumsum(counts)[:-1])
    assert [part.tolist() for part in parts] == OPS["split_by_indices"]["expect"]["splits"]


def test_ragged_ids_keep_their_rows():
    """Each value goes to the shard that its index says, and is found again in its row."""
    vector = OPS["ragged_split_by_indices"]
    ragged, shards = vector["given"]["ragged"], vector["given"]["num_splits"]
    values, rows = np.concatenate(ragged), np.repeat(np.arange(len(ragged)), [len(row) for row in ragged])
    order, counts = route(np.array(vector["given"]["indices"]), shards)
    parts = np.split(order, np.cumsum(counts)[:-1])
    for name, found in (("splits", values), ("positions", np.arange(len(values)))):
        regrouped = [[found[part[rows[part] == r]].tolist() for r in range(len(ragged))] for part in parts]
        assert regrouped == vector["expect"][name]


@pytest.mark.parametrize(
    "vector", vectors("distribution_ops", "unique_key_empty", "unique_key_with_value_and_offset")
)
def test_unique_ids_know_where_they_stood(vector):
    """Of each feature's unique ids, at which of all values the values of its occurrences begin."""
    begin = 0
    for number, (ids, dim) in enumerate(zip(vector["given"]["key"], vector["given"]["dims"], strict=True)):
        unique, inverse = dedup(ids)
        offsets = [(begin + dim * np.flatnonzero(inverse == u)).tolist() for u in range(len(unique))]
        assert unique.tolist() == vector["expect"]["unique_key"][number]
        assert offsets == vector["expect"]["value_offset"][number]
        begin += dim * len(ids)


def test_each_input_finds_its_row():
    vector = OPS["gather_embeddings_by_input"]
    given_, expect = vector["given"], vector["expect"]
    mapping = dedup(np.concatenate([given_["ids"], np.ravel(given_["input"])]))[1][len(given_["ids"]) :]
    assert mapping.tolist() == np.ravel(expect["index_mapping"]).tolist()
    assert np.array(given_["embeddings"])[mapping][:, None].tolist() == expect["out"]
