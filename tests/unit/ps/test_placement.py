"""Which server keeps a dense value."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.client import PsClient
from monolith.ps.placement import by_name, in_turn, ps_index
from monolith.ps.shard import LocalShard

NAMES = st.sets(st.text(max_size=30), max_size=8)
SERVERS = st.integers(1, 5)


@pytest.mark.parametrize(
    ("name", "of_1_to_4"),
    [
        ("weights", [0, 1, 1, 3]),
        ("bias", [0, 1, 1, 1]),
        ("emb", [0, 0, 2, 2]),
        ("w", [0, 1, 2, 3]),
        ("b", [0, 0, 2, 2]),
        ("param_0", [0, 0, 0, 2]),
        ("param_1", [0, 1, 1, 3]),
    ],
)
def test_a_name_has_its_server(name, of_1_to_4):
    assert [ps_index(name, num_ps) for num_ps in (1, 2, 3, 4)] == of_1_to_4


def test_long_names_wrap_at_64_bits():
    # 31 has no even factor, so what is lost above 64 bits shows in the remainder by 3.
    assert ps_index("a" * 20, 3) == sum(97 * 31**i for i in range(20)) % 2**64 % 3


def test_of_no_servers_it_is_the_first():
    assert ps_index("w", 0) == 0


@given(NAMES, NAMES, SERVERS)
def test_by_name_does_not_ask_who_else_is_there(some, more, num_ps):
    together = by_name(some | more, num_ps)
    assert together == by_name(some, num_ps) | by_name(more, num_ps)


@given(NAMES, SERVERS)
def test_in_turn_is_even(names, num_ps):
    each = np.bincount(list(in_turn(names, num_ps).values()), minlength=num_ps)
    assert len(names) == each.sum()
    assert each.max() - each.min() <= 1


def test_a_client_asks_the_server_of_a_name():
    shards = [LocalShard(0), LocalShard(1)]

    async def kept() -> list[float]:
        client = PsClient(shards, place=by_name)
        for name in ("b", "w"):  # in two calls: in turn, both would go to the first server
            await client.set_dense({name: np.ones(1)}, overwrite=True)
        held = [await shard.set_dense({"w": np.zeros(1)}, overwrite=False) for shard in shards]
        return [float(values["w"][0]) for values in held]

    assert asyncio.run(kept()) == [0.0, 1.0]
