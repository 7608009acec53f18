"""The REST methods answer in TensorFlow Serving's words."""

import asyncio

import httpx
import pytest

from monolith.core.errors import ServingError
from monolith.serving.http_api import HttpApi
from monolith.serving.metrics import ServingMetrics
from monolith.serving.model import ServingModel
from monolith.testing.exports import tiny_prediction

ROWS = [
    {"user": 1, "genres": ["noir"], "age": [1.0, 2.0]},
    {"user": 2, "genres": [], "age": [0.0, -0.5]},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
MEANT = [tiny_prediction(row["user"], row["genres"], row["age"]) for row in ROWS]


class Server:
    """The application, asked without a socket."""

    def __init__(self, service):
        self.welcome = True
        api = HttpApi(service, ServingMetrics(), max_bytes=2000, concurrent=2, ready=lambda: self.welcome)
        self._way = httpx.ASGITransport(api.app())

    def get(self, path):
        return self._request("GET", path)

    def ask(self, body, path="/v1/models/tiny"):
        kind = {"content": body} if isinstance(body, str | bytes) else {"json": body}
        return self._request("POST", f"{path}:predict", **kind)

    def ask_together(self, body, times):
        return self._requests([("POST", "/v1/models/tiny:predict")] * times, json=body)

    def _request(self, *request, **content):
        return self._requests([request], **content)[0]

    def _requests(self, requests, **content):
        async def ask():
            async with httpx.AsyncClient(transport=self._way, base_url="http://server") as client:
                return await asyncio.gather(*(client.request(*one, **content) for one in requests))

        return asyncio.run(ask())


@pytest.fixture
def server(tiny_service):
    return Server(tiny_service)


@pytest.mark.parametrize("path", ["/v1/models/tiny", "/v1/models/tiny/versions/1"])
@pytest.mark.parametrize("signature", [{}, {"signature_name": "serving_default"}])
def test_rows_are_answered_by_rows(server, path, signature):
    assert server.ask({"instances": ROWS, **signature}, path).json() == {"predictions": pytest.approx(MEANT)}


def test_columns_are_answered_by_columns(server):
    assert server.ask({"inputs": COLUMNS}).json() == {"outputs": pytest.approx(MEANT)}


@pytest.mark.parametrize("path", ["/v1/models/tiny", "/v1/models/tiny/versions/1"])
def test_status_is_told(server, path):
    status = {"error_code": "OK", "error_message": ""}
    told = {"version": "1", "state": "AVAILABLE", "status": status}
    assert server.get(path).json() == {"model_version_status": [told]}


def test_metadata_names_inputs_and_outputs(server):
    told = server.get("/v1/models/tiny/metadata").json()
    assert told["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    described = {
        name: (info["dtype"], [int(dim["size"]) for dim in info["tensor_shape"]["dim"]])
        for side in ("inputs", "outputs")
        for name, info in signature[side].items()
    }
    assert described == {
        "user": ("DT_INT64", [-1]),
        "genres": ("DT_STRING", [-1, -1]),
        "age": ("DT_FLOAT", [-1, 2]),
        "prediction": ("DT_FLOAT", [-1]),
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "JSON Parse error: "),
        (b"\xff", "JSON Parse error: "),
        ("[" * 2_000, "JSON Parse error: lists and objects are nested too deeply"),
        ("[]", "JSON Value: the body must be an object"),
        ({}, 'give either "instances" (rows) or "inputs" (columns)'),
        ({"instances": [], "inputs": {}}, 'give either "instances" (rows) or "inputs" (columns)'),
        ({"instances": [{"usr": 1}]}, "unknown input 'usr' (did you mean 'user'?)"),
        ({"instances": ROWS, "signature_name": "train"}, "Serving signature key 'train' not found"),
    ],
)
def test_wrong_request_is_400_with_a_sentence(server, body, told):
    response = server.ask(body)
    assert response.status_code == 400
    assert response.json()["error"].startswith(told)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/models/other", "Servable not found for request: Latest(other); served here: tiny"),
        ("/v1/models/tiny/versions/7", "Servable not found for request: Specific(tiny, 7)"),
        ("/v1/models/tiny/versions/x", "Malformed request: GET /v1/models/tiny/versions/x"),
        ("/v1", "Malformed request: GET /v1"),
    ],
)
def test_what_is_not_there_is_404(server, path, told):
    response = server.get(path)
    assert (response.status_code, response.json()) == (404, {"error": told})


def test_body_beyond_the_limit_is_413(server):
    response = server.ask("[" + " " * 2000)
    assert response.status_code == 413
    assert response.json() == {"error": "the body has more than 2000 bytes: send smaller batches"}


@pytest.mark.parametrize(("at_once", "refused"), [(2, 0), (3, 1)])
def test_prediction_beyond_the_limit_is_503(server, at_once, refused):
    for _ in range(2):  # and those that are answered make room
        answers = server.ask_together({"instances": ROWS}, at_once)
        assert [a.status_code for a in answers].count(503) == refused
    told = {"error": "2 requests are under way: try again"}
    assert all(a.json() == told for a in answers if a.status_code == 503)


def test_failure_that_is_ours_is_logged(server, monkeypatch, caplog):
    def broken(*_):
        raise ServingError("the dense part failed: no memory")

    monkeypatch.setattr(ServingModel, "predict", broken)
    assert server.ask({"instances": ROWS}).status_code == 500
    assert server.ask({}).status_code == 400
    assert [r.getMessage() for r in caplog.records if r.name.startswith("monolith")] == [
        "a request was answered INTERNAL: the dense part failed: no memory"
    ]


def test_health_is_over_when_the_server_stops(server):
    assert server.get("/healthz").status_code == 200
    server.welcome = False
    assert server.get("/healthz").status_code == 503


def test_metrics_count_by_method_and_code(server):
    server.ask({"instances": ROWS})
    server.ask({"instances": [{"usr": 1}]})
    text = server.get("/metrics").text
    assert 'monolith_serving_requests_total{code="OK",method="http:predict"} 1.0' in text
    assert 'monolith_serving_requests_total{code="INVALID_ARGUMENT",method="http:predict"} 1.0' in text
