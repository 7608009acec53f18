"""A whole job in one process, stepped by hand: real servers, real clients, real barriers, no sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from monolith.core.arrays import Floats
from monolith.core.errors import ClusterMisused, CommunicationError, EpochTimedOut, ParameterNotFound
from monolith.launch.in_process.config import ClusterConfig
from monolith.launch.in_process.epochs import Epochs, Released, Waiting
from monolith.launch.in_process.roles import ParameterServer, Process, Worker
from monolith.ps.placement import ps_index

_UNKNOWN = np.empty(0, np.float32)  # offered for a value that is there: what is there stays


class LocalCluster:
    """Servers and workers that do what they are told, when they are told.

    Parameters are float32 vectors, each on the server of its name; what has more dimensions is taken row by
    row. Each worker may be driven by a thread of its own, but not by a coroutine: the calls block.

    Args:
        config: one role for each address.
        learning_rate: of gradient descent.
        clock: seconds since any moment.
        sleep: waits that many seconds, while others may act.

    Raises:
        ClusterMisused: `config` or `learning_rate` cannot be.
    """

    def __init__(
        self,
        config: ClusterConfig,
        learning_rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        config.validate()
        self._learning_rate = _judged(learning_rate)
        self._clock, self._sleep = clock, sleep
        self.servers = [ParameterServer(index, clock) for index in range(len(config.ps_addrs))]
        shards = [server.shard for server in self.servers]
        self.workers = [Worker(index, shards) for index in range(len(config.worker_addrs))]
        self._epochs = Epochs(self.num_workers)
        self._lock = threading.RLock()

    @property
    def num_ps(self) -> int:
        return len(self.servers)

    @property
    def num_workers(self) -> int:
        return len(self.workers)

    def start(self) -> None:
        """Start the servers, then the workers.

        Raises:
            ClusterMisused: some role is running.
        """
        with self._lock:
            if self._running():
                raise ClusterMisused("local cluster is already running")
            for role in chain(self.servers, self.workers):
                role.start()

    def stop(self) -> None:
        """Stop what is running, workers first. Parameters and steps stay, arrivals at barriers do not.

        Raises:
            ClusterMisused: nothing is running.
        """
        with self._lock:
            if not (running := self._running()):
                raise ClusterMisused("local cluster is not running")
            for role in reversed(running):
                role.stop()
            self._epochs = Epochs(self.num_workers)

    def register_parameter(self, name: str, values: ArrayLike) -> int:
        """Set a parameter, new or known; returns the index of the server that keeps it.

        Raises:
            ClusterMisused: some role is not running.
        """
        with self._lock:
            self._must_run()
            asyncio.run(_agree(self.workers, {name: _vector(values)}))
            server = self._server(name)
            server.versions[name] += 1
            return server.index

    def get_parameter(self, name: str) -> Floats | None:
        """A copy of the parameter's values, (n,), or None if there is none of that name."""
        if name not in self._server(name).versions:
            return None
        offer = self.workers[0].client.set_dense({name: _UNKNOWN}, overwrite=False)
        return asyncio.run(offer)[name]

    def train_step(self, worker: int, gradients: Mapping[str, ArrayLike]) -> dict[str, Floats]:
        """One step of gradient descent: all of it or nothing; returns the new values, in order of names.

        Raises:
            ClusterMisused: some role is not running, or there is no such worker.
            ParameterNotFound: a name that was not registered.
            CommunicationError: a gradient of another length than its parameter.
        """
        with self._lock:
            self._must_run()
            stepping = self._worker(worker)
            deltas = {name: self._delta(name, gradients[name]) for name in sorted(gradients)}
            values = asyncio.run(stepping.client.push_dense(deltas))
            for name in deltas:
                self._server(name).versions[name] += 1
            stepping.step()
            return values

    def worker_step(self, worker: int) -> int:
        """How many steps a worker has made.

        Raises:
            ClusterMisused: there is no such worker.
        """
        return self._worker(worker).current_step

    def sync_barrier(self, worker: int) -> Waiting | Released:
        """Arrive at the barrier of the worker's current step, and see who else is there.

        Raises:
            ClusterMisused: some role is not running, or there is no such worker.
        """
        with self._lock:
            self._must_run()
            epoch = self._worker(worker).current_step
            self._epochs.forget_before(min(one.current_step for one in self.workers))
            return self._epochs.arrive(worker, epoch)

    def wait_for_barrier(self, worker: int, timeout_ms: int, poll_ms: int) -> Released:
        """Arrive as `sync_barrier`, and look again every `poll_ms` until all are there.

        A timeout of 0 looks once. Whoever leaves with an error no longer counts as arrived.

        Raises:
            EpochTimedOut: not all came within `timeout_ms`.
            ClusterMisused: as `sync_barrier`, at any look; or the times cannot be.
        """
        if poll_ms <= 0:
            raise ClusterMisused("wait_for_barrier requires a non-zero poll interval")
        if timeout_ms < 0:
            raise ClusterMisused(f"wait_for_barrier requires timeout_ms >= 0, got {timeout_ms}")
        try:
            return self._look_until(worker, timeout_ms, poll_ms)
        except EpochTimedOut:
            raise
        except BaseException:
            with self._lock:
                self._epochs.leave_all(worker)
            raise

    def _look_until(self, worker: int, timeout_ms: int, poll_ms: int) -> Released:
        deadline = self._clock() + timeout_ms / 1000
        while True:
            with self._lock:
                status = self.sync_barrier(worker)
                if isinstance(status, Released):
                    return status
                left = deadline - self._clock()
                if left <= 0:
                    self._epochs.leave(worker, status.epoch)
                    raise EpochTimedOut(status.epoch, timeout_ms)
            self._sleep(min(poll_ms / 1000, left))

    def _delta(self, name: str, gradient: ArrayLike) -> Floats:
        values, slope = self.get_parameter(name), _vector(gradient)
        if values is None:
            raise ParameterNotFound(name)
        if slope.size != values.size:
            raise CommunicationError(f"Gradient size mismatch: expected {values.size}, got {slope.size}")
        return -self._learning_rate * slope

    def _server(self, name: str) -> ParameterServer:
        return self.servers[ps_index(name, self.num_ps)]

    def _worker(self, index: int) -> Worker:
        if not 0 <= index < self.num_workers:
            raise ClusterMisused(f"Worker index {index} out of range")
        return self.workers[index]

    def _running(self) -> list[Process]:
        return [role for role in chain[Process](self.servers, self.workers) if role.running]

    def _must_run(self) -> None:
        if len(self._running()) < self.num_ps + self.num_workers:
            raise ClusterMisused("local cluster is not fully running")


async def _agree(workers: Sequence[Worker], values: Mapping[str, Floats]) -> None:
    """As at the start of a job: the first worker's values count, and the others hear of them."""
    for worker in workers:
        await worker.client.set_dense(values, overwrite=worker is workers[0])


def _vector(values: ArrayLike) -> Floats:
    return np.ravel(np.asarray(values, np.float32))


def _judged(learning_rate: float) -> np.float32:
    if not abs(learning_rate) <= float(np.finfo(np.float32).max):
        raise ClusterMisused("learning_rate must be finite")
    if learning_rate < 0:
        said = np.format_float_positional(learning_rate, trim="-")
        raise ClusterMisused(f"learning_rate must be non-negative, got {said}")
    return np.float32(learning_rate)
