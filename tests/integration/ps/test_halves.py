"""Rows and gradients that travel as float16."""

from __future__ import annotations

import numpy as np

from monolith.ps.api import Lookup
from monolith.ps.client import PsClient
from monolith.ps.shard import LocalShard
from monolith.table.config import RandomUniform, Segment, Sgd, TableConfig, Zeros
from tests.integration.ps.conftest import Cluster
from tests.upstream import by_name


def test_whole_numbers_arrive(cluster: Cluster) -> None:
    vector = by_name("distributed_ps")["float16_transfer"]
    grads = {name: np.array(rows, np.float32) for name, rows in vector["given"]["grads"].items()}
    fids = {name: np.arange(len(rows)) for name, rows in grads.items()}
    servers = [cluster.serve(LocalShard(i)) for i in range(vector["given"]["num_ps"])]
    client = PsClient([cluster.remote(a, i, half=True) for i, a in enumerate(servers)])
    tables = {name: TableConfig([Segment(rows.shape[1], Zeros(), Sgd(1.0))]) for name, rows in grads.items()}
    cluster.run(client.create_tables(tables))
    cluster.run(client.apply({name: (fids[name], grads[name]) for name in grads}))
    rows = cluster.run(client.lookup(fids))
    assert {name: read.tolist() for name, read in rows.items()} == vector["expect"]


def test_rows_lose_their_last_bits(cluster: Cluster) -> None:
    """On their way only: the server keeps all of them, and a client that asks for them gets them."""
    shard = LocalShard(0)
    address = cluster.serve(shard)
    ask = [Lookup("t", np.arange(1000), 4)]
    cluster.run(shard.create_tables({"t": TableConfig([Segment(4, RandomUniform(-1, 1), Sgd(1.0))])}))
    (kept,), (whole,), (half,) = (
        cluster.run(one.lookup(ask))
        for one in (shard, cluster.remote(address), cluster.remote(address, half=True))
    )
    np.testing.assert_array_equal(whole.rows, kept.rows)
    np.testing.assert_array_equal(half.rows, kept.rows.astype(np.float16).astype(np.float32))
    assert half.rows.dtype == np.float32
    assert (half.rows != kept.rows).any()
