"""TensorFlow Serving's REST methods, with health and metrics beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
from google.protobuf.json_format import MessageToDict
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monolith.core.errors import InvalidRequest, MonolithError
from monolith.serving.grpc_api import METADATA, status_response
from monolith.serving.inputs import from_columns, from_instances
from monolith.serving.metrics import ServingMetrics
from monolith.serving.service import Predicted, PredictionService, Target
from monolith.serving.signature import signature_map
from monolith.serving.status import answered

_MODEL = "/v1/models/{model}"
_VERSION = _MODEL + "/versions/{version:int}"


class HttpApi:
    """The endpoints of one server. `ready` is what /healthz tells.

    Bodies above `max_bytes` are refused, and so is a prediction while `concurrent` others are under way.
    """

    def __init__(
        self,
        held: PredictionService,
        metrics: ServingMetrics,
        *,
        max_bytes: int,
        concurrent: int,
        ready: Callable[[], bool],
    ) -> None:
        self._held = held
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._concurrent = concurrent
        self._ready = ready
        self._under_way = 0

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [Route("/healthz", self.healthz), Route("/metrics", self.metrics)]
        for path in (_MODEL, _VERSION):
            routes += [
                Route(path + ":predict", self.predict, methods=["POST"]),
                Route(path + "/metadata", self.metadata),
                Route(path, self.status),
            ]
        return Starlette(
            routes=routes, exception_handlers={MonolithError: _refused, HTTPException: _malformed}
        )

    async def predict(self, request: Request) -> Response:
        """Answer `{"instances": [rows]}` or `{"inputs": {columns}}`."""
        with self._place():
            body = await self._body(request)
            with self._metrics.answering("http:predict"):
                return await run_in_threadpool(self._predicted, _target(request), body)

    def status(self, request: Request) -> Response:
        """Answer how far the versions are."""
        with self._metrics.answering("http:status"):
            return _json(_plain(status_response(self._held.status(_target(request)))))

    def metadata(self, request: Request) -> Response:
        """Answer what the model takes and gives."""
        with self._metrics.answering("http:metadata"):
            target = _target(request)
            manifest = self._held.manifest(target)
            spec = {"name": target.model, "signature_name": "", "version": str(manifest.version)}
            signatures = _plain(signature_map(manifest))
            return _json({"model_spec": spec, "metadata": {METADATA: signatures}})

    async def healthz(self, _request: Request) -> Response:
        """Say 200 while requests are welcome, 503 from the moment the server is told to stop."""
        return Response("ok\n") if self._ready() else Response("stopping\n", 503)

    async def metrics(self, _request: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    def _predicted(self, target: Target, body: bytes) -> Response:
        asked = _object(body)
        if ("instances" in asked) == ("inputs" in asked):
            raise InvalidRequest('give either "instances" (rows) or "inputs" (columns)')
        target = attrs.evolve(target, signature=asked.get("signature_name", ""))
        if "inputs" in asked:
            predicted = self._held.predict(target, partial(from_columns, columns=asked["inputs"]))
            return _json({"outputs": _columns(predicted)})
        predicted = self._held.predict(target, partial(from_instances, rows=asked["instances"]))
        return _json({"predictions": _rows(predicted)})

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the predictions that may be under way. Only the event loop counts, so nothing is locked."""
        if self._under_way == self._concurrent:
            raise HTTPException(503, f"{self._concurrent} requests are under way: try again")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _body(self, request: Request) -> bytes:
        held = bytearray()
        async for chunk in request.stream():
            held += chunk
            if len(held) > self._max_bytes:
                raise HTTPException(
                    413, f"the body has more than {self._max_bytes} bytes: send smaller batches"
                )
        return bytes(held)


def _target(request: Request) -> Target:
    return Target(model=request.path_params["model"], version=request.path_params.get("version"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        held = json.loads(body)
    except ValueError as exc:
        raise InvalidRequest(f"JSON Parse error: {exc}") from exc
    except RecursionError as exc:  # else whoever sends brackets fills the log
        raise InvalidRequest("JSON Parse error: lists and objects are nested too deeply") from exc
    if not isinstance(held, dict):
        raise InvalidRequest("JSON Value: the body must be an object")
    return held


def _columns(predicted: Predicted) -> Any:
    """One output as it is, several by name: TensorFlow Serving's way."""
    columns = {name: values.tolist() for name, values in predicted.outputs.items()}
    return columns if len(columns) > 1 else next(iter(columns.values()))


def _rows(predicted: Predicted) -> Any:
    columns = _columns(predicted)
    if isinstance(columns, list):
        return columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(held: Any) -> Any:
    return MessageToDict(held, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _json(held: Any, status: int = 200) -> Response:
    return Response(json.dumps(held), status, media_type="application/json")


async def _refused(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, MonolithError)
    return _json({"error": str(exc)}, answered(exc).http)


async def _malformed(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    told = f"Malformed request: {request.method} {request.url.path}" if exc.status_code == 404 else exc.detail
    return _json({"error": told}, exc.status_code)
