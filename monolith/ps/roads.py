"""The two ways that rows travel to and from a server: as frames on a stream, or each message as a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError

from monolith.ps import frames, messages
from monolith.ps.api import Applied, Found, Gradients, Lookup, Stamp
from monolith.ps.found_frame import found_of
from monolith.ps.limits import Limits
from monolith.ps.link import Link
from monolith.ps.stream import Stream
from monolith.wire import ps_training_pb2 as pb
from monolith.wire.framing import Buffer, Framed

A = TypeVar("A", Found, Applied)


class Road(Protocol):
    """Takes one message to one server and brings the answer, in the order asked."""

    async def lookup(self, asked: Sequence[Lookup]) -> list[Found]: ...
    async def apply(self, asked: Sequence[Gradients], stamp: Stamp) -> list[Applied]: ...


class FrameRoad:
    """For servers of this program. With `half`, rows travel as float16."""

    def __init__(
        self, link: Link, stream: Stream, limits: Limits, server: pb.HealthCheckResponse, *, half: bool
    ) -> None:
        self._link = link
        self._stream = stream
        self._limit = min(limits.message, server.frame_limit)
        self._incarnation = server.incarnation
        self._half = half

    async def lookup(self, asked: Sequence[Lookup]) -> list[Found]:
        request = frames.Request(self._incarnation, self._half, lookups=asked)
        return await self._ask("BatchLookup", request, lambda answer: _fitting(found_of(answer), asked))

    async def apply(self, asked: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        request = frames.Request(self._incarnation, self._half, updates=asked, stamp=stamp)
        return await self._ask("BatchApplyGradients", request, frames.applied_of)

    async def _ask(self, method: str, request: frames.Request, read: Callable[[Buffer], list[A]]) -> list[A]:
        answer = await self._stream.ask(method, request.parts(), limit=self._limit)
        try:
            return read(answer)
        except DecodeError as error:
            raise self._link.misunderstood(method, error) from error


class CallRoad:
    """For servers of other programs: the calls of the public protocol."""

    def __init__(self, link: Link, limits: Limits, server: pb.HealthCheckResponse) -> None:
        self._link = link
        self._within_ms = limits.call_ms
        self._incarnation = server.incarnation
        self._packed = server.packed_fids

    async def lookup(self, asked: Sequence[Lookup]) -> list[Found]:
        requests = [messages.lookup_request(a, packed=self._packed) for a in asked]
        request = pb.BatchLookupRequest(requests=requests, incarnation=self._incarnation)
        reply = await self._link.call(
            "BatchLookup", request, pb.BatchLookupResponse, within_ms=self._within_ms
        )
        if len(reply.responses) > len(asked):  # fewer do not fit
            strange = DecodeError(f"{len(reply.responses)} answers to {len(asked)} lookups")
            raise self._link.misunderstood("BatchLookup", strange)
        found = [messages.found_of(r, a.dim) for r, a in zip(reply.responses, asked, strict=False)]
        try:
            return _fitting(found, asked)
        except DecodeError as error:
            raise self._link.misunderstood("BatchLookup", error) from error

    async def apply(self, asked: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        said = messages.stamp_message(stamp)
        request = Framed(pb.BatchApplyGradientsRequest(stamp=said, incarnation=self._incarnation))
        for update in asked:
            framed = messages.gradients_request(update, packed=self._packed)
            request.nest(pb.BatchApplyGradientsRequest.REQUESTS_FIELD_NUMBER, framed)
        reply = await self._link.call(
            "BatchApplyGradients", request, pb.BatchApplyGradientsResponse, within_ms=self._within_ms
        )
        return [messages.applied_of(r) for r in reply.responses]


def _fitting(found: list[Found], asked: Sequence[Lookup]) -> list[Found]:
    """The answers, which are about to be written where there is room for what was asked.

    Raises:
        DecodeError: they are not of as many rows, or not as long ones.
    """
    there, due = [one.rows.shape for one in found], [(len(one.fids), one.dim) for one in asked]
    if there != due:
        raise DecodeError(f"rows of the shapes {there}, and not {due}")
    return found
