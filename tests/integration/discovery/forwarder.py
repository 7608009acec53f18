"""A way to a server that can be cut: what is sent meanwhile arrives once it is mended, as on any network."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from monolith.aio.loop_thread import LoopThread

CHUNK = 1 << 16


class Forwarder:
    """Listens on a port of its own, on a thread of its own, and passes on to `port` of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._thread = LoopThread("forwarder")
        self._open = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()  # or one that waits is collected as garbage
        self._server = self._thread.submit(asyncio.start_server(self._accept, "127.0.0.1", 0)).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.mend()

    def cut(self) -> None:
        """Nothing comes through any more, and nobody is told."""
        self._thread.loop.call_soon_threadsafe(self._open.clear)

    def mend(self) -> None:
        self._thread.loop.call_soon_threadsafe(self._open.set)

    def lose(self) -> None:
        """The connections of now carry nothing for ever, and nobody is told; new ones do."""
        self.cut()
        self._open = asyncio.Event()
        self.mend()

    def close(self) -> None:
        self._thread.submit(self._end()).result()
        self._thread.close()

    async def _end(self) -> None:
        """asyncio leaves open whoever is being accepted while a server closes: so nobody is, by then."""
        asyncio.get_running_loop().remove_reader(self._server.sockets[0])
        while accepting := asyncio.all_tasks() - self._tasks - {asyncio.current_task()}:
            await asyncio.wait(accepting)
        self._server.close()

    def _begin(self, way: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(way)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, is_open = [writer], self._open
        try:
            await is_open.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(back)
            both = self._pass_on(reader, back, is_open), self._pass_on(there, writer, is_open)
            await asyncio.gather(*map(self._begin, both))
        except (OSError, asyncio.CancelledError):
            pass  # either end has gone, or we have
        finally:
            for end in ends:
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_open: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK):
            await is_open.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
