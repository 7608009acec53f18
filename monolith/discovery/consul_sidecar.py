"""Finding each other through a Consul sidecar as ByteDance runs it, which is not the stock agent.

It has a lookup of its own, whose `Tags` are an object where a registration's tags are a list of `k:v`; the
sidecar turns the one into the other. All processes of a job share one name, its consul id; an entry is known
by that name and its port.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import attrs

from monolith.core.errors import (
    BackendFailed,
    HostBlacklisted,
    LookupMalformed,
    NeverCleared,
    OperationTimedOut,
)
from monolith.discovery.base import NO_INDEX, ServiceInfo, index_of, parse_index
from monolith.discovery.consul_address import base_url
from monolith.discovery.consul_base import ConsulBackend
from monolith.discovery.consul_entries import address_at
from monolith.discovery.consul_http import ConsulHttp, Request

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
PORT = "2280"
SOCKET = Path("/opt/tmp/sock/consul.sock")
log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Patience:
    """How long the sidecar is given, in seconds and tries."""

    lookup_s: float = 15.0
    change_s: float = 15.0
    heartbeat_s: float = 5.0
    tries: int = 5  # of one request, when there is no answer
    backoff_s: float = 5.0
    replace_tries: int = 60  # at least 1
    replace_s: float = 3.0

    @property
    def visible_tries(self) -> int:
        return int(max(2, 180 // max(self.backoff_s, 1)))


def place(environ: Mapping[str, str], socket: Path = SOCKET) -> str:
    """Where the sidecar of this machine listens: host:port, or the path of a UNIX socket."""
    host = environ.get("CONSUL_HTTP_HOST", environ.get("TCE_HOST_IP"))
    if host:
        return host if host.startswith("/") else f"{host}:{environ.get('CONSUL_HTTP_PORT') or PORT}"
    return str(socket) if socket.is_socket() else f"127.0.0.1:{environ.get('CONSUL_HTTP_PORT') or PORT}"


class Sidecar(ConsulBackend):
    """The sidecar at `address`, host:port or the path of a UNIX socket, for the job `consul_id`.

    Whoever registers takes the place of an earlier one with the same type and index, as soon as that one is
    gone. Signs of life end with `deregister`. `transport` stands in for the network.

    Raises:
        LookupMalformed: an entry of the job is not what one of its processes tells.
        NeverCleared: the earlier one does not go.
        HostBlacklisted: what was registered never shows.
        OperationTimedOut, BackendFailed: no answer, or a refusal, after all tries.
    """

    def __init__(
        self,
        address: str,
        consul_id: str,
        *,
        patience: Patience = Patience(),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(address, consul_id)
        self._patience = patience
        self._transport = transport

    def _open(self) -> ConsulHttp:
        uds = self.address if self.address.startswith("/") else None
        base = "http://localhost" if uds else base_url(self.address)
        return ConsulHttp(base, uds=uds, transport=self._transport)

    async def query_all(self) -> dict[str, dict[int, str]]:
        """Service type → index → address, of the whole job."""
        self._must_be_open("query all")
        everyone: dict[str, dict[int, str]] = {}
        for service_type, index, address in _entries(await self._lookup()):
            everyone.setdefault(service_type, {})[index] = address
        return everyone

    async def deregister_all(self) -> None:
        """Take away all that is registered under the job's name, by whomever."""
        self._must_be_open("deregister all")
        for entry in await self._lookup():
            await self._forget(entry["Port"])

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        found = await self._query(service_type)
        return [ServiceInfo.listed(service_type, index, address) for index, address in found.items()]

    async def _put(self, info: ServiceInfo) -> None:
        if await self._place_is_ours(info):
            return
        await self._announce(info)
        for _ in range(self._patience.visible_tries + 1):
            if index_of(info) in await self._query(info.service_type):
                return
            await asyncio.sleep(self._patience.backoff_s)
        raise HostBlacklisted

    async def _place_is_ours(self, info: ServiceInfo) -> bool:
        """Whether all is as it shall be; else the place is free, whoever had it before."""
        for _ in range(max(1, self._patience.replace_tries) + 1):
            there = (await self._query(info.service_type)).get(index_of(info))
            if there in (None, info.address):
                return there is not None
            await self._forget(int(str(there).rpartition(":")[2]))
            await asyncio.sleep(self._patience.replace_s)
        raise NeverCleared(info.service_type, index_of(info))

    async def _take(self, info: ServiceInfo) -> bool:
        there = (await self._query(info.service_type)).get(index_of(info))
        if there == info.address:
            await self._forget(info.port)
        return there is not None

    async def _keep_alive(self, info: ServiceInfo) -> None:
        path = f"/v1/agent/check/pass/service:{quote(self._entry_id(info.port), safe='')}"
        answer = await self._ask(Request("heartbeat", "GET", path), self._patience.heartbeat_s)
        if answer.status != 200:
            await self._announce(info)

    async def _announce(self, info: ServiceInfo) -> None:
        tags = {"index": index_of(info), "name": info.service_type, "ip": info.host}
        body = {
            "id": self._entry_id(info.port),
            "name": self.service_name,
            "port": info.port,
            "check": {"ttl": "60s"},
            "tags": [f"{key}:{value}" for key, value in tags.items()],
        }
        await self._change(Request("register_entity", "PUT", "/v1/agent/service/register", body=body))

    async def _forget(self, port: int) -> None:
        path = f"/v1/agent/service/deregister/{quote(self._entry_id(port), safe='')}"
        await self._change(Request("deregister_entity", "PUT", path))

    async def _query(self, service_type: str) -> dict[int, str]:
        return dict(sorted((await self.query_all()).get(service_type, {}).items()))

    async def _lookup(self) -> list[Any]:
        how = {"name": self.service_name, "addr-family": "dual-stack"}
        request = Request("get_service_nodes", "GET", "/v1/lookup/name", how)
        answer = await self._retried(lambda: self._ask(request, self._patience.lookup_s))
        if answer.status != 200:
            log.warning("consul: request failed: HTTP %s: %s", answer.status, answer.text.strip()[:500])
            return []
        found = answer.json()
        if not isinstance(found, list):
            raise answer.failure("invalid JSON: no list")
        return found

    async def _change(self, request: Request) -> None:
        (await self._retried(lambda: self._ask(request, self._patience.change_s))).good()

    async def _retried(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again when there is no answer; a refusal is one."""
        for _ in range(self._patience.tries - 1):
            try:
                return await ask()
            except (BackendFailed, OperationTimedOut) as exc:
                log.warning("%s; asking again in %g s", exc, self._patience.backoff_s)
                await asyncio.sleep(self._patience.backoff_s)
        return await ask()

    def _entry_id(self, port: int) -> str:
        return f"{self.service_name}-{port}"


def _entries(found: list[Any]) -> Iterator[tuple[str, int, str]]:
    """Service type, index and address of each entry."""
    for at, entry in enumerate(found):
        port, tags = (entry.get(key) if isinstance(entry, dict) else None for key in ("Port", "Tags"))
        if not isinstance(port, int):
            raise LookupMalformed(at, "missing Port")
        if not isinstance(tags, dict):
            raise LookupMalformed(at, "missing Tags")
        for tag in ("name", "ip"):
            if not isinstance(tags.get(tag), str):
                raise LookupMalformed(at, f"missing tag '{tag}'")
        index = parse_index(str(tags.get("index")))
        if index == NO_INDEX:
            raise LookupMalformed(at, "missing/invalid tag 'index'")
        yield tags["name"], index, str(address_at(at, tags["ip"], port))
