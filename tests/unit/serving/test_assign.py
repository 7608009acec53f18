"""Upstream's assign signature: the tables of a push as the inputs of a Predict."""

from types import SimpleNamespace

import numpy as np
from prometheus_client import CollectorRegistry

from monolith.serving.push_api import PushApi
from monolith.serving.push_metrics import PushMetrics
from monolith.serving.replica import Applied
from monolith.wire.tensors import to_tensor
from tests.upstream import by_name


def test_inputs_are_the_tables_of_a_push() -> None:
    told = by_name("param_sync")["push_tables_to_predict_inputs"]
    pushed = []
    replica = SimpleNamespace(push=lambda push: pushed.append(push) or Applied(), staleness_s=lambda: 0.0)
    kinds = {"id": np.int64, "value": np.float32}
    inputs = {
        name: to_tensor(np.array(held, kinds[name.rpartition("_")[2]]))
        for name, held in told["expect"].items()
    }
    PushApi(replica, PushMetrics(CollectorRegistry()), lambda: 0).assign(told["given"]["model_name"], inputs)
    [push] = pushed
    found = [
        {"unique_id": d.table, "dim_size": d.dim, "fids": d.fids.tolist(), "embeddings": d.values.tolist()}
        for d in push.deltas
    ]
    assert found == told["given"]["delta_hash_tables"]
