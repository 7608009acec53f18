"""A service as a stock Consul agent is told of it, and as its catalogue tells of it.

All processes of a job register under one name. What a process is stands in three tags, `name:<service type>`,
`index:<index, or nothing>` and `ip:<host>`; what else was registered, in the entry's metadata.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs

from monolith.core.address import Address, parse_address
from monolith.core.errors import ConfigError, LookupMalformed
from monolith.discovery.base import ServiceInfo

_IN_TAGS = ("addr", "index")  # of the metadata; these are not told twice
META_LENGTH = 512  # of one value of an entry's metadata, of which there may be 64
FORGET_AFTER_S = 3600.0  # an entry whose owner was gone for so long is taken off the agent's list
Entry = Mapping[str, Any]


@attrs.frozen
class Owner:
    """A client, and the job that it registers processes of.

    `ttl_s` is how long a process is alive without giving a sign of it; None: for ever.
    """

    job: str  # the name in Consul
    mark: str  # unlike that of any other client
    ttl_s: float | None

    def service_id(self, service_id: str) -> str:
        """What the agent knows a process by: unlike any of another job on the same agent."""
        return f"{quote(self.job, safe='')}:{quote(service_id, safe='')}"

    def check_id(self, service_id: str) -> str:
        """What the agent knows its signs of life by: a successor's are another's."""
        return f"{self.service_id(service_id)}:{self.mark}"

    def owns(self, service: Entry) -> bool:
        return bool(_meta(service).get("owner") == self.mark)

    def registration(self, info: ServiceInfo, now: float) -> dict[str, Any]:
        """What the agent is told, `now` in seconds since 1970."""
        more = {key: value for key, value in info.metadata.items() if key not in _IN_TAGS}
        return {
            "ID": self.service_id(info.id),
            "Name": self.job,
            "Tags": tags_of(info),
            "Address": info.host,
            "Port": info.port,
            "Meta": {**self._meta(info, now), **_in_pieces(json.dumps(more))},
            **self._check(info.id),
        }

    def _meta(self, info: ServiceInfo, now: float) -> dict[str, str]:
        return {"id": info.id, "name": info.name, "owner": self.mark, "registered_at": f"{now:.3f}"}

    def _check(self, service_id: str) -> dict[str, Any]:
        if self.ttl_s is None:
            return {}
        check = {
            "CheckID": self.check_id(service_id),
            "TTL": f"{self.ttl_s:.3f}s",
            "Status": "passing",  # a process is there from the moment that it says so
            "DeregisterCriticalServiceAfter": f"{FORGET_AFTER_S:.0f}s",
        }
        return {"Check": check}


def tag_of(service_type: str) -> str:
    return f"name:{service_type}"


def tags_of(info: ServiceInfo) -> list[str]:
    """What type it is, which of them, and where."""
    return [tag_of(info.service_type), f"index:{info.metadata.get('index', '')}", f"ip:{info.host}"]


def _in_pieces(text: str) -> dict[str, str]:
    """`text` as values that are each short enough for Consul."""
    starts = range(0, len(text), META_LENGTH)
    return {f"metadata-{at}": text[start : start + META_LENGTH] for at, start in enumerate(starts)}


def services(entries: Iterable[Entry], service_type: str) -> list[ServiceInfo]:
    """Who of this type is among the entries of a catalogue; of one id on two agents, who came last.

    Raises:
        LookupMalformed: one is not what a process tells; names it by its place.
    """
    found = list(_of_type(entries, service_type))
    found.sort(key=lambda entry: entry[0])
    return list({info.id: info for _, info in found}.values())


def _of_type(entries: Iterable[Entry], service_type: str) -> Iterator[tuple[int, ServiceInfo]]:
    for place, entry in enumerate(entries):
        service = entry.get("Service") or {}
        if tag_of(service_type) in (service.get("Tags") or ()):  # the agent's own filter ignores case
            yield int(service.get("CreateIndex", 0)), _info(place, entry, service, service_type)


def _info(place: int, entry: Entry, service: Entry, service_type: str) -> ServiceInfo:
    host = service.get("Address") or (entry.get("Node") or {}).get("Address")
    address = address_at(place, host, service.get("Port"))
    meta = _meta(service)
    told = {"addr": str(address), **_index(service["Tags"]), **_more(place, meta)}
    service_id = meta.get("id") or service.get("ID", "")
    name, when = meta.get("name") or service_id, _seconds(meta.get("registered_at", ""))
    return ServiceInfo(service_id, name, service_type, *address, told, registered_at=when)


def address_at(place: int, host: object, port: object) -> Address:
    """Where the entry at `place` says that it is.

    Raises:
        LookupMalformed: nowhere.
    """
    if not isinstance(port, int) or not 0 < port <= 65535:
        raise LookupMalformed(place, "missing Port")
    try:
        return _address(str(host or ""), port)
    except ConfigError as exc:
        raise LookupMalformed(place, str(exc)) from exc


@functools.lru_cache(maxsize=4096)  # the same ones come with every look
def _address(host: str, port: int) -> Address:
    return parse_address(str(Address(host, port)))


def _index(tags: Iterable[str]) -> dict[str, str]:
    told = [tag.removeprefix("index:") for tag in tags if tag.startswith("index:")]
    return {"index": told[0]} if told and told[0] else {}


def _more(place: int, meta: Entry) -> dict[str, str]:
    try:
        more = json.loads("".join(_pieces(meta)) or "{}")
    except ValueError as exc:
        raise LookupMalformed(place, f"invalid metadata ({exc})") from exc
    if not isinstance(more, dict):
        raise LookupMalformed(place, "invalid metadata (no object)")
    return more


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # registered by something else
        return None


def _pieces(meta: Entry) -> Iterator[str]:
    for at in itertools.count():
        if (piece := meta.get(f"metadata-{at}")) is None:
            return
        yield piece


def _meta(service: Entry) -> Entry:
    return service.get("Meta") or {}
