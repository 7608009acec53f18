"""TensorFlow Serving's gRPC methods, answered by our service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import grpc

from monolith.core.errors import InvalidRequest, MonolithError
from monolith.serving.inputs import from_tensors
from monolith.serving.metrics import ServingMetrics
from monolith.serving.push_api import ASSIGN, PushApi
from monolith.serving.service import PredictionService, Target
from monolith.serving.signature import signature_map
from monolith.serving.status import answered
from monolith.serving.versions import VersionStatus
from monolith.wire.tensors import to_tensor
from monolith.wire.tf import enum, message
from monolith.wire.tf_rpc import MODEL, PREDICTION, STALENESS, service

METADATA = "signature_def"  # the one field that GetModelMetadata knows

Answering = Callable[[PredictionService, Any], Any]


def generic_handlers(
    held: PredictionService, pushes: PushApi, metrics: ServingMetrics
) -> list[grpc.GenericRpcHandler]:
    """What a gRPC server is given to serve PredictionService and ModelService, and to take pushes."""
    answers: dict[str, Answering] = {
        "Predict": partial(predict_or_assign, pushes),
        "GetModelMetadata": metadata,
        "GetModelStatus": status,
    }
    handlers = {name: partial(_answer, name, answer, held, metrics) for name, answer in answers.items()}
    handlers["Predict"] = partial(_dated, handlers["Predict"], pushes.staleness_s)
    return [service(PREDICTION, handlers), service(MODEL, handlers), pushes.handler()]


def predict_or_assign(pushes: PushApi, held: PredictionService, request: Any) -> Any:
    """Answer a PredictRequest; one for an assign signature brings rows, and gets no outputs."""
    spec = request.model_spec
    if spec.signature_name not in ASSIGN:
        return predict(held, request)
    pushes.assign(spec.name, request.inputs)
    response = message("tensorflow.serving.PredictResponse")()
    response.model_spec.CopyFrom(spec)
    return response


def predict(held: PredictionService, request: Any) -> Any:
    """Answer a PredictRequest."""
    predicted = held.predict(
        _target(request), partial(from_tensors, inputs=request.inputs), request.output_filter
    )
    response = message("tensorflow.serving.PredictResponse")()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = predicted.version
    response.model_spec.signature_name = predicted.signature
    for name, values in predicted.outputs.items():
        response.outputs[name].CopyFrom(to_tensor(values))
    return response


def metadata(held: PredictionService, request: Any) -> Any:
    """Answer a GetModelMetadataRequest."""
    for field in request.metadata_field:
        if field != METADATA:
            raise InvalidRequest(f"metadata field {field!r} is not known: ask for {METADATA!r}", input=field)
    if not request.metadata_field:
        raise InvalidRequest(f"no metadata field is asked for: ask for {METADATA!r}")
    manifest = held.manifest(_target(request))
    response = message("tensorflow.serving.GetModelMetadataResponse")()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = manifest.version
    response.metadata[METADATA].Pack(signature_map(manifest))
    return response


def status(held: PredictionService, request: Any) -> Any:
    """Answer a GetModelStatusRequest."""
    return status_response(held.status(_target(request)))


def status_response(found: Iterable[VersionStatus]) -> Any:
    """Versions and their states as a GetModelStatusResponse."""
    codes = enum("tensorflow.error.Code")
    response = message("tensorflow.serving.GetModelStatusResponse")()
    for one in found:
        told = response.model_version_status.add(version=one.version, state=int(one.state))
        told.status.error_code = codes["UNKNOWN" if one.problem else "OK"]
        told.status.error_message = one.problem
    return response


def _answer(
    name: str,
    answer: Answering,
    held: PredictionService,
    metrics: ServingMetrics,
    request: Any,
    context: grpc.ServicerContext,
) -> Any:
    try:
        with metrics.answering(name):
            return answer(held, request)
    except MonolithError as exc:
        context.abort(grpc.StatusCode[answered(exc).code], str(exc))


def _dated(
    answer: Callable[..., Any], staleness_s: Callable[[], float], request: Any, context: grpc.ServicerContext
) -> Any:
    """What `answer` gives; behind it travels how old the rows were just then, nan where nobody knows."""
    response = answer(request, context)
    with suppress(Exception):  # whatever it is, a prediction that was made is given
        context.set_trailing_metadata(((STALENESS, f"{staleness_s():.3f}"),))
    return response


def _target(request: Any) -> Target:
    spec = request.model_spec
    if spec.WhichOneof("version_choice") == "version_label":
        raise InvalidRequest(f"version label {spec.version_label!r} is not known: ask by version number")
    version = spec.version.value or None  # clients of OpenVINO's server send 0 for the newest
    return Target(model=spec.name, version=version, signature=spec.signature_name)
