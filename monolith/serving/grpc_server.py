"""A gRPC server with the prediction services, health and reflection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import attrs
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from monolith.core.errors import ServingError
from monolith.serving.push_api import PARAMETER_SYNC
from monolith.wire import parameter_sync_pb2, parameter_sync_rpc_pb2
from monolith.wire.tf import new_pool
from monolith.wire.tf_rpc import MODEL, PREDICTION

SERVICES = (PREDICTION, MODEL, PARAMETER_SYNC)


@attrs.frozen(kw_only=True)
class Limits:
    """What one server takes upon itself at a time; what is more is refused at once."""

    workers: int = 4  # requests computed at a time
    concurrent: int = 100  # requests under way, those that wait for a worker included
    message_bytes: int = 4 << 20


class GrpcServer:
    """Listens from `start` on; `stop` lets what is under way finish."""

    def __init__(self, address: str, handlers: list[grpc.GenericRpcHandler], limits: Limits) -> None:
        self._address = address
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(limits.workers, thread_name_prefix="grpc"),
            handlers=handlers,
            maximum_concurrent_rpcs=limits.concurrent,
            options=[
                ("grpc.max_receive_message_length", limits.message_bytes),
                ("grpc.max_send_message_length", limits.message_bytes),
                ("grpc.so_reuseport", 0),  # a port that someone else has is an error, not shared work
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        _reflect(self._server)

    def start(self) -> int:
        """Begin to listen; returns the port.

        Raises:
            ServingError: the address cannot be listened on.
        """
        try:
            port: int = self._server.add_insecure_port(self._address)
        except RuntimeError as exc:
            raise ServingError(
                f"cannot listen on {self._address} for gRPC: another server is there, or it is no address of"
                " this machine; choose another --port or --host"
            ) from exc
        self._server.start()
        for name in ("", *SERVICES):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return port

    def stop(self, grace_s: float) -> None:
        """Say so to whoever watches our health, take no new request, finish what is under way."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()


def _reflect(server: grpc.Server) -> None:
    """Describe every service: also those whose descriptors are not in our pool by themselves."""
    described = new_pool()
    for other in (health_pb2, reflection_pb2, parameter_sync_pb2, parameter_sync_rpc_pb2):
        described.AddSerializedFile(other.DESCRIPTOR.serialized_pb)
    names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server, pool=described)
