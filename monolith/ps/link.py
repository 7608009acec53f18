"""One channel to one server: messages out and in, and every failure as one of our errors."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from monolith.core.errors import MonolithError, PsError, RemoteError, ShardUnavailable
from monolith.ps.limits import SERVICE, Limits, client_options
from monolith.wire.framing import Sendable
from monolith.wire.status import from_status

M = TypeVar("M", bound=Message)
SILENT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


class Link:
    """A channel, opened by the first call in the event loop of that call."""

    def __init__(self, address: str, shard: int, limits: Limits) -> None:
        self.address = address
        self.shard = shard
        self._limits = limits
        self._channel: grpc.aio.Channel | None = None

    async def call(self, method: str, request: Sendable, reply: type[M], *, within_ms: int) -> M:
        """Send `request` and wait for the answer at most `within_ms`.

        Raises:
            ShardUnavailable: nobody answers there, or not in time.
            RemoteError: the answer cannot be understood.
            MonolithError: what the server raised.
        """
        began = asyncio.get_running_loop().time()
        ask = self._open().unary_unary(f"/{SERVICE}/{method}")
        try:
            body = await ask(request.SerializeToString(), timeout=within_ms / 1000)
        except grpc.aio.AioRpcError as error:
            waited = asyncio.get_running_loop().time() - began
            raise self._told(error, method, waited) from error
        try:
            return reply.FromString(body)
        except DecodeError as error:
            text = f"ps-{self.shard} at {self.address} answered {method} with something else: {error}"
            raise RemoteError(text, code=grpc.StatusCode.INTERNAL.value[0], shard=self.shard) from error

    async def close(self) -> None:
        if self._channel:
            await self._channel.close()

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.address, options=client_options(self._limits))
        return self._channel

    def _told(self, error: grpc.aio.AioRpcError, method: str, waited: float) -> MonolithError:
        ours = from_status(error.trailing_metadata() or ())
        if isinstance(ours, PsError) and ours.shard < 0:
            ours.shard = self.shard
        if ours:
            return ours
        code = error.code()
        where = f"ps-{self.shard} at {self.address}"
        if code in SILENT:
            silence = f"did not answer {method} within {waited:.1f} s ({error.details()})"
            text = f"{where} {silence}: see whether it still runs and can be reached"
            return ShardUnavailable(text, shard=self.shard)
        text = f"{where} refused {method} with {code.name}: {error.details()}"
        return RemoteError(text, code=code.value[0], shard=self.shard)


def cause_of(error: MonolithError) -> str:
    """What went wrong in a call, in a few words: gRPC nests its reasons in brackets, the innermost last."""
    rpc = error.__cause__
    details = rpc.details() if isinstance(rpc, grpc.aio.AioRpcError) else None
    return details.rpartition(": ")[2].rstrip("]") if details else str(error)
