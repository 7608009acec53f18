"""The fake Consul agent over a socket, for processes that cannot reach into this one."""

from __future__ import annotations

import asyncio

import uvicorn

from monolith.aio.loop_thread import LoopThread
from monolith.testing.fake_consul import FakeConsul
from tests.integration.discovery.ensemble import free_port


class ServedConsul:
    """Starts, and dies, as a real agent that stores nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self._agent = FakeConsul()
        self._thread = LoopThread("consul")
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Come back when it can be asked."""
        self._thread.submit(self._start()).result(30)

    def kill(self) -> None:
        self._thread.submit(self._stop()).result(30)

    def close(self) -> None:
        self.kill()
        self._thread.close()

    async def _start(self) -> None:
        config = uvicorn.Config(self._agent, "127.0.0.1", self.port, lifespan="off", log_level="warning")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server._serve())
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def _stop(self) -> None:
        if self._server:
            server, self._server = self._server, None
            server.should_exit = server.force_exit = True
            await self._serving
            self._agent.forget()
