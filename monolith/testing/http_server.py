"""A small HTTP server in a test: asked in process on any clock, or over a socket."""

from __future__ import annotations

import asyncio
import weakref
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import attrs
import httpx

Message: TypeAlias = MutableMapping[str, Any]


@attrs.frozen
class Asked:
    """A request."""

    method: str
    path: str  # decoded
    params: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def param(self, name: str) -> str | None:
        return self.params.get(name, [None])[0]


@attrs.frozen
class Said:
    """An answer."""

    status: int = 200
    text: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)


class HttpServer(ABC):
    """An ASGI application that answers requests one by one; `asked` has them all."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    @abstractmethod
    async def answer(self, asked: Asked) -> Said: ...

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        assert scope["type"] == "http", "run it without a lifespan"
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        params = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        asked = Asked(scope["method"], scope["path"], params, headers, body)
        self.asked.append(asked)
        said = await self.answer(asked)
        told = [(name.encode(), value.encode()) for name, value in said.headers.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": told})
        await send({"type": "http.response.body", "body": said.text.encode()})


class Line(StrEnum):
    """What becomes of what is sent."""

    OPEN = "open"
    REFUSED = "refused"  # nobody listens there
    SILENT = "silent"  # it never arrives


class Wire(httpx.AsyncBaseTransport):
    """The way to an application, as httpx takes it; `line` harms it, also what is under way."""

    def __init__(self, app: HttpServer) -> None:
        self._way = httpx.ASGITransport(app)
        self._under_way: set[asyncio.Task[httpx.Response]] = set()
        self._cut: weakref.WeakSet[asyncio.Task[httpx.Response]] = weakref.WeakSet()
        self.line = Line.OPEN

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.line is Line.SILENT:
            await asyncio.Event().wait()
        if self.line is Line.REFUSED:
            raise httpx.ConnectError("Connection refused", request=request)
        task = asyncio.ensure_future(self._way.handle_async_request(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await task
        except asyncio.CancelledError:
            if task in self._cut:
                raise httpx.ReadError("Connection reset by peer", request=request) from None
            task.cancel()
            raise

    def reset(self) -> None:
        """From now on refuse, and cut what is under way."""
        self.line = Line.REFUSED
        self._cut.update(self._under_way)
        for task in self._under_way:
            task.cancel()
