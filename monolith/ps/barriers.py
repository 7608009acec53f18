"""Barriers for those who only want to meet: over a parameter server, or among coroutines of one loop."""

from __future__ import annotations

import asyncio
from typing import Protocol

from monolith.aio.bounded import bounded
from monolith.core.errors import (
    BarrierMisused,
    BarrierRpcError,
    BarrierTimedOut,
    ConfigError,
    MonolithError,
    OperationTimedOut,
)
from monolith.ps.client import PsClient
from monolith.ps.limits import Limits


class Barrier(Protocol):
    """Where all workers of a job wait for each other, round after round."""

    async def wait(self, barrier_id: str, worker_id: int, num_workers: int) -> None:
        """Return once all `num_workers` are at `barrier_id`; who is cancelled no longer counts.

        Raises:
            BarrierError: they will not meet.
        """
        ...


class InMemoryBarrier:
    """Lets `num_workers` waiters go at a time, whoever they are and wherever they say they meet.

    All of them must be coroutines of one event loop. It waits without end: bound the wait around it.

    Raises:
        ConfigError: a barrier of nobody.
    """

    def __init__(self, num_workers: int) -> None:
        if num_workers <= 0:
            raise ConfigError(["Invalid configuration: num_workers must be greater than zero"])
        self._barrier = asyncio.Barrier(num_workers)

    async def wait(self, barrier_id: str, worker_id: int, num_workers: int) -> None:  # noqa: ARG002
        await self._barrier.wait()


class PsBarrier:
    """Meets on the job's first parameter server, for at most `timeout_ms`.

    Args:
        client: of the job's servers.
        timeout_ms: that the server lets a worker wait.
        margin_ms: after which a server that has not even said so is given up; less than the margin of a
            call's own deadline, so that all who wait in vain hear the same.
    """

    def __init__(
        self, client: PsClient, timeout_ms: int, *, margin_ms: int = Limits().margin_ms // 2
    ) -> None:
        self._client = client
        self._timeout_ms = timeout_ms
        self._margin_ms = margin_ms

    async def wait(self, barrier_id: str, worker_id: int, num_workers: int) -> None:
        """Return once everyone is there.

        Raises:
            BarrierTimedOut: not all came in time, or the server does not answer.
            BarrierMisused: this worker is there already, is out of range, or expects another number.
            BarrierRpcError: the server could not be asked, or could not do it; `__cause__` says why.
        """
        ms = self._timeout_ms
        try:
            await bounded(
                f"barrier {barrier_id}",
                lambda: self._client.gather(barrier_id, worker_id, num_workers, b"", ms),
                ms=ms + self._margin_ms,
            )
        except BarrierTimedOut:
            raise
        except OperationTimedOut as silence:
            raise BarrierTimedOut(
                barrier=barrier_id,
                worker=worker_id,
                missing=None,
                expected=num_workers,
                after_ms=silence.after_ms,
            ) from silence
        except BarrierMisused as error:
            raise BarrierMisused(
                error.problem, barrier=barrier_id, worker=worker_id, preamble="Barrier invalid configuration"
            ) from error
        except MonolithError as error:
            message = f"Barrier RPC error: {error}"
            raise BarrierRpcError(message, barrier=barrier_id, worker=worker_id) from error
