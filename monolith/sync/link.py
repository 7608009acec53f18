"""The way to one target: gRPC, over TLS where its endpoint says https."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import grpc
import grpc.aio

from monolith.core.endpoint import Endpoint
from monolith.core.errors import PushFailed
from monolith.wire import parameter_sync_pb2 as pb
from monolith.wire import parameter_sync_rpc_pb2 as rpc
from monolith.wire.channel import kept_open

_SERVICE = rpc.DESCRIPTOR.services_by_name["ParameterSyncRpc"]
PUSH = f"/{_SERVICE.full_name}/{_SERVICE.methods[0].name}"
_CONNECT_MS = 3_000
_NOT_ONE = (
    "it is not a server that takes rows: it does not know {}. Is it the gRPC address of a serving process?"
)
_TOO_LARGE = "it takes no message of {} bytes: let it take more"


class Reply(NamedTuple):
    """What the target said."""

    status: int
    said: str
    refused: tuple[str, ...] = ()  # tables that it does not take


class Link(Protocol):
    """Takes pushes to one target; two may be under way."""

    async def push(self, body: bytes, timeout_s: float) -> Reply:
        """Send a serialized PushRequest.

        Raises:
            PushFailed: it did not arrive, or nobody said that it did.
        """

    async def close(self) -> None: ...


class GrpcLink:
    """To a server of ours, or of the reference.

    Of certificates, those are trusted that gRPC trusts, or the file GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._channel = _channel(endpoint)
        self._push = self._channel.unary_unary(PUSH, response_deserializer=pb.PushResponse.FromString)

    async def push(self, body: bytes, timeout_s: float) -> Reply:
        try:
            answer = await self._push(body, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise self._failed(error, len(body), timeout_s) from error
        return Reply(answer.status_code, answer.error_message, tuple(answer.refused))

    async def close(self) -> None:
        await self._channel.close()

    def _failed(self, error: grpc.aio.AioRpcError, size: int, timeout_s: float) -> PushFailed:
        target, code = str(self._endpoint), error.code()
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return PushFailed(target, _NOT_ONE.format(PUSH), lasting=True)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return PushFailed(target, _TOO_LARGE.format(size), lasting=True)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return PushFailed(target, f"no answer within {timeout_s:g} s")
        stage = "connect" if code is grpc.StatusCode.UNAVAILABLE else "push"
        return PushFailed(target, f"ParameterSync {stage} failed: {error.details() or code.name}")


def _channel(endpoint: Endpoint) -> grpc.aio.Channel:
    where, options = f"{endpoint.host}:{endpoint.port}", kept_open(_CONNECT_MS)
    if endpoint.scheme == "https":
        return grpc.aio.secure_channel(where, grpc.ssl_channel_credentials(), options=options)
    return grpc.aio.insecure_channel(where, options=options)
