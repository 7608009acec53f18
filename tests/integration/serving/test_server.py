"""A running server of the tiny model, asked by clients over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import grpc
import httpx
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from monolith.core.errors import ServingError
from monolith.serving.client import PredictionClient
from monolith.serving.grpc_server import Limits
from monolith.serving.model import ServingModel
from monolith.serving.server import ModelServer
from monolith.testing.exports import tiny_prediction, write_tiny_export
from tests.integration.serving.conftest import serving

USER = {"user": np.array([1])}
MEANT = tiny_prediction(1, [], (0.0, 0.0))
PATIENCE_S = 30.0


@pytest.fixture
def channel(running: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as one:
        yield one


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


class Gate:
    """Holds back every prediction of a served model until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside = threading.Semaphore(0)
        self._open = threading.Event()
        self._predict = ServingModel.predict
        self._patch = monkeypatch

    def close(self) -> None:
        def held(model: ServingModel, batch: Any) -> Any:
            self.inside.release()
            assert self._open.wait(PATIENCE_S)
            return self._predict(model, batch)

        self._patch.setattr(ServingModel, "predict", held)

    def open(self) -> None:
        self._open.set()


def ask(server: ModelServer, **inputs: Any) -> Any:
    """The prediction for one user, or for other inputs."""
    with PredictionClient(f"127.0.0.1:{server.port}", "tiny", timeout_s=PATIENCE_S) as client:
        return client.predict(inputs or USER)["prediction"].tolist()


def until(what: str, met: Callable[[], bool]) -> None:
    patience = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < patience, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.01)


def rest(server: ModelServer, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.http_port}{path}")


def test_both_ways_answer(running: ModelServer) -> None:
    assert ask(running) == pytest.approx([MEANT])
    body = {"instances": [{"user": 1}]}
    url = f"http://127.0.0.1:{running.http_port}/v1/models/tiny:predict"
    assert httpx.post(url, json=body).json() == {"predictions": pytest.approx([MEANT])}
    assert running.answered == 2


def test_wrong_input_is_invalid_argument(running: ModelServer) -> None:
    with pytest.raises(
        ServingError, match=r"INVALID_ARGUMENT: unknown input 'usr' \(did you mean 'user'\?\)"
    ):
        ask(running, usr=np.array([1]))


@pytest.mark.parametrize(
    "service", ["", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"]
)
def test_health_is_told(channel: grpc.Channel, service: str) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_describes_every_service(channel: grpc.Channel) -> None:
    """A client that knows nothing can find out all, and ask."""
    described = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(described)
    services = sorted(described.get_services())
    assert services == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "monolith.parameter_sync_rpc.ParameterSyncRpc",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    ]
    methods = [m for name in services for m in pool.FindServiceByName(name).methods]
    status = next(m for m in methods if m.name == "GetModelStatus")
    request = GetMessageClass(status.input_type)(model_spec={"name": "tiny"})
    call = channel.unary_unary(
        "/tensorflow.serving.ModelService/GetModelStatus",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(status.output_type).FromString,
    )
    assert [v.version for v in call(request).model_version_status] == [1]


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_what_is_not_there_is_unimplemented(channel: grpc.Channel, method: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_new_version_drops_no_request(running: ModelServer, models: Path) -> None:
    """Clients ask without a pause while ten versions come: each answer is of one version, none goes back."""
    biases = [v / 10 for v in range(11)]
    meant = [tiny_prediction(1, [], (0.0, 0.0), bias) for bias in biases]
    done = threading.Event()

    def keep_asking() -> list[int]:
        seen = []
        with PredictionClient(f"127.0.0.1:{running.port}", "tiny", timeout_s=PATIENCE_S) as client:
            while not done.is_set() or not seen:
                (found,) = client.predict(USER)["prediction"].tolist()
                seen.append(int(np.argmin(np.abs(np.array(meant) - found))))
                assert found == pytest.approx(meant[seen[-1]], abs=1e-6)
        return seen

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(keep_asking) for _ in range(4)]
        for number, bias in enumerate(biases[1:], start=2):
            write_tiny_export(models, number, bias=bias)
            until(f"version {number}", lambda n=number: running.versions.version == n)
        done.set()
        for client in clients:
            seen = client.result(PATIENCE_S)
            assert seen == sorted(seen)
    assert ask(running) == pytest.approx([meant[-1]])


