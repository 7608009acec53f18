"""The part of a stock Consul agent's HTTP API that discovery uses: one agent, one catalogue, in memory.

Its words are those of Consul 1.8.7; the tests hold it to what a real agent answered.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from typing import Any, TypeAlias

import attrs

from monolith.testing.http_server import Asked, HttpServer, Said

Json: TypeAlias = dict[str, Any]
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_KNOWN = {"ID", "Name", "Tags", "Address", "Port", "Meta", "Check"}


@attrs.frozen
class _Service:
    """What an agent was told, and when the catalogue first heard of it."""

    told: Json
    created: int

    @property
    def name(self) -> str:
        return str(self.told["Name"])

    @functools.cached_property
    def tags(self) -> set[str]:
        return {tag.lower() for tag in self.told.get("Tags") or ()}


@attrs.define
class _Check:
    """What an agent knows of the signs of life of a service."""

    id: str
    service: str
    ttl_s: float
    status: str
    lapse: asyncio.TimerHandle | None = None


class FakeConsul(HttpServer):
    """An agent that has just started. With a `token`, its ACLs deny who does not show it."""

    def __init__(self, *, token: str | None = None, datacenter: str = "dc1") -> None:
        super().__init__()
        self._token = token
        self._datacenter = datacenter
        self._changed = asyncio.Event()
        self.forget()

    def forget(self) -> None:
        """Be a new process with the same address, which had stored nothing."""
        for check in getattr(self, "_checks", {}).values():
            _stop(check)
        self._services: dict[str, _Service] = {}
        self._catalogue = self._services
        self._checks: dict[str, _Check] = {}
        self._index = 10
        self._indices: dict[str, int] = {}  # by service name

    def lose_servers(self) -> None:
        """From now on take what one is told, and pass it on to nobody."""
        self._catalogue = dict(self._services)

    async def answer(self, asked: Asked) -> Said:
        said = self._denied(asked) or await self._routed(asked)
        return attrs.evolve(said, headers={"Content-Type": "text/plain", **said.headers})

    async def _routed(self, asked: Asked) -> Said:
        for method, prefix, route in [
            ("PUT", "/v1/agent/service/register", self._register),
            ("PUT", "/v1/agent/service/deregister/", self._deregister),
            ("GET", "/v1/agent/service/", self._service),
            ("PUT", "/v1/agent/check/pass/", self._pass),
            ("GET", "/v1/health/service/", self._health),
        ]:
            if asked.path.startswith(prefix):
                if asked.method != method:
                    return Said(405, f"method {asked.method} not allowed", {"Allow": f"OPTIONS,{method}"})
                return await route(asked, asked.path.removeprefix(prefix))
        return Said(404)

    def _denied(self, asked: Asked) -> Said | None:
        token = asked.headers.get("x-consul-token")
        if self._token in (None, token):
            return None
        if token:
            return Said(403, "ACL not found")
        if asked.path == "/v1/agent/service/register":
            name = json.loads(asked.body)["Name"]
            return Said(403, f"Permission denied: Missing service:write on {name}")
        return None

    async def _register(self, asked: Asked, _rest: str) -> Said:
        try:
            body = json.loads(asked.body)
        except ValueError:
            return Said(400, "Request decode failed: unexpected EOF")
        if wrong := _wrong(body):
            return Said(400, wrong)
        service_id = body.get("ID") or body["Name"]
        if "replace-existing-checks" in asked.params:
            self._drop_checks(service_id)
        self._touch(body["Name"])
        self._services[service_id] = _Service(body, self._index)
        if check := body.get("Check"):
            self._watch(check, service_id)
        return Said()

    async def _deregister(self, _asked: Asked, service_id: str) -> Said:
        if service := self._services.pop(service_id, None):
            self._drop_checks(service_id)
            self._touch(service.name)
        elif self._token:
            return Said(500, f'Unknown service {{"{service_id}" {{}}}}')
        return Said()

    async def _service(self, _asked: Asked, service_id: str) -> Said:
        service = self._services.get(service_id)
        return (
            _told(_agents_view(service.told)) if service else Said(404, f"unknown service ID: {service_id}")
        )

    async def _pass(self, _asked: Asked, check_id: str) -> Said:
        if (check := self._checks.get(check_id)) is None:
            with_acl, without = (
                f'Unknown check "{check_id}"',
                f'CheckID "{check_id}" does not have associated TTL',
            )
            return Said(500, with_acl if self._token else without)
        self._lives(check)
        return Said()

    async def _health(self, asked: Asked, name: str) -> Said:
        if not name:
            return Said(400, "Missing service name")
        after, wait_s = asked.param("index") or "0", _seconds(asked.param("wait") or "5m")
        if not after.isdecimal():
            return Said(400, "Invalid index")
        if wait_s is None:
            return Said(400, "Invalid wait time")
        if asked.param("dc") not in (None, self._datacenter):
            return Said(500, "No path to datacenter", {"X-Consul-Index": "1"})
        await self._news(name, int(after), wait_s)
        wanted = {tag.lower() for tag in asked.params.get("tag", [])}
        here = ((service_id, s) for service_id, s in self._catalogue.items() if s.name == name)
        found = [self._entry(service_id, s) for service_id, s in here if wanted <= s.tags]
        if self._token and "x-consul-token" not in asked.headers:
            found = []  # which is all that one is told
        if "passing" in asked.params:
            found = [e for e in found if all(check["Status"] == "passing" for check in e["Checks"])]
        return _told(found, self._indices.get(name, 10))

    async def _news(self, name: str, after: int, wait_s: float) -> None:
        """Wait until there is more of `name` than there was at `after`, though not for ever."""
        try:
            async with asyncio.timeout(wait_s):
                while after > 0 and self._indices.get(name, 10) <= after:
                    await self._changed.wait()
        except TimeoutError:
            pass

    def _entry(self, service_id: str, service: _Service) -> Json:
        told = {**_agents_view(service.told), "CreateIndex": service.created}
        node = {"Node": "node", "Address": "127.0.0.1", "Datacenter": self._datacenter}
        checks = [{"CheckID": "serfHealth", "Status": "passing", "ServiceID": ""}]
        mine = [check for check in self._checks.values() if check.service == service_id]
        checks += [{"CheckID": c.id, "Status": c.status, "ServiceID": service_id} for c in mine]
        return {"Node": node, "Service": told, "Checks": checks}

    def _watch(self, told: Json, service_id: str) -> None:
        check_id = told.get("CheckID") or f"service:{service_id}"
        status = told.get("Status") or "critical"
        check = self._checks[check_id] = _Check(check_id, service_id, _seconds(told["TTL"]) or 0.0, status)
        if status == "passing":
            self._lives(check)

    def _lives(self, check: _Check) -> None:
        _stop(check)
        self._set(check, "passing")
        check.lapse = asyncio.get_running_loop().call_later(check.ttl_s, self._set, check, "critical")

    def _set(self, check: _Check, status: str) -> None:
        if check.status != status:
            check.status = status
            self._touch(self._services[check.service].name)

    def _drop_checks(self, service_id: str) -> None:
        for check in [check for check in self._checks.values() if check.service == service_id]:
            _stop(check)
            del self._checks[check.id]

    def _touch(self, name: str) -> None:
        self._index += 1
        self._indices[name] = self._index
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _wrong(body: Json) -> str | None:
    """Why an agent would not register this."""
    if unknown := set(body) - _KNOWN:
        return f'Request decode failed: json: unknown field "{min(unknown)}"'
    if not body.get("Name"):
        return "Missing service name"
    if body.get("Address") in ("0.0.0.0", "::"):  # noqa: S104  # compared, not listened on
        return "Invalid service address"
    for key, value in (body.get("Meta") or {}).items():
        why = "Key contains invalid characters" if re.search(r"[^\w-]", key, re.ASCII) else None
        why = "Value is too long (limit: 512 characters)" if len(value) > 512 else why
        if why:
            return f"Invalid Service Meta: Couldn't load metadata pair ('{key}', '{value}'): {why}"
    return None


def _agents_view(service: Json) -> Json:
    told = {key: service.get(key) or empty for key, empty in _EMPTY.items()}
    return {"ID": service.get("ID") or service["Name"], "Service": service["Name"], **told}


_EMPTY: Json = {"Tags": [], "Meta": {}, "Port": 0, "Address": ""}


def _told(value: object, index: int | None = None) -> Said:
    headers = {} if index is None else {"X-Consul-Index": str(index)}
    return Said(200, json.dumps(value), {"Content-Type": "application/json", **headers})


def _seconds(text: str) -> float | None:
    found = re.fullmatch(r"([\d.]+)(ms|s|m|h)", text)
    return float(found[1]) * _SECONDS[found[2]] if found else None


def _stop(check: _Check) -> None:
    if check.lapse:
        check.lapse.cancel()
