"""Many tables in one call, laid out as upstream's fused lookups: by shard, and within a shard by table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monolith.ps.blocking import BlockingClient
from monolith.ps.shard import LocalShard
from monolith.table.config import Segment, Sgd, TableConfig, Zeros
from tests.upstream import by_name

HASH, MULTI = by_name("hash_table"), by_name("multi_hash_table")
FUSED = {
    "two tables, two shards": HASH["fused_apply_gradient_two_shards"],
    "three tables, two shards": HASH["fused_lookup_two_shards"],
    "two tables, one shard": MULTI["fused_apply_gradient"],
    "an id that both senders have": MULTI["fused_apply_gradient_same_id_from_two_shards_accumulates"],
}


def dims_of(given: dict[str, Any]) -> list[int]:
    return given.get("dims") or [table["dim"] for table in given["tables"]]


def positions(given: dict[str, Any], table: int) -> np.ndarray:
    """Which of the fused ids are a table's."""
    sizes = given["fused_slot_size"]
    owners = np.repeat(np.arange(len(sizes)) % len(dims_of(given)), sizes)
    return np.flatnonzero(owners == table)


def flat_positions(given: dict[str, Any], table: int) -> np.ndarray:
    """Where the values of these ids lie, (n, dim)."""
    dims = dims_of(given)
    widths = np.empty(len(given["ids"]), int)
    for number, dim in enumerate(dims):
        widths[positions(given, number)] = dim
    begins = np.cumsum(widths) - widths
    return begins[positions(given, table)][:, None] + np.arange(dims[table])


def created(client: BlockingClient, given: dict[str, Any]) -> None:
    """Each table with what its rows are at first: all columns alike."""
    dims = dims_of(given)
    client.create_tables(
        {f"t{n}": TableConfig([Segment(dim, Zeros(), Sgd(1))]) for n, dim in enumerate(dims)}
    )
    for number, table in enumerate(given.get("tables", [])):
        values = np.float32([[value] * table["dim"] for value in table["entries"].values()])
        client.assign({f"t{number}": (np.array([int(fid) for fid in table["entries"]]), values)})


@pytest.mark.parametrize("name", FUSED)
def test_fused_calls_are_ours(name: str) -> None:
    given, expect = FUSED[name]["given"], FUSED[name]["expect"]
    places = {f"t{n}": (positions(given, n), flat_positions(given, n)) for n in range(len(dims_of(given)))}
    ids = {table: np.array(given["ids"])[fids] for table, (fids, _) in places.items()}
    embeddings = np.empty(len(expect["embeddings"]))
    with BlockingClient.local([LocalShard(i) for i in range(given["num_of_shards"])], worker=1) as client:
        created(client, given)
        if "grads" in given:
            grads = {t: (ids[t], np.float32(given["grads"])[flat]) for t, (_, flat) in places.items()}
            rates = dict(zip(places, zip(given.get("learning_rates", [1] * len(places))), strict=True))
            client.apply(grads, learning_rates=rates)
        for table, rows in client.lookup(ids, create=False).items():
            embeddings[places[table][1]] = rows
    np.testing.assert_allclose(embeddings, expect["embeddings"], atol=1e-6)
