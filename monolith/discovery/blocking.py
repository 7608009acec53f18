"""A backend as a platform: for code that has no event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from monolith.aio.loop_thread import LoopThread
from monolith.core.errors import DiscoveryClosed, DiscoveryError
from monolith.discovery.base import Discovery, ServiceInfo, index_of
from monolith.discovery.named import address_of

T = TypeVar("T")
HEARTBEAT_S = 10.0
log = logging.getLogger(__name__)


class Blocking:
    """A platform over `backend`, whose loop runs on a thread from the first call until `close`.

    What was registered is kept alive from there, with a sign of life every `heartbeat_s` seconds. Each call
    waits as long as the backend does, which bounds its waits itself. `kind` is "zk" or "consul".
    """

    def __init__(self, kind: str, backend: Discovery, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.kind = kind
        self.backend = backend
        self._heartbeat_s = heartbeat_s
        self._thread: LoopThread | None = None
        self._mine: set[str] = set()
        self._closed = False

    def register(self, name: str, index: int, addr: str) -> None:
        info = ServiceInfo.listed(name, index, address_of(addr))
        self._ask(lambda: self.backend.register(info))
        self._mine.add(info.id)

    def deregister(self, name: str, index: int, addr: str) -> None:  # noqa: ARG002  # as platforms are asked
        service_id = f"{name}-{index}"
        self._mine.discard(service_id)
        self._ask(lambda: self.backend.deregister(service_id))

    def query(self, name: str) -> dict[int, str]:
        found = self._ask(lambda: self.backend.discover(name))
        return dict(sorted((index_of(info), info.address) for info in found))

    def close(self) -> None:
        """Disconnect, and end the thread; nothing from the second time on."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread:
            try:
                thread.submit(self.backend.disconnect()).result()
            finally:
                thread.close()

    def _ask(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._opened().submit(call()).result()

    def _opened(self) -> LoopThread:
        if self._closed:
            raise DiscoveryClosed(f"{self.kind.capitalize()}ServiceDiscovery is closed")
        if self._thread is None:
            thread = LoopThread(f"discovery-{self.kind}")
            try:
                thread.submit(self.backend.connect()).result()
            except BaseException:
                thread.close()
                raise
            thread.submit(self._keep_alive())
            self._thread = thread
        return self._thread

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            for service_id in tuple(self._mine):
                try:
                    await self.backend.heartbeat(service_id)
                except DiscoveryError as exc:
                    log.warning("Discovery heartbeat failed: %s", exc)
