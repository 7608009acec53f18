"""A Consul sidecar of ByteDance's kind, in memory, after what is known of it: nobody here has a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import attrs

from monolith.testing.http_server import Asked, HttpServer, Said


@attrs.frozen
class Entry:
    """What was registered, as it is looked up: the list of `k:v` has become an object."""

    name: str
    port: int
    tags: Mapping[str, str]

    @property
    def looked_up(self) -> dict[str, object]:
        return {"Host": self.tags.get("ip"), "Port": self.port, "Tags": dict(self.tags)}


class FakeSidecar(HttpServer):
    """`entries` by id. What `hides` says yes to is accepted, and never shown."""

    def __init__(self, hides: Callable[[Entry], bool] = lambda _: False) -> None:
        super().__init__()
        self.entries: dict[str, Entry] = {}
        self._hides = hides

    async def answer(self, asked: Asked) -> Said:
        match asked.method, asked.path.split("/")[2:]:
            case "GET", ["lookup", "name"]:
                return self._lookup(asked.param("name"))
            case "PUT", ["agent", "service", "register"]:
                return self._register(asked)
            case "PUT", ["agent", "service", "deregister", entry_id]:
                self.entries.pop(entry_id, None)
                return Said()
            case "GET", ["agent", "check", "pass", check_id]:
                known = check_id.removeprefix("service:") in self.entries
                return Said() if known else Said(404, f'Unknown check "{check_id}"')
        return Said(404)

    def _lookup(self, name: str | None) -> Said:
        shown = [entry for entry in self.entries.values() if entry.name == name and not self._hides(entry)]
        return Said(200, json.dumps([entry.looked_up for entry in shown]))

    def _register(self, asked: Asked) -> Said:
        told = json.loads(asked.body)
        tags = dict(tag.split(":", 1) for tag in told["tags"])
        self.entries[told["id"]] = Entry(told["name"], told["port"], tags)
        return Said()
