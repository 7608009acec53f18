"""TensorFlow Serving's services over gRPC. Generated stubs would need the default descriptor pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from monolith.wire.tf import pool

PREDICTION = "tensorflow.serving.PredictionService"
MODEL = "tensorflow.serving.ModelService"
STALENESS = "monolith-staleness-seconds"  # ours: what a reply to Predict brings along behind it

Handler = Callable[[Any, grpc.ServicerContext], Any]


def service(full_name: str, handlers: Mapping[str, Handler]) -> grpc.GenericRpcHandler:
    """What a gRPC server is given to answer a service's methods with `handlers`, one for each by name."""
    methods = {m.name: m for m in pool.FindServiceByName(full_name).methods}
    return grpc.method_handlers_generic_handler(
        full_name,
        {
            name: grpc.unary_unary_rpc_method_handler(
                handlers[name],
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
            for name, method in methods.items()
        },
    )


def method(channel: grpc.Channel, service_name: str, name: str) -> Callable[..., Any]:
    """What a client calls to ask a method of a service: `call(request, timeout=seconds)`."""
    described = pool.FindServiceByName(service_name).FindMethodByName(name)
    call: Callable[..., Any] = channel.unary_unary(
        f"/{service_name}/{name}",
        request_serializer=GetMessageClass(described.input_type).SerializeToString,
        response_deserializer=GetMessageClass(described.output_type).FromString,
    )
    return call