def test_broken_version_is_named_in_status(running: ModelServer, models: Path) -> None:
    write_tiny_export(models.parent / "next", 2)
    table = models.parent / "next" / "2" / "table-0.safetensors"
    table.write_bytes(table.read_bytes()[:-1])
    (models.parent / "next" / "2").rename(models / "2")
    until("version 2 was tried", lambda: len(running.versions.status()) == 2)
    until("and given up", lambda: bool(running.versions.status(2)[0].problem))
    broken, fine = rest(running, "/v1/models/tiny").json()["model_version_status"]
    assert (broken["version"], broken["state"], broken["status"]["error_code"]) == ("2", "END", "UNKNOWN")
    assert "table-0.safetensors" in broken["status"]["error_message"]
    assert (fine["version"], fine["state"]) == ("1", "AVAILABLE")
    assert ask(running) == pytest.approx([MEANT])


def test_a_folder_that_is_gone_is_told_once(
    running: ModelServer, models: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = f"{models} cannot be read: No such file or directory; version 1 goes on"
    looks = Mock(side_effect=running.versions.poll)
    monkeypatch.setattr(running.versions, "poll", looks)
    for trouble in range(1, 3):
        models.rename(models.with_name("gone"))
        until("it looked for it", lambda so_far=looks.call_count: looks.call_count > so_far + 3)
        assert [line for line in caplog.messages if "cannot be read" in line] == [told] * trouble
        models.with_name("gone").rename(models)
        until("and found it again", lambda so_far=looks.call_count: looks.call_count > so_far + 2)


def test_stopping_finishes_what_has_begun(models: Path, gate: Gate) -> None:
    server = serving(models)
    server.start()
    gate.close()
    with ThreadPoolExecutor() as pool:
        begun = pool.submit(ask, server)
        assert gate.inside.acquire(timeout=PATIENCE_S)
        stopping = pool.submit(server.stop)
        until("new requests are refused", lambda: refused(server))
        assert wait([begun, stopping], timeout=0.3).done == set()  # nobody is cut off
        gate.open()
        stopping.result(PATIENCE_S)
        assert begun.result(PATIENCE_S) == pytest.approx([MEANT])


def refused(server: ModelServer) -> bool:
    try:
        ask(server, usr=np.array([1]))
    except ServingError as exc:
        return "UNAVAILABLE" in str(exc)
    return False


def test_overload_is_refused_at_once(models: Path, gate: Gate) -> None:
    """Two are under way, the third is told to go away; the two are answered all the same."""
    with serving(models, limits=Limits(workers=2, concurrent=2)) as server, ThreadPoolExecutor(2) as pool:
        gate.close()
        begun = [pool.submit(ask, server) for _ in range(2)]
        for _ in begun:
            assert gate.inside.acquire(timeout=PATIENCE_S)
        with pytest.raises(ServingError, match="RESOURCE_EXHAUSTED"):
            ask(server)
        gate.open()
        assert [one.result(PATIENCE_S) for one in begun] == [pytest.approx([MEANT])] * 2


def test_idle_connections_take_no_place(models: Path) -> None:
    with serving(models, limits=Limits(concurrent=1)) as server, ExitStack() as idle:
        for _ in range(3):
            idle.enter_context(socket.create_connection(("127.0.0.1", server.http_port), PATIENCE_S))
        assert rest(server, "/v1/models/tiny").status_code == 200


def test_large_message_is_refused(models: Path) -> None:
    with serving(models, limits=Limits(message_bytes=10_000)) as server:
        with pytest.raises(ServingError, match="RESOURCE_EXHAUSTED"):
            ask(server, user=np.arange(2_000))
        assert len(ask(server, user=np.arange(1_000))) == 1_000


@pytest.mark.parametrize("which", ["port", "http_port"])
def test_taken_port_is_told(running: ModelServer, models: Path, which: str) -> None:
    taken = getattr(running, which)
    with (
        pytest.raises(ServingError, match=f"cannot listen on 127.0.0.1:{taken}"),
        serving(models, **{which: taken}),
    ):
        pass


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "no version of a model to serve in .*write one with `monolith export`"),
        ({"version": 4}, "no version 4 of a model to serve"),
    ],
)
def test_nothing_to_serve_is_an_error(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(ServingError, match=told), serving(tmp_path, **more):
        pass


@pytest.mark.parametrize(
    ("folder", "more", "told"),
    [
        ("tiny/1", {}, "tiny/1: that is a version itself, give the folder that it is in"),
        ("tiny", {"version": 4}, "no version 4 of a model to serve in .*tiny: it has 1$"),
    ],
)
def test_where_there_is_something_else_it_is_named(
    models: Path, folder: str, more: dict[str, Any], told: str
) -> None:
    with pytest.raises(ServingError, match=told), serving(models.parent / folder, **more):
        pass


def test_only_version_is_broken(models: Path) -> None:
    (models / "1" / "dense.onnx").write_bytes(b"")
    with (
        pytest.raises(ServingError, match=r"no version of a model to serve in .*: .*dense\.onnx"),
        serving(models),
    ):
        pass
