"""Finding each other through files in a folder that all processes see: `base/<service type>/<index>`.

A file's first line is the address; what else was registered follows as JSON, and may be missing: a list of
parameter servers can be written by hand. Nothing expires: what a killed process leaves behind stays until the
same index registers again, which replaces it.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs

from monolith.aio.daemon import in_daemon
from monolith.core.address import parse_address
from monolith.core.errors import BackendFailed, DiscoveryMisconfigured
from monolith.core.files import DISK, Disk, make_folders, write_atomically
from monolith.discovery.base import ServiceInfo, index_of
from monolith.discovery.registrar import Registrar
from monolith.discovery.watch import POLL_S

A = TypeVar("A")
T = TypeVar("T")
_MORE = ("id", "name", "metadata")  # what a file says beside its place and the address


class HostFiles(Registrar):
    """A backend over a folder. File calls run on threads: a folder on a network may take its time.

    `owner` marks the entries of this client, so that it leaves a successor's alone; random if not given.
    """

    def __init__(
        self, base_path: Path | str, disk: Disk = DISK, *, owner: str | None = None, poll_s: float = POLL_S
    ) -> None:
        super().__init__(poll_s=poll_s)
        self._base = Path(base_path)
        self._disk = disk
        self._owner = owner or secrets.token_hex(8)
        self._changing = threading.Lock()  # a register that was given up may be writing still

    async def _put(self, info: ServiceInfo) -> None:
        await in_daemon(partial(self._alone, self._write, info))

    async def _discover(self, service_type: str) -> list[ServiceInfo]:
        return await in_daemon(partial(self._read_all, service_type))

    async def _take(self, info: ServiceInfo) -> bool:
        return await in_daemon(partial(self._alone, self._remove, info))

    async def _expel(self, info: ServiceInfo) -> None:
        await in_daemon(partial(self._alone, self._delete, self._path(info)))

    def _alone(self, change: Callable[[A], T], what: A) -> T:
        with self._changing:
            return change(what)

    def _write(self, info: ServiceInfo) -> None:
        path = self._path(info)
        with _told("create host discovery dir", path.parent):
            make_folders(path.parent, self._disk)
        with _told("write host discovery file", path):
            write_atomically(path, _Entry(info, self._owner).to_text().encode(), self._disk)

    def _read_all(self, service_type: str) -> list[ServiceInfo]:
        folder = self._folder(service_type)
        with _told("read dir", folder):
            names = _names(folder)
        indices = sorted(int(name) for name in names if name.isascii() and name.isdecimal())
        entries = [_read(folder / str(index), service_type) for index in indices]
        return [entry.info for entry in entries if entry]

    def _remove(self, info: ServiceInfo) -> bool:
        path = self._path(info)
        entry = _read(path, info.service_type)
        if entry and entry.owner == self._owner:
            self._delete(path)
        return entry is not None

    def _delete(self, path: Path) -> None:
        with _told("remove host discovery file", path):
            self._disk.remove(path)

    def _path(self, info: ServiceInfo) -> Path:
        return self._folder(info.service_type) / str(index_of(info))

    def _folder(self, service_type: str) -> Path:
        if service_type in ("", ".", "..") or "/" in service_type or "\0" in service_type:
            raise DiscoveryMisconfigured(
                f"service type {service_type!r} must be the name of a folder for host files"
            )
        return self._base / service_type


@attrs.frozen
class _Entry:
    """What a file says; one that is written by hand is nobody's."""

    info: ServiceInfo
    owner: str | None

    def to_text(self) -> str:
        more = {key: getattr(self.info, key) for key in _MORE} | {"owner": self.owner}
        return f"{self.info.address}\n{json.dumps(more, indent=1, default=dict)}\n"

    @classmethod
    def from_text(cls, text: str, service_type: str, index: int) -> _Entry:
        address, _, more = text.strip().partition("\n")
        info = ServiceInfo.listed(service_type, index, parse_address(address.strip(), what="its first line"))
        if not more:
            return cls(info, None)
        try:
            said = json.loads(more)
            return cls(attrs.evolve(info, **{key: said[key] for key in _MORE}), said["owner"])
        except (ValueError, KeyError, TypeError) as exc:
            raise ValueError(f"what follows the address is not what a process writes: {exc}") from exc


def _names(folder: Path) -> list[str]:
    """What lies in `folder`; nothing as long as nobody has made it."""
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []


def _read(path: Path, service_type: str) -> _Entry | None:
    """What `path` says; None if it is not there, or left since the folder was listed."""
    with _told("read host discovery file", path):
        try:
            text, written_at = path.read_text(encoding="utf-8"), path.stat().st_mtime
        except FileNotFoundError:
            return None
        entry = _Entry.from_text(text, service_type, int(path.name))
        return attrs.evolve(entry, info=attrs.evolve(entry.info, registered_at=written_at))


@contextmanager
def _told(doing: str, path: Path) -> Iterator[None]:
    """Raises BackendFailed with what was done and where, for what goes wrong with it."""
    try:
        yield
    except OSError as exc:
        raise BackendFailed(f"Failed to {doing}: {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:  # not text, or not what `to_text` writes
        raise BackendFailed(f"Failed to {doing}: {path}: {exc}") from exc
