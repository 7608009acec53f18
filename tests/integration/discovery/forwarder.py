"""A way to a server that can be cut: what is sent meanwhile arrives once it is mended, as on any network."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from monolith.aio.loop_thread import LoopThread

CHUNK = 1 << 16


class Forwarder:
    """Listens on a port of its own, on a thread of its own, and passes on to `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._thread = LoopThread("forwarder")
        self._open = asyncio.Event()
        self._serving: set[asyncio.Task[None] | None] = set()  # or a way that waits is collected as garbage
        self._server = self._thread.submit(asyncio.start_server(self._serve, "127.0.0.1", 0)).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.mend()

    def cut(self) -> None:
        """Nothing comes through any more, and nobody is told."""
        self._thread.loop.call_soon_threadsafe(self._open.clear)

    def mend(self) -> None:
        self._thread.loop.call_soon_threadsafe(self._open.set)

    def close(self) -> None:
        self._thread.submit(self._end()).result()
        self._thread.close()

    async def _end(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, me = [writer], asyncio.current_task()
        self._serving.add(me)
        try:
            await self._open.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(back)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        except (OSError, asyncio.CancelledError):
            pass  # either end has gone, or we have
        finally:
            self._serving.discard(me)
            for end in ends:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
