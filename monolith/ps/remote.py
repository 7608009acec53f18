"""A parameter server on the other end of a channel."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from monolith.checkpoint.files import FileEntry
from monolith.core.errors import MonolithError, ShardUnavailable
from monolith.ps import messages
from monolith.ps.api import (
    Applied,
    DenseTensors,
    Found,
    Gradients,
    Lookup,
    RestoreOrder,
    SaveOrder,
    ShardStats,
    Stamp,
)
from monolith.ps.bundles import ANSWERED, ASKED
from monolith.ps.chunked_road import ChunkedRoad
from monolith.ps.chunks import chunks
from monolith.ps.definition import to_message
from monolith.ps.dense import Values
from monolith.ps.limits import Limits
from monolith.ps.link import Link, cause_of
from monolith.ps.roads import CallRoad, FrameRoad, Road
from monolith.ps.state import RandomBytes
from monolith.ps.stats_message import stats_of
from monolith.ps.stream import Stream
from monolith.ps.together import together
from monolith.table.config import TableConfig
from monolith.wire import ps_training_pb2 as pb

M = TypeVar("M", bound=Message)


class RemoteShard:
    """A `Shard` over gRPC. All calls of one object must come from one event loop.

    Before its first call it asks the server who it is; each request then says whom it is meant for, so
    that a server that was restarted meanwhile refuses it.

    Args:
        address: host:port, or unix:/path of a server on this host.
        shard: index of the server, for error messages.
        limits: sizes and deadlines.
        half: let rows and gradients travel as float16, if the server is one of ours: see `frames`.
        random: n -> n random bytes; tells the retry of an arrival at a barrier from a second arrival.
    """

    def __init__(
        self,
        address: str,
        *,
        shard: int,
        limits: Limits | None = None,
        half: bool = False,
        random: RandomBytes = os.urandom,
    ) -> None:
        self._limits = limits or Limits()
        self._link = Link(address, shard, self._limits)
        self._random = random
        self._greeting = asyncio.Lock()
        self._server = pb.HealthCheckResponse()
        self._half = half
        self._stream: Stream | None = None
        self._rows: Road | None = None
        self._lanes = asyncio.Semaphore(self._limits.in_flight)

    @property
    def incarnation(self) -> int:
        return self._server.incarnation

    async def connect(self) -> None:
        """Ask the server who it is, unless it has said so.

        Raises:
            ShardUnavailable: it does not answer, or not as one of ours.
        """
        try:
            await self._greeted()
        except MonolithError as error:
            message = f"Connection failed to {self._link.address}: {cause_of(error)}"
            raise ShardUnavailable(message, shard=self._link.shard) from error

    async def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        request = pb.CreateTablesRequest()
        for name, config in tables.items():
            request.tables[name].CopyFrom(to_message(config))
        await self._call("CreateTables", request, pb.CreateTablesResponse)

    async def lookup(self, requests: Sequence[Lookup]) -> list[Found]:
        return await (await self._road()).lookup(requests)

    async def apply(self, requests: Sequence[Gradients], stamp: Stamp) -> list[Applied]:
        return await (await self._road()).apply(requests, stamp)

    async def push_dense(self, deltas: DenseTensors, stamp: Stamp) -> Values:
        def request(part: int, mine: DenseTensors) -> Message:
            return pb.SyncDenseRequest(
                deltas=messages.dense_messages(mine), stamp=messages.stamp_message(replace(stamp, part=part))
            )

        return await self._dense("SyncDense", deltas, request)

    async def set_dense(self, values: DenseTensors, *, overwrite: bool) -> Values:
        def request(_part: int, mine: DenseTensors) -> Message:
            return pb.SetDenseRequest(values=messages.dense_messages(mine), overwrite=overwrite)

        return await self._dense("SetDense", values, request)

    async def gather(
        self, barrier: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        request = pb.GatherRequest(
            barrier_id=barrier,
            worker_id=worker,
            num_workers=num_workers,
            timeout_ms=timeout_ms,
            payload=payload,
            attempt=int.from_bytes(self._random(8)) or 1,
        )
        within = timeout_ms + self._limits.margin_ms
        return tuple((await self._call("Gather", request, pb.GatherResponse, within_ms=within)).payloads)

    async def save(self, order: SaveOrder) -> list[FileEntry]:
        request = pb.SaveRequest(folder=_everywhere(order.folder), shard=order.shard, shards=order.shards)
        reply = await self._call("Save", request, pb.SaveResponse, within_ms=self._limits.storage_ms)
        return messages.files_of(reply.files)

    async def restore(self, order: RestoreOrder) -> int:
        request = pb.RestoreRequest(
            folder=_everywhere(order.folder),
            files=messages.file_messages(order.files),
            shard=order.shard,
            shards=order.shards,
        )
        reply = await self._call("Restore", request, pb.RestoreResponse, within_ms=self._limits.storage_ms)
        return reply.rows

    async def stats(self) -> ShardStats:
        request = pb.GetStatsRequest(include_table_stats=True)
        return stats_of(await self._call("GetStats", request, pb.GetStatsResponse))

    async def close(self) -> None:
        if self._stream:
            await self._stream.close()
        await self._link.close()

    async def _call(self, method: str, request: Any, reply: type[M], *, within_ms: int = 0) -> M:
        request.incarnation = (await self._greeted()).incarnation
        return await self._link.call(method, request, reply, within_ms=within_ms or self._limits.call_ms)

    async def _road(self) -> Road:
        """How rows travel to this server: it says what it understands."""
        if self._rows is None:
            server = await self._greeted()
            self._rows = self._rows or self._paved(server)  # others may have waited for it too
        return self._rows

    def _paved(self, server: pb.HealthCheckResponse) -> Road:
        if server.frame_limit:
            self._stream = Stream(self._link, self._limits, together=self._together(server))
            road: Road = FrameRoad(self._link, self._stream, self._limits, server, half=self._half)
        else:
            road = CallRoad(self._link, self._limits, server)
        return ChunkedRoad(road, self._limits.chunk, self._lanes)

    def _together(self, server: pb.HealthCheckResponse) -> int:
        """Bytes of frames that may travel as one message: none where their answers might be too large."""
        most = self._limits.message
        return min(ASKED, most, server.frame_limit) if server.frame_bundles and most >= ANSWERED else 0

    async def _greeted(self) -> pb.HealthCheckResponse:
        async with self._greeting:
            if not self._server.incarnation:
                self._server = await self._link.call(
                    "HealthCheck",
                    pb.HealthCheckRequest(),
                    pb.HealthCheckResponse,
                    within_ms=self._limits.call_ms,
                )
        return self._server

    async def _dense(
        self, method: str, tensors: DenseTensors, request: Callable[[int, DenseTensors], Message]
    ) -> Values:
        names = list(tensors)
        cut = chunks([(1, tensors[name].nbytes + 1) for name in names], self._limits.chunk)
        groups = [{names[p.request]: tensors[names[p.request]] for p in pieces} for pieces in cut]

        async def send(part: int, mine: DenseTensors) -> Values:
            async with self._lanes:
                reply = await self._call(method, request(part, mine), pb.DenseResponse)
            return messages.dense_of(reply.values)

        answers = await together(send(part, mine) for part, mine in enumerate(groups))
        return {name: value for answer in answers for name, value in answer.items()}


def _everywhere(folder: Path) -> str:
    """The folder as a server finds it that was started in another one."""
    return str(folder.absolute())
