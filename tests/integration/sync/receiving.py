"""A gRPC server around a receiver in a dict."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

from monolith.sync.link import PUSH, Reply
from monolith.wire import parameter_sync_pb2 as pb
from tests.unit.sync.receiver import Receiver

SERVICE, METHOD = PUSH[1:].split("/")


class LockedReceiver(Receiver):
    """May be looked at while it is pushed to."""

    def __init__(self, *, reference: bool = False) -> None:
        self.lock = threading.Lock()
        super().__init__(reference=reference)

    def answer(self, body: bytes) -> Reply:
        with self.lock:
            return super().answer(body)


@contextmanager
def served(
    receiver: Receiver, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    """Serve `receiver`; gives the port."""

    def push(body: bytes, _: grpc.ServicerContext) -> pb.PushResponse:
        reply = receiver.answer(body)
        return pb.PushResponse(status_code=reply.status, error_message=reply.said)

    handler = grpc.unary_unary_rpc_method_handler(push, None, pb.PushResponse.SerializeToString)
    server = grpc.server(
        ThreadPoolExecutor(2),
        handlers=[grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler})],
        options=[("grpc.so_reuseport", 0)],
    )
    where = f"127.0.0.1:{port}"
    bound = server.add_secure_port(where, credentials) if credentials else server.add_insecure_port(where)
    server.start()
    try:
        yield bound
    finally:
        server.stop(0).wait()
