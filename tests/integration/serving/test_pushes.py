"""Rows that are pushed to a real server over gRPC: the next prediction is of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from monolith.core.raw_ids import to_fids
from monolith.estimator.exporter import ExportOptions
from monolith.serving.client import PredictionClient
from monolith.serving.push_api import PARAMETER_SYNC
from monolith.serving.rows import to_arrays
from monolith.serving.server import ModelServer
from monolith.testing.exports import SCHEMA, USERS, tiny_prediction, write_tiny_export
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire.tensors import to_tensor
from monolith.wire.tf import message
from monolith.wire.tf_rpc import PREDICTION, method
from tests.integration.cli.conftest import Cli
from tests.integration.serving.conftest import Mixed, Trained, export_newest, serving
from tests.integration.serving.test_cli import served
from tests.integration.serving.test_server import until

TIMEOUT_S = 10.0
LOGIT = {user: sum(row) for user, row in USERS.items()}


def fid(user: int) -> int:
    return int(to_fids(SCHEMA["user"], np.array([user]))[0])


def push(address: str, users: Mapping[int, Sequence[float]], **more: Any) -> pb.PushResponse:
    """Push rows of users, as a sender in any language would."""
    rows = list(users.values())
    table = pb.PushRequest.DeltaEmbeddingHashTable(
        unique_id="users",
        dim_size=len(rows[0]),
        fids=map(fid, users),
        embeddings=[value for row in rows for value in row],
        removed=[fid(user) for user in more.pop("removed", ())],
    )
    request = pb.PushRequest(**{"model_name": "tiny", "delta_hash_tables": [table], **more})
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            f"/{PARAMETER_SYNC}/Push",
            request_serializer=pb.PushRequest.SerializeToString,
            response_deserializer=pb.PushResponse.FromString,
        )
        return call(request, timeout=TIMEOUT_S)


def logits(address: str, *users: int) -> list[float]:
    """What a server says of users without anything else, before the sigmoid."""
    with PredictionClient(address, "tiny", timeout_s=TIMEOUT_S) as client:
        found = client.predict({"user": np.array(users)})["prediction"]
    return np.round(np.log(found / (1 - found)), 4).tolist()


def test_killed_server_asks_for_everything(tmp_path: Path) -> None:
    """A server in a process of its own is pushed to, killed, and started again."""
    write_tiny_export(tmp_path / "tiny", 1)
    cli = Cli(tmp_path)
    sender = {"sender": 2**64 - 1, "shards": 1}
    with served(cli, "--model-path=tiny") as (child, said):
        address = said["grpc"]
        whole = {**sender, "sequence": 1, "whole_begin": True, "whole_end": True}
        assert push(address, {1: (2, 0), 2: (0, 1)}, **whole).update_num == 2
        assert logits(address, 1, 2, 2**60) == [2.0, 1.0, 0.0]
        assert push(address, {9: (0.5, 1)}, **sender, sequence=2, removed=[2]).status_code == 0
        assert logits(address, 1, 2, 9) == [2.0, 0.0, 1.5]
        figures = httpx.get(f"{said['http']}/metrics").text
        assert 'monolith_serving_pushes_total{outcome="applied"} 2.0' in figures
        assert "monolith_serving_removed_rows_total 2.0" in figures
        child.kill()
        child.wait(TIMEOUT_S)
    with served(cli, "--model-path=tiny") as (_, said):
        address = said["grpc"]
        assert logits(address, 1, 9) == [LOGIT[1], 0.0]
        asked = push(address, {1: (3, 0)}, **sender, sequence=3)
        assert (asked.status_code, asked.error_message[:15]) == (5, "send everything")
        assert logits(address, 1, 9) == [LOGIT[1], 0.0]
        assert push(address, {1: (3, 0), 9: (0.5, 1)}, **{**whole, "sequence": 4}).status_code == 0
        assert logits(address, 1, 2, 9) == [3.0, 0.0, 1.5]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"model_name": "other"}, "rows of model 'other' were pushed to 'tiny'"),
        ({"users": {1: (1, 2, 3)}}, "table 'users' has rows of 2 values here, not 3"),
    ],
)
def test_what_does_not_fit_is_refused(running: ModelServer, more: dict[str, Any], told: str) -> None:
    address = f"127.0.0.1:{running.port}"
    answer = push(address, **{"users": {1: (9, 9)}, **more})
    assert (answer.status_code, answer.error_message) == (1, told)
    assert logits(address, 1) == [LOGIT[1]]


def test_rows_come_as_upstream_sends_them(running: ModelServer) -> None:
    """A Predict for the assign signature: `<table>_id` and `<table>_value`."""
    request = message("tensorflow.serving.PredictRequest")()
    request.model_spec.name = "tiny"
    request.model_spec.signature_name = "hashtable_assign"
    request.inputs["users_id"].CopyFrom(to_tensor(np.array([fid(1)])))
    request.inputs["users_value"].CopyFrom(to_tensor(np.float32([[3, 4]])))
    address = f"127.0.0.1:{running.port}"
    with grpc.insecure_channel(address) as channel:
        response = method(channel, PREDICTION, "Predict")(request, timeout=TIMEOUT_S)
        assert not response.outputs
        assert logits(address, 1) == [7.0]
        request.model_spec.name = "other"
        with pytest.raises(grpc.RpcError) as caught:
            method(channel, PREDICTION, "Predict")(request, timeout=TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_dense_part_comes_on_its_own(running: ModelServer, models: Path) -> None:
    """A version without embeddings takes over the rows, and they go on being pushed to."""
    address = f"127.0.0.1:{running.port}"
    push(address, {1: (2, 0)})
    write_tiny_export(models, 2, embeddings=False, bias=0.5)
    until("the dense part is there", lambda: running.versions.version == 2)
    assert logits(address, 1) == [2.5]
    push(address, {1: (3, 0)})
    assert logits(address, 1) == [3.5]


def test_restart_finds_dense_part_and_rows(models: Path) -> None:
    write_tiny_export(models, 2, embeddings=False, bias=0.5)
    with serving(models) as server:
        assert server.versions.version == 2
        (found,) = logits(f"127.0.0.1:{server.port}", 1)
    assert found == pytest.approx(LOGIT[1] + 0.5)
    assert tiny_prediction(1, [], (0, 0), 0.5) == pytest.approx(1 / (1 + np.exp(-found)))


def test_trained_dense_part_is_served_with_trained_rows(trained: Trained, tmp_path: Path) -> None:
    """What `monolith export` and `monolith export --no-include-embeddings` wrote, put together."""
    shutil.copytree(trained.exported, tmp_path / "films")
    alone = ExportOptions(version=10**6, embeddings=False)
    export_newest(Mixed(), trained.run, tmp_path / "films", alone)
    with serving(tmp_path / "films") as server:
        assert server.versions.version == 10**6
        with PredictionClient(f"127.0.0.1:{server.port}", "films", timeout_s=TIMEOUT_S) as client:
            found = client.predict(to_arrays(trained.rows))["prediction"]
    np.testing.assert_allclose(found, trained.predictions, atol=1e-5)


def test_predictions_do_not_wait_for_pushes(running: ModelServer) -> None:
    """However many push at a time: they have a thread of their own."""
    address = f"127.0.0.1:{running.port}"
    with running.replica._alone(), grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{PARAMETER_SYNC}/Push")
        waiting = [call.future(b"\x0a\x04tiny", timeout=TIMEOUT_S) for _ in range(8)]
        assert [logits(address, 1) for _ in range(8)] == [[LOGIT[1]]] * 8
        assert not any(one.done() for one in waiting)
        for one in waiting:
            one.cancel()
