"""An ASGI application on a socket of our own, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn
from starlette.applications import Starlette

from monolith.core.errors import ServingError


class HttpServer:
    """Listens from `start` on; `stop` lets what is under way finish."""

    def __init__(self, host: str, port: int, app: Starlette) -> None:
        self._address = (host, port)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Begin to listen; returns the port.

        Raises:
            ServingError: the address cannot be listened on.
        """
        host, port = self._address
        try:
            listening = socket.create_server(self._address, family=_family(host), backlog=2048)
        except OSError as exc:
            raise ServingError(f"cannot listen on {host}:{port} for HTTP: {exc.strerror or exc}") from exc
        # An answer is two writes, head and body: without this the second waits for the client's delayed ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound: int = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listening,), name="http")
        self._thread.start()  # whoever connects before it has begun is kept waiting by the socket
        return bound

    def stop(self, grace_s: float) -> None:
        """Take no new request from now on; what is under way has `grace_s` seconds."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True

    def join(self) -> None:
        """Wait for the end of what `stop` began."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, listening: socket.socket) -> None:
        with listening:
            asyncio.run(self._server.serve(sockets=[listening]))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
