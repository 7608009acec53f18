"""One channel to one server: messages out and in, and every failure as one of our errors."""

from __future__ import annotations

import asyncio
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from monolith.core.errors import MonolithError, PsError, RemoteError, ShardUnavailable
from monolith.ps.limits import EXCHANGE, SERVICE, Limits, client_options
from monolith.wire.framing import Sendable
from monolith.wire.status import DETAILS, code_of, from_status

M = TypeVar("M", bound=Message)
Exchange: TypeAlias = "grpc.aio.StreamStreamCall[bytes, bytes]"
BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}  # a connection, or its other end
SILENT = BROKEN | {grpc.StatusCode.DEADLINE_EXCEEDED}


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
            details = error.details() or ""
            raise self._raised(error) or self.told(method, error.code(), details, waited) from error
        try:
            return reply.FromString(body)
        except DecodeError as error:
            raise self.misunderstood(method, error) from error

    def exchange(self) -> Exchange:
        """A stream of frames, without a deadline."""
        return self._open().stream_stream(f"/{SERVICE}/{EXCHANGE}")()

    def told(
        self, method: str, code: grpc.StatusCode, details: str, waited: float = 0.0
    ) -> ShardUnavailable | RemoteError:
        """The error for a call that failed with `code` after `waited` seconds."""
        where = self._where
        if code in SILENT:
            silence = f"did not answer {method} within {waited:.1f} s ({details})"
            text = f"{where} {silence}: see whether it still runs and can be reached"
            return ShardUnavailable(text, shard=self.shard)
        text = f"{where} refused {method} with {code.name}: {details}"
        return RemoteError(text, code=code.value[0], shard=self.shard)

    def refused(self, method: str, details: bytes) -> MonolithError:
        """The error that a google.rpc.Status tells."""
        return self._ours(details) or self.told(method, *code_of(details))

    def misunderstood(self, method: str, error: DecodeError) -> RemoteError:
        """The error for an answer that cannot be read."""
        text = f"{self._where} answered {method} with something else: {error}"
        return RemoteError(text, code=grpc.StatusCode.INTERNAL.value[0], shard=self.shard)

    async def close(self) -> None:
        if self._channel:
            await self._channel.close()

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.address, options=client_options(self._limits))
        return self._channel

    def _raised(self, error: grpc.aio.AioRpcError) -> MonolithError | None:
        return self._ours(dict(error.trailing_metadata() or ()).get(DETAILS))

    def _ours(self, details: str | bytes | None) -> MonolithError | None:
        """The error that the server raised, with the name of this shard if it told none."""
        ours = from_status(((DETAILS, details),)) if details else None
        if isinstance(ours, PsError) and ours.shard < 0:
            ours.shard = self.shard
        return ours

    @property
    def _where(self) -> str:
        return f"ps-{self.shard} at {self.address}"


def cause_of(error: MonolithError) -> str:
    """What went wrong in a call, in a few words: gRPC nests its reasons in brackets, the innermost last."""
    rpc = error.__cause__
    details = rpc.details() if isinstance(rpc, grpc.aio.AioRpcError) else None
    return details.rpartition(": ")[2].rstrip("]") if details else str(error)
