"""Asking a Consul agent over HTTP. Every wait is bounded, and what goes wrong names the operation."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from monolith.core.errors import (
    BackendFailed,
    DiscoveryClosed,
    DiscoveryMisconfigured,
    MissingExtra,
    OperationTimedOut,
)

if TYPE_CHECKING:
    import httpx


@attrs.frozen
class Request:
    """What is asked. `operation` is its name in errors."""

    operation: str
    method: str
    path: str
    params: Mapping[str, str | Sequence[str]] = attrs.field(factory=dict)
    body: Mapping[str, Any] | None = None  # sent as JSON


@attrs.frozen
class Answer:
    """What the agent says to `request`."""

    request: Request
    status: int
    text: str
    index: int = 0  # the state of the catalogue that it was given from; 0 if not told

    def good(self) -> Answer:
        """The same, if it is no refusal.

        Raises:
            BackendFailed: it is a refusal.
        """
        if self.status != 200:
            hint = "; is CONSUL_HTTP_TOKEN right?" if self.status in (401, 403) else ""
            raise self.failure(f"HTTP {self.status}: {self.text.strip()[:500] or 'nothing said'}{hint}")
        return self

    def json(self) -> Any:
        """What it says, read.

        Raises:
            BackendFailed: that is not JSON.
        """
        try:
            return json.loads(self.text)
        except ValueError as exc:
            raise self.failure(f"invalid JSON: {exc}") from exc

    def failure(self, why: str) -> BackendFailed:
        return BackendFailed(f"Consul {self.request.operation} failed: {why}")


class ConsulHttp:
    """A client of the agent at `base`, a URL; over the UNIX socket `uds` if given.

    `transport` stands in for the network.

    Raises:
        MissingExtra: httpx is not installed.
        DiscoveryMisconfigured: `token` is none that HTTP could carry.
    """

    def __init__(
        self,
        base: str,
        *,
        token: str | None = None,
        uds: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        try:
            import httpx
        except ImportError as exc:
            raise MissingExtra("Consul", "consul") from exc

        if token and not (token.isascii() and token.isprintable()):
            raise DiscoveryMisconfigured("the Consul token has characters that an HTTP header cannot have")
        secure = ssl.create_default_context() if base.startswith("https:") else False
        self._base = base
        self._client = httpx.AsyncClient(
            transport=transport or httpx.AsyncHTTPTransport(verify=secure, uds=uds),
            headers={"X-Consul-Token": token} if token else {},
            timeout=None,  # noqa: S113  # `ask` bounds the whole, not its parts
            trust_env=False,  # an agent is next door: no proxy
        )

    async def ask(self, request: Request, *, within_s: float) -> Answer:
        """What the agent answers, be it a refusal.

        Raises:
            OperationTimedOut: nothing, in time.
            BackendFailed: it cannot be reached.
            DiscoveryMisconfigured: there can be no such address.
            DiscoveryClosed: closed meanwhile.
        """
        import httpx

        operation = request.operation
        if self._client.is_closed:
            raise DiscoveryClosed(f"Consul {operation}: disconnected meanwhile")
        try:
            async with asyncio.timeout(within_s):
                answer = await self._client.request(
                    request.method, self._base + request.path, params=request.params, json=request.body
                )
        except TimeoutError as exc:
            raise OperationTimedOut(f"Consul {operation} at {self._base}", round(within_s * 1000)) from exc
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
            raise DiscoveryMisconfigured(f"Consul {operation} invalid address: {exc}") from exc
        except httpx.TransportError as exc:
            why = f"{self._base} cannot be reached: {exc or type(exc).__name__}"
            raise BackendFailed(f"Consul {operation} failed: {why}") from exc
        return Answer(request, answer.status_code, answer.text, _index(answer.headers))

    async def close(self) -> None:
        await self._client.aclose()


def _index(headers: Mapping[str, str]) -> int:
    told = headers.get("X-Consul-Index", "")
    return int(told) if told.isascii() and told.isdecimal() else 0
