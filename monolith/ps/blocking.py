"""The client for code that blocks: the training thread asks, an event loop elsewhere answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from monolith.aio.loop_thread import LoopThread
from monolith.checkpoint.files import FileEntry
from monolith.core.arrays import Fids, Rows
from monolith.ps.api import Applied, DenseTensors, JobStats, Shard
from monolith.ps.client import PsClient, Updates
from monolith.ps.parting import EventTimes
from monolith.table.config import TableConfig
from monolith.table.rows import Counts

T = TypeVar("T")


class HowToApply(TypedDict, total=False):
    """What `PsClient.apply` takes beside the updates."""

    learning_rates: Mapping[str, Sequence[float]] | None
    step: int
    unique: bool
    latest: Mapping[str, Rows] | None
    counts: Mapping[str, Counts] | None
    times: EventTimes


class BlockingClient:
    """The calls of PsClient, without `await`, from any thread but the one that runs `loop`.

    Each call raises what the same call of PsClient does. Waiting is bounded by the deadlines in there.
    """

    def __init__(self, client: PsClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop
        self._thread: LoopThread | None = None

    @staticmethod
    def local(shards: Sequence[Shard], *, worker: int | None = None) -> BlockingClient:
        """A client with a loop thread of its own, which `close` ends; `worker` as for PsClient."""
        asked = PsClient(shards, worker=worker)
        thread = LoopThread("ps-client")
        client = BlockingClient(asked, thread.loop)
        client._thread = thread
        return client

    @property
    def num_shards(self) -> int:
        return self._client.num_shards

    def create_tables(self, tables: Mapping[str, TableConfig]) -> None:
        self._submit(self._client.create_tables(tables)).result()

    def lookup(
        self, wanted: Mapping[str, Fids], *, create: bool = True, unique: bool = False
    ) -> dict[str, Rows]:
        return self.submit_lookup(wanted, create=create, unique=unique).result()

    def submit_lookup(
        self, wanted: Mapping[str, Fids], *, create: bool = True, unique: bool = False
    ) -> Future[dict[str, Rows]]:
        """Begin a lookup; `.result()` waits for the rows."""
        return self._submit(self._client.lookup(wanted, create=create, unique=unique))

    def apply(self, updates: Updates, **how: Unpack[HowToApply]) -> Applied:
        return self.submit_apply(updates, **how).result()

    def submit_apply(self, updates: Updates, **how: Unpack[HowToApply]) -> Future[Applied]:
        """Begin an apply; `.result()` waits for it. The arrays must not change before that."""
        return self._submit(self._client.apply(updates, **how))

    def assign(self, updates: Updates, *, times: EventTimes = 0) -> Applied:
        return self._submit(self._client.assign(updates, times=times)).result()

    def assign_add(self, updates: Updates, *, times: EventTimes = 0) -> Applied:
        return self._submit(self._client.assign_add(updates, times=times)).result()

    def reinitialize(self, wanted: Mapping[str, Fids]) -> dict[str, NDArray[np.int8]]:
        return self._submit(self._client.reinitialize(wanted)).result()

    def push_dense(self, deltas: DenseTensors) -> dict[str, NDArray[np.float32]]:
        return self._submit(self._client.push_dense(deltas)).result()

    def set_dense(self, values: DenseTensors, *, overwrite: bool) -> dict[str, NDArray[np.float32]]:
        return self._submit(self._client.set_dense(values, overwrite=overwrite)).result()

    def gather(
        self, name: str, worker: int, num_workers: int, payload: bytes, timeout_ms: int
    ) -> tuple[bytes, ...]:
        return self._submit(self._client.gather(name, worker, num_workers, payload, timeout_ms)).result()

    def save(self, folder: Path) -> list[FileEntry]:
        return self._submit(self._client.save(folder)).result()

    def restore(self, folder: Path, files: Sequence[FileEntry]) -> int:
        return self._submit(self._client.restore(folder, files)).result()

    def stats(self) -> JobStats:
        return self._submit(self._client.stats()).result()

    def close(self) -> None:
        """Close the client, and the loop thread if it is our own. A second time does nothing."""
        if self._loop.is_closed():
            return
        self._submit(self._client.close()).result()
        if self._thread:
            self._thread.close()

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(call, self._loop)
