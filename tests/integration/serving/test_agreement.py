"""One model, many readers, the same numbers: the estimator, our server asked in every way, others' code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import ovmsclient
import pytest
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file

from monolith.core.batch import Batch
from monolith.core.raw_ids import to_fids
from monolith.data.reading import Reading
from monolith.serving.client import PredictionClient
from monolith.serving.rows import to_arrays
from monolith.serving.server import ModelServer
from monolith.wire.examples import encode_examples
from monolith.wire.tf_examples import encode_tf_example
from tests.integration.serving.conftest import SCHEMA, Trained, version_folder

Numbers = NDArray[Any]
Asking = Callable[[ModelServer, Trained], Numbers]


def by_ids(server: ModelServer, trained: Trained) -> Numbers:
    return grpc(server).predict_batch(batch_of_test_rows(trained))["prediction"]


def by_raw_values(server: ModelServer, trained: Trained) -> Numbers:
    return grpc(server).predict(to_arrays(trained.rows))["prediction"]


def by_examples(server: ModelServer, trained: Trained) -> Numbers:
    return serialized(server, "examples", encode_examples(batch_of_test_rows(trained)))


def by_tf_examples(server: ModelServer, trained: Trained) -> Numbers:
    listed = [{k: v if isinstance(v, list) else [v] for k, v in row.items()} for row in trained.rows]
    return serialized(server, "tf_examples", [encode_tf_example(row) for row in listed])


def by_http_rows(server: ModelServer, trained: Trained) -> Numbers:
    return np.array(http(server, {"instances": trained.rows})["predictions"])


def by_http_columns(server: ModelServer, trained: Trained) -> Numbers:
    columns = {name: [row[name] for row in trained.rows] for name in trained.rows[0]}
    return np.array(http(server, {"inputs": columns})["outputs"])


def by_ovmsclient(server: ModelServer, trained: Trained) -> Numbers:
    """A client of TensorFlow Serving's protocol that nobody here wrote."""
    arrays = {
        name: values.tolist() if values.dtype == object else values
        for name, values in to_arrays(trained.rows).items()
    }
    client = ovmsclient.make_grpc_client(f"127.0.0.1:{server.port}")
    return np.array(client.predict(arrays, "films"))


def by_reference(server: ModelServer, trained: Trained) -> Numbers:
    """Nothing of ours but the ids: ONNX's reference evaluator, the safetensors library, numpy."""
    folder = version_folder(trained.exported)
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {f["table"]: folder / f["name"] for f in manifest["files"] if f["kind"] == "rows"}
    tables = {name: rows_by_id(path) for name, path in files.items()}
    feeds = {c["name"]: pooled(c, tables[c["table"]], trained.rows) for c in manifest["columns"]}
    feeds["age"] = np.array([[row["age"]] for row in trained.rows], np.float32)
    graph = ReferenceEvaluator(str(folder / "dense.onnx"))
    return np.asarray(graph.run(None, feeds)[0])


WAYS: Sequence[Asking] = (
    by_ids,
    by_raw_values,
    by_examples,
    by_tf_examples,
    by_http_rows,
    by_http_columns,
    by_ovmsclient,
    by_reference,
)


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__)
def test_every_reader_finds_the_same(ask: Asking, server: ModelServer, trained: Trained) -> None:
    np.testing.assert_allclose(ask(server, trained), trained.predictions, rtol=0, atol=1e-5)


def test_predictions_are_worth_comparing(trained: Trained) -> None:
    """Training has moved them apart: a server that gave one number for all would be found out."""
    assert trained.predictions.std() > 0.05


def grpc(server: ModelServer) -> PredictionClient:
    return PredictionClient(f"127.0.0.1:{server.port}", "films")


def serialized(server: ModelServer, name: str, payloads: list[bytes]) -> Numbers:
    return grpc(server).predict({name: np.array(payloads, object)})["prediction"]


def http(server: ModelServer, body: Mapping[str, Any]) -> Any:
    response = httpx.post(f"http://127.0.0.1:{server.http_port}/v1/models/films:predict", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def batch_of_test_rows(trained: Trained) -> Batch:
    return next(iter(trained.dataset.batches(Reading(split="test", batch_size=1000, shuffle=False))))


def rows_by_id(path: Path) -> dict[int, Numbers]:
    held = load_file(path)
    return dict(zip(held["fids"].tolist(), held["values"], strict=True))


def pooled(
    column: Mapping[str, Any], table: Mapping[int, Numbers], rows: Sequence[Mapping[str, Any]]
) -> Numbers:
    zeros = np.zeros_like(next(iter(table.values())))
    found = [[table.get(fid, zeros) for fid in ids_of(column["feature"], row)] for row in rows]
    match column["combiner"]:
        case "sum":
            return np.stack([sum(one, zeros) for one in found])
        case "mean":
            return np.stack([sum(one, zeros) / max(len(one), 1) for one in found])
        case "sqrtn":
            return np.stack([sum(one, zeros) / max(len(one), 1) ** 0.5 for one in found])
        case _:
            length = column["max_length"]
            return np.stack([np.stack([*one, *[zeros] * length][:length]) for one in found])


def ids_of(feature: str, row: Mapping[str, Any]) -> list[int]:
    values = row[feature] if isinstance(row[feature], list) else [row[feature]]
    fids: list[int] = to_fids(SCHEMA[feature], np.array(values, object)).tolist()
    return fids
