"""Ids leave each once, to their owner; rows come back in order."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monolith.ps.routing import Route
from tests.upstream import by_name, vectors

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
    answers = [np.stack([part % 97, part % 89], axis=1) for part in way.parts]
    np.testing.assert_array_equal(joined(way, answers), np.stack([fids % 97, fids % 89], axis=1))


def joined(way: Route, answers: list[np.ndarray]) -> np.ndarray:
    """One answer of what the shards say, each of it put in its place."""
    room = way.room(answers[0].shape[1])
    for place, answer in zip(way.places(room), answers, strict=True):
        place.put(answer)
    return way.answer(room)


@given(FIDS, SHARDS)
def test_flags_come_back_in_order(fids: np.ndarray, shards: int) -> None:
    way = Route.of(fids, shards, unique=False)
    np.testing.assert_array_equal(
        way.joined([part % 3 == 0 for part in way.parts if len(part)]), fids % 3 == 0
    )


@pytest.mark.parametrize("fids", [[3, 1, 2], []], ids=["some", "none"])
def test_one_shard_takes_what_is_there(fids: list[int]) -> None:
    """Neither ids nor gradients nor rows are copied on the way."""
    asked, rows = np.array(fids, np.int64), np.ones((len(fids), 2), np.float32)
    way = Route.of(asked, 1, unique=True)
    room = way.room(2)
    (place,) = way.places(room)
    assert way.parts == (asked,)
    assert [np.shares_memory(one, rows) for one in (*way.split(rows), *way.split_last(rows))] == [
        len(fids) > 0
    ] * 2
    assert way.answer(room) is room
    assert place.whole is not None


@given(FIDS, SHARDS)
def test_of_equal_ids_the_last_row_travels(fids: np.ndarray, shards: int) -> None:
    way = Route.of(fids, shards, unique=False)
    rows = np.arange(2 * len(fids), dtype=np.float32).reshape(-1, 2)
    last = dict(zip(fids.tolist(), rows.tolist(), strict=True))
    sent = zip(way.parts, way.split_last(rows), strict=True)
    assert [held.tolist() for _, held in sent] == [[last[f] for f in part.tolist()] for part in way.parts]


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


@pytest.mark.parametrize(
    "vector",
    vectors(
        "distribution_ops",
        "fused_reorder_all_empty",
        "fused_reorder_empty_second_slot",
        "fused_reorder_offsets_three_slots",
        "fused_reorder_two_by_two",
    ),
)
def test_ids_of_all_slots_travel_as_upstreams(vector: dict[str, Any]) -> None:
    """To each shard the ids of all slots; what it answers lies slot by slot, and is found again."""
    given_, expect, shards = vector["given"], vector["expect"], range(vector["given"]["num_of_shards"])
    slots = [np.array(ids, np.int64) for ids in given_["ids_per_slot"]]
    ways = [Route.of(ids, len(shards), unique=False) for ids in slots]
    parts = [[way.parts[shard] for way in ways] for shard in shards]
    assert np.concatenate([*chain(*parts)]).tolist() == expect["output"]
    assert [sum(map(len, of_shard)) for of_shard in parts] == expect["split_sizes"]
    assert [len(part) for of_shard in parts for part in of_shard] == expect["sharded_slot_sizes"]
    if given_["dims"]:
        assert [f.tolist() for f in _offsets(ways, given_["dims"])] == expect["embedding_offsets"]


def _offsets(ways: list[Route], dims: list[int]) -> list[np.ndarray]:
    """For each asked id, where its row begins if all shards' answers lie one after the other."""
    answers: list[list[np.ndarray]] = [[] for _ in ways]
    end = 0
    for shard in range(len(ways[0].parts)):
        for way, dim, begins in zip(ways, dims, answers, strict=True):
            begins.append(end + dim * np.arange(len(way.parts[shard])).reshape(-1, 1))
            end += dim * len(way.parts[shard])
    return [joined(way, begins)[:, 0] for way, begins in zip(ways, answers, strict=True)]


def test_shards_get_upstreams_ids() -> None:
    vector = by_name("distribution_ops")["reorder_by_indices_dedups"]
    way = Route.of(np.array(vector["given"]["ids"]), vector["given"]["num_of_shards"], unique=False)
    assert [len(part) for part in way.parts] == vector["expect"]["split_sizes"]
    assert [part.tolist() for part in way.parts] == vector["expect"]["shard_sets"]


def test_rows_of_two_servers_become_one_answer() -> None:
    vector = by_name("distribution_ops")["map_id_to_embedding"]
    held = [chain(*vector["given"][name]) for name in ("ids", "embeddings")]
    embeddings = dict(zip(*held, strict=True))
    way = Route.of(np.ravel(vector["given"]["input"]), 2, unique=False)
    answers = [np.array([embeddings[fid] for fid in part.tolist()], np.float32) for part in way.parts]
    assert joined(way, answers)[:, None].tolist() == vector["expect"]["out"]


def test_one_gradient_becomes_those_of_two_servers() -> None:
    vector = by_name("distribution_ops")["map_id_to_embedding_gradient"]
    way = Route.of(np.array(vector["given"]["input"]), 2, unique=False)
    sent = way.split(-np.ones((3, 2), np.float32))
    by_fid = {part.item(): grads.tolist() for part, grads in zip(way.parts, sent, strict=True)}
    assert [by_fid[fid] for (fid,) in vector["given"]["ids"]] == vector["expect"]["grads"]
