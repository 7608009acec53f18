"""Where things are in ZooKeeper, and what of it cannot be: hosts, folders, the names of nodes. Pure.

A job has a folder; each process has a node `<service type>.<index>` in it whose value is `host:port`. The
original's jobs have theirs at `/monolith/<job>`, so its processes and ours see each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from monolith.core.address import parse_address
from monolith.core.errors import BackendFailed, ConfigError, DiscoveryMisconfigured
from monolith.discovery.base import NO_INDEX, ServiceInfo, index_of, parse_index
from monolith.discovery.named import quoted
from monolith.discovery.zk_client import Node


def job_folder(job: str) -> str:
    """Where the original keeps the processes of `job`."""
    return f"/monolith/{job}"


def _without_end(path: str) -> str:
    return path.rstrip("/")


@attrs.frozen
class Folder:
    """A job's folder, as a base path says it; slashes at its end do not count."""

    path: str = attrs.field(converter=_without_end)

    @property
    def node(self) -> str:
        return self.path or "/"

    def lineage(self) -> Iterator[str]:
        """The folder's ancestors, outermost first, and itself."""
        names = self.path.split("/")[1:]
        yield from ("/" + "/".join(names[: depth + 1]) for depth in range(len(names)))

    def place(self, info: ServiceInfo) -> str:
        """The node of `info`."""
        return f"{self.path}/{prefix(info.service_type)}{index_of(info)}"

    def found(self, names: list[str], service_type: str) -> dict[int, str]:
        """Index → node of those among `names` that are of `service_type`, by rising index."""
        start, there = prefix(service_type), set(names)
        indices = {parse_index(name.removeprefix(start)) for name in there if name.startswith(start)}
        named = {index: f"{start}{index}" for index in sorted(indices - {NO_INDEX})}
        return {
            index: f"{self.path}/{name}" for index, name in named.items() if name in there
        }  # "ps.00" is none


def prefix(service_type: str) -> str:
    """What the names of nodes of `service_type` begin with.

    Raises:
        DiscoveryMisconfigured: one could not tell from such a name what is type and what is index.
    """
    if not service_type or "." in service_type or "/" in service_type or not service_type.isprintable():
        raise DiscoveryMisconfigured(
            f"service type {service_type!r} cannot begin the name of a ZooKeeper node: "
            "it must have printable characters, and no dot or slash"
        )
    return f"{service_type}."


def listed(service_type: str, index: int, path: str, node: Node) -> ServiceInfo:
    """What `node`, which is at `path`, tells.

    Raises:
        BackendFailed: its value is not host:port.
    """
    try:
        info = ServiceInfo.listed(service_type, index, parse_address(node.value.decode()))
        return attrs.evolve(info, registered_at=node.made_at)
    except (UnicodeDecodeError, ConfigError) as exc:
        said = quoted(node.value.decode(errors="replace"))
        raise BackendFailed(f"ZK node {path} holds {said}, which is not host:port") from exc


def check_hosts(hosts: str, operation: str) -> None:
    """Complain about what is not `host[:port],host[:port]`.

    Raises:
        DiscoveryMisconfigured
    """
    if trouble := _text_trouble(hosts, "hosts") or next(
        filter(None, map(_host_trouble, hosts.split(","))), ""
    ):
        raise DiscoveryMisconfigured(f"ZooKeeper {operation} invalid hosts: {trouble}")


def check_base_path(path: str, operation: str) -> None:
    """Complain about what is not the path of a node.

    Raises:
        DiscoveryMisconfigured
    """
    if trouble := _path_trouble(path):
        raise DiscoveryMisconfigured(f"ZooKeeper {operation} invalid base_path: {trouble}")


def _path_trouble(path: str) -> str:
    if path.strip() == path and path and not path.startswith("/"):
        return "path must start with /"
    return _text_trouble(path, "path") or ("empty path segment" if "//" in path else "")


def _text_trouble(text: str, what: str) -> str:
    if text.strip() != text:
        return "leading/trailing whitespace"
    if not text:
        return f"empty {what}"
    return f"whitespace in {what}" if text.split() != [text] else ""


def _host_trouble(entry: str) -> str:
    if not entry:
        return "empty host entry"
    if entry.startswith("["):
        host, bracket, after = entry[1:].partition("]")
        malformed = not bracket or (after and not after.startswith(":"))
    else:
        host, after = entry.partition(":")[0], entry[entry.find(":") :] if ":" in entry else ""
        malformed = entry.count(":") > 1
    if malformed:
        return "invalid host entry"
    if not host:
        return "empty host"
    return "" if not after or _is_port(after[1:]) else "invalid port"


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535
