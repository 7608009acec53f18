"""A parameter server that listens: gRPC, its health, its description, and metrics over HTTP."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from monolith.core.address import Address
from monolith.core.errors import LaunchError
from monolith.ps.calls import Calls
from monolith.ps.exchange import Exchange
from monolith.ps.frame_service import FrameService
from monolith.ps.handlers import handlers
from monolith.ps.limits import SERVICE, Limits, server_options
from monolith.ps.listening import bind, parse_listening
from monolith.ps.shard import LocalShard
from monolith.ps.upkeep import Ticking

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

CALLS = 4096  # answered or waiting at once; more are refused with RESOURCE_EXHAUSTED
MEETING = 1024  # threads for workers that wait at barriers, made as they come
LOOPBACK = "127.0.0.1"
CLOSING_S = 0.25  # that clients have to close their connections; one that stands still never does


class PsServer:
    """Serves `shard` at `address`. The kernels run on a few threads, without the interpreter lock.

    Args:
        shard: what is served.
        address: host:port to listen on; port 0 takes any free one. Or unix:/path, for clients on this host
            that are given the same: --bind-addr and discovery know host:port only.
        metrics_port: of Prometheus metrics, on the same host; None for none.
        more_metrics: make what else is told there.
        limits: sizes of messages.

    Raises:
        ConfigError: `address` is neither.
    """

    def __init__(
        self,
        shard: LocalShard,
        address: str,
        *,
        metrics_port: int | None = None,
        more_metrics: Sequence[Callable[[], Collector]] = (),
        limits: Limits | None = None,
    ) -> None:
        self._state = shard.state
        self._address = parse_listening(address)
        self._metrics_port = metrics_port
        self._more_metrics = more_metrics
        self._limits = limits or Limits()
        self._health = health.HealthServicer()
        self._waiting = ThreadPoolExecutor(MEETING, "ps-meeting")
        self._calls = Calls()
        self._exchange = Exchange(FrameService(self._state, self._limits.message), self._calls)
        self._upkeep = Ticking(self._state.tick)
        self._server: grpc.Server | None = None
        self._stop_metrics: Callable[[], None] | None = None

    async def start(self) -> str:
        """Listen; returns the address, with the port that was bound.

        Raises:
            LaunchError: the address cannot be listened on.
        """
        server = self._server = self._built()
        bound = bind(server, self._address)
        if self._metrics_port is not None:
            self._stop_metrics = self._serve_metrics(self._metrics_port)
        server.start()
        self._upkeep.start()
        for service in ("", SERVICE):
            self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return str(bound)

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, let those under way end within `grace_s` seconds, send waiting workers away.

        Once all calls are answered it does not wait for clients that keep their connections; a frame that is
        stuck is left to itself when the grace is over.
        """
        if self._server is None:
            return
        until = time.monotonic() + grace_s
        self._health.enter_graceful_shutdown()
        self._state.meetings.close()
        await asyncio.to_thread(self._drain, self._server, grace_s)
        await asyncio.to_thread(self._waiting.shutdown)
        await asyncio.to_thread(self._exchange.join, max(CLOSING_S, until - time.monotonic()))
        await asyncio.to_thread(self._upkeep.stop, grace_s)
        if self._stop_metrics:
            await asyncio.to_thread(self._stop_metrics)

    def _drain(self, server: grpc.Server, grace_s: float) -> None:
        stopped = server.stop(grace_s)
        self._exchange.close()
        if not stopped.wait(min(CLOSING_S, grace_s)):
            self._calls.wait_for_none(grace_s)
            server.stop(0)
            stopped.wait()

    def _built(self) -> grpc.Server:
        server = grpc.server(
            ThreadPoolExecutor(max(4, 2 * (os.cpu_count() or 1)), "ps"),
            handlers=[handlers(self._state, self._waiting, self._calls, self._exchange)],
            options=server_options(self._limits),
            maximum_concurrent_rpcs=CALLS,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    def _serve_metrics(self, port: int) -> Callable[[], None]:
        from monolith.ps.metrics import PsMetrics  # a twentieth of a server's start, for those who ask

        metrics = PsMetrics()
        self._state.watch(metrics.observe)
        metrics.report(self._state.stats)
        for make in self._more_metrics:
            metrics.registry.register(make())
        where = Address(self._address.host if isinstance(self._address, Address) else LOOPBACK, port)
        try:
            return metrics.serve(*where)
        except OSError as error:
            raise LaunchError(
                f"cannot serve metrics on {where}: {error.strerror}; choose another --metrics-port"
            ) from error
