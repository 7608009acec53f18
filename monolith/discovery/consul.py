"""Finding each other through a Consul agent next door, over the HTTP API of the stock agent.

Processes register at the agent, not in the catalogue: only an agent takes the signs of life of what it
watches and calls it dead without them, and what was put into the catalogue past the agent nobody would ever
take out again. An agent that was restarted may have forgotten us: the next sign of life registers anew.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from monolith.core.errors import BackendFailed, TakenOver
from monolith.discovery.base import ServiceInfo
from monolith.discovery.consul_address import base_url
from monolith.discovery.consul_base import ConsulBackend
from monolith.discovery.consul_entries import Owner, services, tag_of, tags_of
from monolith.discovery.consul_http import Answer, ConsulHttp, Request
from monolith.discovery.watch import Looks

if TYPE_CHECKING:
    import httpx

WAIT_S = 30.0  # how long an agent holds back an answer that would be no news
BETWEEN_LOOKS_S = 0.1  # a thousand who register at once are not a thousand looks
OPERATIONS = {
    "register": "register_entity",
    "discover": "get_service_nodes",
    "watch": "watch_service",
    "deregister": "deregister_entity",
    "heartbeat": "heartbeat",
}
log = logging.getLogger(__name__)


class Consul(ConsulBackend):
    """The agent at `address`, `[http[s]://]host[:port]`; empty means the usual place on this machine.

    Every process of a job registers under `service_name`. Who gave no sign of life for `ttl_s` seconds is not
    found; with None, who registered stays. `datacenter` is where to look, by default the agent's own. `token`
    is what the agent's ACLs ask for. An answer may take `timeout_s` seconds. `owner` marks this client's
    entries; random if not given. `clock` gives the seconds since 1970; `transport` stands in for the network.

    Raises:
        DiscoveryMisconfigured: `address` is none, said when it is used.
        TakenOver: a sign of life for a process that another one has replaced.
    """

    def __init__(
        self,
        address: str,
        service_name: str = "monolith",
        *,
        datacenter: str | None = None,
        token: str | None = None,
        ttl_s: float | None = 30.0,
        timeout_s: float = 5.0,
        owner: str | None = None,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(address, service_name)
        self._owner = Owner(service_name, owner or secrets.token_hex(8), ttl_s)
        self._where = {"dc": datacenter} if datacenter else {}
        self._token = token
        self._timeout_s = timeout_s
        self._clock = clock
        self._transport = transport

    def _open(self) -> ConsulHttp:
        return ConsulHttp(base_url(self.address), token=self._token, transport=self._transport)

    async def _put(self, info: ServiceInfo) -> None:
        path, body = "/v1/agent/service/register", self._owner.registration(info, self._clock())
        # Else the signs of life of who was there before would go on counting.
        how = {"replace-existing-checks": "true"}
        await self._told(Request("register_entity", "PUT", path, how, body))
        await self._known("register_entity", info, there=True)

    async def _take(self, info: ServiceInfo) -> bool:
        there = await self._at_agent("deregister_entity", info)
        if there and self._owner.owns(there):
            path = f"/v1/agent/service/deregister/{quote(self._owner.service_id(info.id))}"
            await self._told(Request("deregister_entity", "PUT", path))
            await self._known("deregister_entity", info, there=False)
        return True

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        return services((await self._look("get_service_nodes", [tag_of(service_type)])).json(), service_type)

    async def _looks(self, service_type: str) -> Looks:
        index = 0
        while True:
            answer = await self._look("watch_service", [tag_of(service_type)], index)
            yield services(answer.json(), service_type)
            index = answer.index if answer.index >= index else 0  # the catalogue began anew
            await asyncio.sleep(BETWEEN_LOOKS_S if answer.index else self._poll_s)

    async def _look(self, operation: str, tags: Sequence[str], index: int = 0) -> Answer:
        """What the catalogue says of who has all of `tags`, once it may not be what it said at `index`."""
        how = {"passing": "true", "tag": tags, **self._where}
        waiting = {"index": str(index), "wait": f"{WAIT_S:.0f}s"} if index else {}
        path = f"/v1/health/service/{quote(self.service_name, safe='')}"
        # It adds up to a sixteenth, so that not all who wait come back at once.
        within_s = self._timeout_s + (WAIT_S * 17 / 16 if index else 0)
        return (await self._ask(Request(operation, "GET", path, {**how, **waiting}), within_s)).good()

    async def _keep_alive(self, info: ServiceInfo) -> None:
        if await self._passed(info):
            return
        there = await self._at_agent("heartbeat", info)
        if there and not self._owner.owns(there):
            raise TakenOver(info.id, by=f"{there.get('Address')}:{there.get('Port')}")
        log.warning("Consul agent %s had lost %s: registering again", self.address, info.id)
        await self._put(info)

    async def _passed(self, info: ServiceInfo) -> bool:
        """Whether the agent knows us, and has noted that we live."""
        if self._owner.ttl_s is None:
            there = await self._at_agent("heartbeat", info)
            return there is not None and self._owner.owns(there)
        path = f"/v1/agent/check/pass/{quote(self._owner.check_id(info.id))}"
        answer = await self._ask(Request("heartbeat", "PUT", path), self._timeout_s)
        # Older agents say 500 of a check that they do not know, newer ones 404.
        return answer.status not in (404, 500) and bool(answer.good())

    async def _at_agent(self, operation: str, info: ServiceInfo) -> dict[str, Any] | None:
        """What the agent has registered in the place of `info`."""
        path = f"/v1/agent/service/{quote(self._owner.service_id(info.id))}"
        answer = await self._ask(Request(operation, "GET", path), self._timeout_s)
        return None if answer.status == 404 else answer.good().json()

    async def _known(self, operation: str, info: ServiceInfo, *, there: bool) -> None:
        """Wait until the catalogue says what the agent was told: the agent passes it on in its own time."""
        index = 0
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    answer = await self._look(operation, tags_of(info)[:2], index)
                    if there == any(self._is(info, entry.get("Service") or {}) for entry in answer.json()):
                        return
                    index = answer.index
                    await asyncio.sleep(BETWEEN_LOOKS_S / 10)
        except TimeoutError as exc:
            what = "does not show up in" if there else "does not leave"
            why = f"{info.id} {what} the catalogue within {self._timeout_s:g} s, though the agent took it"
            raise BackendFailed(f"Consul {operation} failed: {why}") from exc

    def _is(self, info: ServiceInfo, service: dict[str, Any]) -> bool:
        return service.get("ID") == self._owner.service_id(info.id) and self._owner.owns(service)

    async def _told(self, request: Request) -> None:
        (await self._ask(request, self._timeout_s)).good()

    def _must_be_open(self, operation: str) -> None:
        base_url(self.address, OPERATIONS[operation.partition(" ")[0]])
        super()._must_be_open(operation)
