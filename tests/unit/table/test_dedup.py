"""Ids before they travel, against numpy's slower ways to the same end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monolith.core.errors import ConfigError
from monolith.table.dedup import dedup, route
from tests.unit.table.reference import unmix

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
